"""Searches the memory of a running process and of all that it started, which stand still meanwhile.

in-memory.py FILE PID: the file has a name and a value in each line. Prints for each name how often its value was found, as it is, in
base64, in hex and as UTF-16, and at the end how many processes and bytes were searched.
"""

import base64
import os
import signal
import sys

PAGE = os.sysconf("SC_PAGE_SIZE")
# What is searched at once, in pages.
STEP = 4096


def forms(value):
    """Returns what a value looks like in memory. Of base64 what is the same whatever stands around it."""
    found = {value, value.hex().encode(), value.hex().upper().encode(), value.decode().encode("utf-16-le")}
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + value)
        found.add(encoded[(before * 4 + 2) // 3 : len(encoded) // 4 * 4 - 4])
    return found


def family(pid):
    """Returns the process and its descendants."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as stat:
                    parents[int(entry)] = int(stat.read().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    pids = [pid]
    for one in pids:
        pids += [child for child, parent in parents.items() if parent == one]
    return pids


def memory(pid):
    """Yields the memory of a process in pieces that overlap, without pages that were never touched."""
    with open(f"/proc/{pid}/maps") as lines:
        maps = [line.split() for line in lines]
    with open(f"/proc/{pid}/mem", "rb", 0) as file, open(f"/proc/{pid}/pagemap", "rb", 0) as pagemap:
        for where, rights, *_ in maps:
            if not rights.startswith("r"):
                continue
            first, end = (int(one, 16) // PAGE for one in where.split("-"))
            rest = b""
            while first < end:
                count = min(STEP, end - first)
                touched = os.pread(pagemap.fileno(), count * 8, first * 8)
                # In memory, or in swap.
                is_there = any(byte & 0xC0 for byte in touched[7::8])
                try:
                    read = os.pread(file.fileno(), count * PAGE, first * PAGE) if is_there else b""
                except OSError:
                    # The kernel's own, such as [vvar].
                    read = b""
                yield rest, read
                rest, first = read[-512:], first + count


with open(sys.argv[1]) as file:
    named = [line.split() for line in file]
needles = [(name, one) for name, value in named for one in forms(value.encode())]
pids = family(int(sys.argv[2]))
counts, searched = dict.fromkeys((name for name, _ in named), 0), 0
stopped = []
try:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
        stopped.append(pid)
    for pid in pids:
        for rest, read in memory(pid):
            searched += len(read)
            for name, needle in needles:
                # What is in the overlap was counted before.
                counts[name] += (rest + read).count(needle) - rest.count(needle)
finally:
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
for name, count in counts.items():
    print(name, count)
print("searched", len(pids), "processes,", searched, "bytes")
