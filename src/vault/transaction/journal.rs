//! A change that is committed as one file.
//!
//! `journal` has the same contents as the directory of a transaction: encrypted records, encrypted operations, parts of
//! the ledger, and the ledger, each of which verifies by itself. Renaming it to that name, durably, is the commit. Its
//! contents are then put in place without a sync, and its first line says so for the current boot: readers ignore it.
//! If the machine stops, that line is one of another boot, and readers read from the journal until a writer has put
//! everything in place again.
//!
//! The next small change includes the contents of the journal, because they may not be durable elsewhere yet. If they
//! exceed a limit, they are made durable in their places first.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::OnceLock;

use strongroom_backends::StoreError;
use strongroom_backends::fs::dir::Dir;

use super::operations::{Ops, digest};
use crate::error::{Error, Result};
use crate::seal::{RECORD_MAX, signed};
use crate::vault::history;
use crate::vault::layout::{HISTORY, OPS, RECORDS, TXN, TXN_STAGE};
use crate::vault::ledger::{self, shard};
use crate::vault::log;

/// The file's name in an agent's directory.
pub const FILE: &str = "journal";
/// Its name while it is prepared.
pub const STAGE: &str = "journal.tmp";
/// The largest journal that is written, in bytes.
pub const MAX: usize = 256 * 1024;
/// The most records in a journal that is written, and the most earlier versions.
pub const RECORDS_MAX: usize = 16;
/// The largest that is read, in bytes.
const READ_MAX: u64 = 4 * MAX as u64;

const TITLE: &str = "strongroom-journal/v1 ";
const MARK_LEN: usize = 64;
/// The length of the first line: the title, the mark, and a line break.
const LINE_LEN: usize = TITLE.len() + MARK_LEN + 1;

/// Marks a journal as applied to this directory, during this boot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mark(String);

impl Mark {
    /// Returns the mark for a directory; `None` on a system that does not identify boots.
    ///
    /// # Errors
    /// `IO`.
    pub fn of(dir: &Dir) -> Result<Option<Self>> {
        let Some(boot) = boot_id() else { return Ok(None) };
        let (device, number) = dir.identity()?;
        Ok(Some(Self(format!("{boot}{device:016x}{number:016x}"))))
    }
}

/// Returns Linux's id of this boot, as 32 hex digits. Other systems do not have this file.
fn boot_id() -> Option<&'static str> {
    static READ: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let digits: String = text.trim_end().chars().filter(|c| *c != '-').collect();
        (digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit())).then_some(digits)
    };
    READ.get_or_init(read).as_deref()
}

/// A journal that was read, unverified. A damaged one has no parts.
#[derive(Debug, Default)]
pub struct Journal {
    bytes: Vec<u8>,
    parts: BTreeMap<String, Range<usize>>,
    /// Whether its contents were put in place during this boot.
    pub applied: bool,
}

impl Journal {
    /// Reads the journal in a directory.
    ///
    /// # Errors
    /// `IO`, `UNSAFE_FILE`.
    pub fn read(dir: &Dir) -> Result<Option<Self>> {
        let Some((mut file, line)) = open(dir)? else { return Ok(None) };
        let applied = is_applied(dir, &line)?;
        let bytes = rest(dir, &mut file, line)?;
        Ok(Some(Self { applied, ..Self::parse(bytes) }))
    }

    /// Reads the journal in a directory, unless its contents were put in place during this boot.
    ///
    /// # Errors
    /// `IO`, `UNSAFE_FILE`.
    pub fn unapplied(dir: &Dir) -> Result<Option<Self>> {
        let Some((mut file, line)) = open(dir)? else { return Ok(None) };
        if is_applied(dir, &line)? {
            return Ok(None);
        }
        Ok(Some(Self::parse(rest(dir, &mut file, line)?)))
    }

    fn parse(bytes: Vec<u8>) -> Self {
        let parts = parts_of(&bytes).unwrap_or_default();
        Self { bytes, parts, applied: false }
    }

