"""Asks `status` again and again which profile is next, in a process of its own, until standard input ends.

sampler.py BINARY PROVIDER: a line of JSON for each answer.
"""

import json
import select
import subprocess
import sys
import time

# The pause between two questions, in seconds.
PAUSE = 0.03


def main(binary, provider):
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        begun = time.time()
        run = subprocess.run([binary, "status", "--json"], capture_output=True, stdin=subprocess.DEVNULL, check=True)
        ended = time.time()
        providers = json.loads(run.stdout)["vault"]["providers"]
        of_provider = next(one for one in providers if one["provider"] == provider)
        free = [one["profileId"] for one in of_provider["candidates"] if one["verdict"] == "eligible"]
        print(json.dumps({"begun": begun, "ended": ended, "next": of_provider.get("next"), "free": free}), flush=True)


main(*sys.argv[1:])
