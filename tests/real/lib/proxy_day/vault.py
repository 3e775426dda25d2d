"""The vault of the day: real commands, the running server, and what the files and the system say of them."""

import asyncio
import json
import os
import pathlib
import sys

PROVIDER = "anthropic"
# How long a command may take, in seconds.
PATIENCE = 30
# What runs all day ends with this process, however that ends.
BOUND = ("setpriv", "--pdeathsig", "TERM")


class Vault:
    def __init__(self, binary, directory):
        self.binary = binary
        self.directory = pathlib.Path(directory)
        self.home = self.directory / "vault"
        self.agent = self.home / "agents" / "main"
        home = self.directory / "home"
        home.mkdir()
        self.env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "STRONGROOM_HOME": str(self.home)}

    async def run(self, *args, stdin=""):
        """Runs a command, which has to succeed. Returns what it prints."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            self.binary, *args, env=self.env, stdin=pipe, stdout=pipe, stderr=pipe
        )
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), PATIENCE)
        if process.returncode:
            raise RuntimeError(f"strongroom {' '.join(args)}: exit {process.returncode}: {err.decode()}")
        return out.decode()

    async def store(self, profile, key):
        await self.run("paste-api-key", "--provider", PROVIDER, "--profile-id", profile, stdin=key)

    async def order(self, *profiles):
        await self.run("order", "set", "--provider", PROVIDER, *profiles)

    async def serve(self, upstream):
        """Starts the server. Returns its port."""
        self.server = await asyncio.create_subprocess_exec(
            *(*BOUND, self.binary),
            *("serve", "--listen", "127.0.0.1:0", "--upstream", f"{PROVIDER}=https://localhost:{upstream}"),
            *("--upstream-ca", str(self.directory / "ca.pem")),
            env=self.env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        line = await asyncio.wait_for(self.server.stdout.readline(), PATIENCE)
        self.ports = int(line.decode().rsplit(":", 1)[1]), upstream
        return self.ports[0]

    async def sample(self, out):
        """Starts the process that asks `status`, whose answers go to a file."""
        sampler = pathlib.Path(__file__).with_name("sampler.py")
        self.sampler = await asyncio.create_subprocess_exec(
            *(*BOUND, sys.executable, "-B", str(sampler), self.binary, PROVIDER),
            env=self.env,
            stdin=asyncio.subprocess.PIPE,
            stdout=out,
        )

    async def end_samples(self):
        self.sampler.stdin.close()
        return await self.sampler.wait()

    async def end_server(self):
        self.server.terminate()
        return await asyncio.wait_for(self.server.wait(), 60)

    def usage(self, profile):
        """Returns what the state file says of a profile."""
        try:
            state = json.loads((self.agent / "auth-state.json").read_text())
        except FileNotFoundError:
            return {}
        return state.get("usageStats", {}).get(profile, {})

    def requests(self):
        """Returns the lines of the log of requests that are there, and how many there were."""
        folder = self.agent / "serve"
        files = sorted(folder.glob("requests-*.jsonl"), key=lambda file: int(file.stem.split("-")[1]))
        lines = [json.loads(line) for file in [*files, folder / "requests.jsonl"] for line in file.open()]
        return lines, lines[-1]["seq"] if lines else 0

    def memory(self):
        """Returns the server's resident memory in MB."""
        status = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024 / 1e6

    def descriptors(self):
        """Returns how many are open. Only root may look; for others, the connections are counted at the server's end."""
        try:
            return len(os.listdir(f"/proc/{self.server.pid}/fd"))
        except PermissionError:
            pass
        own, upstream = (f":{port:04X}" for port in self.ports)
        lines = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        # Without those that listen, and those that are closed and only remembered.
        used = [(local, remote) for _, local, remote, state, *_ in lines if state not in ("0A", "06")]
        return sum(local.endswith(own) or remote.endswith(upstream) for local, remote in used)
