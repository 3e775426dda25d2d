//! Finds the encrypted copies of records for a recovery: in the home, and in the keychain.
//!
//! In the keychain, it looks for items that name this home, whatever their vault: after an interrupted recovery, or
//! without `vault.json`, nothing else tells the old id. The items of a home that was moved name its old path; they are
//! found by the ids of its vaults. Items that cannot be decrypted belong to others.

use std::collections::{BTreeSet, HashMap, HashSet};

use age::x25519;

use crate::error::Result;
use crate::keychain::{Bytes, Keychain, Transport};
use crate::messages::vault::keychain::UNLOCK_COLLECTION;
use crate::messages::vault::records::A_RECORD;
use crate::seal::keys::Keys;
use crate::seal::record::{self, Purpose};
use crate::seal::recovery::open_unvouched;
use crate::seal::{RECORD_MAX, armor};
use crate::vault::agent::{Agent, PENDING, RECORDS};
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::ledger::Unverified;
use crate::vault::record::Whose;
use crate::vault::store::Store;
use crate::vault::transaction::journal::{Journal, is_torn};

/// The keys that decrypt records in a recovery.
#[derive(Clone, Copy)]
pub struct Openers<'a> {
    /// The recovery identity.
    pub identity: &'a x25519::Identity,
    /// The keys of an unlock file that can still be opened.
    pub held: Option<&'a Keys>,
    /// The agents whose records these keys may decrypt.
    pub agents: &'a [AgentName],
}

impl Openers<'_> {
    fn whose(self, sealed: &[u8]) -> Option<Whose> {
        let what = A_RECORD;
        let opened = open_unvouched(self.identity, Purpose::Record, sealed, what).ok();
        let by_held = || {
            let held = self.held?;
            self.agents.iter().find_map(|agent| {
                record::open(&held.agent(agent.as_str()).ok()?, Purpose::Record, sealed, what).ok()
            })
        };
        Whose::parse(opened.or_else(by_held)?.expose()).ok()
    }
}

/// Encrypted copies, by agent and profile.
type Items = HashMap<(String, ProfileId), Vec<Vec<u8>>>;

/// The encrypted copies of a vault's records.
pub struct Copies<'a> {
    /// The vault.
    pub vault: &'a Vault,
    openers: Openers<'a>,
    items: Items,
    /// The ids that the vault has or had, as far as its home tells.
    pub ids: BTreeSet<String>,
    /// Whether the keychain is left out.
    pub without: bool,
}

impl<'a> Copies<'a> {
    /// Reads the keychain if the vault has used it. `former` are vault ids that an interrupted recovery noted. With
    /// `leave_unreadable`, items that the keychain does not return are left out.
    ///
    /// # Errors
    /// Those of the home and of the keychain; `KEYCHAIN_LOCKED` if some items are locked.
    pub fn of_vault(
        vault: &'a Vault,
        openers: Openers<'a>,
        former: &[String],
        leave_unreadable: bool,
    ) -> Result<Self> {
        let ids = former.iter().cloned().collect();
        let mut copies = Self { vault, openers, items: Items::new(), ids, without: false };
        let agents = vault.each_agent()?.collect::<Result<Vec<_>>>()?;
        if !agents.iter().any(|agent| !matches!(agent.dir.kind(PENDING), Ok(None))) {
            return Ok(copies);
        }
        let mut ids = std::mem::take(&mut copies.ids);
        ids.extend(vault.file.iter().map(|file| file.vault_id.clone()));
        ids.extend(openers.held.map(|keys| keys.vault.to_string()));
        for agent in &agents {
            for id in copies.in_home(agent)? {
                let sealed = in_files(agent, &id)?;
                ids.extend(sealed.iter().filter_map(|one| openers.whose(one)).map(|whose| whose.vault));
            }
        }
        match in_keychain(&vault.keychain, ids.clone(), openers) {
            Ok((_, locked)) if locked > 0 && !leave_unreadable => {
                return Err(vault.keychain.locked_items().with_remedy(UNLOCK_COLLECTION));
            }
            Ok((items, _)) => copies.items = items,
            Err(_) if leave_unreadable => copies.without = true,
            Err(error) => return Err(error),
        }
        copies.ids = ids;
        Ok(copies)
    }

    /// Returns the profiles that have records in an agent's directory.
    ///
    /// # Errors
    /// Those of the home.
    pub fn in_home(&self, agent: &Agent) -> Result<Vec<ProfileId>> {
        let whose = |sealed: &[u8]| self.openers.whose(sealed).map(|whose| whose.profile);
        Ok(agent.records(&whose)?.ids)
    }

    /// Returns whether the keychain is asked for an agent's records.
    ///
    /// # Errors
    /// Those of the home.
    pub fn asks_keychain(&self, agent: &Agent) -> Result<bool> {
        Ok(!self.without && agent.dir.kind(PENDING)?.is_some())
    }

