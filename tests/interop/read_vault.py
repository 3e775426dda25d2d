#!/usr/bin/env python3
"""Reads a Strongroom home with a key file: a second implementation of the reading side.

    read_vault.py HOME KEY_FILE          prints profiles, secrets and the state of every log
    read_vault.py --vectors FILE         computes every vector of docs/vectors.json again

It follows docs/formats.md and https://c2sp.org/age alone, and depends on `cryptography` alone. It is slow and careless
with memory: for tests, not for use. It prints secrets.
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

MAX, OPS_MAX, HEADER_MAX, STANZAS_MAX = 16384, 64 << 20, 4096, 4
RESERVED = {
    "__proto__", "constructor", "prototype", "hasownproperty", "isprototypeof", "propertyisenumerable",
    "tolocalestring", "tostring", "valueof", "__definegetter__", "__definesetter__",
}


class Refused(Exception):
    """What a reader has to refuse."""


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
    need(length is None or len(data) == length, "a wrong length")
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
        need(len({name for name, _ in pairs}) == len(pairs), f"{what} names a key twice")
        return dict(pairs)
    document = json.loads(data.decode(), object_pairs_hook=members)
    need(isinstance(document, dict), f"{what} is not an object")
    return document


def formatted(data, what):
    document = parse(data, what)
    need(document.get("format") == 1, f"{what} is of an unknown format")
    return document


# --- age v1 ---------------------------------------------------------------------------------------------------

def age_header(data, what):
    """The stanzas [(tag, arguments, body)], the header's bytes up to its MAC, that MAC, and the payload."""
    need(data.startswith(b"age-encryption.org/v1\n"), f"{what} is not an age v1 file")
    at, lines = 0, []
    while True:
        end = data.find(b"\n", at)
        need(0 <= end < HEADER_MAX, f"{what} has too large a header")
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
    """The plaintext, with the file key that `unwrap` finds in the stanzas."""
    stanzas, header, header_mac, payload = age_header(data, what)
    file_key = unwrap(stanzas)
    need(file_key is not None, f"{what} does not open")
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
    need(len(ours) == 1, "not exactly one stanza of Strongroom's")
    return ours[0]


# --- names ----------------------------------------------------------------------------------------------------

def escape(text, literal):
    return "".join(c if re.fullmatch(literal, c) else f"_{ord(c):02x}" for c in text)


def profile_id(text):
    need(len(text) <= 80 and re.fullmatch(r"[a-z0-9][a-z0-9._-]*:[A-Za-z0-9][A-Za-z0-9._@+-]*", text), "no profile id")
    need(not RESERVED & {part.lower() for part in text.split(":")}, "a reserved name")
    return text


def file_name(profile):
    return escape(profile, "[a-z0-9.-]") + ".age"


