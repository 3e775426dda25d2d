"""Strings that break programs: as secrets, names, providers, agents, sessions, display names, ids, and in files."""

import json
import re
import unicodedata

from json_files import Judge, is_json
from world import GOOD, shared_out, strict, told

# Self-made, of the same kinds as the big list of naughty strings.
SMALL = [
    "",
    " ",
    "made-up-key-of-no-use-0123456789",
    "null",
    '"undefined"',
    "None",
    "NaN",
    "nil",
    "false",
    "-",
    "--help",
    "../../made-up",
    "/etc/passwd",
    "CON",
    "__proto__",
    "constructor",
    "made up",
    "made\nup",
    "made-up-line-1\nmade-up-line-2\n",
    "line one\nmuch longer line two",
    "made\x1b]0;up\x07",
    "made\x9bup",
    "made\u202eup",
    "made\u200bup",
    "\ufeffmade-up-after-a-mark",
    "made\u2028up",
    "made\x7fup",
    "made\x00up",
    "\u201cmade-up\u201d",
    "`made-up`",
    "Ω≈ç√",
    "\U0001f4a9",
    "\U000e0041\U000e0042",
    "'; DROP TABLE profiles; --",
    "$(touch made-up)",
    "${HOME}",
    "%s%n",
    "a" * 300,
    "<script>alert(1)</script>",
    "Me@Example.com",
    "o'made+up/x=y@example.com",
    "ﬀ",
    "İ",
    "made\rup",
    "made\tup",
    '{"a":"b"}',
    "-----BEGIN MADE UP-----",
]

# What programs print instead of a missing value.
NOTHING = {"null", "undefined", "none", "nil", "nan", "false", ""}
# Quotes that a word processor or Markdown puts around a value.
QUOTES = ("\u2018", "\u2019", "\u201c", "\u201d", "`")
ID = re.compile(r"[a-z0-9][a-z0-9._-]*:[A-Za-z0-9][A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]*\Z")
AGENT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
SESSION = re.compile(r"[A-Za-z0-9._:@+/#=-]{1,256}\Z")
ID_MAX = 320
REFERENCE_MAX = 256
KEY = "made-up-key-0003"


def strings(folder):
    found = list(SMALL)
    if folder:
        found += json.loads((folder / "naughty-strings/blns.json").read_bytes())
    return found


def is_invisible(character):
    """Returns whether it is invisible and lays out nothing: control, format, private-use or unassigned characters."""
    return unicodedata.category(character) in ("Cc", "Cf", "Co", "Cn", "Cs") and not character.isspace()


def secrets_of(text):
    """Returns what may be stored of a paste, and whether it has to be refused."""
    text = text.removeprefix("\ufeff").strip()
    lines = [line.strip() for line in text.splitlines()]
    is_wrapped = len({len(line) for line in lines[:-1]}) <= 1 and all(lines) and not re.search(r"[ \t]", text)
    refused = (
        any(is_invisible(c) for c in text)
        or text[:1] in QUOTES
        or text[-1:] in QUOTES
        or text.casefold() in NOTHING
        or (text[:1] == text[-1:] and text[:1] in "\"'" and text[1:-1].strip().casefold() in NOTHING)
        or (len(lines) > 1 and not is_wrapped)
    )
    # A paste loses all white space; a file keeps the white space inside.
    may = {"".join(text.split()), text}
    for _ in range(3):
        for one in list(may):
            may.add(one.rstrip(";,"))
            may.add(re.sub(r"\A(?i:bearer)\s*", "", one))
            may.add(re.sub(r"\A(export\s*)?[A-Za-z_][A-Za-z0-9_]*=", "", one))
            if len(one) >= 2 and one[0] == one[-1] and one[0] in "\"'":
                may.add(one[1:-1].strip())
    may = {one for one in may if not any(unicodedata.category(c) == "Cc" for c in one)}
    return may, refused


def as_secrets(world, share):
    """Pasted over a good key: stored as it was pasted, or refused with the good key as it was."""
    judge, before = Judge(), world.run("get", GOOD).out
    for number, text in share:
        about = f"secret {number}"
        pasted = world.run(
            "paste-api-key", "--provider", "openrouter", "--profile-id", GOOD, stdin=text.encode(), about=about
        )
        got = world.run("get", GOOD, about=about).out
        may, refused = secrets_of(text)
        if pasted.status == 0:
            judge.counts["stored"] += 1
            judge.expect(not refused, f"{about} {text!a}: is stored, and should be refused")
            stored = got.decode().removesuffix("\n")
            judge.expect(stored in may and not re.search(r"\s", stored), f"{about} {text!a}: get gives {got!a}")
            changed = stored != text.strip()
            judge.expect(
                not changed or b"warning" in pasted.err or text[0] == "\ufeff",
                f"{about} {text!a}: changed without a warning",
            )
        else:
            judge.counts["refused"] += 1
            judge.expect(pasted.status in (65, 66), f"{about} {text!a}: refused with {pasted.status}")
            judge.expect(got == before, f"{about} {text!a}: refused, and the key is another one")
        before = got
    world.must("paste-api-key", "--provider", "openrouter", "--profile-id", GOOD, stdin=b"made-up-good-key-0001")
    return judge.counts, judge.failures


