"""Age files as bundles to import: each ends as its header says, or differently for a reason that is given here."""

import base64
import collections
import zlib

from json_files import Judge
from world import GOOD, code_of, shared_out, told

# The allowed results of each expectation: error codes. `opened` means that the contents are not profiles.
OUTCOMES = {
    "success": {"opened"},
    "no match": {"WRONG_KEY"},
    "HMAC failure": {"CORRUPT"},
    "header failure": {"CORRUPT"},
    "payload failure": {"CORRUPT"},
    "armor failure": {"CORRUPT"},
}

POST_QUANTUM = "the age library knows no post-quantum identities: the identity file is refused"
LENIENT = "the age library reads stanzas without their last, short line, as the first age programs wrote them"
VERSION = "an age version that is not known is called a newer format"
IN_TEXT = "armor is found in other text, indented and with white space after its lines, as a mail brings it"

# Vectors that end differently from their header, each with its result and the reason.
DEVIATIONS = {
    "stanza_missing_body": ("opened", LENIENT),
    "stanza_missing_final_line": ("opened", LENIENT),
    "scrypt_work_factor_23": ("KDF_BOUNDS", "scrypt beyond 2^20 is refused before it is run"),
    "version_unsupported": ("NEWER_FORMAT", VERSION),
    "armor_garbage_leading": ("opened", IN_TEXT),
    "armor_garbage_trailing": ("opened", IN_TEXT),
    "armor_whitespace_eol": ("opened", IN_TEXT),
    "armor_whitespace_last_line": ("opened", IN_TEXT),
    "armor_whitespace_line_start": ("opened", IN_TEXT),
}


def is_post_quantum(fields):
    return any(identity.startswith("AGE-SECRET-KEY-PQ-") for identity in fields["identity"])


def vector(data):
    """Returns the fields of a vector's header, each a list, and the age file."""
    header, body = data.split(b"\n\n", 1)
    fields = collections.defaultdict(list)
    for line in header.decode().split("\n"):
        name, value = line.split(": ", 1)
        fields[name].append(value)
    if fields["compressed"]:
        body = zlib.decompress(body)
    return fields, body


def outcome(ran):
    """Returns the code, or `opened` if the file was opened and contains no profiles."""
    code = code_of(ran)
    said = (ran.out + ran.err).decode("utf-8", "replace")
    if ran.status == 0 or code == "IMPORT_INVALID" or (code in ("BAD_DATA", "NO_INPUT") and "identity" not in said):
        return "opened"
    return code


def open_it(world, body, fields, about):
    source = world.put(world.home / "bundle", body)
    arguments = ["import", str(source), "--from", "bundle"]
    if fields["identity"]:
        lines = "".join(f"{one}\n" for one in fields["identity"])
        arguments += ["--bundle-identity", str(world.put(world.home / "identity", lines.encode()))]
    if fields["passphrase"]:
        # Only one passphrase can be given; each of a vector's has to be refused, or to work.
        arguments += [
            "--bundle-passphrase-file",
            str(world.put(world.home / "passphrase", fields["passphrase"][0].encode())),
        ]
    return world.run(*arguments, about=about)


def vectors(world, share):
    """The published vectors."""
    judge, before = Judge(), world.kept()
    for path in share:
        fields, body = vector(path.read_bytes())
        expected = fields["expect"][0]
        may = OUTCOMES[expected]
        if path.name in DEVIATIONS:
            found_instead, reason = DEVIATIONS[path.name]
            may = {found_instead}
        elif is_post_quantum(fields):
            # The identity file is read after the header was checked.
            may, reason = {"BAD_DATA", "CORRUPT"}, POST_QUANTUM
        else:
            reason = None
        ran = open_it(world, body, fields, path.name)
        found = outcome(ran)
        judge.counts[f"otherwise: {reason}" if reason else f"as expected ({expected})"] += 1
        judge.expect(found in may, f"{path.name}: {found}, not {' or '.join(sorted(may))} ({reason or expected})")
        judge.expect(world.kept() == before, f"{path.name}: something was imported")
    return judge.counts, judge.failures


