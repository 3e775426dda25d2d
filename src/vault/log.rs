//! The change log: `log.jsonl`, one JSON object a line, chained under the vault key.
//!
//! A line ends in `,"mac":"…"}`; the MAC is HMAC-SHA-256 over the MAC of the line before and over
//! the line up to there. A change of the vault key writes a line with the SHA-256 of everything
//! before it: lines under a key that is gone are vouched for by that.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use hmac::{Hmac, Mac};
use memchr::memmem;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use strongroom_backends::fs::dir::Dir;

use super::id::{AgentName, ProfileId};
pub use super::log_verify::{anchor, verify};
use super::ops::LogPart;
use crate::error::{Code, Error, Result};
use crate::seal::keys::{Keys, VaultKey, label};

/// The file's name in the home and in an agent's directory.
pub const FILE: &str = "log.jsonl";
/// The largest log that is read as a whole, in bytes: about a million changes.
pub const MAX: usize = 256 * 1024 * 1024;
/// More than the longest line takes, in bytes.
const LINE_MAX: u64 = 4096;
const MAC_FIELD: &str = ",\"mac\":\"";

/// Whose log it is. Lines of one do not verify in another.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// The vault's own: keys and unlock methods.
    Vault,
    /// An agent's: its profiles.
    Agent(&'a AgentName),
}

impl Scope<'_> {
    fn salt(self) -> String {
        match self {
            Self::Vault => "vault".to_owned(),
            Self::Agent(agent) => format!("agent:{agent}"),
        }
    }
}

/// A change, as the log tells it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Event {
    /// What was done: `paste`, `import`, `rotate`, `remove`, `rename`, `rekey`, …
    pub op: String,
    /// The profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The profile's id before it was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The unlock method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The record's generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// The SHA-256 of all before this line, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// How much was wrong with the lines before, when they were anchored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<u64>,
}

impl Event {
    /// An event that concerns a profile.
    #[must_use]
    pub fn of(op: &str, profile: &ProfileId, generation: Option<u64>) -> Self {
        Self { op: op.to_owned(), profile: Some(profile.to_string()), generation, ..Self::default() }
    }
}

/// A line of the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Counts from 1.
    pub seq: u64,
    /// When, in Unix milliseconds.
    pub at: i64,
    /// What.
    #[serde(flatten)]
    pub event: Event,
    /// The id of the vault key under which the line is chained.
    pub key: String,
    /// The MAC.
    pub mac: String,
}

#[derive(Serialize)]
struct Unsigned<'a> {
    seq: u64,
    at: i64,
    #[serde(flatten)]
    event: &'a Event,
    key: &'a str,
}

/// Where the log ends.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tail {
    /// Its length in bytes, without a torn last line.
    pub base: u64,
    seq: u64,
    mac: String,
    last: Option<Last>,
}

/// What verifies the last line by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Last {
    key: String,
    open: String,
    previous: String,
}

/// Finds the end of a directory's log.
///
/// # Errors
/// Those of reading it.
pub fn tail(dir: &Dir) -> Result<Tail> {
    if dir.kind(FILE)?.is_none() {
        return Ok(Tail::default());
    }
    let mut file = dir.open_for_reading(FILE)?;
    let failed = |error| Error::from(dir.io(FILE, error));
    let len = file.seek(SeekFrom::End(0)).map_err(failed)?;
    let start = len.saturating_sub(LINE_MAX);
    file.seek(SeekFrom::Start(start)).map_err(failed)?;
    let mut bytes = Vec::with_capacity(usize::try_from(LINE_MAX).unwrap_or(4096));
    file.take(LINE_MAX).read_to_end(&mut bytes).map_err(failed)?;
    let Some(end) = bytes.iter().rposition(|b| *b == b'\n') else {
        // No whole line in sight: a torn first one, or no log of ours. Nothing of it is kept as ours.
        return Ok(Tail { base: if start == 0 { 0 } else { len }, ..Tail::default() });
    };
    let base = start + end as u64 + 1;
    let mut backwards = bytes[..end].rsplit(|b| *b == b'\n');
    let (last, before) = (backwards.next().unwrap_or_default(), backwards.next());
    let Some((line, open)) = parse_line(last) else { return Ok(Tail { base, ..Tail::default() }) };
    let previous = match before {
        None => Some(String::new()),
        Some(before) => parse_line(before).map(|(line, _)| line.mac),
    };
    let last = previous.map(|previous| Last { key: line.key, open: open.to_owned(), previous });
    Ok(Tail { base, seq: line.seq, mac: line.mac, last })
}