def ids_of(world, agent="main"):
    listed = json.loads(world.must("list", "--json", "--agent", agent).out)
    return {profile["profileId"] for found in listed["agents"] for profile in found["profiles"]}


def as_names(world, share):
    """As the name of a profile, and as a provider: an id of the grammar, or refused with nothing changed."""
    judge, outside = Judge(), world.outside()
    for number, text in share:
        if "\0" in text:
            continue  # no argument can contain it
        for option, rest in ((f"--profile-id={text}", ["--provider=openrouter"]), (f"--provider={text}", [])):
            ran = world.run("paste-api-key", option, *rest, stdin=KEY.encode(), about=f"name {number}")
            judge.counts["taken" if ran.status == 0 else "refused"] += 1
            judge.expect(ran.status in (0, 64, 65, 78), f"{option!a}: ends with {ran.status}")
    ids = ids_of(world)
    bad = [found for found in ids if not ID.match(found) or len(found) > ID_MAX]
    judge.expect(not bad, f"ids outside the grammar: {bad!a}")
    own, index = sorted(ids - {GOOD}), json.loads(world.index.read_bytes())["profiles"]
    for from_ in range(0, len(own), 512):
        # Plain, or in the form of the index if it is longer than a client can ask for.
        asked = {one: f"main/{one}" for one in own[from_ : from_ + 512]}
        asked |= {one: index[one]["keyRef"]["id"] for one, plain in asked.items() if len(plain) > REFERENCE_MAX}
        values = answers(world, list(asked.values()))["values"]
        for one, reference in asked.items():
            found = values.get(reference)
            judge.expect(found in (KEY, "made-up-key-0002"), f"{one!a}: resolve does not give its key")
    judge.expect(world.outside() == outside, "something changed outside of the agents' directories")
    return judge.counts, judge.failures


def as_agents(world, share):
    """As an agent: one of the grammar, or refused with nothing written anywhere."""
    judge, outside = Judge(), world.outside()
    for number, text in share:
        if "\0" in text:
            continue
        ran = world.run(
            "paste-api-key", "--provider=openrouter", f"--agent={text}", stdin=KEY.encode(), about=f"agent {number}"
        )
        # An empty option counts as not given.
        is_agent = AGENT.match(text.strip().lower()) is not None
        judge.counts["taken" if ran.status == 0 else "refused"] += 1
        judge.expect(ran.status != 0 or is_agent or not text, f"agent {text!a}: is taken")
    names = [path.name for path in (world.vault / "agents").iterdir()]
    judge.expect(all(AGENT.match(name) for name in names), f"agents {names!a}")
    judge.expect(world.outside() == outside, "something changed outside of the agents' directories")
    return judge.counts, judge.failures


def as_sessions(world, share):
    """As a session of a pin, and as a line of a chat: the state holds only what the grammar allows."""
    judge = Judge()
    for number, text in share:
        if "\0" in text:
            continue
        before = world.state.read_bytes() if world.state.exists() else b""
        ran = world.run("pin", f"--session={text}", GOOD, about=f"session {number}")
        judge.counts["taken" if ran.status == 0 else "refused"] += 1
        after = world.state.read_bytes() if world.state.exists() else b""
        judge.expect(ran.status != 0 or SESSION.match(text), f"session {text!a}: is taken")
        judge.expect(ran.status == 0 or after == before, f"session {text!a}: is refused, and the state changed")
        chat = world.run("pin", "--session=chat", "--", f"/model {text}", about=f"line of a chat {number}")
        judge.expect(chat.status in (0, 64, 66), f"line of a chat {text!a}: ends with {chat.status}")
    state = json.loads(world.state.read_bytes())
    judge.expect(all(SESSION.match(session) for session in state["pins"]), "pins of sessions outside the grammar")
    world.state.unlink()
    return judge.counts, judge.failures


