//! The desktop's keychain: which one, in what state, whether it gives back what it is given, and
//! whose items lie in it.

use std::collections::HashMap;

use zeroize::Zeroizing;

use super::Finding;
use crate::error::{Code, Error, Result};
use crate::keychain::{Item, Keychain, KeychainState, Transport, is_home_of};
use crate::term::count::counted;
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

/// Whether this vault has anything in the keychain, or would put it there.
///
/// # Errors
/// Those of reading the home.
pub fn is_used(vault: &Vault) -> Result<bool> {
    if settings::unverified(vault.home()) == Some(Store::Keychain)
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

/// Checks the keychain itself, asking nobody. What cannot be used is wrong only where it is used.
#[must_use]
pub fn check(keychain: &Keychain, used: bool) -> Vec<Finding> {
    let bad = |error: &Error| {
        let what = error.what().to_owned();
        if used {
            Finding::wrong(CHECK, what, error.remedy().to_owned())
        } else {
            Finding::note(CHECK, format!("{what}; this vault does not use it"))
        }
    };
    match keychain.probe() {
        Err(error) => vec![bad(&error)],
        Ok((KeychainState::NoCollection, provider)) => {
            let code = Code::KeychainNoCollection;
            vec![bad(&Error::new(code, format!("{provider} has no default collection")))]
        }
        Ok((KeychainState::Locked, provider)) => {
            vec![bad(&Error::new(Code::KeychainLocked, format!("{provider} is locked")))]
        }
        Ok((KeychainState::Ready, provider)) => {
            let mut found = vec![Finding::ok(CHECK, format!("{provider} can be read and written"))];
            if used {
                found.push(try_out(keychain).unwrap_or_else(|error| bad(&error)));
            }
            found
        }
    }
}

/// Writes an item of no value, reads it back over another connection, and removes it.
fn try_out(keychain: &Keychain) -> Result<Finding> {
    let mut attributes = keychain.records_of("doctor", "none");
    attributes.push(("profile", "test:doctor".to_owned()));
    let item = Item { label: "Strongroom: a test by doctor".to_owned(), attributes };
    let value = Zeroizing::new(format!("made up by doctor, {}", std::process::id()).into_bytes());
    // One that an earlier doctor could not take away any more.
    keychain.remove(&item)?;
    let put = keychain.put(vec![(item.clone(), value)], Transport::Sealed)?.pop();
    let removed = keychain.remove(&item);
    put.transpose()?;
    removed?;
    Ok(Finding::ok(
        CHECK,
        "what is written is read back by another connection (that it outlives the keychain's process cannot be shown: new records are kept in the home besides, until a later command finds them there)",
    ))
}

/// Looks over the items of this vault and this home, and with `repair` mends what can be mended.
///
/// # Errors
/// Those of the home; those of the keychain are findings.
pub fn items(vault: &Vault, session: &mut Session, repair: bool, waits: &LockWait) -> Result<Vec<Finding>> {
    let keychain = vault.keychain();
    let all = match keychain.all() {
        Ok(all) => all,
        Err(error) => {
            return Ok(vec![Finding::note(CHECK, format!("items were not looked over: {}", error.what()))]);
        }
    };
    let id = session.keys().vault.to_string();
    let (own, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|item| has(item, "vault", &id) && has(item, "home", keychain.home()));
    let mut found = Vec::new();
    let strangers = others.iter().filter(|item| has(item, "home", keychain.home())).count();
    if strangers > 0 {
        found.push(
            Finding::note(
                CHECK,
                format!("items of another vault that was in this home: {strangers}; they are left alone"),
            )
            .with_remedy("if that vault is gone for good: strongroom store prune"),
        );
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

/// A look over a vault's items, and what it found so far.
struct ItemsCheck<'a> {
    vault: &'a Vault,
    session: &'a mut Session,
    repair: bool,
    waits: &'a LockWait,
    found: Vec<Finding>,
}

impl ItemsCheck<'_> {
    /// Judges the items of this home by the ledgers.
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
            // Without its ledger nothing of an agent is judged.
            let Ok(book) = reader.book() else { continue };
            for ((_, profile), many) in of_agent {
                if *many > 1 {
                    self.note(format!("agent {name}: the keychain holds {many} items for {profile}; only one that this vault made is ever used"));
                }
                let Ok(id) = profile.parse::<ProfileId>() else { continue };
                let entry = book.entry(&id)?;
                if sync::may_go(&reader, entry, &id).unwrap_or(false) {
                    self.orphan(&name, &id)?;
                } else if entry.is_some_and(|entry| entry.store() == Some(Store::Keychain)) {
                    good += 1;
                } else {
                    self.note(format!("agent {name}: the keychain holds an item for {profile} that the ledger does not know; it is never used"));
                }
            }
        }
        if good > 0 {
            self.found.push(Finding::ok(CHECK, format!("records of this vault in the keychain: {good}")));
        }
        Ok(())
    }

    fn note(&mut self, what: String) {
        self.found.push(Finding::note(CHECK, what));
    }

    /// An item of a record that was moved or removed.
    fn orphan(&mut self, agent: &AgentName, id: &ProfileId) -> Result<()> {
        let orphan = Finding::wrong(
            CHECK,
            format!("agent {agent}: the keychain still holds an item for {id}, which was moved or removed"),
            "run `strongroom doctor --repair`",
        );
        let is_clean = self.repair && self.clean(agent, id)?;
        self.found.push(if is_clean { orphan.mended() } else { orphan });
        Ok(())
    }

    fn clean(&mut self, agent: &AgentName, id: &ProfileId) -> Result<bool> {
        let writer = self.vault.writer(self.session, agent, self.waits)?;
        // Looked at again under the lock.
        if !sync::may_go(&writer.reader()?, writer.book()?.entry(id)?, id)? {
            return Ok(false);
        }
        let item = writer.keychain().record(writer.ring().vault.as_str(), agent.as_str(), id.as_str());
        Ok(writer.keychain().remove(&item).is_ok())
    }

    /// Items of this vault that belong to other homes: of copies, or of this one before it was moved.
    fn other_homes(&mut self, own: &[Attributes], others: &[&Attributes]) -> Result<()> {
        let id = self.session.keys().vault.to_string();
        let mut homes: Vec<&str> =
            others.iter().filter_map(|item| item.get("home")).map(String::as_str).collect();
        homes.sort_unstable();
        homes.dedup();
        let (there, gone): (Vec<&str>, Vec<&str>) =
            homes.into_iter().partition(|home| is_home_of(std::path::Path::new(home), &id));
        for home in there {
            self.note(format!(
                "the keychain holds items of this vault for another home, {home}: one of the two is a copy"
            ));
        }
        if gone.is_empty() {
            return Ok(());
        }
        let places = gone.join(", ");
        if !lacks_items(self.vault, self.session, own)? {
            let what = format!("items of this vault are left from an earlier place of its home: {places}");
            self.found.push(Finding::note(CHECK, what).with_remedy("to remove them: strongroom store prune"));
            return Ok(());
        }
        let moved = Finding::wrong(
            CHECK,
            format!(
                "items of this vault name a home that no longer exists ({places}), because it was moved here"
            ),
            "run `strongroom doctor --repair`: it writes them for this home",
        );
        if !self.repair {
            self.found.push(moved);
            return Ok(());
        }
        take_over_key(self.vault, self.session)?;
        for name in self.vault.agents()? {
            let writer = self.vault.writer(self.session, &name, self.waits)?;
            sync::take_over(&writer, &in_keychain(&writer.book()?)?)?;
        }
        self.found.push(moved.mended());
        Ok(())
    }
}