/// A line, and the part of it that its MAC covers.
pub(super) fn parse_line(raw: &[u8]) -> Option<(Line, &str)> {
    let text = std::str::from_utf8(raw).ok()?;
    let line = serde_json::from_str(text).ok()?;
    Some((line, &text[..text.rfind(MAC_FIELD)?]))
}

/// Whether the log ends in a line that the current keys made. Whoever puts an older unlock file
/// back, or another vault's, cannot make one: a writer that checks this never seals a new secret
/// under keys that were given up.
///
/// `false` when there is no line at all.
///
/// # Errors
/// `TAMPERED`, and those of reading it.
pub fn check_end(keys: &Keys, scope: Scope, dir: &Dir) -> Result<bool> {
    let tail = tail(dir)?;
    let file = strongroom_backends::shown(&dir.path_of(FILE));
    let tampered = |why: &str| {
        Err(Error::new(Code::Tampered, format!("{file} {why}; nothing was changed")).with_remedy(
            "if unlock files or logs were restored from a backup, restore all of the home from it; else see `strongroom verify`, then `strongroom doctor --repair`",
        ))
    };
    if tail.base == 0 {
        return Ok(false);
    }
    let Some(last) = &tail.last else { return tampered("ends in a damaged line") };
    match keys.get(&last.key) {
        None => tampered("was last written under a key that the unlock file does not hold"),
        Some(key) if mac(key, scope, &last.previous, &last.open)? != tail.mac => {
            tampered("ends in an altered line")
        }
        Some(_) => Ok(true),
    }
}

/// Whether the lines of a transaction follow what the log holds: none of them, some or all are
/// there already, and nothing else is.
///
/// # Errors
/// Those of reading the log.
pub fn follows(dir: &Dir, part: &LogPart) -> Result<bool> {
    if dir.kind(FILE)?.is_none() {
        return Ok(part.base == 0);
    }
    let mut file = dir.open_for_reading(FILE)?;
    let failed = |error| Error::from(dir.io(FILE, error));
    let len = file.seek(SeekFrom::End(0)).map_err(failed)?;
    if len < part.base {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(part.base)).map_err(failed)?;
    let mut behind = Vec::new();
    file.take(part.lines.len() as u64 + 1).read_to_end(&mut behind).map_err(failed)?;
    Ok(part.lines.as_bytes().starts_with(&behind) || !behind.contains(&b'\n'))
}

