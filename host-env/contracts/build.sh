#!/bin/sh
# Builds every contract of this folder into its .wasm beside it, and writes manifest.toml.
#
#   ./build.sh            build all and overwrite
#   ./build.sh --check    build all elsewhere and compare
#
# What it needs, and the variable that points to another one:
#   cargo and rustc with the target wasm32-unknown-unknown (rustup target add wasm32-unknown-unknown)   CARGO, RUSTC
#   clang with its linker for WebAssembly (packages clang and lld)                                      CLANG
#
# The built modules are committed, so nobody needs these to test Lockstep. The same compilers write the same bytes;
# others need not. manifest.toml names those that wrote the committed ones.

set -eu

CARGO=${CARGO:-cargo}
RUSTC=${RUSTC:-rustc}
CLANG=${CLANG:-clang}

cd "$(dirname "$0")"
here=$PWD
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

# The target folder says nothing about what is built, and a folder of its own keeps other builds' flags out.
target=${CARGO_TARGET_DIR:-$temporary/target}/contracts

# Names of functions stay, demangled; everything else that is not code goes. The stack is small and comes first in
# memory, so that overflowing it traps.
rust() {
    export RUSTC CARGO_TARGET_DIR="$target"
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-Csymbol-mangling-version=v0 -Clink-arg=--demangle \
        -Clink-arg=-zstack-size=16384 --remap-path-prefix=$here=/contracts \
        --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
    (cd ../guest && "$CARGO" build --release --locked --quiet --examples --target wasm32-unknown-unknown)
    for source in *.rs; do
        name=${source%.rs}
        cp "$target/wasm32-unknown-unknown/release/examples/$name.wasm" "$out/$name.wasm"
    done
}

c() {
    for source in *.c; do
        [ -e "$source" ] || continue
        "$CLANG" --target=wasm32 -std=c11 -Os -g0 -ffreestanding -nostdlib -I ../guest -Wall -Wextra -Werror \
            --no-wasm-opt -Wl,--no-entry -Wl,--stack-first -Wl,-z,stack-size=16384 \
            -Wl,--export=call -Wl,--export-if-defined=deploy -o "$out/${source%.c}.wasm" "$source"
    done
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

manifest() {
    echo "# Written by build.sh: the compilers, and every contract with its size and the SHA-256 of its wasm."
    echo "rustc = \"$("$RUSTC" --version)\""
    echo "clang = \"$("$CLANG" --version | head -n 1)\""
    for module in "$out"/*.wasm; do
        name=$(basename "$module" .wasm)
        source=$(ls "$name".rs "$name".c 2>/dev/null || true)
        printf '\n[[contract]]\nname = "%s"\nsource = "%s"\nbytes = %s\nsha256 = "%s"\n' \
            "$name" "$source" "$(wc -c <"$module" | tr -d ' ')" "$(sha256 "$module")"
    done
}

build() {
    rust
    c
    # A linker marks what it writes as executable.
    chmod 644 "$out"/*.wasm
    manifest >"$temporary/manifest.toml"
    cp "$temporary/manifest.toml" "$out/manifest.toml"
}

case "${1:-}" in
"")
    out=$here
    build
    ls -l ./*.wasm
    ;;
--check)
    out=$temporary/out
    mkdir "$out"
    build
    if diff manifest.toml "$out/manifest.toml"; then
        echo "Every module is byte for byte the committed one, by the same compilers."
    else
        echo "Not the same. By other compilers that need not mean anything; by the same ones, run build.sh."
        exit 1
    fi
    ;;
*)
    echo "usage: build.sh [--check]" >&2
    exit 64
    ;;
esac
