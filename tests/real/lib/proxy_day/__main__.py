"""A day of use of the proxy: clients ask it all the time, while keys run out and come back and the vault is changed.

python3 tests/real/lib/proxy_day BINARY DIRECTORY SECONDS [CLIENTS]

DIRECTORY has ca.pem, and cert.pem and key.pem of `localhost`. The day is repeated until as many seconds have passed.
"""

import asyncio
import sys
import time

import verdict
from clients import Clients
from story import PATIENCE, Story
from upstream import Upstream
from vault import PROVIDER, Vault

ACCESSES = 4


async def watch(vault, memory):
    while True:
        memory.append(vault.memory())
        await asyncio.sleep(0.5)


async def main(binary, directory, seconds, count=200):
    report, upstream, vault = verdict.Report(), Upstream(), Vault(binary, directory)
    upstream_port = await upstream.start(directory)
    story = Story(vault, upstream, report)
    await story.begin()
    tokens = [
        (await vault.run("access", "add", f"client-{number}", "--provider", PROVIDER, "--at-once", str(count))).strip()
        for number in range(ACCESSES)
    ]
    port = await vault.serve(upstream_port)
    descriptors = vault.descriptors()
    clients, memory = Clients(port, tokens), []
    with open(f"{directory}/samples", "w+", encoding="utf-8") as out:
        await vault.sample(out)
        clients.start(count)
        watching = asyncio.create_task(watch(vault, memory))
        begun, days = time.monotonic(), 0
        while not days or time.monotonic() - begun < seconds:
            await story.day()
            days += 1
        await clients.end()
        watching.cancel()
        report.check("`status` answered all the time", await vault.end_samples() and ["it failed"] or [])
        took = time.monotonic() - begun
        print(f"    {count} clients, {days} times the day, {took:.0f} s, {len(clients.answers) / took:.0f} requests a second")
        upstream.end()
        end = time.monotonic() + PATIENCE
        while vault.descriptors() > descriptors + 1 and time.monotonic() < end:
            await asyncio.sleep(0.05)
        left = vault.descriptors()
        # The first request opens the log of requests.
        faults = [] if left <= descriptors + 1 else [f"{descriptors} before, {left} after"]
        report.check("its descriptors are closed", faults, f"{left} open, {descriptors} before")
        status = await vault.end_server()
        report.check("the server ends by itself", [f"exit {status}"] if status else [])
        out.seek(0)
        samples = verdict.Samples(out)
    verdict.check(report, clients, upstream, samples, vault.requests())
    verdict.check_memory(report, memory)
    await vault.run("verify")
    report.check("the vault verifies", [])
    if report.failed:
        samples.told()
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))))
