//! Compares a home with what this machine remembers of it, and decides whether it may be written.
//!
//! A home that is older than its anchor, or has another history, can be read but not written. A restored backup must
//! not stop a gateway at night, but no change should build on an old state unnoticed. A person can accept such a state
//! by the digest that the refusal names: exactly that state, once.

use memchr::memmem;
use sha2::{Digest, Sha256};
use strongroom_backends::fs::dir::Dir;

use super::{Anchors, Mark, Remembered};
use crate::error::{Error, Result};
use crate::messages::vault::rollback as messages;
use crate::seal::RECORD_MAX;
use crate::seal::keys::{Ring, Scope, hex};
use crate::seal::signed;
use crate::vault::agent::{PENDING, RECORDS};
use crate::vault::ledger::{self, Ledger};
use crate::vault::log::{self, Head};
use crate::vault::vault_ledger::VaultLedger;

/// The number of hex digits of a state's SHA-256 that name it.
const DIGEST_LEN: usize = 16;

/// Why a home must not be written.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Whose ledger it is about.
    pub scope: Scope,
    /// What is wrong, as a sentence.
    pub what: String,
    /// Identifies exactly the current state.
    pub digest: String,
    /// The next ledger must have a higher number than this.
    pub above: u64,
    /// What the user can do.
    pub way_out: WayOut,
}

/// What the user can do about a home that must not be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WayOut {
    /// Accept the state.
    Accept,
    /// Accept that another vault is in this place now.
    AcceptOther,
    /// Accept that the keys were changed elsewhere.
    AcceptKeys,
    /// Change the keys again: the state is from before a change of keys and uses a key that was retired since.
    Rekey,
    /// Restore a backup: the unlock file is not one of this home's, and with it secrets could be encrypted for an
    /// attacker.
    Restore,
}

impl Refusal {
    /// Returns the refusal as a finding, with the digest of the state.
    #[must_use]
    pub fn as_finding(&self) -> String {
        messages::finding(&self.what, &self.digest)
    }

    /// Returns the refusal as the error of a command that would write.
    #[must_use]
    pub fn error(&self) -> Error {
        messages::refused(&self.what, self.remedy())
    }

    /// Returns what to do, as the remedy of an error.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self.way_out {
            WayOut::Accept => messages::accept_state(&self.digest),
            WayOut::AcceptOther => messages::accept_other_vault(&self.digest),
            WayOut::AcceptKeys => messages::accept_keys(&self.digest),
            WayOut::Rekey => messages::rekey(),
            WayOut::Restore => messages::restore_unlock_file(),
        }
    }
}

/// How a ledger compares with its anchor.
#[derive(Clone, Debug)]
pub enum Standing {
    /// It fits.
    Good,
    /// This machine remembers nothing of the home yet.
    Unknown,
    /// It must not be written.
    Refused(Refusal),
}

/// The state of a ledger that is compared with its anchor.
#[derive(Clone, Copy, Debug)]
pub struct LedgerState<'a> {
    /// Its number.
    pub number: u64,
    /// Its MAC.
    pub mac: &'a str,
    /// The head of its log.
    pub log: &'a Head,
}

impl<'a> From<&'a Ledger> for LedgerState<'a> {
    fn from(ledger: &'a Ledger) -> Self {
        Self { number: ledger.number, mac: &ledger.mac, log: &ledger.log }
    }
}

impl<'a> From<&'a VaultLedger> for LedgerState<'a> {
    fn from(own: &'a VaultLedger) -> Self {
        Self { number: own.number, mac: &own.mac, log: &own.log }
    }
}

impl LedgerState<'_> {
    /// Returns the state as an anchor remembers it.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { number: self.number, mac: self.mac.to_owned(), log: self.log.clone() }
    }
}

/// Compares a verified ledger in its directory with its anchor.
///
/// # Errors
/// Those of reading the directory.
pub fn judge(anchors: &Anchors, ring: &Ring, dir: &Dir, state: LedgerState<'_>) -> Result<Standing> {
    let whose = whose(&ring.scope);
    let refused = |what: String, above: u64, way_out: WayOut| -> Result<Standing> {
        let digest = digest(ring, Some(dir), above)?;
        let scope = ring.scope.clone();
        Ok(Standing::Refused(Refusal { scope, what, digest, above, way_out }))
    };
    let mark = match anchors.of(ring)? {
        Remembered::NoHome => return Ok(Standing::Unknown),
        Remembered::OtherVault => {
            return refused(messages::other_vault(), 0, WayOut::AcceptOther);
        }
        // A lost anchor is written again by the next change.
        Remembered::Nowhere | Remembered::Nothing => return Ok(Standing::Good),
        // A change of keys on this machine updates the anchor before the old key is retired. That the remembered key
        // was retired is claimed only by the new keys, and an attacker's keys would claim that as well.
        Remembered::Retired(above) => {
            return refused(messages::unseen_keys(&whose), above, WayOut::AcceptKeys);
        }
        Remembered::UnknownKey(above) => {
            return refused(messages::before_rekey(&whose), above, WayOut::Rekey);
        }
        Remembered::Mark(mark) => mark,
    };
    if mark.number > state.number {
        let what = messages::rolled_back(&whose, mark.number, state.number);
        return refused(what, mark.number, WayOut::Accept);
    }
    let same = if mark.number == state.number {
        signed::same(&mark.mac, state.mac)
    } else {
        mac_in_log(dir, mark.log.seq)?.is_none_or(|mac| signed::same(&mac, &mark.log.mac))
    };
    if same {
        return Ok(Standing::Good);
    }
    refused(messages::diverged(&whose, mark.number), mark.number, WayOut::Accept)
}

