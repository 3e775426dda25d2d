//! The change log: `log.jsonl`, with one JSON object on each line, chained with the keys of its scope.
//!
//! A line ends in `,"mac":"…"}`. The MAC is HMAC-SHA-256 over the MAC of the line before and the line up to there. The
//! log is history and evidence; it decides nothing. The ledger says where it ends.
//!
//! It rotates: a file that has grown is kept under another name, and the first line of the next one has its digest. A
//! change of the vault key writes a line with the SHA-256 of everything before it in the file, which vouches for lines
//! under keys that are dropped.

mod event;
mod line;
pub mod verify;

use std::io::{Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strongroom_backends::fs::dir::Dir;

use crate::error::{Error, Result};
use crate::messages;
use crate::seal::keys::{Ring, hex};
use crate::seal::signed;
pub use event::{Event, OPS_OF_AGENT, OPS_OF_VAULT};
use line::MAC_FIELD;
pub use line::{Head, Line};
pub(in crate::vault) use line::{mac_of, parse_line};
pub use verify::{Judged, Verified, judge, verify};

/// The file's name in the home and in an agent's directory.
pub const FILE: &str = "log.jsonl";
/// The largest file of a log that is read as a whole, in bytes.
pub const MAX: usize = 64 * 1024 * 1024;
/// The size of a log's file, in bytes, from which it is set aside and another one begins.
pub const ROTATE_FROM: u64 = 16 * 1024 * 1024;
/// The most earlier files that are kept: 256 MiB together with the current one.
const KEPT: usize = 15;
/// The most bytes that they take together. A file that a large change was added to counts for several.
const KEPT_BYTES: u64 = KEPT as u64 * ROTATE_FROM;
/// More lines than any log has.
const SEQ_MAX: u64 = 1 << 40;
/// The prefix of the names of earlier files; the number of their last line follows.
const EARLIER: &str = "log-";
/// The prefix of the names of damaged files that were set aside.
pub const DAMAGED: &str = "log-damaged-";

#[derive(Serialize)]
struct Unsigned<'a> {
    seq: u64,
    at: i64,
    #[serde(flatten)]
    event: &'a Event,
    key: &'a str,
}

/// What a change appends.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LogPart {
    /// The length of the file before, in bytes.
    pub base: u64,
    /// The lines.
    pub lines: String,
    /// The name that the current file is given first, if it is set aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated: Option<String>,
}

/// Events that are to be appended to a log.
#[derive(Clone, Copy, Debug)]
pub struct Addition<'a> {
    /// The keys of the lines' MACs.
    pub ring: &'a Ring,
    /// The current end of the log.
    pub head: &'a Head,
    /// Now, in Unix milliseconds.
    pub now: i64,
    /// The events.
    pub events: &'a [Event],
}

/// Returns the lines of an addition, and the end of the log after them. A file that has grown is set aside; one that is
/// larger than any log is set aside as damaged.
///
/// # Errors
/// `INTERNAL`; those of reading the file that is set aside.
pub fn lines(dir: &Dir, addition: Addition<'_>) -> Result<(LogPart, Head)> {
    if len_of(dir)? > MAX as u64 {
        return begin_anew(dir, addition, Some(&addition.now.to_string()));
    }
    if addition.head.len >= ROTATE_FROM {
        return begin_anew(dir, addition, None);
    }
    append_to(addition.head.len, addition)
}

/// Returns the lines of an addition in a new file. The current one is set aside: as an earlier part of the log, or as a
/// damaged one with a name that has `damaged` in it.
///
/// # Errors
/// As [`lines`].
pub fn begin_anew(dir: &Dir, addition: Addition<'_>, damaged: Option<&str>) -> Result<(LogPart, Head)> {
    let head = addition.head;
    let there = dir.kind(FILE)?.is_some();
    // Nothing vouches for a damaged file.
    let anchor = if there && damaged.is_none() { Some(digest_of(dir)?) } else { None };
    let op = if damaged.is_some() { "log-restart" } else { "log-rotate" };
    let first = Event { op: op.to_owned(), anchor, previous: Some(head.mac.clone()), ..Event::default() };
    let all: Vec<Event> = std::iter::once(first).chain(addition.events.iter().cloned()).collect();
    let (mut part, new_head) = append_to(0, Addition { events: &all, ..addition })?;
    let name = || match damaged {
        Some(name) => format!("{DAMAGED}{name}.jsonl"),
        None => format!("{EARLIER}{:020}.jsonl", head.seq),
    };
    part.rotated = there.then(name);
    Ok((part, new_head))
}

