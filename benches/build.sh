#!/bin/sh
# Builds every program of programs/ into wasm/, and large/large.wasm.
#
#   ./build.sh                 build all and overwrite wasm/
#   ./build.sh NAME...         build these
#   ./build.sh large           build large/large.wasm, the module that only compilers see
#   ./build.sh --check         build all into a temporary folder and compare with wasm/
#
# What it needs, and the variable that points to another one:
#   cargo with the target wasm32-unknown-unknown (rustup target add wasm32-unknown-unknown)   CARGO, RUSTC
#   clang with its linker for WebAssembly (packages clang and lld)                            CLANG
#
# The built modules are committed, so nobody needs these to measure Lockstep. wasm/toolchain.txt names the compilers
# that wrote the committed ones.

set -eu

CARGO=${CARGO:-cargo}
RUSTC=${RUSTC:-rustc}
CLANG=${CLANG:-clang}
export RUSTC

# The shadow stack is small and comes first in memory, so that overflowing it traps.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-C link-arg=-zstack-size=131072 -C link-arg=--stack-first --remap-path-prefix=$HOME="

cd "$(dirname "$0")"
target=${CARGO_TARGET_DIR:-target}

toolchain() {
    "$RUSTC" --version
    "$CLANG" --version | head -n 1
}

# rust NAME: the crate with one feature is one program.
rust() {
    "$CARGO" rustc --quiet --package lockstep-bench-programs --lib --crate-type cdylib \
        --target wasm32-unknown-unknown --profile module --features "$1"
    cp "$target/wasm32-unknown-unknown/module/lockstep_bench_programs.wasm" "$out/$1.wasm"
}

# The module that only compilers see.
large() {
    "$CARGO" rustc --quiet --package lockstep-bench-large --lib --crate-type cdylib \
        --target wasm32-unknown-unknown --profile large
    cp "$target/wasm32-unknown-unknown/large/lockstep_bench_large.wasm" "$1"
    chmod 644 "$1"
}

c() {
    "$CLANG" --target=wasm32 -std=c11 -O2 -g0 -mbulk-memory -msign-ext -mmutable-globals -ffreestanding -nostdlib \
        -Wall -Wextra -Werror --no-wasm-opt -Wl,--no-entry -Wl,--stack-first -Wl,-z,stack-size=65536 \
        -o "$out/$1.wasm" "programs/c/$1.c"
}

build() {
    for name in "$@"; do
        if [ -e "programs/c/$name.c" ]; then c "$name"; else rust "$name"; fi
        echo "$name"
    done
    chmod 644 "$out"/*.wasm
}

all=$({
    sed -n 's/^    [a-z0-9_]* "\(.*\)"$/\1/p' programs/src/lib.rs
    ls programs/c | sed -n 's/\.c$//p'
})

case "${1:-}" in
"")
    out=wasm
    build $all
    large large/large.wasm
    toolchain >wasm/toolchain.txt
    ls -l "$out" large/large.wasm
    ;;
large)
    large large/large.wasm
    ;;
--check)
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    build $all >/dev/null
    toolchain >"$out/toolchain.txt"
    large "$out/large.wasm"
    cmp "$out/large.wasm" large/large.wasm && rm "$out/large.wasm"
    diff -rq "$out" wasm && echo "Every module is byte for byte the committed one."
    ;;
*)
    out=wasm
    build "$@"
    ;;
esac
