//! The vault's own ledger: which unlock methods there are, and where the vault's own log ends.
//!
//! Replacing it is the commit of every change of the vault itself: `init`, unlock methods, the steps of a change of
//! keys, settings. Before that, the new files are made durable next to those that they replace
//! (`unlock/<method>.age.new`), and after it they are moved into place; the next command finishes that if it was
//! interrupted. An unlock file that the ledger does not list is not the vault's.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strongroom_backends::fs::dir::Dir;

use super::ledger;
use super::log::{self, Event, Head, LogPart};
use super::settings;
use super::vault_file::{self, VaultFile};
use crate::error::Result;
use crate::messages::vault::ledger as messages;
use crate::seal::RECORD_MAX;
use crate::seal::keys::{Ring, RingKey, hex, label};
use crate::unlock::listing::{LEDGER, MAX, Methods, NEW};
use crate::unlock::unlock_files::{self, DIR, file_name};

/// The vault's own ledger, verified.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VaultLedger {
    vault: String,
    /// The id of the vault key that it was signed with.
    key: String,
    /// The number of changes so far; 0 before the first.
    pub number: u64,
    /// Its MAC, in Base64.
    pub mac: String,
    /// The head of the vault's own log.
    pub log: Head,
    /// The SHA-256 of each method's unlock file.
    pub methods: Methods,
    /// The SHA-256 of unlock files that are being removed.
    gone: Vec<String>,
    /// What the last change appends to the log.
    part: LogPart,
    /// Identifies the recovery recipient.
    pub recovery: String,
    /// The SHA-256 of `settings.json`.
    pub settings: String,
}

#[derive(Serialize, Deserialize)]
struct Text {
    format: u32,
    vault: String,
    machine: String,
    key: String,
    number: u64,
    previous: String,
    log: Head,
    methods: Methods,
    gone: Vec<String>,
    part: LogPart,
    recovery: String,
    settings: String,
}

/// A change of the vault itself.
#[derive(Debug, Default)]
pub struct Edit {
    /// Unlock files that are added or replaced, by method.
    pub methods: Vec<(String, Vec<u8>)>,
    /// Methods that are removed.
    pub removed: Vec<String>,
    /// The new `settings.json`.
    pub settings: Option<Vec<u8>>,
    /// Events for the log.
    pub events: Vec<Event>,
    /// The ledger gets a higher number than this.
    pub above: u64,
    /// If set, the log starts again, and the old one is set aside with this in its name.
    pub restarts_log: Option<String>,
    /// Now, in Unix milliseconds.
    pub now: i64,
}

impl VaultLedger {
    /// Reads the ledger in a home.
    ///
    /// # Errors
    /// `TAMPERED` if it does not verify, `NEWER_FORMAT`, those of reading it.
    pub fn read(home: &Dir, ring: &Ring) -> Result<Option<Self>> {
        home.read_if_any(LEDGER, MAX)?.map(|bytes| Self::parse(&bytes, ring)).transpose()
    }

    /// Reads the ledger in a home that must have one.
    ///
    /// # Errors
    /// As [`VaultLedger::read`], and `TAMPERED` if it is missing.
    pub fn expect(home: &Dir, ring: &Ring) -> Result<Self> {
        Self::read(home, ring)?.ok_or_else(messages::vault_ledger_missing)
    }

    fn parse(bytes: &[u8], ring: &Ring) -> Result<Self> {
        let (json, mac) = ledger::open(bytes, ring)?;
        let text: Text = serde_json::from_str(&json).map_err(|_| messages::damaged(&ring.scope))?;
        let Text { vault, key, number, log, methods, gone, part, recovery, settings, .. } = text;
        Ok(Self { vault, key, number, mac, log, methods, gone, part, recovery, settings })
    }

    /// Returns a new ledger at the end of an existing log.
    #[must_use]
    pub fn begun_at(log: Head, methods: Methods) -> Self {
        Self { log, methods, ..Self::default() }
    }