    /// Returns a part.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&[u8]> {
        self.parts.get(name).and_then(|range| self.bytes.get(range.clone()))
    }

    /// Returns the names of its parts, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.keys().map(String::as_str)
    }

    /// Returns its parts of the ledger, by file name.
    #[must_use]
    pub fn shards(&self) -> Vec<(String, Vec<u8>)> {
        let shards = self.names().filter(|name| name.starts_with(shard::PREFIX));
        shards.map(|name| (name.to_owned(), self.part(name).unwrap_or_default().to_vec())).collect()
    }

    /// Returns the MAC in its ledger, unverified.
    #[must_use]
    pub fn mac(&self) -> Option<&str> {
        signed::split(self.part(ledger::FILE)?).map(|parts| parts.mac)
    }

    /// Returns the names of its records and versions that are not the ones that its operations list.
    pub fn damaged<'a>(&'a self, ops: &'a Ops) -> impl Iterator<Item = &'a str> {
        self.names().filter(|name| is_sealed(name)).filter(|name| !self.is_due(ops, name))
    }

    fn is_due(&self, ops: &Ops, name: &str) -> bool {
        let due = ops.records.as_ref().and_then(|records| records.get(name));
        due.is_some() && due == self.part(name).map(digest).as_ref()
    }

    /// Returns whether all its records and versions are in place.
    ///
    /// # Errors
    /// `IO`.
    pub fn is_in_place(&self, dir: &Dir) -> Result<bool> {
        for name in self.names().filter(|name| is_sealed(name)) {
            let Some((place, file)) = place_of(dir, name)? else { return Ok(false) };
            // A file that cannot be read is not the one that belongs there.
            let there = place.read(&file, RECORD_MAX).ok();
            if there.as_deref() != self.part(name) {
                return Ok(false);
            }
        }
        Ok(dir.dir_if_any(RECORDS)?.is_some())
    }

    /// Writes records and versions again that are missing in place, or torn. Returns whether all of them are then in
    /// place. The caller has verified the journal.
    ///
    /// # Errors
    /// `NO_SPACE`, `IO`.
    pub fn put_back(&self, dir: &Dir) -> Result<bool> {
        for name in self.names().filter(|name| is_sealed(name)) {
            let (place, file) = match (place_of(dir, name)?, history::place_of(name)) {
                (Some(there), _) => there,
                (None, Some((profile, file))) => (history::dir_or_make(dir, profile)?, file),
                (None, None) => return Ok(false),
            };
            match place.read_if_any(&file, RECORD_MAX) {
                Ok(there) if there.as_deref().is_none_or(is_torn) => {
                    place.replace(&file, self.part(name).unwrap_or_default())?;
                }
                // Another file in the place of a record is a finding, but does not stop a change.
                Ok(_) | Err(StoreError::Unsafe { .. } | StoreError::TooLarge { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.is_in_place(dir)
    }

    /// Makes durable what was put in place from the journal.
    ///
    /// # Errors
    /// `NO_SPACE`, `IO`.
    pub fn settle(&self, dir: &Dir) -> Result<()> {
        if let Some(records) = dir.dir_if_any(RECORDS)? {
            for name in self.names().filter(|name| is_record(name)) {
                sync(&records, name)?;
            }
            records.sync()?;
        }
        if let Some(versions) = dir.dir_if_any(HISTORY)? {
            for (profile, file) in self.names().filter_map(history::place_of) {
                if let Some(place) = versions.dir_if_any(profile)? {
                    sync(&place, &file)?;
                    place.sync()?;
                }
            }
            versions.sync()?;
        }
        for name in self.names().filter(|name| *name != OPS && !is_sealed(name)).chain([log::FILE]) {
            sync(dir, name)?;
        }
        Ok(dir.sync()?)
    }

    /// Converts the parts that `keep` accepts to a transaction's directory, durably. That is then the committed change.
    ///
    /// # Errors
    /// `NO_SPACE`, `IO`.
    pub fn unpack(&self, dir: &Dir, keep: impl Fn(&str) -> bool) -> Result<()> {
        let stage = dir.create_dir(TXN_STAGE)?;
        for (name, bytes) in self.names().filter_map(|name| Some((name, self.part(name)?))) {
            if keep(name) {
                let file = stage.write_new(name, bytes)?;
                stage.sync_file(&file, name)?;
            }
        }
        stage.sync()?;
        dir.rename(TXN_STAGE, dir, TXN)?;
        Ok(dir.sync()?)
    }
}

/// Makes a file durable, if it exists.
fn sync(dir: &Dir, name: &str) -> Result<()> {
    match dir.open_for_reading(name) {
        Ok(file) => Ok(dir.sync_file(&file, name)?),
        Err(StoreError::NotFound(_) | StoreError::Unsafe { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn is_record(name: &str) -> bool {
    name.strip_suffix(".age").is_some()
}

/// Returns whether a part is a record or an earlier version.
fn is_sealed(name: &str) -> bool {
    is_record(name) || is_version(name)
}

fn is_version(name: &str) -> bool {
    history::place_of(name).is_some()
}

/// Returns the directory and the file name that a record or a version has in place, if the directory exists.
fn place_of(dir: &Dir, name: &str) -> Result<Option<(Dir, String)>> {
    let (place, file) = match history::place_of(name) {
        Some((profile, file)) => (history::dir_if_any(dir, profile)?, file),
        None => (dir.dir_if_any(RECORDS)?, name.to_owned()),
    };
    Ok(place.map(|place| (place, file)))
}

/// Opens a journal and reads its first line, or as many bytes.
fn open(dir: &Dir) -> Result<Option<(File, Vec<u8>)>> {
    let mut file = match dir.open_for_reading(FILE) {
        Err(error) if error.is_not_found() => return Ok(None),
        file => file?,
    };
    let mut line = Vec::with_capacity(LINE_LEN);
    (&mut file).take(LINE_LEN as u64).read_to_end(&mut line).map_err(|error| dir.io(FILE, error))?;
    Ok(Some((file, line)))
}

fn rest(dir: &Dir, file: &mut File, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
    file.take(READ_MAX).read_to_end(&mut bytes).map_err(|error| dir.io(FILE, error))?;
    Ok(bytes)
}

fn is_applied(dir: &Dir, line: &[u8]) -> Result<bool> {
    let Some(mark) = line.strip_prefix(TITLE.as_bytes()).and_then(|rest| rest.strip_suffix(b"\n")) else {
        return Ok(false);
    };
    Ok(Mark::of(dir)?.is_some_and(|here| here.0.as_bytes() == mark))
}

/// Returns where the parts are. After the first line, there is a line `LENGTH NAME` for each part, then an empty line,
/// and then the parts.
fn parts_of(bytes: &[u8]) -> Option<BTreeMap<String, Range<usize>>> {
    let line = bytes.get(..LINE_LEN)?;
    if !line.starts_with(TITLE.as_bytes()) || line.last() != Some(&b'\n') {
        return None;
    }
    let mut listed = Vec::new();
    let mut at = LINE_LEN;
    loop {
        let end = at + memchr::memchr(b'\n', bytes.get(at..)?)?;
        let line = std::str::from_utf8(&bytes[at..end]).ok()?;
        at = end + 1;
        if line.is_empty() {
            break;
        }
        let (len, name) = line.split_once(' ')?;
        listed.push((name, len.parse::<usize>().ok()?));
    }
    let mut parts = BTreeMap::new();
    for (name, len) in listed {
        let end = at.checked_add(len).filter(|end| *end <= bytes.len())?;
        if !is_name(name) || parts.insert(name.to_owned(), at..end).is_some() {
            return None;
        }
        at = end;
    }
    (at == bytes.len()).then_some(parts)
}

/// Returns whether a part may be written to a file with its name.
fn is_name(name: &str) -> bool {
    let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    name.len() <= 255 && name.bytes().all(known) && !name.starts_with('.') && !name.is_empty()
}

/// A journal that is to be written.
#[derive(Debug, Default)]
pub struct Draft(BTreeMap<String, Vec<u8>>);

impl Draft {
    /// Adds a part, and replaces an earlier one with the same name.
    pub fn put(&mut self, name: &str, bytes: &[u8]) {
        self.0.insert(name.to_owned(), bytes.to_owned());
    }

    /// Adds the parts of an earlier journal that `keep` accepts.
    pub fn take_over(&mut self, earlier: &Journal, keep: impl Fn(&str) -> bool) {
        for name in earlier.names().filter(|name| keep(name)) {
            self.put(name, earlier.part(name).unwrap_or_default());
        }
    }

    /// Returns the SHA-256 of each record and version among the parts, by name, in hex.
    #[must_use]
    pub fn digests(&self) -> BTreeMap<String, String> {
        let records = self.0.iter().filter(|(name, _)| is_sealed(name));
        records.map(|(name, bytes)| (name.clone(), digest(bytes))).collect()
    }

    /// Returns whether it is small enough for a journal.
    #[must_use]
    pub fn fits(&self) -> bool {
        let size: usize = self.0.iter().map(|(name, bytes)| name.len() + bytes.len() + 24).sum();
        let few = |is: fn(&str) -> bool| self.0.keys().filter(|name| is(name)).count() <= RECORDS_MAX;
        size <= MAX && few(is_record) && few(is_version)
    }

    /// Writes it to [`STAGE`], not durably.
    ///
    /// # Errors
    /// `NO_SPACE`, `IO`.
    pub fn write(&self, dir: &Dir) -> Result<File> {
        let mut bytes = format!("{TITLE}{:0>MARK_LEN$}\n", 0).into_bytes();
        for (name, part) in &self.0 {
            bytes.extend_from_slice(format!("{} {name}\n", part.len()).as_bytes());
        }
        bytes.push(b'\n');
        for part in self.0.values() {
            bytes.extend_from_slice(part);
        }
        Ok(dir.write_new(STAGE, &bytes)?)
    }
}

/// Removes the mark that everything is in place, so that the next writer puts it there again.
///
/// # Errors
/// `IO`.
pub fn unmark(dir: &Dir) -> Result<()> {
    if dir.kind(FILE)?.is_none() {
        return Ok(());
    }
    let mut file = dir.open_or_create(FILE)?;
    let failed = |error| Error::from(dir.io(FILE, error));
    file.seek(SeekFrom::Start(TITLE.len() as u64)).map_err(failed)?;
    file.write_all(format!("{:0>MARK_LEN$}", 0).as_bytes()).map_err(failed)
}

/// Marks a journal as applied.
///
/// # Errors
/// `IO`.
pub fn mark_applied(dir: &Dir, mut file: &File, mark: &Mark) -> Result<()> {
    let failed = |error| Error::from(dir.io(FILE, error));
    file.seek(SeekFrom::Start(TITLE.len() as u64)).map_err(failed)?;
    file.write_all(mark.0.as_bytes()).map_err(failed)
}

/// Returns whether a file looks like what a loss of power leaves of one that was not durable: nothing, whole pages, or
/// blocks of zeros.
#[must_use]
pub fn is_torn(bytes: &[u8]) -> bool {
    bytes.len().is_multiple_of(4096) || bytes.chunks(512).any(|block| block.iter().all(|byte| *byte == 0))
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