fn append_to(base: u64, addition: Addition<'_>) -> Result<(LogPart, Head)> {
    let Addition { ring, head, now, events } = addition;
    let key = ring.current();
    let key_id = key.id().to_string();
    let mut head = Head { len: base, ..head.clone() };
    let mut lines = String::with_capacity(events.len() * 220);
    for event in events {
        head.seq += 1;
        let unsigned = serde_json::to_string(&Unsigned { seq: head.seq, at: now, event, key: &key_id })
            .map_err(|_| messages::vault::log::line_not_serialized())?;
        let open = unsigned.strip_suffix('}').unwrap_or(&unsigned);
        head.mac = signed::encoded(mac_of(key, ring, &head.mac, open)?);
        lines.push_str(open);
        lines.push_str(MAC_FIELD);
        lines.push_str(&head.mac);
        lines.push_str("\"}\n");
    }
    head.len += lines.len() as u64;
    Ok((LogPart { base, lines, rotated: None }, head))
}

/// When an applied change is made durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durable {
    /// At once.
    Now,
    /// By a later change; until then, it is in a journal.
    Later,
}

/// Appends lines. Doing it again changes nothing.
///
/// # Errors
/// `NO_SPACE`, `IO`.
pub fn append(dir: &Dir, part: &LogPart, durable: Durable) -> Result<()> {
    let failed = |error| Error::from(dir.io(FILE, error));
    if let Some(name) = &part.rotated
        && dir.kind(name)?.is_none()
        && dir.kind(FILE)?.is_some()
    {
        dir.rename(FILE, dir, name)?;
    }
    let mut file = dir.open_or_create(FILE)?;
    let len = file.seek(SeekFrom::End(0)).map_err(failed)?;
    let mut tail = Vec::new();
    if len != part.base {
        // If the file was truncated before, the lines may be at its end.
        let from = if len > part.base { part.base } else { len.saturating_sub(part.lines.len() as u64) };
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        (&file).take(MAX as u64).read_to_end(&mut tail).map_err(failed)?;
    }
    match place_for(&tail, len, part) {
        Place::There => {}
        Place::Whole => {
            file.seek(SeekFrom::Start(part.base)).map_err(failed)?;
            file.write_all(part.lines.as_bytes()).map_err(failed)?;
            let end = part.base + part.lines.len() as u64;
            if len > end {
                file.set_len(end).map_err(failed)?;
            }
        }
        Place::End(text) => {
            file.seek(SeekFrom::Start(len)).map_err(failed)?;
            file.write_all(text.as_bytes()).map_err(failed)?;
        }
    }
    if durable == Durable::Now {
        dir.sync_file(&file, FILE)?;
    }
    if part.rotated.is_some() {
        let mut bytes = 0;
        for (age, name) in earlier_names(dir)?.iter().rev().enumerate() {
            bytes += len_of_file(dir, name)?;
            if age >= KEPT || (age > 0 && bytes > KEPT_BYTES) {
                dir.remove_file(name)?;
            }
        }
    }
    Ok(())
}

/// Where lines go in a file.
#[derive(PartialEq, Eq, Debug)]
enum Place {
    /// Nowhere: the file has them.
    There,
    /// To their base. What follows it was left by a writer or a machine that stopped in the middle.
    Whole,
    /// To the end of the file, as this text.
    End(String),
}

/// Returns where lines go. If something was cut off or inserted, that stays as evidence, and missing lines go to the
/// end.
fn place_for(tail: &[u8], len: u64, part: &LogPart) -> Place {
    let lines = part.lines.as_bytes();
    if len >= part.base {
        if tail == lines {
            return Place::There;
        }
        if is_cut_short(tail, lines) {
            return Place::Whole;
        }
    }
    let mut text = String::new();
    for line in part.lines.split_inclusive('\n') {
        if memchr::memmem::find(tail, line.as_bytes()).is_none() {
            text.push_str(line);
        }
    }
    if text.is_empty() {
        return Place::There;
    }
    let gap = tail.last().is_some_and(|last| *last != b'\n');
    Place::End(if gap { format!("\n{text}") } else { text })
}

/// Returns whether these bytes are what a loss of power leaves of lines: a part of them, with zeros for what never
/// reached the disk.
fn is_cut_short(tail: &[u8], lines: &[u8]) -> bool {
    let due = lines.iter().copied().chain(std::iter::repeat(0));
    tail.iter().zip(due).all(|(there, due)| *there == 0 || *there == due)
}

