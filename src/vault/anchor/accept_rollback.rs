//! Accepts a state of the home that this machine refuses to write to: exactly the one that the user names.

use strongroom_backends::fs::dir::Dir;
use strongroom_backends::fs::lock::Mode;

use super::rollback::{self, LedgerState, Refusal, Standing, WayOut};
use crate::error::{Error, Result};
use crate::messages;
use crate::seal::keys::{Keys, Ring, Scope, hex};
use crate::seal::record::key_id;
use crate::unlock::listing::Methods;
use crate::unlock::unlock_files::Slot;
use crate::vault::agent::{Agent, PENDING, RECORDS, TXN};
use crate::vault::home::{LockWait, Session, Vault};
use crate::vault::keychain::store::KeychainStore;
use crate::vault::ledger::{Book, Entry, Ledger, RecordState};
use crate::vault::log::{self, Event};
use crate::vault::reader::Found;
use crate::vault::record::Record;
use crate::vault::settings::Settings;
use crate::vault::store::Store;
use crate::vault::transaction;
use crate::vault::transaction::change::Change;
use crate::vault::transaction::journal;
use crate::vault::vault_ledger::{Edit, VaultLedger};
use crate::vault::writer::Writer;

/// How often a refused state is read again because it changed meanwhile.
const LOOKS: u32 = 64;
/// Its name in the log.
const OP: &str = "accept-rollback";

/// Returns everything in a home that this machine refuses to write to, the vault's own state first.
///
/// # Errors
/// Those of reading the home.
pub fn refusals(vault: &Vault, session: &Session) -> Result<Vec<Refusal>> {
    let mut found = Vec::new();
    if let Ok(ring) = session.keys.own() {
        found.extend(of_own(vault, &ring)?);
    }
    for agent in vault.each_agent()? {
        let agent = agent?;
        if let Ok(ring) = session.keys.agent(agent.name.as_str()) {
            found.extend(of_agent(vault, &agent, &ring)?);
        }
    }
    found.extend(gone(vault, &session.keys)?);
    Ok(found)
}

/// Returns the refusal of the vault's own state: what its settings permit does not count if this machine has seen a later
/// state, in which it may have been taken back.
///
/// # Errors
/// `LOCKED` without the keys of the whole vault; those of reading the home.
pub fn of_vault(vault: &Vault, keys: &Keys) -> Result<Option<Refusal>> {
    of_own(vault, &keys.own()?)
}

/// Returns a refusal for each agent that this machine remembers and whose directory is gone. A change of keys without
/// such an agent would lose it for good.
///
/// # Errors
/// Those of reading the home.
pub fn gone(vault: &Vault, keys: &Keys) -> Result<Vec<Refusal>> {
    let there = vault.agents()?;
    let mut found = Vec::new();
    for name in vault.anchors.agents(keys.vault.as_str()) {
        if !there.iter().any(|agent| agent.as_str() == name)
            && let Ok(ring) = keys.agent(&name)
        {
            found.extend(rollback::gone(&vault.anchors, &ring)?);
        }
    }
    Ok(found)
}

/// Reads a ledger, or its error, and its refusal until two readings agree. No lock is held, so a writer may
/// change the ledger before the anchor is read.
fn seen_twice(look: impl Fn() -> Result<(String, Option<Refusal>)>) -> Result<Option<Refusal>> {
    let mut before = None;
    for _ in 0..LOOKS {
        let (seen, refusal) = look()?;
        if refusal.is_none() || before.as_ref() == Some(&seen) {
            return Ok(refusal);
        }
        before = Some(seen);
    }
    // A writer keeps changing it and is not refused.
    Ok(None)
}

fn of_own(vault: &Vault, ring: &Ring) -> Result<Option<Refusal>> {
    seen_twice(|| match VaultLedger::expect(&vault.home, ring) {
        Ok(own) => {
            let standing = rollback::judge(&vault.anchors, ring, &vault.home, LedgerState::from(&own))?;
            Ok((own.mac, refusal(standing)))
        }
        Err(error) => unreadable(vault, ring, &vault.home, &error),
    })
}

/// Returns the refusal of an agent's state: who it says may ask the proxy does not count if this machine has seen a later
/// state, in which that may have been taken back.
///
/// # Errors
/// Those of reading the home.
pub fn of_agent(vault: &Vault, agent: &Agent, ring: &Ring) -> Result<Option<Refusal>> {
    seen_twice(|| {
        let reader = agent.again()?.reader(ring.clone(), &vault.keychain)?;
        match reader.book().and_then(|book| book.all().map(|_| book)) {
            Ok(book) => {
                let state = LedgerState::from(&book.ledger);
                let standing = rollback::judge(&vault.anchors, ring, &agent.dir, state)?;
                Ok((book.ledger.mac.clone(), refusal(standing)))
            }
            Err(error) => unreadable(vault, ring, &agent.dir, &error),
        }
    })
}

fn unreadable(vault: &Vault, ring: &Ring, dir: &Dir, error: &Error) -> Result<(String, Option<Refusal>)> {
    let refusal = rollback::unreadable(&vault.anchors, ring, dir, error)?;
    Ok((error.what().to_owned(), Some(refusal)))
}

