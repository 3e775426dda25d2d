"""A throwaway home, the binary run in it, and what must hold of every run, whatever it was given."""

import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import threading

# A refusal takes milliseconds; what takes this long, in seconds, hangs.
HANGS = 20
# Exit statuses that are documented (DESIGN 7), with those of `status --check` and of a key that interrupts.
STATUSES = {0, 1, 2, 64, 65, 66, 69, 70, 73, 74, 75, 77, 78, 130}
GOOD = "openrouter:good"
GOOD_KEY = "made-up-good-key-0001"


def deceives(character):
    """Whether a terminal is steered, or a reader deceived, by this character. Line breaks and tabs lay out text."""
    code = ord(character)
    return (
        (code < 0x20 and character not in "\n\t")
        or 0x7F <= code <= 0x9F
        or code == 0x61C
        or 0x200B <= code <= 0x200F
        or 0x2028 <= code <= 0x202E
        or 0x2060 <= code <= 0x2069
        or code == 0xFEFF
        or 0xD800 <= code <= 0xDFFF
        or 0xE0000 <= code <= 0xE007F
    )


Ran = collections.namedtuple("Ran", "status out err")


def code_of(ran):
    """The stable code of an error, as text or as JSON, or None."""
    text = ran.err.decode("utf-8", "replace")
    for line in text.splitlines():
        if line.startswith("error: ["):
            return line[len("error: [") :].split("]")[0]
        if line.startswith('{"error":'):
            return json.loads(line)["error"]["code"]
    return None


def strict(data):
    """The value of one JSON document (RFC 8259), objects as lists of pairs and numbers as they are spelled.
    Raises ValueError for anything else; a key twice in an object is such a thing, too."""

    def refuse(word):
        raise ValueError(word)

    def members(pairs):
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a key twice")
        return ("object", pairs)

    try:
        return json.loads(
            data.decode("utf-8"),
            parse_constant=refuse,
            parse_int=lambda text: ("number", text),
            parse_float=lambda text: ("number", text),
            object_pairs_hook=members,
        )
    except RecursionError as error:
        raise ValueError("too deep") from error


class World:
    """A home with a vault of sealed files, and one good key in it."""

    def __init__(self, binary, directory):
        self.binary = binary
        self.home = pathlib.Path(directory)
        self.home.mkdir(mode=0o700)
        self.vault = self.home / ".local/share/strongroom"
        self.agent = self.vault / "agents/main"
        self.index = self.agent / "auth-profiles.json"
        self.state = self.agent / "auth-state.json"
        self.client = self.home / ".openclaw"
        self.faults = []
        self.runs = 0
        self.must("init", "--store", "file")
        self.must("paste-api-key", "--provider", "openrouter", "--profile-id", GOOD, stdin=GOOD_KEY.encode())

    def run(self, *arguments, stdin=b"", about="", **variables):
        """Runs the binary with an empty environment. What may never be is noted as a fault."""
        environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(self.home)}
        environment.update(variables)
        self.runs += 1
        process = subprocess.Popen(
            [self.binary, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.home,
            env=environment,
        )
        what = f"{about}: strongroom {' '.join(map(ascii, arguments))}"
        try:
            out, err = process.communicate(stdin, timeout=HANGS)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            self.faults.append(f"hangs: {what}")
        except BrokenPipeError:
            out, err = process.communicate()
        ran = Ran(process.returncode, out, err)
        if ran.status not in STATUSES:
            self.faults.append(f"exit status {ran.status}: {what}")
        if b"panicked" in err or b"panicked" in out or code_of(ran) == "INTERNAL":
            self.faults.append(f"panics: {what}")
        for name, data in (("output", out), ("errors", err)):
            try:
                found = sorted({f"U+{ord(c):04X}" for c in data.decode("utf-8") if deceives(c)})
            except UnicodeDecodeError:
                found = ["bytes that are not UTF-8"]
            if found:
                self.faults.append(f"raw {', '.join(found)} in its {name}: {what}")
        if ran.status not in (0, 1, 2) and not code_of(ran):
            self.faults.append(f"exit status {ran.status} without a code: {what}")
        return ran

    def must(self, *arguments, **options):
        """A step that is no check of its own."""
        ran = self.run(*arguments, **options)
        if ran.status != 0:
            raise RuntimeError(f"strongroom {arguments[0]} ends with {ran.status}: {ran.err[:300]!r}")
        return ran

    def put(self, path, data):
        """Writes a file, mode 0600."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        return path

    def kept(self):
        """What says which credentials there are, and they themselves: of every agent."""
        kept = {}
        for path in sorted((self.vault / "agents").rglob("*")):
            own = path.relative_to(self.vault / "agents").parts
            if path.is_file() and (own[1:2] in (("ledger",), ("records",), ("auth-profiles.json",))):
                kept["/".join(own)] = path.read_bytes()
        return kept

    def outside(self):
        """Everything but what an agent's directory holds and what remembers how far the home was: names and bytes."""
        seen = {}
        for path in sorted(self.home.rglob("*")):
            parts = path.relative_to(self.home).parts
            if "agents" in parts or ".local/state" in str(path) or not path.is_file():
                continue
            if path.name not in ("lock", "lock.holder", "lock.queue"):
                seen["/".join(parts)] = path.read_bytes()
        return seen

    def good_key(self, about=""):
        """Whether the good key is still what it was."""
        return self.run("get", GOOD, about=about).out == GOOD_KEY.encode() + b"\n"


class Report:
    """Counts, and what failed. A line a check is printed when it is done."""

    SHOWN = 12

    def __init__(self):
        self.failed = 0
        self.lock = threading.Lock()

    def check(self, what, failures, counts=""):
        """One line: whether nothing failed, and what was counted."""
        if failures:
            self.failed += 1
            print(f"  FAILED: {what}: {len(failures)} of {counts}" if counts else f"  FAILED: {what}: {len(failures)}")
            for failure in failures[: self.SHOWN]:
                print(f"      | {failure}")
            if len(failures) > self.SHOWN:
                print(f"      | and {len(failures) - self.SHOWN} more")
        else:
            print(f"  ok: {what}" + (f": {counts}" if counts else ""), flush=True)


def shared_out(worlds, items, work):
    """Does `work(world, items)` in each world with its share of the items, at the same time. It returns a
    Counter and a list of failures; their sums are returned."""
    shares = [items[n :: len(worlds)] for n in range(len(worlds))]
    counts, failures = collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(len(worlds)) as pool:
        for counted, failed in pool.map(work, worlds, shares):
            counts.update(counted)
            failures.extend(failed)
    return counts, failures


def told(counts):
    """Counts as words."""
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
