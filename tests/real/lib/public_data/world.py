"""A throwaway home, the binary run in it, and what must hold for every run, whatever its input."""

import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import threading

# A refusal takes milliseconds; anything that takes this many seconds hangs.
HANGS = 20
# Exit statuses that are documented (DESIGN 7), with those of `status --check` and of a key that interrupts.
STATUSES = {0, 1, 2, 64, 65, 66, 69, 70, 73, 74, 75, 77, 78, 130}
GOOD = "openrouter:good"
GOOD_KEY = "made-up-good-key-0001"


def deceives(character):
    """Returns whether this character controls a terminal or deceives a reader. Line breaks and tabs lay out text."""
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
    """Returns the stable code of an error, from text or JSON, or None."""
    text = ran.err.decode("utf-8", "replace")
    for line in text.splitlines():
        if line.startswith("error: ["):
            return line[len("error: [") :].split("]")[0]
        if line.startswith('{"error":'):
            return json.loads(line)["error"]["code"]
    return None


def strict(data):
    """Returns the value of one JSON document (RFC 8259): objects as lists of pairs, numbers as they are spelled.
    Raises ValueError for anything else, including a duplicate key in an object."""

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
    """A home with a vault of encrypted files, and one good key in it."""

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
        """Runs the binary with an empty environment. Anything that must never happen is recorded as a fault."""
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
        """A step that is not a check."""
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
        """Returns what says which credentials there are, and the credentials themselves, of every agent."""
        kept = {}
        for path in sorted((self.vault / "agents").rglob("*")):
            own = path.relative_to(self.vault / "agents").parts
            if path.is_file() and (own[1:2] in (("ledger",), ("records",), ("auth-profiles.json",))):
                kept["/".join(own)] = path.read_bytes()
        return kept

    def outside(self):
        """Returns everything except the agents' directories and the anchors: names and bytes."""
        seen = {}
        for path in sorted(self.home.rglob("*")):
            parts = path.relative_to(self.home).parts
            if "agents" in parts or ".local/state" in str(path) or not path.is_file():
                continue
            if path.name not in ("lock", "lock.holder", "lock.queue"):
                seen["/".join(parts)] = path.read_bytes()
        return seen

    def good_key(self, about=""):
        """Returns whether the good key is unchanged."""
        return self.run("get", GOOD, about=about).out == GOOD_KEY.encode() + b"\n"


class Report:
    """Counts and failures. Each check prints a line when it is done."""

    SHOWN = 12

    def __init__(self):
        self.failed = 0
        self.lock = threading.Lock()

    def check(self, what, failures, counts=""):
        """Prints one line: whether nothing failed, and the counts."""
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
    """Runs `work(world, items)` in all worlds at the same time, each with its share of the items. It returns a
    Counter and a list of failures; returns their sums."""
    shares = [items[n :: len(worlds)] for n in range(len(worlds))]
    counts, failures = collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(len(worlds)) as pool:
        for counted, failed in pool.map(work, worlds, shares):
            counts.update(counted)
            failures.extend(failed)
    return counts, failures


def told(counts):
    """Returns counts as words."""
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
