//! The desktop's keychain: which one it is, its state, whether it gives back what it was given, and whose items it
//! holds.

use std::collections::HashMap;

use zeroize::Zeroizing;

use super::Finding;
use crate::error::{Error, Result};
use crate::keychain::{Item, Keychain, KeychainState, Transport, is_home_of};
use crate::messages::doctor as messages;
use crate::unlock::keychain_key;
use crate::unlock::unlock_files::KEYCHAIN;
use crate::vault::agent::PENDING;
use crate::vault::home::{LockWait, Session, Vault};
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::keychain::leftovers::look as left_by;
use crate::vault::keychain::sync;
use crate::vault::ledger::Book;
use crate::vault::settings;
use crate::vault::store::Store;

const CHECK: &str = "keychain";

type Attributes = HashMap<String, String>;

/// Returns whether this vault keeps anything in the keychain, or would.
///
/// # Errors
/// Those of reading the home.
pub fn is_used(vault: &Vault) -> Result<bool> {
    if settings::unverified(vault.home()).default_store == Store::Keychain
        || vault.slots()?.iter().any(|slot| slot.method == KEYCHAIN)
    {
        return Ok(true);
    }
    for agent in vault.each_agent()? {
        if matches!(agent?.dir().kind(PENDING), Ok(Some(_))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Checks the keychain itself, without a prompt. A keychain that cannot be used is wrong only if the vault uses it.
#[must_use]
pub fn check(keychain: &Keychain, used: bool) -> Vec<Finding> {
    let bad = |error: &Error| {
        if used {
            Finding::met(CHECK, error)
        } else {
            Finding::note(CHECK, messages::keychain::not_needed(error))
        }
    };
    match keychain.probe() {
        Err(error) => vec![bad(&error)],
        Ok((KeychainState::NoCollection, provider)) => vec![bad(&messages::no_collection(provider))],
        Ok((KeychainState::Locked, provider)) => vec![bad(&messages::locked(provider))],
        Ok((KeychainState::Ready, provider)) => {
            let mut found = vec![Finding::ok(CHECK, messages::keychain::is_ready(provider))];
            if used {
                found.push(try_out(keychain).unwrap_or_else(|error| bad(&error)));
            }
            found
        }
    }
}

/// Writes a test item, reads it back over another connection, and removes it.
fn try_out(keychain: &Keychain) -> Result<Finding> {
    let mut attributes = keychain.records_of("doctor", "none");
    attributes.push(("profile", "test:doctor".to_owned()));
    let item = Item { label: "Strongroom: a test by doctor".to_owned(), attributes };
    let value = Zeroizing::new(format!("made up by doctor, {}", std::process::id()).into_bytes());
    // An earlier `doctor` may not have been able to remove its own.
    keychain.remove(&item)?;
    let put = keychain.put(vec![(item.clone(), value)], Transport::Sealed)?.pop();
    let removed = keychain.remove(&item);
    put.transpose()?;
    removed?;
    Ok(Finding::ok(CHECK, messages::keychain::TRIED))
}

/// Checks the items of this vault and this home; with `repair`, repairs what can be repaired.
///
/// # Errors
/// Those of the home. Errors of the keychain are findings.
pub fn items(vault: &Vault, session: &mut Session, repair: bool, waits: &LockWait) -> Result<Vec<Finding>> {
    let keychain = vault.keychain();
    let all = match keychain.all() {
        Ok(all) => all,
        Err(error) => {
            return Ok(vec![Finding::note(CHECK, messages::keychain::not_listed(&error))]);
        }
    };
    let id = session.keys().vault.to_string();
    let (own, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|item| has(item, "vault", &id) && has(item, "home", keychain.home()));
    let mut found = Vec::new();
    let strangers = others.iter().filter(|item| has(item, "home", keychain.home())).count();
    if strangers > 0 {
        found.push(Finding::advice(CHECK, messages::keychain::of_another_vault(strangers)));
    }
    let mut check = ItemsCheck { vault, session, repair, waits, found };
    let elsewhere: Vec<_> = others.iter().filter(|item| has(item, "vault", &id)).collect();
    if !elsewhere.is_empty() {
        check.other_homes(&own, &elsewhere)?;
    }
    check.records(&own)?;
    Ok(check.found)
}

fn has(item: &Attributes, name: &str, value: &str) -> bool {
    item.get(name).is_some_and(|held| held == value)
}

/// A check of a vault's items, and what it has found so far.
struct ItemsCheck<'a> {
    vault: &'a Vault,
    session: &'a mut Session,
    repair: bool,
    waits: &'a LockWait,
    found: Vec<Finding>,
}

impl ItemsCheck<'_> {
    /// Compares the items of this home with the ledgers.
    fn records(&mut self, own: &[Attributes]) -> Result<()> {
        let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
        for item in own.iter().filter(|item| has(item, "kind", "record")) {
            if let (Some(agent), Some(profile)) = (item.get("agent"), item.get("profile")) {
                *seen.entry((agent, profile)).or_default() += 1;
            }
        }
        let mut good = 0;
        for name in self.vault.agents()? {
            let of_agent: Vec<_> = seen.iter().filter(|((agent, _), _)| *agent == name.as_str()).collect();
            let Some(agent) = self.vault.agent(&name)? else { continue };
            let reader = self.vault.reader(agent, self.session.keys())?;
            // Without an agent's ledger, nothing can be said about its items.
            let Ok(book) = reader.book() else { continue };
            for ((_, profile), many) in of_agent {
                if *many > 1 {
                    self.note(messages::keychain::several_items(&name, *many, profile));
                }
                let Ok(id) = profile.parse::<ProfileId>() else { continue };
                let entry = book.entry(&id)?;
                if sync::may_go(&reader, entry, &id).unwrap_or(false) {
                    self.orphan(&name, &id)?;
                } else if entry.is_some_and(|entry| entry.store() == Some(Store::Keychain)) {
                    good += 1;
                } else {
                    self.note(messages::keychain::unknown_item(&name, profile));
                }
            }
        }
        if good > 0 {
            self.found.push(Finding::ok(CHECK, messages::keychain::profiles(good)));
        }
        Ok(())
    }

    fn note(&mut self, what: String) {
        self.found.push(Finding::note(CHECK, what));
    }

    /// Reports an item of a profile that was moved or removed; repairs it if asked to.
    fn orphan(&mut self, agent: &AgentName, id: &ProfileId) -> Result<()> {
        let orphan = Finding::wrong(CHECK, messages::keychain::orphan(agent, id));
        let is_clean = self.repair && self.clean(agent, id)?;
        self.found.push(if is_clean { orphan.as_repaired() } else { orphan });
        Ok(())
    }

    fn clean(&mut self, agent: &AgentName, id: &ProfileId) -> Result<bool> {
        let writer = self.vault.writer(self.session, agent, self.waits)?;
        // Checked again under the lock.
        if !sync::may_go(&writer.reader()?, writer.book()?.entry(id)?, id)? {
            return Ok(false);
        }
        let item = writer.keychain().record(writer.ring().vault.as_str(), agent.as_str(), id.as_str());
        Ok(writer.keychain().remove(&item).is_ok())
    }

    /// Reports items of this vault that belong to other homes: copies, or this home before it was moved.
    fn other_homes(&mut self, own: &[Attributes], others: &[&Attributes]) -> Result<()> {
        let id = self.session.keys().vault.to_string();
        let mut homes: Vec<&str> =
            others.iter().filter_map(|item| item.get("home")).map(String::as_str).collect();
        homes.sort_unstable();
        homes.dedup();
        let (there, gone): (Vec<&str>, Vec<&str>) =
            homes.into_iter().partition(|home| is_home_of(std::path::Path::new(home), &id));
        for home in there {
            self.note(messages::keychain::another_home(home));
        }
        if gone.is_empty() {
            return Ok(());
        }
        let places = gone.join(", ");
        if !lacks_items(self.vault, self.session, own)? {
            self.found.push(Finding::advice(CHECK, messages::keychain::earlier_homes(&places)));
            return Ok(());
        }
        let moved = Finding::wrong(CHECK, messages::keychain::moved(&places));
        if !self.repair {
            self.found.push(moved);
            return Ok(());
        }
        take_over_key(self.vault, self.session)?;
        for name in self.vault.agents()? {
            let writer = self.vault.writer(self.session, &name, self.waits)?;
            sync::take_over(&writer, &in_keychain(&writer.book()?)?)?;
        }
        self.found.push(moved.as_repaired());
        Ok(())
    }
}

/// Finds items of other vaults whose homes no longer exist. Returns nothing if the keychain cannot be used, because
/// that is a finding of its own.
#[must_use]
pub fn leftovers(vault: &Vault) -> Option<Finding> {
    let keychain = vault.keychain();
    if !matches!(keychain.probe(), Ok((KeychainState::Ready, _))) {
        return None;
    }
    let id = vault.claimed_id();
    let left = left_by(keychain, vault.anchors().setup()).ok()?;
    let gone: Vec<_> =
        left.iter().filter(|left| left.readers.is_empty() && id != Some(left.vault.as_str())).collect();
    let items: usize = gone.iter().map(|left| left.items).sum();
    (items > 0).then(|| Finding::advice(CHECK, messages::keychain::leftovers(items, gone.len())))
}

/// Writes the unlock key again for a home that was moved. Returns whether there was one to write.
fn take_over_key(vault: &Vault, session: &Session) -> Result<bool> {
    let slots = vault.slots()?;
    let Some(slot) = slots.iter().find(|slot| slot.method == KEYCHAIN) else { return Ok(false) };
    keychain_key::take_over(vault.keychain(), session.keys().vault.as_str(), slot)
}

/// Returns the profiles that are stored in the keychain, as a ledger has it.
fn in_keychain(book: &Book) -> Result<Vec<ProfileId>> {
    let all = book.all()?.into_iter().filter(|(_, entry)| entry.store() == Some(Store::Keychain));
    all.map(|(id, _)| id.parse()).collect()
}

/// Returns whether the keychain, as it is now, lacks an item of this home.
///
/// # Errors
/// Those of the keychain, and of reading the home.
pub fn lacks_own_items(vault: &Vault, session: &Session) -> Result<bool> {
    let (id, home) = (session.keys().vault.as_str(), vault.keychain().home());
    let mut all = vault.keychain().all()?;
    all.retain(|item| has(item, "vault", id) && has(item, "home", home));
    lacks_items(vault, session, &all)
}

/// Returns whether the items `own` lack one that this home should have.
fn lacks_items(vault: &Vault, session: &Session, own: &[Attributes]) -> Result<bool> {
    let is_there = |wanted: &[(&str, &str)]| {
        own.iter().any(|item| wanted.iter().all(|(name, value)| has(item, name, value)))
    };
    let by_key = vault.slots()?.iter().any(|slot| slot.method == KEYCHAIN);
    if by_key && !is_there(&[("kind", "unlock"), ("method", KEYCHAIN)]) {
        return Ok(true);
    }
    for agent in vault.each_agent()? {
        let agent = agent?;
        let name = agent.name().clone();
        let reader = vault.reader(agent, session.keys())?;
        let Ok(book) = reader.book() else { continue };
        let lacks = |id: &ProfileId| {
            !is_there(&[("kind", "record"), ("agent", name.as_str()), ("profile", id.as_str())])
        };
        if in_keychain(book)?.iter().any(lacks) {
            return Ok(true);
        }
    }
    Ok(false)
}