    /// Returns the profiles that may have a copy.
    ///
    /// # Errors
    /// Those of the home.
    pub fn profiles(&self, agent: &Agent) -> Result<Vec<ProfileId>> {
        let mut profiles = self.in_home(agent)?;
        if let Some(journal) = Journal::unapplied(&agent.dir)? {
            profiles.extend(journal.names().filter_map(|name| {
                let whose = || self.openers.whose(journal.part(name)?).map(|whose| whose.profile);
                ProfileId::of_file(name, whose)
            }));
            profiles.sort_unstable();
            profiles.dedup();
        }
        if self.asks_keychain(agent)? {
            profiles.extend(listed_in_keychain(agent));
            let of_agent = self.items.keys().filter(|(name, _)| *name == agent.name.as_str());
            profiles.extend(of_agent.map(|(_, profile)| profile.clone()));
            profiles.sort_unstable();
            profiles.dedup();
        }
        Ok(profiles)
    }

    /// Returns the copies of a profile's record.
    ///
    /// # Errors
    /// Those of the home.
    pub fn of(&self, agent: &Agent, id: &ProfileId) -> Result<Vec<Vec<u8>>> {
        let mut copies = in_files(agent, id)?;
        if self.asks_keychain(agent)? {
            let key = (agent.name.as_str().to_owned(), id.clone());
            copies.extend(self.items.get(&key).into_iter().flatten().cloned());
        }
        Ok(copies)
    }
}

/// Returns the profiles that an agent's index or ledger says are in the keychain. A recovery can verify neither, so
/// they only tell what to look for.
pub fn listed_in_keychain(agent: &Agent) -> Vec<ProfileId> {
    let index = agent.index().unwrap_or_default();
    let in_index =
        index.entries().filter(|entry| entry.mark.as_ref().is_some_and(|m| m.is_in(Store::Keychain)));
    let mut listed: Vec<ProfileId> = in_index.filter_map(|entry| entry.id.parse().ok()).collect();
    let ledger = Unverified::read(&agent.dir).map(|ledger| ledger.entries).unwrap_or_default();
    let in_ledger = ledger.into_iter().filter(|(_, entry)| entry.store() == Some(Store::Keychain));
    listed.extend(in_ledger.filter_map(|(id, _)| id.parse::<ProfileId>().ok()));
    listed.sort_unstable();
    listed.dedup();
    listed
}

fn in_files(agent: &Agent, id: &ProfileId) -> Result<Vec<Vec<u8>>> {
    let mut copies = Vec::new();
    let name = id.file_name();
    for place in [RECORDS, PENDING] {
        if let Some(dir) = agent.dir.dir_if_any(place)? {
            copies.extend(dir.read_if_any(&name, RECORD_MAX)?);
        }
    }
    // What a loss of power damaged is still in the journal.
    if copies.iter().all(|copy| is_torn(copy))
        && let Some(journal) = Journal::unapplied(&agent.dir)?
    {
        copies.extend(journal.part(&name).map(<[u8]>::to_vec));
    }
    Ok(copies)
}

/// Returns the records among the items of this home that can be decrypted, and those it lacks from items of homes that
/// no longer exist. Returns also the number of locked items. `ids` are the ids that the vault has or had.
fn in_keychain(
    keychain: &Keychain,
    mut ids: BTreeSet<String>,
    openers: Openers<'_>,
) -> Result<(Items, usize)> {
    let of_home = keychain.of_any_vault("record");
    let here = keychain.get_all(&of_home, Transport::Sealed)?;
    let (many, mut locked) = (here.bytes.len(), here.locked);
    let here = sort_out(&here.bytes, openers);
    ids.extend(keychain.values(&of_home, "vault")?);
    let mut gone = Vec::new();
    for id in &ids {
        let found = keychain.get_all_of_gone(&keychain.all_records_of(id), Transport::Sealed)?;
        locked += found.locked;
        gone.extend(sort_out(&found.bytes, openers));
    }
    // An item of this home counts even if it is damaged: one of another path may come from a copy of the home.
    let mut has: HashSet<Whose> = here.iter().map(|(whose, _)| whose.clone()).collect();
    if !gone.is_empty() && here.len() < many {
        has.extend(keychain.find(&of_home)?.into_iter().filter_map(|mut item| {
            let profile = item.remove("profile")?.parse().ok()?;
            Some(Whose { vault: item.remove("vault")?, agent: item.remove("agent")?, profile })
        }));
    }
    gone.retain(|(whose, _)| !has.contains(whose));
    let mut items = Items::new();
    for (whose, sealed) in here.into_iter().chain(gone) {
        items.entry((whose.agent, whose.profile)).or_default().push(sealed);
    }
    Ok((items, locked))
}

fn sort_out(texts: &[Bytes], openers: Openers<'_>) -> Vec<(Whose, Vec<u8>)> {
    let sealed = texts.iter().filter_map(|text| armor::from_text(text, "an item").ok());
    sealed.filter_map(|sealed| Some((openers.whose(&sealed)?, sealed))).collect()
}