/// Returns the ledger if no part of it is missing or altered.
fn whole(book: Book) -> Result<Book> {
    book.all()?;
    Ok(book)
}

fn refusal(standing: Standing) -> Option<Refusal> {
    match standing {
        Standing::Refused(refusal) => Some(refusal),
        Standing::Good | Standing::Unknown => None,
    }
}

/// Accepts the state that has this digest, and returns why it was refused.
///
/// # Errors
/// `NOT_FOUND` if no refused state has this digest; `CONFIG` for one that cannot be accepted, such as a state from
/// before a change of keys; those of writing.
pub fn accept(vault: &Vault, session: &mut Session, digest: &str, waits: &LockWait) -> Result<Refusal> {
    let _lock = vault.keys_alone(session, waits)?;
    let all = refusals(vault, session)?;
    let Some(refusal) = all.into_iter().find(|refusal| refusal.digest == digest) else {
        return Err(messages::vault::rollback::unknown_digest());
    };
    if matches!(refusal.way_out, WayOut::Rekey | WayOut::Restore) {
        return Err(messages::vault::rollback::not_acceptable(&refusal.what, refusal.remedy()));
    }
    match &refusal.scope {
        Scope::Vault => accept_own(vault, &session.keys.own()?, &refusal, waits)?,
        Scope::Agent(name) => {
            let ring = session.keys.agent(name)?;
            let agent = vault.agent_or_create(&name.parse()?)?;
            accept_agent(vault, agent, ring, &refusal, waits)?;
        }
    }
    Ok(refusal)
}

fn accept_own(vault: &Vault, ring: &Ring, refusal: &Refusal, waits: &LockWait) -> Result<()> {
    let mut edit = Edit {
        events: vec![Event { op: OP.to_owned(), ..Event::default() }],
        above: refusal.above,
        now: waits.now,
        ..Edit::default()
    };
    let own = if let Ok(own) = VaultLedger::expect(&vault.home, ring) {
        if !own.is_settled(&vault.home)? {
            own.settle(&vault.home)?;
        }
        own
    } else {
        let digest = |slot: Slot| (slot.method.clone(), hex(&slot.digest()));
        let methods: Methods = vault.slots()?.into_iter().map(digest).collect();
        edit.restarts_log = Some(waits.now.to_string());
        // Without the ledger, nothing vouches for the settings that are there.
        edit.settings = Some(Settings::default().to_bytes(ring)?);
        VaultLedger::begun_at(log::unverified_head(&vault.home)?, methods)
    };
    vault.commit_own(ring, &own, &edit).map(|_| ())
}

fn accept_agent(vault: &Vault, agent: Agent, ring: Ring, refusal: &Refusal, waits: &LockWait) -> Result<()> {
    let lock = waits.take(&agent.dir, Mode::Exclusive)?;
    let mut change = Change::default();
    change.above(refusal.above);
    change.note(Event { op: OP.to_owned(), ..Event::default() });
    let mut readable = matches!(Ledger::read(&agent.dir, &ring), Ok(Some(_)));
    if readable {
        readable = transaction::finish_unfinished(&agent, &ring, vault.follow, waits.now).is_ok()
            && transaction::book(&agent, &ring).and_then(whole).is_ok();
    }
    let writer = Writer::over(agent, ring, vault.means(waits.now), vec![lock]);
    let book = if readable {
        writer.book()?
    } else {
        change.restart_log(&waits.now.to_string());
        for unfinished in [TXN, journal::FILE] {
            if writer.agent.dir.kind(unfinished)?.is_some() {
                transaction::set_aside(&writer.agent, unfinished, "stale", waits.now)?;
            }
        }
        for found in there(&writer)? {
            let key = key_id(&found.sealed).and_then(|key| key.parse().ok());
            let key = key.unwrap_or_else(|| writer.ring.current().id());
            let state = RecordState::Stored(found.store, key);
            change.enter(&found.record, Entry::new(found.record.generation, state));
        }
        Book::begun_at(log::unverified_head(&writer.agent.dir)?)
    };
    match writer.stage_on(change, &book, &*waits.watched)?.commit()?.unfinished {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Returns the records that can be decrypted, whether or not they were current: the newest of each profile.
fn there(writer: &Writer<'_>) -> Result<Vec<Found>> {
    let whose = |sealed: &[u8]| Record::open_any(&writer.ring, sealed).ok().map(|record| record.profile);
    let mut ids = writer.agent.records(&whose)?.ids;
    if writer.agent.dir.kind(PENDING)?.is_some() {
        ids.extend(KeychainStore::new(writer.keychain, &writer.ring).profiles()?);
        ids.sort_unstable();
        ids.dedup();
    }
    let reader = writer.reader()?;
    let mut found = Vec::new();
    for id in ids {
        if let Ok(Some(mut one)) = reader.found_anyhow(&id) {
            // It is in the keychain, or is a copy that has yet to go there.
            let in_file = writer.agent.dir.dir_if_any(RECORDS)?;
            let in_file =
                in_file.is_some_and(|dir| dir.kind(&id.file_name()).is_ok_and(|kind| kind.is_some()));
            if !in_file {
                one.store = Store::Keychain;
            }
            found.push(one);
        }
    }
    Ok(found)
}
