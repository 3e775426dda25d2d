"""JSON files as every JSON input of the program: index, state, import, the client's files, `resolve`."""

import collections
import json
import re

from world import GOOD, shared_out, strict, told

# Self-made, of the kinds of JSONTestSuite: `y` has to be accepted, `n` refused, `i` is either.
SMALL = {
    "y_members": b'{"a": 1, "b": [null, true, {"c": "d"}]}',
    "y_numbers_to_the_digit": b'{"a": 1.50, "b": -0, "c": 12345678901234567890123, "d": 1E-2}',
    "y_white_space": b" \r\n\t{ } \n",
    "y_escapes": b'{"\\u0061\\u202e": "\\ud83d\\ude00\\u0000\\b"}',
    "y_line_separator": '{"\u2028": "\u200b\u2067"}'.encode(),
    "y_array": b'[{"a": 1}]',
    "y_text": b'"made up"',
    "y_key_twice": b'{"a": 1, "a": 2}',
    "n_nothing": b"",
    "n_trailing_comma": b'{"a": 1,}',
    "n_comment": b'{"a": 1} // made up',
    "n_single_quotes": b"{'a': 'b'}",
    "n_bare_name": b"{a: 1}",
    "n_leading_zero": b'{"a": 01}',
    "n_cut": b'{"profiles": {"openrouter:good": {"ty',
    "n_two": b'{"a": 1}{"b": 2}',
    "n_not_utf8": b'{"a": "\xff\x9b"}',
    "n_raw_control": b'{"a": "\x1b]0;made up\x07"}',
    "n_nul": b'{"a": 1}\x00',
    "n_half_a_surrogate_escape": b'{"a": "\\ud8"}',
    "n_deep": b"[" * 100_000,
    "n_deep_objects": b'{"a":' * 50_000,
    "i_byte_order_mark": b'\xef\xbb\xbf{"a": 1}',
    "i_utf16": b"\xff\xfe" + '{"a": 1}'.encode("utf-16-le"),
    "i_surrogate": b'{"a": "\\ud800"}',
    "i_huge": b'{"a": 1e99999, "b": ' + b"9" * 5000 + b"}",
}

# Files that are not JSON, but JSON5 (https://spec.json5.org) and an object, so a valid configuration.
JSON5 = {
    "n_trailing_comma", "n_comment", "n_single_quotes", "n_bare_name", "n_raw_control",
    "n_object_key_with_single_quotes.json", "n_object_repeated_null_null.json", "n_object_single_quote.json",
    "n_object_trailing_comma.json", "n_object_trailing_comment.json", "n_object_trailing_comment_slash_open.json",
    "n_object_unquoted_key.json", "n_structure_object_with_comment.json",
}  # fmt: skip

# The client's models, so that Strongroom looks into its store for their keys.
CONFIG = b'{agents: {defaults: {model: {primary: "anthropic/x", fallbacks: ["groq/y"]}}}}'


class Case:
    """A file: its name, its bytes, and whether it has to be accepted (`y`), refused (`n`) or neither (`i`)."""

    def __init__(self, name, data):
        self.name, self.data, self.letter = name, data, name[0]
        try:
            self.value = strict(data)
        except (ValueError, UnicodeError):
            self.value = None
        self.is_object = isinstance(self.value, tuple) and self.value[0] == "object"

    def members(self):
        return self.value[1] if self.is_object else []


def cases(folder):
    """Returns the self-made files, and those of JSONTestSuite if the folder is given."""
    all_of_it = dict(SMALL)
    if folder:
        for path in sorted((folder / "json-test-suite/test_parsing").iterdir()):
            all_of_it[path.name] = path.read_bytes()
    return [Case(name, data) for name, data in all_of_it.items()]


def is_json(data):
    try:
        strict(data)
        return True
    except (ValueError, UnicodeError):
        return False


class Judge:
    """The counts and the failures of one world."""

    def __init__(self):
        self.counts, self.failures = collections.Counter(), []

    def expect(self, holds, what):
        if not holds:
            self.failures.append(what)

    def written(self, case, ran, path, own):
        """Checks a file after a write: refused with its bytes unchanged, or accepted with its members unchanged."""
        now = path.read_bytes()
        if ran.status == 0:
            self.counts["taken"] += 1
            self.expect(case.letter != "n", f"{case.name}: taken by {own}, but is not JSON")
            self.expect(case.letter == "i" or case.is_object, f"{case.name}: taken by {own}, but is not an object")
            kept = []
            if is_json(now):
                kept = [pair for pair in strict(now)[1] if pair in case.members()]
            self.expect(kept == case.members(), f"{case.name}: members are lost or changed by {own}")
        else:
            self.counts["refused, unchanged"] += 1
            self.expect(ran.status == 65, f"{case.name}: refused by {own} with {ran.status}, not 65")
            self.expect(now == case.data, f"{case.name}: refused by {own}, and its bytes changed")
            self.expect(case.letter != "y" or not case.is_object, f"{case.name}: refused by {own}, but is sound")


def as_index(world, share):
    """The index of an agent: read, and written by a paste."""
    judge, whole = Judge(), world.index.read_bytes()
    for case in share:
        world.put(world.index, case.data)
        before = world.kept()
        listed = world.run("list", "--json", about=case.name)
        status = world.run("status", "--json", about=case.name)
        for name, ran in (("list", listed), ("status", status)):
            judge.expect(ran.status in (0, 65), f"{case.name}: {name} ends with {ran.status}")
            judge.expect(ran.status != 0 or is_json(ran.out), f"{case.name}: {name} --json prints no JSON")
            judge.expect(ran.status != 0 or case.letter != "n", f"{case.name}: {name} reads what is not JSON")
        judge.expect(world.index.read_bytes() == case.data, f"{case.name}: a reader changed it")
        judge.expect(world.good_key(case.name), f"{case.name}: get does not give the key")
        pasted = world.run("paste-api-key", "--provider", "xai", stdin=b"made-up-key-0002", about=case.name)
        judge.written(case, pasted, world.index, "paste-api-key")
        if pasted.status != 0:
            judge.expect(world.kept() == before, f"{case.name}: paste-api-key was refused, and changed records")
    world.put(world.index, whole)
    judge.expect(world.good_key(), "get does not give the key in the end")
    return judge.counts, judge.failures