def armored(data):
    text = base64.b64encode(data).decode()
    lines = [text[n : n + 64] for n in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN AGE ENCRYPTED FILE-----", *lines, "-----END AGE ENCRYPTED FILE-----", ""]).encode()


def mangled(whole):
    """Yields a bundle of this vault, whole and damaged: a name, the bytes, the allowed results."""
    end = whole.index(b"\n--- ") + 1
    payload = whole.index(b"\n", end) + 1

    def flipped(at):
        return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]

    corrupt = {"CORRUPT"}
    yield "whole", whole, {"taken"}
    yield "armored", armored(whole), {"taken"}
    yield "armored, lines ended by CR LF", armored(whole).replace(b"\n", b"\r\n"), {"taken"}
    yield "nothing", b"", {"CORRUPT", "NO_INPUT", "BAD_DATA"}
    yield "a bit of the MAC", flipped(end + 8), corrupt
    yield "a bit of the nonce", flipped(payload + 3), corrupt
    yield "a bit of the payload", flipped(payload + 40), corrupt
    yield "the last bit", flipped(len(whole) - 1), corrupt
    yield "one byte more", whole + b"\0", corrupt
    yield "another version", whole.replace(b"/v1\n", b"/v2\n", 1), {"NEWER_FORMAT"}
    yield "header ended by CR LF", whole[:end].replace(b"\n", b"\r\n") + whole[end:], {"CORRUPT", "NEWER_FORMAT"}
    yield "every line break CR LF", whole.replace(b"\n", b"\r\n"), {"CORRUPT", "NEWER_FORMAT"}
    yield "33 stanzas", whole[:22] + b"-> made-up\n\n" * 33 + whole[22:], corrupt
    yield "a header of 1 MB", whole[:22] + b"-> made-up\n" + (b"A" * 64 + b"\n") * 16_000 + b"\n" + whole[22:], corrupt
    scrypt = (
        b"age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA %d\n"
        + b"A" * 43
        + b"\n--- "
        + b"A" * 43
        + b"\n"
        + b"A" * 64
    )
    yield "scrypt at 2^21", scrypt % 21, {"KDF_BOUNDS"}
    yield "scrypt at 2^63", scrypt % 63, {"KDF_BOUNDS", "CORRUPT"}
    yield "scrypt at 2^0", scrypt % 0, {"CORRUPT", "WRONG_KEY", "KDF_BOUNDS"}
    yield "armor without its end", armored(whole)[:-34], corrupt
    yield "armor with a line cut", armored(whole).replace(b"\n", b"", 2), corrupt
    yield "armor with a bad character", armored(whole)[:60] + b"*" + armored(whole)[61:], corrupt
    yield "controls in the header", whole.replace(b"-> X25519", b"-> \x1b]0;x\x07\x9b", 1), {"CORRUPT", "WRONG_KEY"}
    for length in sorted(
        {
            1,
            21,
            22,
            23,
            end - 1,
            end + 4,
            payload - 1,
            payload,
            payload + 15,
            payload + 16,
            len(whole) - 17,
            len(whole) - 1,
        }
    ):
        yield f"cut after {length} bytes", whole[:length], {"CORRUPT", "BAD_DATA"}


def own_bundles(world):
    """A bundle of this vault, damaged in many ways."""
    judge = Judge()
    recipient = world.must("recipient").out.decode().strip()
    world.must("export", GOOD, "--to", recipient, "--out", "own-bundle")
    whole = (world.home / "own-bundle").read_bytes()
    before = world.kept()
    for name, data, may in mangled(whole):
        fields = collections.defaultdict(list, {"passphrase": ["made-up"] if name.startswith("scrypt") else []})
        ran = open_it(world, data, fields, f"bundle: {name}")
        found = "taken" if ran.status == 0 else outcome(ran)
        judge.counts["taken" if found == "taken" else "refused"] += 1
        judge.expect(found in may, f"{name}: {found}, not {' or '.join(sorted(may))}")
        judge.expect(world.kept() == before, f"{name}: something was imported")
    return judge.counts, judge.failures


def run(report, worlds, folder):
    """Damaged bundles of our own, and the vectors if there are any."""
    counts, failures = own_bundles(worlds[0])
    report.check("damaged bundles", failures, told(counts))
    if folder:
        files = sorted((folder / "age-vectors/testdata").iterdir())
        counts, failures = shared_out(worlds, files, vectors)
        report.check("age vectors", failures, f"{len(files)} files, {told(counts)}")