def of_file_name(name):
    plain = re.sub("_([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), name.removesuffix(".age"))
    need(file_name(profile_id(plain)) == name, "not a canonical file name")
    return plain


def reference(agent, profile):
    return f"{agent}/" + escape(profile, "[A-Za-z0-9.:-]")


# --- unlock files, records, transactions ----------------------------------------------------------------------

def key_of_text(text):
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    need(len(lines) == 1 and lines[0].startswith("strongroom-key-v1:"), "no key file")
    return unb64(lines[0].removeprefix("strongroom-key-v1:"), 32)


def key_id(vault_key):
    return hkdf(b"", "strongroom/key-id/v1", vault_key)[:8].hex()


def open_unlock_file(data, method, method_key):
    """The payload; `method_key` is given (kind, arguments) and returns 32 bytes or None."""
    need(len(data) <= MAX, "too large an unlock file")

    def unwrap(stanzas):
        tag, arguments, body = only(stanzas, "strongroom-key", "strongroom-argon2id")
        key = method_key(tag, arguments[:-1])
        return key and unseal(hkdf(unb64(arguments[-1], 16), "strongroom/unlock/v1", key), body)
    payload = formatted(age_decrypt(data, f"unlock/{method}.age", unwrap), "an unlock file")
    need(payload["method"] == method, "the file of another method")
    keys = {entry["id"]: unb64(entry["key"], 32) for entry in payload["keys"]}
    need(all(key_id(key) == name for name, key in keys.items()), "a key that does not fit its id")
    need(payload["current"] in keys, "a current key that is not there")
    return payload, keys


def open_sealed(data, keys, purpose, what):
    """What a record (`record`) or the operations of a transaction (`txn`) hold."""
    need(len(data) <= (MAX if purpose == "record" else OPS_MAX), f"{what} is too large")
    name, salt, expected = only(age_header(data, what)[0], "strongroom")[1]
    need(name in keys, f"{what} is under an unknown key")
    salt, expected, vault_key = unb64(salt, 16), unb64(expected, 32), keys[name]
    plaintext = age_decrypt(data, what, lambda stanzas: unseal(
        hkdf(salt, f"strongroom/{purpose}/v1", vault_key), only(stanzas, "strongroom")[2]))
    found = mac(hkdf(salt, f"strongroom/{purpose}-auth/v1", vault_key), plaintext)
    need(hmac.compare_digest(found, expected), f"{what} was rewritten without the vault's key")
    return formatted(plaintext, what)


def open_record(data, keys, vault, agent, profile):
    record = open_sealed(data, keys, "record", f"the record of {profile}")
    for member, due in (("vault", vault), ("agent", agent), ("profile", profile)):
        need(record[member] == due, f"the record of {profile} names another {member}")
    return record


def check_log(data, keys, scope):
    """How many lines verify, and what is wrong."""
    good = unvouched = seq = 0
    previous, findings = "", []
    for number, raw in enumerate(re.findall(rb"[^\n]*\n|[^\n]+$", data), 1):
        at = sum(map(len, re.findall(rb"[^\n]*\n", data)[:number - 1]))
        line = parse(raw, f"line {number}")
        opened = raw.decode()[:raw.decode().rindex(',"mac":"')]
        if line["seq"] != seq + 1:
            findings.append(f"line {number} does not follow")
        if line["key"] not in keys:
            unvouched += 1
        elif log_mac(keys[line["key"]], scope, previous, opened) != line["mac"]:
            findings.append(f"line {number} was altered")
        else:
            good += 1
            if "anchor" in line:
                if hashlib.sha256(data[:at]).hexdigest() == line["anchor"]:
                    good, unvouched = good + unvouched, 0
                else:
                    findings.append(f"lines before line {number} were altered")
        seq, previous = line["seq"], line["mac"]
    if unvouched:
        findings.append(f"{unvouched} lines are under an unknown key")
    return good, findings


def log_mac(vault_key, scope, previous, opened):
    return b64(mac(hkdf(scope.encode(), "strongroom/log/v1", vault_key), f"{previous}\n{opened}".encode()))


def read_agent(directory, keys, vault):
    """The index as it will stand, and every record: {profile: record}."""
    agent, ops = directory.name, None
    if (directory / "txn/ops").exists():
        ops = open_sealed((directory / "txn/ops").read_bytes(), keys, "txn", "txn/ops")
        need((ops["vault"], ops["agent"]) == (vault, agent), "the transaction of another agent")
    records = {of_file_name(path.name): path for path in (directory / "records").glob("*.age")}
    index_file = directory / "auth-profiles.json"
    index = parse(index_file.read_bytes(), "the index") if index_file.exists() else {}
    need(index.get("version", 1) == 1, "a newer index")
    profiles, order = index.setdefault("profiles", {}), index.setdefault("order", {})
    for op in ops["ops"] if ops else []:
        if op["op"] == "put":
            staged = directory / "txn/records" / file_name(op["profile"])
            records[op["profile"]] = staged if staged.exists() else directory / "records" / file_name(op["profile"])
        if op["op"] in ("put", "list"):
            profiles[op["profile"]] = profiles.get(op["profile"], {}) | op["entry"]
        elif op["op"] == "rename" and op["from"] in profiles:
            profiles[op["to"]] = profiles.pop(op["from"])
            for provider, ids in order.items():
                ids = [i for i in ids if i != op["from"]] if op["to"] in ids else \
                    [op["to"] if i == op["from"] else i for i in ids]
                order[provider] = ids
        elif op["op"] == "remove":
            records.pop(op["profile"], None)
            profiles.pop(op["profile"], None)
            for ids in order.values():
                ids[:] = [i for i in ids if i != op["profile"]]
        elif op["op"] == "order":
            order[op["provider"]] = op["ids"]
    opened = {p: open_record(path.read_bytes(), keys, vault, agent, p) for p, path in sorted(records.items())}
    return index, opened


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
    settings = formatted((home / "vault.json").read_bytes(), "vault.json")
    need((settings["vaultId"], settings["defaultStore"]) == (payload["vault"], payload["store"]), "another vault.json")
    print(f"vault {payload['vault']}, key {payload['current']}")
    show_log(home, keys, "vault")
    for directory in sorted((home / "agents").iterdir()) if (home / "agents").exists() else []:
        print(f"agent {directory.name}")
        index, records = read_agent(directory, keys, payload["vault"])
        for profile, record in records.items():
            entry = index["profiles"].get(profile, {})
            ref = (entry.get("keyRef") or entry.get("tokenRef") or {}).get("id")
            need(ref in (None, reference(directory.name, profile)), f"another reference for {profile}")
            mark = "" if entry.get("strongroom", {}).get("generation") == record["generation"] else "  NOT THE LISTED ONE"
            print(f"  {profile}  {record['type']}  generation {record['generation']}  {json.dumps(record['secret'])}{mark}")
            if "extra" in record:
                print(f"    extra {json.dumps(record['extra'])}")
        print(f"  order {json.dumps(index['order'])}")
        show_log(directory, keys, f"agent:{directory.name}")


def show_log(directory, keys, scope):
    path = directory / "log.jsonl"
    good, findings = check_log(path.read_bytes() if path.exists() else b"", keys, scope)
    print(f"  log of {scope}: {good} lines verify" + "".join(f"; {finding}" for finding in findings))


# --- the vectors ----------------------------------------------------------------------------------------------

def check_vectors(vectors):
    vault_key, checked = bytes.fromhex(vectors["vaultKey"]), 0

    def same(found, due, what):
        nonlocal checked
        need(found == due, f"{what}: {found} is not {due}")
        checked += 1
    same(key_id(vault_key), vectors["keyId"], "the key id")
    same(key_of_text(vectors["keyFile"]).hex(), vectors["vaultKey"], "the key file")
    for one in vectors["derived"]:
        same(hkdf(bytes.fromhex(one["salt"]), one["label"], vault_key).hex(), one["key"], one["label"])
    for one in vectors["stanzas"]:
        wrapping = hkdf(bytes.fromhex(one["salt"]), one["label"], bytes.fromhex(one["key"]))
        body = ChaCha20Poly1305(wrapping).encrypt(bytes(12), bytes.fromhex(one["fileKey"]), None)
        same(b64(body), one["body"], "a stanza's body")
    for one in vectors["recordMacs"]:
        key = hkdf(bytes.fromhex(one["salt"]), one["label"], vault_key)
        same(b64(mac(key, one["plaintext"].encode())), one["mac"], "a record's MAC")
    for one in vectors["logMacs"]:
        same(log_mac(vault_key, one["scope"], one["previous"], one["line"]), one["mac"], "a log line's MAC")
    for one in vectors["names"]:
        same(file_name(profile_id(one["profile"])), one["fileName"], "a file name")
        same(of_file_name(one["fileName"]), one["profile"], "a file name's profile")
        same(reference("main", one["profile"]), one["reference"], "a reference id")
    for one in vectors["argon2id"]:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
        key = Argon2id(salt=bytes.fromhex(one["salt"]), length=32, iterations=one["t"], lanes=one["p"],
                       memory_cost=one["m"]).derive(one["passphrase"].encode())
        same(key.hex(), one["key"], "Argon2id")
    home = vectors["home"]
    payload, keys = open_unlock_file(base64.b64decode(home["unlockFile"]), home["method"],
                                     lambda tag, _: tag == "strongroom-key" and key_of_text(home["keyFile"]))
    same(payload, home["payload"], "the payload")
    record = open_record(base64.b64decode(home["record"]), keys, payload["vault"], home["agent"], home["profile"])
    same(record, home["recordPlaintext"], "the record")
    recovery = home["recovery"]
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(recovery["private"]))
    public = private.public_key().public_bytes_raw()

    def by_recovery(stanzas):
        _, (share,), body = next(stanza for stanza in stanzas if stanza[0] == "X25519")
        share = unb64(share, 32)
        shared = private.exchange(X25519PublicKey.from_public_bytes(share))
        return unseal(hkdf(share + public, "age-encryption.org/v1/X25519", shared), body)
    stock = age_decrypt(base64.b64decode(home["record"]), "the record", by_recovery)
    same(json.loads(stock), home["recordPlaintext"], "the record by the recovery key")
    same(check_log(home["log"].encode(), keys, f"agent:{home['agent']}"), (home["logLines"], []), "the log")
    print(f"{checked} vectors are as they should be")


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


if __name__ == "__main__":
    main(sys.argv[1:])
