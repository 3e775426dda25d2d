//! The log of the requests that the proxy answered for an agent. Its lines are chained with the agent's key, as those of
//! the change log are, but no ledger says where it ends: lines that are cut off its end are not missed.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use serde::{Deserialize, Serialize};
use strongroom_backends::fs::dir::Dir;

use crate::error::{Error, Result};
use crate::messages;
use crate::seal::keys::{Ring, RingKey, label};
use crate::seal::signed::{self, Use};

/// The file's name in the server's directory.
pub const FILE: &str = "requests.jsonl";
/// The size, in bytes, from which a file is set aside and another one begins.
pub const ROTATE_FROM: u64 = 8 * 1024 * 1024;
/// The most earlier files that are kept: 40 MiB together with the current one.
const KEPT: usize = 4;
/// The largest file that is read, in bytes.
const MAX: usize = 64 * 1024 * 1024;
/// The largest number of a line. A line with a larger one is not ours.
const SEQ_MAX: u64 = 1 << 53;
/// The prefix of the names of earlier files; the number of their last line follows.
const EARLIER: &str = "requests-";
/// The beginning of the last member of a line, which its MAC does not cover.
const MAC_FIELD: &str = ",\"mac\":\"";

/// A request: who asked, which profile answered, and what came of it. It has no part of a body, of a query or of a
/// header, apart from the name of the session.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When the request ended, in Unix milliseconds.
    pub at: i64,
    /// The access, if the token was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// The provider, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The profile that was used last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The session that the client named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The status that the client got; 0 if it went away before.
    pub status: u16,
    /// Why the proxy answered itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// How often the request was sent to the provider.
    pub sent: u8,
    /// Whether the body was too large to be sent again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_kept: bool,
    /// How long it took until the answer began, in milliseconds.
    pub until_answer: u64,
    /// How long it took until the answer ended, in milliseconds.
    pub until_end: u64,
    /// Whether the client went away, or the provider broke off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    /// How many lines before this one are lacking because the disk was too slow or full.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u64,
    /// How many requests before this one are not listed, because they had no token that is known: a few a second are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub strangers: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Serialize)]
struct Unsigned<'a> {
    seq: u64,
    #[serde(flatten)]
    entry: &'a Entry,
    /// The MAC of the line before, in the first line of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<&'a str>,
    key: &'a str,
}

#[derive(Deserialize)]
struct Signed {
    seq: u64,
    #[serde(flatten)]
    entry: Entry,
    #[serde(default)]
    previous: Option<String>,
    key: String,
    mac: String,
}

/// A key for the log alone. It opens and signs nothing else.
struct LogKey {
    key: RingKey,
    salt: String,
}

impl LogKey {
    fn of(ring: &Ring, key: &RingKey) -> Self {
        let salt = ring.machine_salt();
        let derived = key.derive(salt.as_bytes(), label::REQUESTS);
        Self { key: RingKey::from_bytes(key.id(), &derived), salt }
    }

    fn mac(&self, previous: &str, line: &str) -> Result<hmac::Hmac<sha2::Sha256>> {
        let what = Use { salt: &self.salt, label: label::REQUESTS };
        signed::mac(&self.key, what, &[previous.as_bytes(), b"\n", line.as_bytes()])
    }
}

/// The end of a log that is written.
pub struct Chain {
    key: LogKey,
    /// The number of the last line.
    pub seq: u64,
    /// The length of the current file, in bytes.
    pub len: u64,
    /// The MAC of the last line.
    mac: String,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chain(line {})", self.seq)
    }
}

impl Chain {
    /// Returns the chain of an agent's log. Of the agent's keys it holds only one that is derived for the log.
    #[must_use]
    pub fn new(ring: &Ring) -> Self {
        Self { key: LogKey::of(ring, ring.current()), seq: 0, len: 0, mac: String::new() }
    }

    /// Opens the file to add lines to it, and continues where the log ends. A file that does not end in a whole line of
    /// ours is set aside first.
    ///
    /// # Errors
    /// Those of reading and writing the directory.
    pub fn open(&mut self, dir: &Dir) -> Result<File> {
        let (mut seq, mut mac) = (0, String::new());
        let files = files(dir)?;
        for (name, bytes) in &files {
            let whole = bytes.is_empty() || bytes.last() == Some(&b'\n');
            let (last, is_end) = self.end_of(bytes)?;
            if let Some(last) = last {
                (seq, mac) = (last.seq.max(seq), last.mac);
            }
            if name == FILE && !(whole && is_end) {
                set_aside(dir, seq)?;
            }
        }
        (self.seq, self.mac) = (seq, mac);
        let mut file = dir.open_or_create(FILE)?;
        self.len = file.seek(SeekFrom::End(0)).map_err(|error| Error::from(dir.io(FILE, error)))?;
        Ok(file)
    }

    /// Returns the last line of a file that may be ours, and whether the file ends with it.
    fn end_of(&self, bytes: &[u8]) -> Result<(Option<Signed>, bool)> {
        let mut lines = bytes.split(|byte| *byte == b'\n').rev().filter(|line| !line.is_empty()).peekable();
        let mut is_end = true;
        while let Some(raw) = lines.next() {
            let before = lines.peek().and_then(|raw| Some(parse(raw)?.0.mac));
            if let Some((line, open)) = parse(raw)
                && self.may_be_ours(&line, open, before.as_deref())?
            {
                return Ok((Some(line), is_end));
            }
            is_end = false;
        }
        Ok((None, is_end))
    }