def answers(world, ids):
    """Returns what `resolve` answers to ids."""
    request = json.dumps({"protocolVersion": 1, "provider": "strongroom", "ids": ids})
    ran = world.must("resolve", stdin=request.encode())
    strict(ran.out)
    return json.loads(ran.out)


def as_ids(world, texts):
    """As ids of `resolve`: one answer to each, whatever it is."""
    judge = Judge()
    for from_ in range(0, len(texts), 512):
        asked = texts[from_ : from_ + 512]
        answer = answers(world, asked)
        judge.counts["answered"] += len(asked)
        missing = set(asked) - set(answer["errors"]) - set(answer["values"])
        judge.expect(not missing, f"no answer to {sorted(missing)[:3]!a}")
    return judge.counts, judge.failures


def profiles(entries):
    return json.dumps({"version": 1, "profiles": entries}).encode()


def imported(world, judge, what, entries):
    """Imports entries, skipping invalid ones; each is either stored afterwards, or was named."""
    source = world.put(world.home / "source.json", profiles(entries))
    ran = world.run("import", str(source), "--skip-invalid", "--on-conflict", "replace", "--json", about=what)
    judge.expect(ran.status in (0, 65), f"{what}: ends with {ran.status}")
    judge.expect(is_json(ran.out), f"{what}: import --json prints no JSON")
    said = json.loads(ran.out) if is_json(ran.out) else {"entries": [], "invalid": [], "skipped": []}
    judge.counts[f"taken ({what})"] += len(said["entries"])
    judge.counts[f"refused ({what})"] += len(said["invalid"])
    told_of = len(said["entries"]) + len(said["invalid"]) + len(said["skipped"])
    judge.expect(told_of >= len(entries), f"{what}: {len(entries)} entries, and {told_of} are told of")
    for way in ([], ["--dry-run"]):
        world.run("import", str(source), "--on-conflict", "skip", *way, about=what)
    source.unlink()
    return said


def as_entries(world, texts):
    """In an import: as keys, as display names and e-mail addresses, as names, as providers."""
    judge = Judge()
    plain = {"type": "api_key", "provider": "openrouter", "key": KEY}
    keyed = {f"openrouter:k{n}": {**plain, "key": text} for n, text in enumerate(texts)}
    said = imported(world, judge, "keys", keyed)
    taken = [entry["id"] for entry in said["entries"]]
    for from_ in range(0, len(taken), 512):
        values = answers(world, [f"main/{one}" for one in taken[from_ : from_ + 512]])["values"]
        for one in taken[from_ : from_ + 512]:
            text, got = keyed[one]["key"], values.get(f"main/{one}")
            may, refused = secrets_of(text)
            judge.expect(not refused, f"key {text!a}: is stored, and should be refused")
            judge.expect(got in may, f"key {text!a}: resolve gives {got!a}")
    named = {f"openrouter:d{n}": {**plain, "displayName": text, "email": text} for n, text in enumerate(texts)}
    imported(world, judge, "display names", named)
    index = json.loads(world.index.read_bytes())["profiles"]
    for one, entry in named.items():
        for member in ("displayName", "email"):
            now = index.get(one, {}).get(member, entry[member])
            judge.expect(
                now == entry[member] or now == entry[member].strip(), f"{member} {entry[member]!a}: became {now!a}"
            )
    imported(world, judge, "names", {f"openrouter:{text}": plain for text in texts})
    imported(world, judge, "ids", dict.fromkeys(texts, plain))
    imported(world, judge, "providers", {f"{text}:p{n}": {**plain, "provider": text} for n, text in enumerate(texts)})
    bad = [found for found in ids_of(world) if not ID.match(found) or len(found) > ID_MAX]
    judge.expect(not bad, f"ids outside the grammar: {bad[:5]!a}")
    look(world, "imported entries")
    return judge.counts, judge.failures


def look(world, about):
    """Runs everything that shows the contents of files, as text and as JSON."""
    for arguments in (
        ["list"], ["list", "--json"], ["status"], ["status", "--plain"], ["status", "--json"], ["status", "--check"],
        ["status", "--session", "s"],
        ["status", "--explain", "openrouter"],
        ["order", "get", "--provider", "openrouter"],
        ["doctor"], ["doctor", "--json"], ["verify"], ["verify", "--json"], ["log"], ["log", "--json"],
        ["import", "--from", "env", "--dry-run"],
    ):  # fmt: skip
        ran = world.run(*arguments, about=about)
        if "--json" in arguments and ran.status != 0 and not ran.out:
            continue
        if "--json" in arguments and not is_json(ran.out):
            world.faults.append(f"no JSON: {about}: strongroom {' '.join(arguments)}")


