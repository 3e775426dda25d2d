#!/usr/bin/env python3
"""Types the blocks of a document into a terminal, in order, and compares the output with the document.

    typed.py [--write] DOCUMENT...

`--write` changes the document: a line of output replaces the most similar line. Review the diff afterwards.

A block is fenced and has lines that begin with `$ `: the lines up to the next one are the output. Each command runs
in a shell in a pseudo-terminal, in the home directory of its chapter. Instructions that readers do not see are in HTML
comments:

    <!-- home: NAME -->     from here on another home directory, which is empty when its name is new; each chapter
                            (`## `) begins with an empty one. `NAME, keychain` has a session bus with a keychain
    <!-- set: NAME=VALUE -->   a variable for the next block
    <!-- file: PATH -->     the next block is the text of that file
    <!-- types: TEXT -->    what is typed at the next prompt of the next block, `\\n` for Enter alone, `$(COMMAND)` for
                            what that prints; one each
    <!-- needs: THING -->   the next block runs only if such a thing exists; else it is counted as not run
    <!-- not run: WHY -->   the next block is not run
    <!-- first: COMMAND --> what is done before the next block, and not shown; it has to succeed

Both texts are compared after times, ids, digests, paths and white space are normalized. `…` matches anything; alone
on a line, it matches any lines.

Environment: HOMES (an empty directory), TOOLS (a directory for the PATH), BUS (the address of the bus), HAS (what
`needs` can name, in words).
"""

import difflib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

LIMIT = 60.0  # for one command, in seconds
QUIET = 0.15  # how long, in seconds, a prompt is unchanged before anything is typed

homes, tools, bus = os.environ["HOMES"], os.environ["TOOLS"], os.environ["BUS"]
has = os.environ.get("HAS", "").split()


def environment(home, keychain, more):
    env = {
        "REPO": os.environ["REPO"],
        "HOMES": homes,
        "HOME": home,
        "PATH": f"{home}/.local/bin:{tools}:/usr/bin:/bin",
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }
    for name in ("OPENCLAW_NODE", "OPENCLAW_JS"):
        if name in os.environ:
            env[name] = os.environ[name]
    if keychain:
        env["DBUS_SESSION_BUS_ADDRESS"] = bus
    return env | more