    /// Returns whether the recovery recipient of these keys is the vault's.
    #[must_use]
    pub fn fits(&self, ring: &Ring) -> bool {
        ring.get(&self.key).is_some_and(|key| recovery_tag(ring, key) == self.recovery)
    }

    /// Commits a change durably and applies it. The caller holds the vault's lock exclusively, and no earlier change is
    /// unfinished.
    ///
    /// # Errors
    /// Any error up to the replacement of the ledger; then nothing has changed. After that, those of applying the
    /// change, which the next command finishes.
    pub fn commit(&self, home: &Dir, ring: &Ring, edit: &Edit) -> Result<Self> {
        let staged = self.stage(home, ring, edit);
        if staged.is_err() {
            sweep(home);
        }
        let next = staged?;
        next.settle(home)?;
        if next.gone.is_empty() {
            return Ok(next);
        }
        // The removed files are gone now. If one is put back later, it stays and is reported.
        let done = Self { gone: Vec::new(), ..next };
        done.stage(home, ring, &Edit { now: edit.now, ..Edit::default() })
    }

    fn stage(&self, home: &Dir, ring: &Ring, edit: &Edit) -> Result<Self> {
        let mut next = self.clone();
        if !edit.methods.is_empty() {
            let dir = home.dir_or_create(DIR)?;
            for (method, sealed) in &edit.methods {
                let name = format!("{}{NEW}", file_name(method));
                dir.remove_file(&name)?;
                let file = dir.write_new(&name, sealed)?;
                dir.sync_file(&file, &name)?;
                next.methods.insert(method.clone(), hex(&Sha256::digest(sealed)));
            }
            dir.sync()?;
        }
        for method in &edit.removed {
            next.gone.extend(next.methods.remove(method));
        }
        if let Some(bytes) = &edit.settings {
            let name = format!("{}{NEW}", settings::FILE);
            home.remove_file(&name)?;
            let file = home.write_new(&name, bytes)?;
            home.sync_file(&file, &name)?;
            home.sync()?;
            next.settings = hex(&Sha256::digest(bytes));
        }
        let addition = log::Addition { ring, head: &self.log, now: edit.now, events: &edit.events };
        (next.part, next.log) = match &edit.restarts_log {
            Some(name) => log::begin_anew(home, addition, Some(name))?,
            // The last line is kept in the ledger in case it is cut off in the log.
            None if edit.events.is_empty() => (self.part.clone(), self.log.clone()),
            None => log::lines(home, addition)?,
        };
        next.vault = ring.vault.to_string();
        next.key = ring.current().id().to_string();
        next.number = self.number.max(edit.above) + 1;
        next.recovery = recovery_tag(ring, ring.current());
        let text = Text {
            format: 1,
            vault: next.vault.clone(),
            machine: ring.machine.to_string(),
            key: next.key.clone(),
            number: next.number,
            previous: self.mac.clone(),
            log: next.log.clone(),
            methods: next.methods.clone(),
            gone: next.gone.clone(),
            part: next.part.clone(),
            recovery: next.recovery.clone(),
            settings: next.settings.clone(),
        };
        let (text, mac) = ledger::write(&text, ring)?;
        next.mac = mac;
        if let Err(error) = home.replace(LEDGER, text.as_bytes()) {
            // If only the last sync failed, the change is made and continues.
            let in_place = home.read_if_any(LEDGER, MAX).ok().flatten();
            if in_place.as_deref() != Some(text.as_bytes()) {
                return Err(error.into());
            }
        }
        Ok(next)
    }

    /// Returns whether the last change is fully applied.
    ///
    /// # Errors
    /// Those of reading the home.
    pub fn is_settled(&self, home: &Dir) -> Result<bool> {
        Ok(home.kind(vault_file::FILE)?.is_some() && self.is_placed(home)?)
    }

