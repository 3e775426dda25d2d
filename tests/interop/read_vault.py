#!/usr/bin/env python3
"""Reads a Strongroom home with a key file: a second implementation of a reader.

    read_vault.py HOME KEY_FILE          verifies the ledgers, prints profiles, secrets and the state of every log
    read_vault.py --vectors FILE         computes every vector of docs/vectors.json again

It follows only docs/formats.md and https://c2sp.org/age, and depends only on `cryptography`: 38 or newer, and 44 or
newer for the Argon2id vectors. It is slow and careless with memory: use it only for tests. It prints secrets.
"""
import base64
import hashlib
import hmac
import json
import pathlib
import re
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

try:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
except ImportError:  # before version 44
    Argon2id = None

MAX, OPS_MAX, HEADER_MAX, STANZAS_MAX = 16384, 64 << 20, 4096, 4
RESERVED = {
    "__proto__", "constructor", "prototype", "hasownproperty", "isprototypeof", "propertyisenumerable",
    "tolocalestring", "tostring", "valueof", "__definegetter__", "__definesetter__",
}


class Refused(Exception):
    """Raised for anything that a reader has to refuse."""


def need(condition, why):
    if not condition:
        raise Refused(why)


# --- conventions ----------------------------------------------------------------------------------------------

def b64(data):
    return base64.b64encode(data).rstrip(b"=").decode()


def unb64(text, length=None):
    need(re.fullmatch(r"[A-Za-z0-9+/]*", text), "not Base64")
    data = base64.b64decode(text + "=" * (-len(text) % 4))
    need(b64(data) == text, "not canonical Base64")
    need(length is None or len(data) == length, "wrong length")
    return data


def hkdf(salt, info, ikm):
    return HKDF(SHA256(), 32, salt or bytes(32), info.encode()).derive(ikm)


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def unseal(key, data, nonce=bytes(12)):
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, data, None)
    except InvalidTag:
        return None


def parse(data, what):
    def members(pairs):
        need(len({name for name, _ in pairs}) == len(pairs), f"{what} has a key twice")
        return dict(pairs)
    document = json.loads(data.decode(), object_pairs_hook=members)
    need(isinstance(document, dict), f"{what} is not an object")
    return document


def formatted(data, what):
    document = parse(data, what)
    need(document.get("format") == 1, f"{what} has an unknown format")
    return document


# --- age v1 ---------------------------------------------------------------------------------------------------

def age_header(data, what):
    """Returns the stanzas [(tag, arguments, body)], the header's bytes up to its MAC, that MAC, and the payload."""
    need(data.startswith(b"age-encryption.org/v1\n"), f"{what} is not an age v1 file")
    at, lines = 0, []
    while True:
        end = data.find(b"\n", at)
        need(0 <= end < HEADER_MAX, f"the header of {what} is too large")
        lines.append(data[at:end].decode("ascii"))
        at = end + 1
        if lines[-1].startswith("--- "):
            break
        need(sum(line.startswith("-> ") for line in lines) <= STANZAS_MAX, f"{what} has too many stanzas")
    stanzas, rest = [], lines[1:-1]
    while rest:
        need(rest[0].startswith("-> "), f"{what} has a damaged header")
        tag, *arguments = rest.pop(0)[3:].split(" ")
        body = ""
        while True:
            need(rest, f"{what} has a damaged header")
            line = rest.pop(0)
            body += line
            if len(line) < 64:
                break
        stanzas.append((tag, arguments, unb64(body)))
    return stanzas, data[:at - len(lines[-1]) - 1 + len("---")], unb64(lines[-1][4:], 32), data[at:]


def age_decrypt(data, what, unwrap):
    """Returns the plaintext, using the file key that `unwrap` finds in the stanzas."""
    stanzas, header, header_mac, payload = age_header(data, what)
    file_key = unwrap(stanzas)
    need(file_key is not None, f"{what} cannot be decrypted")
    need(hmac.compare_digest(mac(hkdf(b"", "header", file_key), header), header_mac), f"{what} was altered")
    key, payload, plaintext, counter = hkdf(payload[:16], "payload", file_key), payload[16:], b"", 0
    while True:
        chunk, payload = payload[:65536 + 16], payload[65536 + 16:]
        opened = unseal(key, chunk, counter.to_bytes(11, "big") + bytes([not payload]))
        need(opened is not None, f"{what} was altered")
        plaintext += opened
        counter += 1
        if not payload:
            return plaintext


