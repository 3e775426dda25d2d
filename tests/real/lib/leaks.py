"""Searches for values in the memory of a process and of all that it started, which stand still meanwhile, or in files.

leaks.py VALUES process PID
leaks.py VALUES files PATH...

VALUES is a file with a name and a value in each line. Prints for each name how often its value was found, as it is and, if no `plain`
follows, in base64, in hex and as UTF-16; for files, which of them have it; and how much was searched.
"""

import base64
import os
import signal
import stat
import sys

PAGE = os.sysconf("SC_PAGE_SIZE")
# How much is searched at once, in bytes.
STEP = 4096 * PAGE
# How much of one piece is searched again with the next, in bytes. No form of a value is longer.
OVERLAP = 1024


def forms(value, only=""):
    """Returns what a value looks like. Of base64 what is the same whatever stands around it."""
    if only == "plain":
        return {value}
    found = {value, value.hex().encode(), value.hex().upper().encode(), value.decode().encode("utf-16-le")}
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + value)
        found.add(encoded[(before * 4 + 2) // 3 : len(encoded) // 4 * 4 - 4])
    return found


def family(pid):
    """Returns the process and its descendants."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as about:
                parents[int(entry)] = int(about.read().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    pids = [pid]
    for one in pids:
        pids += [child for child, parent in parents.items() if parent == one]
    return pids


def memory(pid):
    """Yields the memory of a process in pieces, None between those that are no neighbours. Pages that were never touched, which
    are most of those that a runtime reserves, are left out."""
    with open(f"/proc/{pid}/maps") as lines:
        maps = [line.split() for line in lines]
    with open(f"/proc/{pid}/mem", "rb", 0) as file, open(f"/proc/{pid}/pagemap", "rb", 0) as pagemap:
        for where, rights, *_ in maps:
            start, end = (int(one, 16) for one in where.split("-"))
            for first in range(start, end if rights.startswith("r") else start, STEP):
                size = min(STEP, end - first)
                pages = os.pread(pagemap.fileno(), size // PAGE * 8, first // PAGE * 8)
                # The highest bits of a page's eight bytes: in memory, or in swap.
                if any(byte & 0xC0 for byte in pages[7::8]):
                    try:
                        yield os.pread(file.fileno(), size, first)
                    except OSError:
                        # The kernel's own, such as [vvar].
                        yield None
                else:
                    yield None
            yield None


def contents(path):
    """Yields a file in pieces."""
    with open(path, "rb") as file:
        while piece := file.read(STEP):
            yield piece


def files(paths):
    """Returns the regular files among paths and under them."""
    found = []
    for path in paths:
        found += [os.path.join(root, name) for root, _, names in os.walk(path) for name in names] or [path]
    return [path for path in found if os.path.lexists(path) and stat.S_ISREG(os.lstat(path).st_mode)]


class Search:
    def __init__(self, named):
        self.needles = [(name, one) for name, value, *only in named for one in forms(value.encode(), *only)]
        self.counts = dict.fromkeys((name for name, *_ in named), 0)
        self.searched = 0

    def over(self, pieces):
        """Searches pieces, and returns the names that were found in them."""
        rest, found = b"", set()
        for piece in pieces:
            if not piece:
                rest = b""
                continue
            self.searched += len(piece)
            both = rest + piece
            for name, needle in self.needles:
                # What is in the rest was counted before.
                if count := both.count(needle) - rest.count(needle):
                    self.counts[name] += count
                    found.add(name)
            rest = piece[-OVERLAP:]
        return found


with open(sys.argv[1]) as lines:
    search = Search([line.split() for line in lines])
if sys.argv[2] == "files":
    paths = files(sys.argv[3:])
    what = f"{len(paths)} files"
    for path in paths:
        if found := search.over(contents(path)):
            print("in", path, *found)
else:
    pids = family(int(sys.argv[3]))
    what = f"{len(pids)} processes"
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        for pid in pids:
            search.over(memory(pid))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
for name, count in search.counts.items():
    print(name, count)
print(f"searched {what}, {search.searched >> 20} MB")
