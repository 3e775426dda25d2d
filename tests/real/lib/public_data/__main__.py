"""Feeds hostile input to the binary: JSON files, strings that break programs, age files.

python3 tests/real/lib/public_data BINARY DIRECTORY [FOLDER]

FOLDER contains the published sets: `json-test-suite/test_parsing`, `naughty-strings/blns.json` and
`age-vectors/testdata`. Without it only a small set of self-made input of the same kinds is used.
"""

import pathlib
import sys
import time

import age_files
import json_files
import strings
from world import Report, World


def main(binary, directory, folder=None):
    folder = pathlib.Path(folder) if folder else None
    report = Report()
    # One per processor of a small machine: most of the time goes into starting processes.
    worlds = [World(binary, f"{directory}/home-{n}") for n in range(2)]
    for group in (json_files, strings, age_files):
        begun, runs = time.monotonic(), sum(world.runs for world in worlds)
        group.run(report, worlds, folder)
        runs = sum(world.runs for world in worlds) - runs
        print(f"    {group.__name__}: {runs} runs in {time.monotonic() - begun:.0f} s", flush=True)
    runs = sum(world.runs for world in worlds)
    faults = [fault for world in worlds for fault in world.faults]
    report.check("no panic, no hang, no raw control character, no unknown status", faults, f"{runs} runs")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