    /// Returns the same as [`VaultLedger::is_settled`] without regard to `vault.json`, which only repeats what the
    /// unlock files say.
    ///
    /// # Errors
    /// Those of reading the home.
    pub fn is_placed(&self, home: &Dir) -> Result<bool> {
        // A log of another length was cut off or appended to, which `verify` reports.
        let log_is_there = self.part.lines.is_empty() || log::len_of(home)? != self.part.base;
        let names = home.dir_if_any(DIR)?.map_or_else(|| Ok(Vec::new()), |dir| dir.names())?;
        let placed = names.iter().all(|name| match name.strip_suffix(".age") {
            Some(method) => self.methods.contains_key(method) || !self.is_gone(home, name),
            None => !name.ends_with(NEW),
        });
        Ok(log_is_there && placed && home.kind(&format!("{}{NEW}", settings::FILE))?.is_none())
    }

    fn is_gone(&self, home: &Dir, name: &str) -> bool {
        let bytes = home.dir(DIR).and_then(|dir| dir.read(name, RECORD_MAX));
        bytes.is_ok_and(|bytes| self.gone.contains(&hex(&Sha256::digest(&bytes))))
    }

    /// Returns the files of the vault's own log as they are after the last change is applied.
    ///
    /// # Errors
    /// Those of reading them.
    pub fn log_files(&self, home: &Dir) -> Result<Vec<Vec<u8>>> {
        let mut files = log::read(home)?;
        if log::len_of(home)? == self.part.base {
            if files.is_empty() || self.part.rotated.is_some() {
                files.push(Vec::new());
            }
            files.iter_mut().last().into_iter().for_each(|file| file.extend(self.part.lines.as_bytes()));
        }
        Ok(files)
    }

    /// Applies the last change fully. Repeatable. The caller holds the vault's lock exclusively.
    ///
    /// # Errors
    /// `NO_SPACE`, `IO`.
    pub fn settle(&self, home: &Dir) -> Result<()> {
        if let Some(dir) = home.dir_if_any(DIR)? {
            for (method, digest) in &self.methods {
                place(&dir, &file_name(method), digest, RECORD_MAX)?;
            }
            for name in dir.names()? {
                let Some(method) = name.strip_suffix(".age") else { continue };
                if !self.methods.contains_key(method) && self.is_gone(home, &name) {
                    dir.remove_file(&name)?;
                }
            }
            dir.sync()?;
        }
        if !self.settings.is_empty() {
            place(home, settings::FILE, &self.settings, settings::MAX)?;
        }
        sweep(home);
        let due = VaultFile::of(&self.vault.parse()?).to_bytes()?;
        if home.read_if_any(vault_file::FILE, vault_file::MAX).ok().flatten().as_deref() != Some(&due) {
            home.replace(vault_file::FILE, &due)?;
        }
        log::append(home, &self.part, log::Durable::Now)?;
        Ok(home.sync()?)
    }
}

/// Moves a staged file of at most `max` bytes into place, unless the file with this digest is there already.
fn place(dir: &Dir, name: &str, digest: &str, max: usize) -> Result<()> {
    let is = |name: &str| -> Result<bool> {
        let bytes = dir.read_if_any(name, max).ok().flatten();
        Ok(bytes.is_some_and(|bytes| hex(&Sha256::digest(&bytes)) == digest))
    };
    let staged = format!("{name}{NEW}");
    if !is(name)? && is(&staged)? {
        dir.rename(&staged, dir, name)?;
    }
    Ok(())
}

/// Removes staged files that are in place or were never committed. Best effort.
fn sweep(home: &Dir) {
    let _ = home.remove_file(&format!("{}{NEW}", settings::FILE));
    let Ok(dir) = home.dir(DIR) else { return };
    for name in dir.names().unwrap_or_default() {
        let staged = name.strip_suffix(NEW).and_then(|name| name.strip_suffix(".age"));
        if staged.is_some_and(unlock_files::is_method_name) {
            let _ = dir.remove_file(&name);
        }
    }
}

/// Returns a tag that identifies a recovery recipient without revealing it.
#[must_use]
pub fn recovery_tag(ring: &Ring, key: &RingKey) -> String {
    hex(&key.derive(ring.recovery().to_string().as_bytes(), label::RECOVERY_ID)[..16])
}