/// Returns the files of a log with lines added that may not be in them yet.
#[must_use]
pub fn with(mut files: Vec<Vec<u8>>, part: &LogPart) -> Vec<Vec<u8>> {
    if part.rotated.is_some() && files.last().is_none_or(|last| !last.starts_with(part.lines.as_bytes())) {
        files.push(Vec::new());
    }
    if files.is_empty() {
        files.push(Vec::new());
    }
    let Some(last) = files.last_mut() else { return files };
    let base = usize::try_from(part.base).unwrap_or(usize::MAX);
    match place_for(last.get(base..).unwrap_or(last), last.len() as u64, part) {
        Place::There => {}
        Place::Whole => {
            last.truncate(base);
            last.extend_from_slice(part.lines.as_bytes());
        }
        Place::End(text) => last.extend_from_slice(text.as_bytes()),
    }
    files
}

/// Returns the names of the earlier files of a log, the oldest first.
fn earlier_names(dir: &Dir) -> Result<Vec<String>> {
    let is_earlier = |name: &String| {
        let number = name.strip_prefix(EARLIER).and_then(|name| name.strip_suffix(".jsonl"));
        number.is_some_and(|number| number.len() == 20 && number.bytes().all(|b| b.is_ascii_digit()))
    };
    Ok(dir.names()?.into_iter().filter(is_earlier).collect())
}

/// Reads the files of a log, the oldest first.
///
/// # Errors
/// `TOO_LARGE`, those of reading.
pub fn read(dir: &Dir) -> Result<Vec<Vec<u8>>> {
    let mut files = Vec::new();
    for name in earlier_names(dir)?.iter().map(String::as_str).chain([FILE]) {
        files.extend(dir.read_if_any(name, MAX)?);
    }
    Ok(files)
}

/// Returns what changes whenever a log does: the length of its current file, in bytes, and the name of the file before.
///
/// # Errors
/// Those of reading the directory.
pub fn stamp(dir: &Dir) -> Result<(u64, Option<String>)> {
    Ok((len_of(dir)?, earlier_names(dir)?.pop()))
}

/// Returns the length of a log's current file, in bytes; 0 without one.
///
/// # Errors
/// Those of opening it.
pub(in crate::vault) fn len_of(dir: &Dir) -> Result<u64> {
    len_of_file(dir, FILE)
}

fn len_of_file(dir: &Dir, name: &str) -> Result<u64> {
    match dir.open_for_reading(name) {
        Err(error) if error.is_not_found() => Ok(0),
        file => Ok(file?.metadata().map_err(|error| dir.io(name, error))?.len()),
    }
}

/// Returns the SHA-256 of a log's current file, in hex.
fn digest_of(dir: &Dir) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut file = dir.open_for_reading(FILE)?;
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(n) => hasher.update(&chunk[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(dir.io(FILE, error).into()),
        }
    }
}

/// Returns the end of a log from its own last line, unverified: for a recovery, when the keys are lost.
///
/// # Errors
/// Those of reading the file.
pub fn unverified_head(dir: &Dir) -> Result<Head> {
    let bytes = dir.read_if_any(FILE, MAX)?.unwrap_or_default();
    let lines = bytes.split(|b| *b == b'\n').rev();
    let last = lines.filter_map(parse_line).map(|(line, _)| line).find(|line| line.seq < SEQ_MAX);
    let (seq, mac) = last.map_or_else(Default::default, |line| (line.seq, line.mac));
    Ok(Head { seq, mac, len: bytes.len() as u64 })
}

/// Returns an event that vouches for everything before it in a log's file.
///
/// # Errors
/// Those of reading the file.
pub fn anchored(op: &str, dir: &Dir, findings: u64) -> Result<Event> {
    let anchor = match dir.kind(FILE)? {
        Some(_) => Some(digest_of(dir)?),
        None => None,
    };
    Ok(Event { op: op.to_owned(), anchor, findings: (findings > 0).then_some(findings), ..Event::default() })
}

/// Reserves the space that lines will take, if the file system supports that.
///
/// # Errors
/// `NO_SPACE`; `IO` for a limit on the size of files.
#[cfg_attr(not(target_os = "linux"), allow(unused_variables, clippy::unnecessary_wraps))]
pub fn reserve(dir: &Dir, part: &LogPart) -> Result<()> {
    #[cfg(target_os = "linux")]
    if part.rotated.is_none() {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        let file = dir.open_or_create(FILE)?;
        let reserved = fallocate(&file, FallocateFlags::KEEP_SIZE, part.base, part.lines.len() as u64);
        // Other errors are about reserving and not about space.
        if let Err(errno @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) = reserved {
            return Err(dir.io(FILE, errno.into()).into());
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