    /// Returns whether a line has a number that is possible, and its MAC fits, if it is of the key that is current. `before` is the
    /// MAC of the line before.
    fn may_be_ours(&self, line: &Signed, open: &str, before: Option<&str>) -> Result<bool> {
        if line.seq > SEQ_MAX {
            return Ok(false);
        }
        if self.key.key.id().to_string() != line.key {
            return Ok(true);
        }
        for previous in before.into_iter().chain(line.previous.as_deref()) {
            if signed::same(&signed::encoded(self.key.mac(previous, open)?), &line.mac) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the next line, with its line break.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn line(&mut self, entry: &Entry) -> Result<String> {
        self.seq = self.seq.saturating_add(1);
        let key = self.key.key.id().to_string();
        let previous = (self.len == 0).then_some(self.mac.as_str());
        let unsigned = serde_json::to_string(&Unsigned { seq: self.seq, entry, previous, key: &key })
            .map_err(|_| messages::vault::log::line_not_serialized())?;
        let open = unsigned.strip_suffix('}').unwrap_or(&unsigned);
        self.mac = signed::encoded(self.key.mac(&self.mac, open)?);
        let line = format!("{open}{MAC_FIELD}{}\"}}\n", self.mac);
        self.len += line.len() as u64;
        Ok(line)
    }
}

/// Sets the current file aside under the number of its last line, and removes the oldest of more than are kept.
///
/// # Errors
/// Those of the directory.
pub fn set_aside(dir: &Dir, seq: u64) -> Result<()> {
    let mut name = format!("{EARLIER}{seq:020}.jsonl");
    // A file without a whole line has the number of the one before.
    let mut more = 0;
    while dir.kind(&name)?.is_some() {
        more += 1;
        name = format!("{EARLIER}{seq:020}-{more:03}.jsonl");
    }
    dir.rename(FILE, dir, &name)?;
    for name in earlier_names(dir)?.iter().rev().skip(KEPT) {
        dir.remove_file(name)?;
    }
    Ok(())
}

fn earlier_names(dir: &Dir) -> Result<Vec<String>> {
    let mut names = dir.names()?;
    names.retain(|name| name.starts_with(EARLIER));
    names.sort_unstable();
    Ok(names)
}

/// Returns the files of the log, the oldest first, by name.
fn files(dir: &Dir) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for name in earlier_names(dir)?.into_iter().chain([FILE.to_owned()]) {
        if let Some(bytes) = dir.read_if_any(&name, MAX)? {
            files.push((name, bytes));
        }
    }
    Ok(files)
}

/// A line that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Read {
    /// Its number and what it says, or `None` if it is no line of the log.
    pub entry: Option<(u64, Entry)>,
    /// Whether it was written with the agent's key, right after the line before it.
    pub standing: Standing,
}

/// What is known of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It follows the line before.
    Good,
    /// It is ours, and lines before it are missing or were altered.
    AfterGap,
    /// It was written under a key that is no longer there.
    EarlierKey,
    /// It was altered, or is not ours.
    Altered,
}

/// Reads the log of an agent and verifies it.
///
/// # Errors
/// Those of reading the directory; `INTERNAL`.
pub fn read(dir: &Dir, ring: &Ring) -> Result<Vec<Read>> {
    let keys: Vec<_> = ring.keys().iter().map(|key| LogKey::of(ring, key)).collect();
    let mut lines = Vec::new();
    // The oldest file follows one that is gone.
    let mut previous: Option<String> = None;
    for (_, bytes) in files(dir)? {
        for raw in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            lines.push(judge(&keys, raw, &mut previous)?);
        }
    }
    Ok(lines)
}

/// Returns what a line says, and what its MAC covers.
fn parse(raw: &[u8]) -> Option<(Signed, &str)> {
    let text = std::str::from_utf8(raw).ok()?;
    let signed = serde_json::from_str(text).ok()?;
    Some((signed, text.get(..text.rfind(MAC_FIELD)?)?))
}

fn judge(keys: &[LogKey], raw: &[u8], previous: &mut Option<String>) -> Result<Read> {
    let Some((Signed { seq, entry, previous: told, key, mac }, open)) = parse(raw) else {
        *previous = None;
        return Ok(Read { entry: None, standing: Standing::Altered });
    };
    let standing = match keys.iter().find(|own| own.key.id().to_string() == key) {
        None => Standing::EarlierKey,
        Some(own) => {
            let fits = |previous: &str| -> Result<bool> {
                Ok(signed::same(&signed::encoded(own.mac(previous, open)?), &mac))
            };
            match (previous.as_deref(), told.as_deref()) {
                (Some(previous), _) if fits(previous)? => Standing::Good,
                // What the first line of the oldest file follows is gone with that file.
                (None, Some(told)) if fits(told)? => Standing::Good,
                (Some(_), Some(told)) if fits(told)? => Standing::AfterGap,
                _ => Standing::Altered,
            }
        }
    };
    *previous = Some(mac);
    Ok(Read { entry: Some((seq, entry)), standing })
}