pub(super) fn mac(key: &VaultKey, scope: Scope, previous: &str, line: &str) -> Result<String> {
    let derived = key.derive(scope.salt().as_bytes(), label::LOG);
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(derived.as_slice())
        .map_err(|_| Error::new(Code::Internal, "HMAC takes keys of every length"))?;
    mac.update(previous.as_bytes());
    mac.update(b"\n");
    mac.update(line.as_bytes());
    Ok(BASE64_STANDARD_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// The lines of events, to be appended behind `tail`.
///
/// # Errors
/// `INTERNAL`.
pub fn lines(keys: &Keys, scope: Scope, tail: &Tail, now: i64, events: &[Event]) -> Result<LogPart> {
    let key = keys.current();
    let key_id = key.id().to_string();
    let (mut seq, mut previous) = (tail.seq, tail.mac.clone());
    let mut lines = String::with_capacity(events.len() * 220);
    for event in events {
        seq += 1;
        let unsigned = serde_json::to_string(&Unsigned { seq, at: now, event, key: &key_id })
            .map_err(|_| Error::new(Code::Internal, "a log line cannot be written"))?;
        let open = unsigned.strip_suffix('}').unwrap_or(&unsigned);
        previous = mac(key, scope, &previous, open)?;
        lines.push_str(open);
        lines.push_str(MAC_FIELD);
        lines.push_str(&previous);
        lines.push_str("\"}\n");
    }
    Ok(LogPart { base: tail.base, lines })
}

/// Puts lines in their place. Doing it again changes nothing.
///
/// # Errors
/// `NO_SPACE`, `IO`.
pub fn append(dir: &Dir, part: &LogPart) -> Result<()> {
    let failed = |error| Error::from(dir.io(FILE, error));
    let mut file = dir.open_or_create(FILE)?;
    let len = file.seek(SeekFrom::End(0)).map_err(failed)?;
    // A log that somebody cut short since is continued where it ends now; `verify` tells.
    let base = part.base.min(len);
    file.seek(SeekFrom::Start(base)).map_err(failed)?;
    file.write_all(part.lines.as_bytes()).map_err(failed)?;
    file.set_len(base + part.lines.len() as u64).map_err(failed)?;
    dir.sync_file(&file, FILE)?;
    Ok(())
}

/// Reserves the space that lines will take, where the file system can.
///
/// # Errors
/// `NO_SPACE`; `IO` for a limit on the size of files.
#[cfg_attr(not(target_os = "linux"), allow(unused_variables, clippy::unnecessary_wraps))]
pub fn reserve(dir: &Dir, part: &LogPart) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        let file = dir.open_or_create(FILE)?;
        let reserved = fallocate(&file, FallocateFlags::KEEP_SIZE, part.base, part.lines.len() as u64);
        // Whatever else it says, it says of reserving, not of room.
        if let Err(errno @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) = reserved {
            return Err(dir.io(FILE, errno.into()).into());
        }
    }
    Ok(())
}

/// What the log knows last of profiles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LastKnown {
    /// The highest generation.
    pub generation: u64,
    /// Whether the last event is a removal.
    pub removed: bool,
}

impl LastKnown {
    /// Whether a record of that generation is an old one, put back.
    #[must_use]
    pub fn outdates(&self, generation: u64) -> bool {
        self.generation > generation || (self.removed && self.generation >= generation)
    }
}

/// What a log knows last of one profile. The log is searched, not parsed.
#[must_use]
pub fn last_known(log: &[u8], profile: &ProfileId) -> Option<LastKnown> {
    let needle = format!("\"profile\":\"{profile}\"");
    let at = memmem::rfind(log, needle.as_bytes())?;
    let start = memchr::memrchr(b'\n', &log[..at]).map_or(0, |n| n + 1);
    let end = memchr::memchr(b'\n', &log[at..]).map_or(log.len(), |n| at + n);
    let line: Line = serde_json::from_slice(&log[start..end]).ok()?;
    known(&line)
}

/// What a log knows last of every profile.
#[must_use]
pub fn all_last_known(log: &[u8]) -> HashMap<String, LastKnown> {
    let mut all = HashMap::new();
    for line in log.split(|b| *b == b'\n') {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { continue };
        if let (Some(known), Some(profile)) = (known(&line), line.event.profile) {
            let entry = all.entry(profile).or_insert(known);
            *entry = LastKnown { generation: entry.generation.max(known.generation), ..known };
        }
    }
    all
}