def as_others(world, texts):
    """In files that others wrote: index, state, configuration, the client's store, variables."""
    judge = Judge()
    whole = world.index.read_bytes()
    some = [text for text in dict.fromkeys(texts) if text]
    entry = {"type": "api_key", "provider": "openrouter"}
    foreign = {
        text: {**entry, "type": text, "provider": text, "key": text, "email": text, "displayName": text}
        for text in some
    }
    foreign |= {
        f"openrouter:f{n}": {
            **entry,
            "displayName": text,
            "email": text,
            "keyRef": {"source": text, "provider": text, "id": text},
        }
        for n, text in enumerate(some)
    }
    order = {text: [text] for text in some} | {"openrouter": some}
    world.put(
        world.index,
        json.dumps({"version": 1, "profiles": foreign, "order": order, **dict.fromkeys(some[:50], 1)}).encode(),
    )
    look(world, "an index of others")
    before = world.index.read_bytes()
    ran = world.run("paste-api-key", "--provider", "openrouter", stdin=KEY.encode(), about="an index of others")
    if ran.status == 0:
        now = json.loads(world.index.read_bytes())["profiles"]
        judge.expect(all(now.get(text) == of for text, of in foreign.items()), "entries of others changed in a paste")
    else:
        judge.expect(world.index.read_bytes() == before, "an index of others was refused, and changed")
    world.put(world.index, whole)
    usage = {
        text: {"cooldownUntil": 8_000_000_000_000, "cooldownReason": text, "cooldownModel": text, "errorCount": 1}
        for text in some
    }
    usage[GOOD] = {"disabledUntil": 8_000_000_000_000, "disabledReason": some[-1], "cooldownReason": some[0]}
    pins = {text: {"profile": text, "model": text, "source": text, "at": 1} for text in some}
    world.put(
        world.state,
        json.dumps(
            {"version": 1, "order": order, "lastGood": dict(zip(some, some)), "usageStats": usage, "pins": pins}
        ).encode(),
    )
    look(world, "a state of others")
    world.run("report", GOOD, "--failure", "timeout", about="a state of others")
    world.state.unlink()
    providers = {text: {"baseUrl": text, "apiKey": text, "api": text} for text in some}
    providers |= {"openrouter": {"baseUrl": f"https://example.com/{some[-1]}", "apiKey": some[-1]}}
    config = {
        "auth": {"order": order, "profiles": {text: {"provider": text, "mode": text} for text in some}},
        "models": {"providers": providers},
        "env": {**dict(zip(some, some)), "vars": {"GROQ_API_KEY": some[-1]}},
        "agents": {
            "defaults": {"model": {"primary": some[-1], "fallbacks": some}},
            "list": [{"id": text, "model": text, "agentDir": text} for text in some],
        },
    }
    world.put(world.client / "openclaw.json", json.dumps(config, ensure_ascii=False).encode())
    world.put(world.client / "agents/main/agent/auth-profiles.json", profiles(foreign))
    world.put(world.client / ".env", "\n".join(f"GROQ_API_KEY_{n}={text}" for n, text in enumerate(some)).encode())
    look(world, "a configuration of others")
    for path in (
        world.client / "openclaw.json",
        world.client / "agents/main/agent/auth-profiles.json",
        world.client / ".env",
    ):
        path.unlink()
    # The pool of a provider, one key per variable.
    pool = {f"GROQ_API_KEY_{n}": text for n, text in enumerate(some) if "\0" not in text}
    for arguments in (["status"], ["status", "--json"], ["import", "--from", "env", "--dry-run"], ["doctor"]):
        world.run(*arguments, about="variables", **pool)
    judge.counts["strings in each file"] += len(some)
    judge.expect(world.good_key("after files of others"), "get does not give the key")
    return judge.counts, judge.failures


def run(report, worlds, folder):
    """All strings in all places."""
    texts = strings(folder)
    numbered = list(enumerate(texts))
    for what, work in (
        ("secrets", as_secrets),
        ("names and providers", as_names),
        ("agents", as_agents),
        ("sessions and lines of a chat", as_sessions),
    ):
        counts, failures = shared_out(worlds, numbered, work)
        report.check(f"strings as {what}", failures, f"{len(texts)} strings, {told(counts)}")
    for what, work in (
        ("ids of resolve", as_ids),
        ("entries of an import", as_entries),
        ("files of others", as_others),
    ):
        counts, failures = work(worlds[0], texts)
        report.check(f"strings in {what}", failures, f"{len(texts)} strings, {told(counts)}")