def typed(command, answers, home, keychain, more):
    """Runs one command, and returns what the terminal showed and the exit status."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(home)
        os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-c", command], environment(home, keychain, more))
    import fcntl
    import struct
    import termios

    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
    answers, shown, answered, end = list(answers), b"", 0, time.monotonic() + LIMIT
    while time.monotonic() < end:
        ready, _, _ = select.select([master], [], [], QUIET)
        if ready:
            try:
                more = os.read(master, 65536)
            except OSError:
                break
            if not more:
                break
            shown += more
        elif answers and len(shown) > answered and re.search(rb"[:\]?] ?$", plain(shown).rsplit("\n", 1)[-1].encode()):
            answer, answered = answers.pop(0), len(shown)
            os.write(master, b"\r" if answer == "\\n" else answer.encode() + b"\r")
    else:
        os.kill(pid, signal.SIGKILL)
        shown += b"\n(it did not end)\n"
    _, status = os.waitpid(pid, 0)
    os.close(master)
    return plain(shown), os.waitstatus_to_exitcode(status), answers


def answer(text, home):
    """What is typed: a text, or what a command in `$( )` prints."""
    command = re.fullmatch(r"\$\((.*)\)", text)
    if command is None:
        return text
    ran = subprocess.run(["/bin/bash", "-c", command.group(1)], env=environment(home, False, {}), capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def plain(shown):
    text = shown.decode(errors="replace")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]", "", text)
    return re.sub(r"\r+\n", "\n", text).replace("\r", "")


ALIKE = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\b20\d\d-\d\d-\d\d( \d\d:\d\d)?", "DATE"),
    (r"\b(in|for) (about )?\d+ ?(d|h|m|s|days|hours|minutes)\b( \d+ ?(h|m|s)\b)?", r"\1 SOME TIME"),
    (r"\bage1[0-9a-z]{58}\b", "RECIPIENT"),
    (r"\b[0-9a-f]{64}\b", "DIGEST"),
    (r"\b([0-9a-f]{32}|[0-9a-f]{16})\b", "ID"),
    (r"[ \t]+$", ""),
    (r"(?<=\S)  +", "  "),
]


def alike(text, home):
    # A path can be long, and a table as wide as that path.
    text = text.replace(home, "/home/you").replace(tools, "/home/you/.local/bin")
    for pattern, name in ALIKE:
        text = re.sub(pattern, name, text, flags=re.M)
    return text


def pattern_of(expected):
    lines = []
    for line in expected.split("\n"):
        if line.strip() == "…":
            lines.append(r"(?:.*\n)*?")
        else:
            lines.append(r"[^\n]*?".join(re.escape(part) for part in line.split("…")) + "\n")
    return "".join(lines)


def rewritten(expected, shown, home):
    """Returns the lines of a document, with each line of output in place of the most similar line."""
    come = [line.rstrip() for line in shown.replace(home, "/home/you").replace(tools, "/home/you/.local/bin").split("\n")]
    if "…" not in (line.strip() for line in expected):
        return come
    lines = []
    for line in expected:
        like = difflib.get_close_matches(line, come, 1, 0.4)
        if line.strip() == "…" or not like or re.fullmatch(pattern_of(alike(line, home)), alike(like[0], home) + "\n"):
            lines.append(line)
        else:
            lines.append(like[0])
            come = come[come.index(like[0]) + 1 :]
    return lines


def write(path, number, old, new):
    """Replaces old lines of a block that begins at a line with new ones."""
    lines = open(path, encoding="utf-8").read().split("\n")
    ends = lambda n: all(line.endswith(was) for line, was in zip(lines[n : n + len(old)], old))
    at = next(n for n in range(number, len(lines)) if ends(n))
    indent = lines[at][: len(lines[at]) - len(old[0])]
    lines[at : at + len(old)] = [(indent + line).rstrip() for line in new]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def blocks(path):
    """Yields (line, chapter, comments, language, lines) of each fenced block."""
    chapter, comments, block, fence = "", [], None, None
    lines = open(path, encoding="utf-8").read().split("\n")
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if block is not None:
            if line.strip() == "```":
                yield block[0], chapter, comments, block[1], block[2]
                block, comments = None, []
            else:
                block[2].append(line[fence:] if line[:fence].strip() == "" else line)
            continue
        if line.startswith("## "):
            chapter, comments = line[3:], []
        comment = re.fullmatch(r"\s*<!-- (.*) -->", line)
        if comment:
            comments.append(comment.group(1))
        opened = re.fullmatch(r"(\s*)```(\w*)", line)
        if opened:
            fence = len(opened.group(1))
            block = (number, opened.group(2), [])


def commands(lines):
    """Returns (command, output) pairs of a block."""
    found = []
    for line in lines:
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found and found[-1][0].endswith("\\") and not found[-1][1]:
            found[-1][0] += "\n" + line
        elif found:
            found[-1][1].append(line)
    return [(command, "\n".join(output)) for command, output in found]


def main():
    failed, not_run, differing = 0, [], []
    writes = sys.argv[1:2] == ["--write"]
    for document in sys.argv[2 if writes else 1 :]:
        name, chapter, home, keychain = os.path.basename(document), None, None, False
        for number, of, comments, _, lines in blocks(document):
            if of != chapter:
                chapter, home = of, None
            said = [comment.split(": ", 1) for comment in comments if ": " in comment]
            for key, value in said:
                if key == "home":
                    home, keychain = value.split(",")[0], value.endswith(", keychain")
            typing = commands(lines)
            if not typing and not any(key in ("not run", "first", "file") for key, _ in said):
                continue
            where = f"{name}:{number}"
            directory = os.path.join(homes, home or re.sub(r"\W+", "-", f"{name}-{chapter}"))
            os.makedirs(directory, exist_ok=True)
            more = dict(value.split("=", 1) for key, value in said if key == "set")
            why = [value for key, value in said if key == "not run"]
            why += [f"there is no {value} here" for key, value in said if key == "needs" and value not in has]
            if why:
                not_run.append(f"{where}: {why[0]}")
                continue
            for key, value in said:
                if key == "first":
                    shown, status, _ = typed(value, [], directory, keychain, more)
                    if status != 0:
                        failed += 1
                        print(f"  FAILED: {where}: before it, `{value}` gave {status}\n{shown}")
                if key == "file":
                    path = os.path.join(directory, value)
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    with open(path, "w", encoding="utf-8") as file:
                        file.write("\n".join(lines).replace("/home/you", directory) + "\n")
            answers = [answer(value, directory) for key, value in said if key == "types"]
            for command, expected in typing:
                shown, status, answers = typed(command, answers, directory, keychain, more)
                as_written, as_shown = expected.rstrip("\n").split("\n"), shown.rstrip("\n")
                expected, shown = alike(expected.rstrip("\n"), directory), alike(as_shown, directory)
                first = command.split("\n")[0]
                if re.fullmatch(pattern_of(expected), shown + "\n") or (not expected and not shown):
                    print(f"  ok: {where}: {first}")
                else:
                    failed += 1
                    differing.append((document, number, as_written, rewritten(as_written, as_shown, directory)))
                    print(f"  FAILED: {where}: {first} (exit {status})")
                    for mark, text in (("shown", expected), ("comes", shown)):
                        print("".join(f"      {mark} | {line}\n" for line in text.split("\n")), end="")
            if answers:
                failed += 1
                print(f"  FAILED: {where}: nothing asked for {len(answers)} answers")
    # From the end, so that the earlier line numbers stay valid.
    for document, number, old, new in reversed(differing if writes else []):
        if old != [""] and old != new:
            write(document, number, old, new)
    for one in not_run:
        print(f"      not run: {one}")
    print(f"      {len(not_run)} blocks are not run")
    sys.exit(1 if failed else 0)


main()