fn known(line: &Line) -> Option<LastKnown> {
    let removed = line.event.op == "remove";
    Some(LastKnown { generation: line.event.generation?, removed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::keys::VaultId;

    fn keys(bytes: &[u8]) -> Keys {
        let keys: Vec<_> = bytes.iter().map(|b| VaultKey::from_bytes(&[*b; 32])).collect();
        let current = keys[keys.len() - 1].id();
        let recovery = age::x25519::Identity::generate().to_public();
        Keys::new(VaultId::generate().unwrap(), keys, current, recovery).unwrap()
    }

    fn event(op: &str, profile: &str, generation: u64) -> Event {
        Event::of(op, &profile.parse().unwrap(), Some(generation))
    }

    fn write(keys: &Keys, dir: &Dir, events: &[Event]) {
        let tail = tail(dir).unwrap();
        append(dir, &lines(keys, Scope::Vault, &tail, 7, events).unwrap()).unwrap();
    }

    fn read(dir: &Dir) -> Vec<u8> {
        dir.read(FILE, MAX).unwrap()
    }

    #[test]
    fn a_chain_verifies_and_every_altered_byte_is_found() {
        let (temp, keys) = (tempfile::tempdir().unwrap(), keys(&[1]));
        let dir = Dir::open(temp.path()).unwrap();
        write(&keys, &dir, &[event("paste", "a:b", 5)]);
        write(&keys, &dir, &[event("rotate", "a:b", 6), event("remove", "a:c", 9)]);
        let log = read(&dir);
        let whole = verify(&keys, Scope::Vault, &log).unwrap();
        assert_eq!((whole.good, whole.findings), (3, vec![]));
        for at in 0..log.len() {
            let mut altered = log.clone();
            altered[at] ^= 1;
            assert!(!verify(&keys, Scope::Vault, &altered).unwrap().findings.is_empty(), "{at}");
        }
        let agent = AgentName::default();
        assert_eq!(verify(&keys, Scope::Agent(&agent), &log).unwrap().findings.len(), 3);
    }

    #[test]
    fn a_torn_last_line_is_overwritten_and_appending_twice_is_once() {
        let (temp, keys) = (tempfile::tempdir().unwrap(), keys(&[1]));
        let dir = Dir::open(temp.path()).unwrap();
        write(&keys, &dir, &[event("paste", "a:b", 5)]);
        let whole = read(&dir);
        let part = lines(&keys, Scope::Vault, &tail(&dir).unwrap(), 7, &[event("paste", "a:c", 6)]).unwrap();
        for cut in 0..=part.lines.len() {
            let mut torn = whole.clone();
            torn.extend_from_slice(&part.lines.as_bytes()[..cut]);
            dir.replace(FILE, &torn).unwrap();
            append(&dir, &part).unwrap();
            append(&dir, &part).unwrap();
            assert_eq!(verify(&keys, Scope::Vault, &read(&dir)).unwrap().good, 2, "{cut}");
        }
    }

    #[test]
    fn lines_under_a_key_that_is_gone_are_vouched_for_by_an_anchor() {
        let (temp, old) = (tempfile::tempdir().unwrap(), keys(&[1]));
        let dir = Dir::open(temp.path()).unwrap();
        write(&old, &dir, &[event("paste", "a:b", 5)]);
        let new = keys(&[2]);
        assert_eq!(verify(&new, Scope::Vault, &read(&dir)).unwrap().findings.len(), 1);
        let anchored = Event { op: "rekey".into(), anchor: Some(anchor(&read(&dir))), ..Event::default() };
        write(&new, &dir, &[anchored]);
        let verified = verify(&new, Scope::Vault, &read(&dir)).unwrap();
        assert_eq!((verified.good, verified.findings), (2, vec![]));
        let altered = String::from_utf8(read(&dir)).unwrap().replace("a:b", "a:x");
        assert!(!verify(&new, Scope::Vault, altered.as_bytes()).unwrap().findings.is_empty());
    }

    #[test]
    fn the_last_word_on_a_profile_is_found() {
        let (temp, keys) = (tempfile::tempdir().unwrap(), keys(&[1]));
        let dir = Dir::open(temp.path()).unwrap();
        write(&keys, &dir, &[event("paste", "a:b", 5), event("paste", "a:bb", 9), event("remove", "a:b", 6)]);
        let last = last_known(&read(&dir), &"a:b".parse().unwrap()).unwrap();
        assert_eq!(last, LastKnown { generation: 6, removed: true });
        assert_eq!(all_last_known(&read(&dir))["a:b"], last);
        assert_eq!(last_known(&read(&dir), &"a:c".parse().unwrap()), None);
    }
}
