#!/usr/bin/env python3
"""Instructions that the compiler makes of the benchmark programs, for both machines: how many, not how often.

    cargo build --release -p lockstep-cli && benches/instructions.py target/release/lockstep

prints the table of instructions.md. `in loops` are those between a loop and its end, without code out of line; constructs
are read from the operators beside the code.
"""

import json
import math
import pathlib
import subprocess
import sys

PROGRAMS = pathlib.Path(__file__).parent / "wasm"
TARGETS = ("x86_64", "aarch64")


def inspect(lockstep, target, program):
    command = [lockstep, "inspect", "--asm", "--json", "--target", target, str(program)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["functions"]


def count(functions):
    """Bytes, instructions, instructions in loops, by function."""
    for function in functions:
        constructs, total, loops = [], 0, 0
        for segment in function["asm"]["segments"]:
            instructions = len(segment["instructions"])
            total += instructions
            if segment.get("stub"):
                continue
            within = "loop" in constructs
            for operator in segment["operators"]:
                word = operator["text"].split()[0]
                if word in ("block", "loop", "if", "try_table"):
                    constructs.append(word)
                elif word == "end" and constructs:
                    constructs.pop()
                within = within or "loop" in constructs
            loops += instructions if within else 0
        yield function["index"], (function["asm"]["bytes"], total, loops)


def geomean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def main():
    rows = []
    for program in sorted(PROGRAMS.glob("*.wasm")):
        sums = [
            [sum(column) for column in zip(*(counts for _, counts in count(inspect(sys.argv[1], target, program))))]
            for target in TARGETS
        ]
        rows.append((program.stem, *sums))
    print("| program | bytes x86-64 | aarch64 | ratio | instructions x86-64 | aarch64 | ratio | in loops x86-64 | aarch64 | ratio |")
    print("|---|" + "--:|" * 9)
    for name, x64, arm in sorted(rows, key=lambda row: -row[2][2] / row[1][2]):
        cells = (f"{a:,} | {b:,} | {b / a:.2f}" for a, b in zip(x64, arm))
        print(f"| {name} | " + " | ".join(cells) + " |")
    means = (geomean([arm[i] / x64[i] for _, x64, arm in rows]) for i in range(3))
    print("| **geomean** | " + " | ".join(f"| | **{mean:.2f}**" for mean in means) + " |")


main()