/// Returns the refusal for an agent whose directory is gone; `None` if this machine does not remember the agent.
///
/// # Errors
/// `INTERNAL`.
pub fn gone(anchors: &Anchors, ring: &Ring) -> Result<Option<Refusal>> {
    let above = match anchors.of(ring)? {
        Remembered::Mark(mark) => mark.number,
        Remembered::Retired(number) | Remembered::UnknownKey(number) => number,
        Remembered::Nowhere | Remembered::OtherVault | Remembered::NoHome | Remembered::Nothing => {
            return Ok(None);
        }
    };
    let what = messages::gone(&whose(&ring.scope), above);
    let digest = digest(ring, None, above)?;
    Ok(Some(Refusal { scope: ring.scope.clone(), what, digest, above, way_out: WayOut::Accept }))
}

/// Returns a sentence about a ledger that is older than this machine remembers, as far as that is known without a key.
#[must_use]
pub fn seen_behind(anchors: &Anchors, vault: &str, scope: &Scope, dir: &Dir) -> Option<String> {
    let remembered = anchors.unverified(vault, scope)?;
    match dir.read(ledger::FILE, ledger::MAX).ok().and_then(|bytes| ledger::number_of(&bytes)) {
        Some(number) if number >= remembered => None,
        Some(number) => Some(messages::rolled_back(&whose(scope), remembered, number)),
        None => Some(messages::no_ledger(&whose(scope))),
    }
}

/// Returns the refusal for a ledger that is missing or does not verify.
///
/// # Errors
/// Those of reading the directory.
pub fn unreadable(anchors: &Anchors, ring: &Ring, dir: &Dir, error: &Error) -> Result<Refusal> {
    let mut way_out = WayOut::Accept;
    let above = match anchors.of(ring)? {
        Remembered::Mark(mark) => mark.number,
        Remembered::Retired(number) => number,
        Remembered::UnknownKey(number) => {
            way_out = WayOut::Restore;
            number
        }
        Remembered::OtherVault => {
            way_out = WayOut::AcceptOther;
            0
        }
        Remembered::Nowhere | Remembered::NoHome | Remembered::Nothing => 0,
    };
    // The vault's own ledger is whole, but uses a key that the unlock file does not have.
    if ring.scope == Scope::Vault && is_of_others(dir, ring) {
        way_out = WayOut::Restore;
    }
    Ok(Refusal {
        scope: ring.scope.clone(),
        what: error.what().to_owned(),
        digest: digest(ring, Some(dir), above)?,
        above,
        way_out,
    })
}

/// Returns whether a ledger is whole and names a key that is neither one of these nor was replaced by them.
fn is_of_others(dir: &Dir, ring: &Ring) -> bool {
    #[derive(serde::Deserialize)]
    struct Key {
        key: String,
    }
    let read = || -> Option<Key> {
        let bytes = dir.read(ledger::FILE, ledger::MAX).ok()?;
        serde_json::from_str(signed::split(&bytes)?.json).ok()
    };
    read().is_some_and(|Key { key }| ring.get(&key).is_none() && !ring.is_retired(&key))
}

fn whose(scope: &Scope) -> String {
    messages::state_of(scope.agent())
}

/// Returns the MAC of the line with this number, if the log's current file has it.
fn mac_in_log(dir: &Dir, seq: u64) -> Result<Option<String>> {
    if seq == 0 {
        return Ok(None);
    }
    let Some(bytes) = dir.read_if_any(log::FILE, log::MAX)? else { return Ok(None) };
    let Some(at) = memmem::rfind(&bytes, format!("{{\"seq\":{seq},").as_bytes()) else { return Ok(None) };
    let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n);
    Ok(log::parse_line(&bytes[at..end]).map(|(line, _)| line.mac))
}

/// Returns the digest of a ledger, of the encrypted files that belong to it, and of what this machine remembers. If the
/// same state is put back after it was accepted, its digest is another one.
fn digest(ring: &Ring, dir: Option<&Dir>, remembered: u64) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut add = |name: &str, bytes: &[u8]| {
        hasher.update(name.as_bytes());
        hasher.update([0]);
        hasher.update(Sha256::digest(bytes));
    };
    add(ring.vault.as_str(), ring.scope.to_string().as_bytes());
    add("remembered", &remembered.to_be_bytes());
    let ledger = dir.map(|dir| dir.read_if_any(ledger::FILE, ledger::MAX)).transpose()?.flatten();
    add(ledger::FILE, &ledger.unwrap_or_default());
    let places: &[&str] = match ring.scope {
        Scope::Vault => &[crate::unlock::unlock_files::DIR],
        Scope::Agent(_) => &[RECORDS, PENDING],
    };
    if let Some(dir) = dir {
        for name in dir.names()?.iter().filter(|name| name.starts_with(ledger::shard::PREFIX)) {
            add(name, &[]);
        }
        for place in places {
            let Some(dir) = dir.dir_if_any(place)? else { continue };
            for name in dir.names()? {
                add(&name, &dir.read_if_any(&name, RECORD_MAX).ok().flatten().unwrap_or_default());
            }
        }
    }
    let mut text = hex(&hasher.finalize());
    text.truncate(DIGEST_LEN);
    Ok(text)
}