def only(stanzas, *tags):
    ours = [stanza for stanza in stanzas if stanza[0] in tags]
    need(len(ours) == 1, "not exactly one Strongroom stanza")
    return ours[0]


# --- names ----------------------------------------------------------------------------------------------------

def escape(text, literal):
    return "".join(c if re.fullmatch(literal, c) else f"_{ord(c):02x}" for c in text)


def profile_id(text):
    need(len(text) <= 320 and re.fullmatch(r"[a-z0-9][a-z0-9._-]*:[A-Za-z0-9][A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]*", text), "not a profile id")
    need(len(escape(text.split(":")[0], FILES)) <= 148, "a provider that is too long")
    need(not RESERVED & {part.lower() for part in text.split(":")}, "a reserved name")
    return text


FILES, REFERENCES = "[a-z0-9.-]", "[A-Za-z0-9.:-]"


def short(profile, literal):
    return escape(profile.split(":")[0] + ":", literal) + "_x" + hashlib.sha256(profile.encode()).hexdigest()[:40]


def file_name(profile):
    name = escape(profile, FILES) + ".age"
    return name if len(name) <= 200 else short(profile, FILES) + ".age"


def of_file_name(name):
    """Returns the profile, or None for a short name, whose profile only the record tells."""
    if re.fullmatch(r"[a-z0-9._-]+_3a_x[0-9a-f]{40}\.age", name):
        return None
    plain = re.sub("_([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), name.removesuffix(".age"))
    need(file_name(profile_id(plain)) == name, "not a canonical file name")
    return plain


def reference(agent, profile):
    escaped, id_there = escape(agent, REFERENCES), escape(profile, REFERENCES)
    if len(f"{escaped}/{id_there}") > 256:
        id_there = short(profile, REFERENCES)
    return f"{escaped}/{id_there}" if len(f"{escaped}/{id_there}") <= 256 else f"{agent}/{id_there}"


# --- signed texts and ledgers ---------------------------------------------------------------------------------

def signed(data, key, salt, label, what):
    """Returns the JSON of a signed text, and its MAC."""
    need(data.endswith(b"\n") and data.count(b"\nmac ") == 1, f"{what} is not a signed text")
    line, found = data[:-1].split(b"\nmac ")
    need(b64(mac(hkdf(salt.encode(), label, key), line)) == found.decode(), f"{what} was altered")
    return formatted(line, what), found.decode()


def agent_key(vault_key, agent):
    return hkdf(f"agent:{agent}".encode(), "strongroom/agent/v1", vault_key)


def open_ledger(data, keys, payload, what):
    """Returns a ledger that one of the keys of its scope signed, and its MAC."""
    claimed = json.loads(data.split(b"\n")[0])
    need(claimed["key"] in keys, f"{what} is signed with a key that the vault does not have")
    salt = f"machine:{payload['machine']}"
    ledger, found = signed(data, keys[claimed["key"]], salt, "strongroom/ledger/v1", what)
    need((ledger["vault"], ledger["machine"]) == (payload["vault"], payload["machine"]), f"{what} is not of this vault")
    return ledger, found


def ledger_entries(ledger, directories):
    """Returns all entries of an agent's ledger, with its shards from the first place that has them."""
    if "entries" in ledger:
        return ledger["entries"]
    digests = re.findall(".{32}", ledger["shards"])
    need(len(digests) & (len(digests) - 1) == 0, "the number of shards is not a power of two")
    entries = {}
    for at, digest in enumerate(digests):
        data = next(data for place in directories if (data := part(place, f"ledger-{digest}")) is not None)
        need(hashlib.sha256(data).hexdigest()[:32] == digest, "a shard was altered")
        shard = parse(data, "a shard")
        for profile in shard:
            first = int.from_bytes(hashlib.sha256(profile.encode()).digest()[:4], "big")
            need(first >> (32 - (len(digests).bit_length() - 1)) == at, "a profile in the wrong shard")
        entries |= shard
    need(len(entries) == ledger["count"], "the number of entries differs from the ledger's")
    return entries


# --- unlock files, records, transactions ----------------------------------------------------------------------

def key_of_text(text):
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    need(len(lines) == 1 and lines[0].startswith("strongroom-key-v1:"), "not a key file")
    return unb64(lines[0].removeprefix("strongroom-key-v1:"), 32)


def key_id(vault_key):
    return hkdf(b"", "strongroom/key-id/v1", vault_key)[:8].hex()


def open_unlock_file(data, method, method_key):
    """Returns the payload; `method_key` takes (kind, arguments) and returns 32 bytes or None."""
    need(len(data) <= MAX, "an unlock file is too large")

    def unwrap(stanzas):
        tag, arguments, body = only(stanzas, "strongroom-key", "strongroom-argon2id")
        key = method_key(tag, arguments[:-1])
        return key and unseal(hkdf(unb64(arguments[-1], 16), "strongroom/unlock/v1", key), body)
    payload = formatted(age_decrypt(data, f"unlock/{method}.age", unwrap), "an unlock file")
    need(payload["method"] == method, "an unlock file of another method")
    keys = {entry["id"]: unb64(entry["key"], 32) for entry in payload["keys"]}
    need(all(key_id(key) == name for name, key in keys.items()), "a key that does not fit its id")
    need(payload["current"] in keys, "the current key is missing")
    return payload, keys


def open_sealed(data, keys, purpose, what):
    """Returns the contents of a record (`record`) or of the operations of a transaction (`txn`)."""
    need(len(data) <= (MAX if purpose == "record" else OPS_MAX), f"{what} is too large")
    name, salt, expected = only(age_header(data, what)[0], "strongroom")[1]
    need(name in keys, f"{what} is encrypted with an unknown key")
    salt, expected, key = unb64(salt, 16), unb64(expected, 32), keys[name]
    plaintext = age_decrypt(data, what, lambda stanzas: unseal(
        hkdf(salt, f"strongroom/{purpose}/v1", key), only(stanzas, "strongroom")[2]))
    found = mac(hkdf(salt, f"strongroom/{purpose}-auth/v1", key), plaintext)
    need(hmac.compare_digest(found, expected), f"{what} was rewritten without the vault's key")
    need(purpose != "record" or len(plaintext) % 512 == 0, f"{what} is not padded")
    return formatted(plaintext, what)


def sealed_under(data):
    return only(age_header(data, "a record")[0], "strongroom")[1][0]


def open_record(data, keys, vault, agent, profile):
    record = open_sealed(data, keys, "record", f"the record of {profile}")
    for member, due in (("vault", vault), ("agent", agent), ("profile", profile)):
        need(record[member] == due, f"the record of {profile} names another {member}")
    need(0 <= record["generation"] <= 1 << 52, f"the record of {profile} has no valid generation")
    return record


def check_log(files, keys, machine, head):
    """Returns how many lines verify, and what is wrong. `files` are those of the log, the oldest first."""
    lines, findings, follows, seq, previous, file_before = [], [], [], 0, "", None
    for data in files:
        begins, at = len(lines), 0
        for number, raw in enumerate(re.findall(rb"[^\n]*\n|[^\n]+$", data)):
            line = parse(raw, "a log line")
            opened = raw.decode()[:raw.decode().rindex(',"mac":"')]
            restarts = number == 0 and "previous" in line
            if restarts:
                previous = line["previous"]
            if line["seq"] != seq + 1 and not (restarts and (not lines or line["seq"] > seq)):
                findings.append(f"line {len(lines) + 1} does not follow")
            known = line["key"] in keys
            if known and log_mac(keys[line["key"]], machine, previous, opened) != line["mac"]:
                findings.append(f"line {len(lines) + 1} was altered")
            elif known and "anchor" in line:
                if hashlib.sha256(data[:at]).hexdigest() == line["anchor"]:
                    lines[begins:] = [True] * (len(lines) - begins)
                elif number <= 1 and file_before and file_before[1] == line["anchor"]:
                    lines[file_before[0]:] = [True] * (len(lines) - file_before[0])
                elif number or file_before:
                    findings.append(f"lines before line {len(lines) + 1} were altered")
            lines.append(known)
            seq, previous, at = line["seq"], line["mac"], at + len(raw)
        digest = hashlib.sha256(data).hexdigest()
        first = parse(data.split(b"\n")[0], "a log line") if data else {}
        if file_before and first.get("anchor") == file_before[1]:
            follows.append((file_before[0], begins))
        file_before = begins, digest
    for before, begins in reversed(follows):
        if lines[begins]:
            lines[before:begins] = [True] * (begins - before)
    if not all(lines):
        findings.append(f"{lines.count(False)} lines are under an unknown key")
    if (seq, previous) != (head["seq"], head["mac"]):
        findings.append("the log does not end where the ledger says")
    return lines.count(True), findings


def log_mac(key, machine, previous, opened):
    salt = f"machine:{machine}".encode()
    return b64(mac(hkdf(salt, "strongroom/log/v1", key), f"{previous}\n{opened}".encode()))


def log_files(directory):
    earlier = sorted(path for path in directory.glob("log-*.jsonl") if re.fullmatch(r"log-\d{20}\.jsonl", path.name))
    return [path.read_bytes() for path in [*earlier, directory / "log.jsonl"] if path.exists()]


def part(place, name):
    """Returns a file of a directory, or a part of a journal."""
    if isinstance(place, dict):
        return place.get(name)
    return (place / name).read_bytes() if (place / name).exists() else None


TITLE, MARK = b"strongroom-journal/v1 ", 64


def journal(directory):
    """Returns the parts of a journal, by name, unless its mark says that everything is in place."""
    path = directory / "journal"
    if not path.exists():
        return None
    data, boot, here = path.read_bytes(), pathlib.Path("/proc/sys/kernel/random/boot_id"), directory.stat()
    mark, rest = data[len(TITLE):len(TITLE) + MARK], data[len(TITLE) + MARK:]
    if boot.exists() and mark.decode() == f"{boot.read_text().strip().replace('-', '')}{here.st_dev:016x}{here.st_ino:016x}":
        return None
    listed, body = rest.removeprefix(b"\n").split(b"\n\n", 1)
    parts, at = {}, 0
    for line in listed.decode().split("\n"):
        length, name = line.split(" ")
        need(re.fullmatch(r"[a-z0-9_-][a-z0-9._-]*", name) and name not in parts, "a journal with a strange part")
        parts[name] = body[at:at + int(length)]
        at += int(length)
    need(data.startswith(TITLE) and at == len(body), "a damaged journal")
    return parts


def torn(data):
    """Returns whether these bytes may be a record that a power loss left."""
    return len(data) % 4096 == 0 or any(not any(data[at:at + 512]) for at in range(0, len(data), 512))


def missing_ops(ops, data):
    """Returns the operations that are not in an index yet: those after the last change that the index matches."""
    there, at, done = hashlib.sha256(data).hexdigest(), 0, None
    for step in ops["index"]:
        done = at if step["before"] == there else done
        at += step["ops"]
        done = at if step["after"] == there else done
    # If another program wrote the index after a journal was applied, the index has all of its operations.
    return ops["ops"][(len(ops["ops"]) if "records" in ops else 0) if done is None else done:]


def read_agent(directory, vault_keys, payload):
    """Returns the index as it will be, the current records, and the ledger."""
    agent, vault = directory.name, payload["vault"]
    keys = {name: agent_key(key, agent) for name, key in vault_keys.items()}
    ledger, found = {"number": 0, "entries": {}, "count": 0, "log": {"seq": 0, "mac": "", "len": 0}}, ""
    in_place, staged = part(directory, "ledger"), journal(directory)
    is_torn = in_place is not None and (b"\0" in in_place or in_place[-1:] != b"\n")
    if in_place is not None and not (is_torn and staged):
        ledger, found = open_ledger(in_place, keys, payload, f"the ledger of {agent}")
    places, ops = [directory], None
    for place in [directory / "txn", staged or {}]:
        # A committed change counts if its ledger is the one in place, or follows it.
        if part(place, "ledger") is None:
            continue
        of_change, its_mac = open_ledger(part(place, "ledger"), keys, payload, "a staged ledger")
        change = open_sealed(part(place, "ops"), keys, "txn", "ops")
        need((change["vault"], change["agent"], change["ledger"]) == (vault, agent, its_mac), "another agent's transaction")
        for name, due in change.get("records", {}).items():
            need(hashlib.sha256(part(place, name) or b"").hexdigest() == due, f"a journal with another {name}")
        if its_mac == found or (of_change["number"] > ledger["number"] and (found in change["follows"] or is_torn)):
            ledger, found, places, ops = of_change, its_mac, [place, directory], change
    need(ledger["number"] == 0 or ledger["agent"] == agent, "the ledger of another agent")
    # An empty log can be left by a first change that was cut short.
    had_ledger = any((directory / "records").glob("*.age")) or any(log_files(directory)) or (directory / "pending").exists()
    need(ledger["number"] or not had_ledger, f"the ledger of {agent} is missing")
    index_file = directory / "auth-profiles.json"
    data = index_file.read_bytes() if index_file.exists() else b""
    index = parse(data, "the index") if data else {}
    need(index.get("version", 1) == 1, "the index has a newer version")
    profiles, order = index.setdefault("profiles", {}), index.setdefault("order", {})
    for op in missing_ops(ops, data) if ops else []:
        if op["op"] in ("put", "list"):
            profiles[op["profile"]] = profiles.get(op["profile"], {}) | op["entry"]
        elif op["op"] == "rename" and op["from"] in profiles:
            profiles[op["to"]] = profiles.pop(op["from"])
            for provider, ids in order.items():
                ids = [i for i in ids if i != op["from"]] if op["to"] in ids else \
                    [op["to"] if i == op["from"] else i for i in ids]
                order[provider] = ids
        elif op["op"] == "remove":
            profiles.pop(op["profile"], None)
            for ids in order.values():
                ids[:] = [i for i in ids if i != op["profile"]]
        elif op["op"] == "order":
            order[op["provider"]] = op["ids"]
    records = {}
    for profile, entry in sorted(ledger_entries(ledger, places).items()):
        if entry.get("removed"):
            continue
        need(entry["store"] == "file", f"{profile} is stored in {entry['store']}, which this program does not read")
        data = next(data for place in [*places, directory / "records"] if (data := part(place, file_name(profile))) is not None)
        record = open_record(data, keys, vault, agent, profile)
        there = part(directory / "records", file_name(profile)) or b""
        if ops and there != data and not torn(there):
            open_record(there, keys, vault, agent, profile)  # an older one
        need((record["generation"], sealed_under(data)) == (entry["generation"], entry["key"]),
             f"the record of {profile} is not the one that the ledger names")
        records[profile] = record
    return index, records, ledger, keys, ops


def read_home(home, key_file):
    key, opened = key_of_text(key_file.read_text()), None
    for path in sorted((home / "unlock").glob("*.age")):
        try:
            opened = open_unlock_file(path.read_bytes(), path.name[:-4], lambda tag, _: tag == "strongroom-key" and key)
            print(f"opened by {path.name}")
            break
        except Refused as why:
            print(f"{path.name}: {why}")
    need(opened, "the key opens no unlock file")
    payload, keys = opened
    need(formatted((home / "vault.json").read_bytes(), "vault.json")["vaultId"] == payload["vault"], "another vault.json")
    own, _ = open_ledger((home / "ledger").read_bytes(), keys, payload, "the vault's own ledger")
    for method, digest in own["methods"].items():
        found = hashlib.sha256((home / f"unlock/{method}.age").read_bytes()).hexdigest()
        need(found == digest, f"unlock/{method}.age is not the file that the ledger lists")
    need(payload["method"] in own["methods"], "an unlock method that the ledger does not list")
    data = (home / "settings.json").read_bytes()
    need(hashlib.sha256(data).hexdigest() == own["settings"], "settings.json is not the one that the ledger names")
    key = keys[json.loads(data.split(b"\n")[0])["key"]]
    settings, _ = signed(data, key, "settings", "strongroom/settings/v1", "settings.json")
    print(f"vault {payload['vault']}, key {payload['current']}, default store {settings['defaultStore']}")
    show_log(home, keys, payload["machine"], own["log"], "the vault")
    for directory in sorted((home / "agents").iterdir()) if (home / "agents").exists() else []:
        print(f"agent {directory.name}")
        index, records, ledger, agent_keys, ops = read_agent(directory, keys, payload)
        for profile, record in records.items():
            entry = index["profiles"].get(profile, {})
            ref = (entry.get("keyRef") or entry.get("tokenRef") or {}).get("id")
            need(ref in (None, reference(directory.name, profile)), f"a wrong reference for {profile}")
            mark = "" if entry.get("strongroom", {}).get("generation") == record["generation"] else "  NOT THE LISTED ONE"
            print(f"  {profile}  {record['type']}  generation {record['generation']}  {json.dumps(record['secret'])}{mark}")
            if "extra" in record:
                print(f"    extra {json.dumps(record['extra'])}")
        print(f"  order {json.dumps(index['order'])}")
        if not ops:
            show_log(directory, agent_keys, payload["machine"], ledger["log"], f"agent {directory.name}")


def show_log(directory, keys, machine, head, whose):
    good, findings = check_log(log_files(directory), keys, machine, head)
    print(f"  log of {whose}: {good} lines verify" + "".join(f"; {finding}" for finding in findings))


# --- the vectors ----------------------------------------------------------------------------------------------

def check_vectors(vectors):
    vault_key, checked, skipped = bytes.fromhex(vectors["vaultKey"]), 0, 0

    def same(found, due, what):
        nonlocal checked
        need(found == due, f"{what}: {found} is not {due}")
        checked += 1
    same(key_id(vault_key), vectors["keyId"], "the key id")
    same(key_of_text(vectors["keyFile"]).hex(), vectors["vaultKey"], "the key file")
    same(agent_key(vault_key, "main").hex(), vectors["agentKey"], "the key of agent main")
    of_scope = {"vault": vault_key, "main": bytes.fromhex(vectors["agentKey"])}
    for one in vectors["derived"]:
        same(hkdf(one["salt"].encode(), one["label"], of_scope[one["scope"]]).hex(), one["key"], one["label"])
    for one in vectors["names"]:
        same(file_name(profile_id(one["profile"])), one["fileName"], "a file name")
        same(of_file_name(one["fileName"]) or one["profile"], one["profile"], "a file name's profile")
        same(reference(one.get("agent", "main"), one["profile"]), one["reference"], "a reference id")
    for one in vectors["argon2id"]:
        if Argon2id is None:
            skipped += 1
            continue
        key = Argon2id(salt=bytes.fromhex(one["salt"]), length=32, iterations=one["t"], lanes=one["p"],
                       memory_cost=one["m"]).derive(one["passphrase"].encode())
        same(key.hex(), one["key"], "Argon2id")
    home = vectors["home"]
    payload, keys = open_unlock_file(base64.b64decode(home["unlockFile"]), home["method"],
                                     lambda tag, _: tag == "strongroom-key" and key_of_text(home["keyFile"]))
    same(payload, home["payload"], "the payload")
    same(keys[payload["current"]].hex(), home["vaultKey"], "the home's vault key")
    ledger, found = open_ledger(home["ownLedger"].encode(), keys, payload, "the vault's own ledger")
    same(found, home["ownLedgerMac"], "the MAC of the vault's own ledger")
    tag = hkdf(payload["recoveryRecipient"].encode(), "strongroom/recovery-id/v1", keys[ledger["key"]])[:16].hex()
    same(ledger["recovery"], tag, "the tag of the recovery recipient")
    same(check_log([home["ownLog"].encode()], keys, payload["machine"], ledger["log"]), (1, []), "the vault's log")
    agent_keys = {name: agent_key(key, home["agent"]) for name, key in keys.items()}
    ledger, found = open_ledger(home["ledger"].encode(), agent_keys, payload, "the ledger")
    same(found, home["ledgerMac"], "the MAC of the ledger")
    data = base64.b64decode(home["record"])
    record = open_record(data, agent_keys, payload["vault"], home["agent"], home["profile"])
    same(record, home["recordPlaintext"], "the record")
    entry = ledger_entries(ledger, [])[home["profile"]]
    same((record["generation"], sealed_under(data)), (entry["generation"], entry["key"]), "the ledger's entry")
    same(check_log([home["log"].encode()], agent_keys, payload["machine"], ledger["log"]), (1, []), "the log")
    recovery = home["recovery"]
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(recovery["private"]))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def by_recovery(stanzas):
        _, (share,), body = next(stanza for stanza in stanzas if stanza[0] == "X25519")
        share = unb64(share, 32)
        shared = private.exchange(X25519PublicKey.from_public_bytes(share))
        return unseal(hkdf(share + public, "age-encryption.org/v1/X25519", shared), body)
    stock = age_decrypt(base64.b64decode(home["record"]), "the record", by_recovery)
    same(json.loads(stock), home["recordPlaintext"], "the record by the recovery key")
    print(f"{checked} vectors match")
    if skipped:
        print(f"{skipped} Argon2id vectors skipped: this `cryptography` is older than 44")


def main(arguments):
    try:
        if len(arguments) == 2 and arguments[0] == "--vectors":
            check_vectors(json.loads(pathlib.Path(arguments[1]).read_text()))
        elif len(arguments) == 2:
            read_home(pathlib.Path(arguments[0]), pathlib.Path(arguments[1]))
        else:
            sys.exit(__doc__)
    except Refused as why:
        sys.exit(f"refused: {why}")
    except (LookupError, OSError, StopIteration, ValueError) as why:
        sys.exit(f"refused: something is damaged or missing: {why!r}")


if __name__ == "__main__":
    main(sys.argv[1:])