/// Items of other homes that are gone, of other vaults than this one. What fails says nothing: that the
/// keychain cannot be used is a finding of its own.
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
    (items > 0).then(|| {
        let homes = counted(gone.len() as u64, "removed home");
        Finding::note(CHECK, format!("the keychain holds {} of {homes}", counted(items as u64, "item")))
            .with_remedy(
                "`strongroom store prune --dry-run` shows them, `strongroom store prune` removes them",
            )
    })
}

/// Writes the unlock key again for a home that was moved; whether there was any to write.
fn take_over_key(vault: &Vault, session: &Session) -> Result<bool> {
    let slots = vault.slots()?;
    let Some(slot) = slots.iter().find(|slot| slot.method == KEYCHAIN) else { return Ok(false) };
    keychain_key::take_over(vault.keychain(), session.keys().vault.as_str(), slot)
}

/// The profiles that a ledger says rest in the keychain.
fn in_keychain(book: &Book) -> Result<Vec<ProfileId>> {
    let all = book.all()?.into_iter().filter(|(_, entry)| entry.store() == Some(Store::Keychain));
    all.map(|(id, _)| id.parse()).collect()
}

/// As `lacks_items`, of the keychain as it is now.
///
/// # Errors
/// Those of the keychain, and of reading the home.
pub fn lacks_own_items(vault: &Vault, session: &Session) -> Result<bool> {
    let (id, home) = (session.keys().vault.as_str(), vault.keychain().home());
    let mut all = vault.keychain().all()?;
    all.retain(|item| has(item, "vault", id) && has(item, "home", home));
    lacks_items(vault, session, &all)
}

/// Whether the keychain has no item of this home for something that should be there.
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