def as_state(world, share):
    """The run-time state of an agent: read by `status`, written by `report` and `pin`."""
    judge = Judge()
    for case in share:
        world.put(world.state, case.data)
        status = world.run("status", "--json", about=case.name)
        judge.expect(status.status == 0 and is_json(status.out), f"{case.name}: status ends with {status.status}")
        if status.status == 0 and case.letter == "n":
            judge.expect(b"auth-state.json" in status.out, f"{case.name}: status does not say that it cannot be read")
        judge.expect(world.state.read_bytes() == case.data, f"{case.name}: status changed it")
        reported = world.run("report", GOOD, "--failure", "rate_limit", about=case.name)
        judge.written(case, reported, world.state, "report")
        world.put(world.state, case.data)
        pinned = world.run("pin", "--session", "s", GOOD, about=case.name)
        judge.written(case, pinned, world.state, "pin")
    world.state.unlink(missing_ok=True)
    return judge.counts, judge.failures


def as_import(world, share):
    """The source of an import, in each way. No file contains a credential, so none may change anything."""
    judge = Judge()
    source = world.home / "source"
    before = world.kept()
    for case in share:
        world.put(source, case.data)
        for arguments in (
            ["source", "--dry-run", "--json"],
            ["source"],
            ["source", "--from", "openclaw"],
            ["-", "--from", "env"],
        ):
            ran = world.run("import", *arguments, stdin=case.data, about=case.name)
            way = " ".join(arguments)
            judge.counts["refused" if ran.status else "nothing to take"] += 1
            if "openclaw" in arguments:
                judge.expect(
                    ran.status == 65 or case.letter != "n", f"{case.name}: import {way} takes what is not JSON"
                )
            judge.expect(
                ran.status != 0 or case.data.strip(), f"{case.name}: import {way}: nothing at all is a success"
            )
        judge.expect(world.kept() == before, f"{case.name}: an import changed what is stored")
        judge.expect(source.read_bytes() == case.data, f"{case.name}: an import changed its source")
    source.unlink(missing_ok=True)
    return judge.counts, judge.failures


def as_client(world, share):
    """The client's configuration, which is JSON5, and its own two files."""
    judge = Judge()
    config, own = world.client / "openclaw.json", world.client / "agents/main/agent"
    for case in share:
        world.put(config, case.data)
        status = world.run("status", "--json", about=case.name)
        doctor = world.run("doctor", "--json", about=case.name)
        judge.expect(status.status == 0 and is_json(status.out), f"{case.name}: status ends with {status.status}")
        judge.expect(is_json(doctor.out), f"{case.name}: doctor --json prints no JSON")
        if status.status == 0:
            is_read = not re.search(r"cannot use \S*openclaw\.json", status.out.decode())
            judge.counts["read as configuration" if is_read else "not read, which is said"] += 1
            may = case.is_object or case.name in JSON5
            # The client takes the last of two equal members, and so does this reader of its file.
            may = may or "duplicated_key" in case.name or case.name == "y_key_twice"
            judge.expect(
                case.letter == "i" or is_read == may, f"{case.name}: configuration, read: {is_read}, not {may}"
            )
        world.put(config, CONFIG)
        for name in ("auth-profiles.json", "auth-state.json"):
            world.put(own / name, case.data)
        status = world.run("status", "--json", about=f"{case.name} as the client's store")
        judge.expect(
            status.status == 0 and is_json(status.out), f"{case.name}: status beside it ends with {status.status}"
        )
        if status.status == 0:
            wanted = json.loads(status.out)["auth"]["missingProvidersInUse"]
            judge.expect(wanted == ["anthropic", "groq"], f"{case.name}: is taken for the client's credentials")
        judge.expect(
            all((own / name).read_bytes() == case.data for name in ("auth-profiles.json", "auth-state.json")),
            f"{case.name}: the client's own file changed",
        )
    for path in (config, own / "auth-profiles.json", own / "auth-state.json"):
        path.unlink(missing_ok=True)
    return judge.counts, judge.failures


def as_request(world, share):
    """The input of `resolve`: always one JSON document and status 0, and never a value."""
    judge = Judge()
    for case in share:
        ran = world.run("resolve", stdin=case.data, about=case.name)
        judge.counts["answered"] += 1
        judge.expect(ran.status == 0, f"{case.name}: resolve ends with {ran.status}")
        judge.expect(is_json(ran.out), f"{case.name}: resolve answers what is not JSON")
        if is_json(ran.out):
            answer = json.loads(ran.out)
            judge.expect(answer["protocolVersion"] == 1 and not answer["values"], f"{case.name}: resolve gives a value")
            judge.expect("request" in answer["errors"], f"{case.name}: resolve names no error of the request")
    return judge.counts, judge.failures


def run(report, worlds, folder):
    """All files in all places."""
    files = cases(folder)
    for what, work in (
        ("index", as_index),
        ("state", as_state),
        ("import", as_import),
        ("the client's configuration and store", as_client),
        ("request of resolve", as_request),
    ):
        counts, failures = shared_out(worlds, files, work)
        report.check(f"JSON as {what}", failures, f"{len(files)} files, {told(counts)}")
