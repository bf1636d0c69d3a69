#!/bin/sh
# Builds lines.wasm, which is committed. What it needs: clang with its linker for WebAssembly (packages clang and lld);
# CLANG is another one.
set -eu
cd "$(dirname "$0")"
"${CLANG:-clang}" --target=wasm32 -std=c11 -O1 -g -gno-column-info -ffile-prefix-map="$PWD"=/lines -ffreestanding \
    -nostdlib -I ../../../guest -Wall -Wextra -Werror --no-wasm-opt -Wl,--no-entry -Wl,--stack-first \
    -Wl,-z,stack-size=4096 -Wl,--export=call -o lines.wasm lines.c
chmod 644 lines.wasm
