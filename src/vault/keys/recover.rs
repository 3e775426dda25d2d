//! Rebuilds a vault whose unlock files are lost, with the recovery key.
//!
//! Anyone who knew the recovery recipient could have made the records that are found, so nothing vouches for their
//! origin. They are encrypted again with a new vault key and a new recovery key.

use std::collections::BTreeSet;

use age::x25519;
use strongroom_backends::fs::lock::Mode;

use super::recovery_sources::{Copies, Openers, listed_in_keychain};
use crate::error::{Error, Result};
use crate::messages::vault::keys as messages;
use crate::messages::vault::ledger::transaction_of;
use crate::messages::vault::records::{A_RECORD, record_of};
use crate::seal::RECORD_MAX;
use crate::seal::keys::{Keys, Ring, Scope};
use crate::seal::record::{OPS_MAX, Purpose};
use crate::seal::recovery::open_unvouched;
use crate::seal::signed;
use crate::unlock::MethodSecret;
use crate::unlock::listing::Methods;
use crate::unlock::payload::{Payload, Pending};
use crate::unlock::unlock_files::{self, Slot};
use crate::vault::agent::{Agent, OPS, TXN};
use crate::vault::history::{self, InPlace, Version};
use crate::vault::home::{LockWait, Vault};
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::keys::rekey::known_settings;
use crate::vault::ledger::shard::Entries;
use crate::vault::ledger::{self, Book, GENERATION_MAX, Ledger, Unverified};
use crate::vault::log::{self, Durable};
use crate::vault::record::{Record, Whose};
use crate::vault::store::Store;
use crate::vault::transaction;
use crate::vault::transaction::change::Change;
use crate::vault::transaction::journal::{self, Journal};
use crate::vault::transaction::operations::Ops;
use crate::vault::transaction::source::ChangeSource;
use crate::vault::vault_ledger::{Edit, VaultLedger};
use crate::vault::watch::Unwatched;
use crate::vault::writer::{Means, Remembers, Writer};

/// The most former vault ids that are noted: planted records can name any number, and an unlock file has a size limit.
const FORMER_MAX: usize = 32;

/// What a recovery did.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// The number of records that were encrypted again.
    pub records: usize,
    /// Sentences about records that could not be decrypted. Their files stay.
    pub failed: Vec<String>,
    /// Whether it finished a recovery that was interrupted.
    pub resumed: bool,
    /// Why the keychain does not hold all of the new records yet.
    pub keychain: Option<Error>,
}

/// How a vault is rebuilt.
pub struct Plan<'a> {
    /// The recovery identity.
    pub identity: &'a x25519::Identity,
    /// The name of the unlock method of the rebuilt vault.
    pub method: &'a str,
    /// Its secret.
    pub secret: MethodSecret,
    /// Stores the secret if it is new. Called once, after all checks and before the first change. A kill after it
    /// leaves a key that unlocks nothing, which the next recovery uses.
    pub keep: &'a dyn Fn() -> Result<()>,
    /// Other secrets at hand: one of them may still open an unlock file.
    pub others: Vec<MethodSecret>,
    /// Whether to set aside unlock files that cannot be opened.
    pub discard: bool,
    /// Whether to leave out records that cannot be decrypted.
    pub leave_unreadable: bool,
}

/// Rebuilds a vault.
///
/// If an unlock file can still be opened, because an interrupted recovery made it or because it was never lost, its
/// keys stay, and only records that they do not decrypt are encrypted again.
///
/// # Errors
/// `EXISTS` if there are unlock files that cannot be opened and `discard` is not set, or if there is nothing to
/// recover; `NOT_FOUND` if the recovery key decrypts no record; `CORRUPT` if some records cannot be decrypted at all;
/// those of writing.
pub fn recover(vault: &Vault, plan: Plan<'_>, waits: &LockWait) -> Result<Recovered> {
    let _lock = vault.lock(Mode::Exclusive, waits)?;
    let key = plan.secret.method_key(None)?;
    let existing = vault.slots()?;
    let opened = std::iter::once(plan.secret)
        .chain(plan.others)
        .find_map(|secret| unlock_files::open(&existing, secret, "a secret at hand").ok());
    let held = opened.as_ref().map(|unlocked| unlocked.payload.keys()).transpose()?;
    if let Some(keys) = &held
        && let Ok(Some(own)) = VaultLedger::read(&vault.home, &keys.own()?)
    {
        own.settle(&vault.home)?;
    }
    let agents = vault.agents()?;
    let openers = Openers { identity: plan.identity, held: held.as_ref(), agents: &agents };
    let former = opened.as_ref().map(|unlocked| unlocked.payload.former.as_slice()).unwrap_or_default();
    let copies = Copies::of_vault(vault, openers, former, plan.leave_unreadable)?;
    let survey = Survey::of(&copies, plan.identity, held.as_ref())?;
    let mut done = Recovered::default();
    let mut payload = if let Some(unlocked) = &opened {
        done.resumed = unlocked.payload.pending == Some(Pending::Recover);
        if !done.resumed && survey.recoverable == 0 {
            return Err(messages::nothing_to_recover(vault.home.path()));
        }
        unlocked.payload.clone()
    } else {
        refuse_unlock_files(vault, &existing, plan.discard)?;
        survey.refuse_loss(plan.leave_unreadable)?;
        let mut payload = Payload::generate(plan.method)?;
        payload.pending = Some(Pending::Recover);
        payload.former = copies.ids.iter().take(FORMER_MAX).cloned().collect();
        payload
    };
    check_readable(vault)?;
    (plan.keep)()?;
    if opened.is_none() {
        for slot in &existing {
            unlock_files::set_aside(&vault.home, &slot.method, waits.now)?;
        }
    }
    plan.method.clone_into(&mut payload.method);
    let keys = payload.keys()?;
    let ring = keys.own()?;
    let before = ledger_or_new(vault, &ring)?;
    let seal = |payload: &Payload| -> Result<Vec<(String, Vec<u8>)>> {
        Ok(vec![(payload.method.clone(), unlock_files::seal(payload, &key)?)])
    };
    let settings = known_settings(vault, &keys)?.to_bytes(&ring)?;
    let edit = Edit { methods: seal(&payload)?, settings: Some(settings), now: waits.now, ..Edit::default() };
    let own = vault.commit_own(&ring, &before, &edit)?;
    recover_agents(&keys, &copies, plan.identity, waits, &mut done)?;
    payload.pending = None;
    payload.former.clear();
    let mut methods = seal(&payload)?;
    if let Some(unlocked) = opened.filter(|unlocked| unlocked.payload.method != plan.method) {
        payload.method.clone_from(&unlocked.payload.method);
        methods.push((
            payload.method.clone(),
            unlock_files::seal(&payload, &unlocked.secret.method_key(None)?)?,
        ));
    }
    // Lines under lost keys are no findings: this line vouches for them.
    let event = log::anchored("recover", &vault.home, 0)?;
    let edit = Edit { methods, events: vec![event], now: waits.now, ..Edit::default() };
    vault.commit_own(&ring, &own, &edit)?;
    Ok(done)
}

/// Makes sure, before anything is changed, that everything that the recovery builds on can be read.
fn check_readable(vault: &Vault) -> Result<()> {
    log::unverified_head(&vault.home)?;
    for agent in vault.each_agent()? {
        let agent = agent?;
        agent.index()?;
        log::unverified_head(&agent.dir)?;
    }
    Ok(())
}

/// Returns the vault's own ledger if these keys verify it, or else one that begins at the end of the log.
fn ledger_or_new(vault: &Vault, ring: &Ring) -> Result<VaultLedger> {
    match VaultLedger::read(&vault.home, ring) {
        Ok(Some(own)) => Ok(own),
        _ => Ok(VaultLedger::begun_at(log::unverified_head(&vault.home)?, Methods::new())),
    }
}

fn refuse_unlock_files(vault: &Vault, existing: &[Slot], discard: bool) -> Result<()> {
    if existing.is_empty() || discard {
        return Ok(());
    }
    Err(messages::unlock_files_exist(vault.home.path()))
}

/// Which records can be decrypted, before anything is changed.
#[derive(Default)]
struct Survey {
    /// The number of records that the recovery key decrypts and the keys at hand do not.
    recoverable: usize,
    /// Records that cannot be decrypted, as `<agent>/<profile>`.
    unreadable: Vec<String>,
}

impl Survey {
    fn of(copies: &Copies<'_>, identity: &x25519::Identity, held: Option<&Keys>) -> Result<Self> {
        let mut survey = Self::default();
        for agent in copies.vault.each_agent()? {
            let agent = agent?;
            let name = &agent.name;
            let due = Due::of(copies, &agent)?;
            let ring = held.map(|keys| keys.agent(name.as_str())).transpose()?;
            for id in copies.profiles(&agent)? {
                let sealed = copies.of(&agent, &id)?;
                let opens = |ring: &Ring| sealed.iter().any(|one| Record::open(ring, &id, one).is_ok());
                if ring.as_ref().is_some_and(opens) {
                    continue;
                }
                match open_one(&sealed, identity, name, &id) {
                    Some(record) => survey.recoverable += usize::from(!due.was_removed(&record)),
                    None if due.has(&id) => survey.unreadable.push(format!("{name}/{id}")),
                    None => {}
                }
            }
            survey.recoverable += usize::from(unfinished(&agent, identity).is_some());
        }
        Ok(survey)
    }

    /// Refuses a recovery that would restore nothing, or less than it could.
    fn refuse_loss(&self, leave_unreadable: bool) -> Result<()> {
        if self.recoverable == 0 {
            return Err(messages::wrong_recovery_key());
        }
        if let (Some(unreadable), false) = (self.unreadable.first(), leave_unreadable) {
            return Err(messages::some_unreadable(self.unreadable.len(), unreadable));
        }
        Ok(())
    }
}

/// Returns the newest copy of a record that the recovery key decrypts.
fn open_one(
    sealed: &[Vec<u8>],
    identity: &x25519::Identity,
    agent: &AgentName,
    id: &ProfileId,
) -> Option<Record> {
    let open = |one: &Vec<u8>| {
        let plaintext = open_unvouched(identity, Purpose::Record, one, &record_of(id)).ok()?;
        Record::parse(plaintext.expose(), Some(agent.as_str()), id).ok().map(|(_, record)| record)
    };
    sealed.iter().filter_map(open).max_by_key(|record| record.generation)
}

/// The profiles that an agent must have: those with records in its home, and those that its index or its ledger says
/// are in the keychain. Other items in the keychain may be left from another vault, or from a removal.
struct Due {
    ids: BTreeSet<ProfileId>,
    known: Entries,
}

impl Due {
    fn of(copies: &Copies<'_>, agent: &Agent) -> Result<Self> {
        let mut ids: BTreeSet<_> = copies.in_home(agent)?.into_iter().collect();
        if copies.asks_keychain(agent)? {
            ids.extend(listed_in_keychain(agent));
        }
        let known = Unverified::read(&agent.dir).map(|ledger| ledger.entries).unwrap_or_default();
        Ok(Self { ids, known })
    }

    fn has(&self, id: &ProfileId) -> bool {
        self.ids.contains(id)
    }

    /// Returns whether a record that only the keychain has is one that was removed while the keychain was unreachable.
    /// Such a record is not recovered.
    fn was_removed(&self, record: &Record) -> bool {
        let known = self.known.get(record.profile.as_str());
        !self.has(&record.profile)
            && known.is_some_and(|known| known.is_removed() && known.generation >= record.generation)
    }
}

fn unfinished(agent: &Agent, identity: &x25519::Identity) -> Option<Ops> {
    let journal = Journal::unapplied(&agent.dir).ok()?.map(ChangeSource::Journal);
    let txn = agent.dir.dir_if_any(TXN).ok()?.map(ChangeSource::Dir);
    let sealed = txn.or(journal)?.read_if_any(OPS, OPS_MAX).ok()??;
    let scope = Scope::Agent(agent.name.to_string());
    let plaintext = open_unvouched(identity, Purpose::Txn, &sealed, &transaction_of(&scope)).ok()?;
    Ops::parse(plaintext.expose(), &scope).ok()
}

/// Applies a committed change with the recovery key if it follows the ledger that is in place; otherwise sets it aside.
fn finish_unvouched(
    agent: &Agent,
    identity: &x25519::Identity,
    ring: &Ring,
    vault: &Vault,
    now: i64,
) -> Result<()> {
    transaction::sweep(agent)?;
    if let Some(journal) = Journal::read(&agent.dir)? {
        if !journal.applied && agent.dir.kind(TXN)?.is_none() {
            journal.unpack(&agent.dir, |_| true)?;
            agent.dir.remove_file(journal::FILE)?;
        } else {
            journal.settle(&agent.dir)?;
            agent.dir.remove_file(journal::FILE)?;
        }
    }
    let Some(txn) = agent.dir.dir_if_any(TXN)? else { return Ok(()) };
    // A change of this recovery, which was interrupted.
    if let Some(sealed) = txn.read_if_any(OPS, OPS_MAX)?
        && let Ok(ops) = Ops::open(ring, &sealed)
    {
        let staged = txn.read_if_any(ledger::FILE, ledger::MAX)?;
        let ledger = match staged {
            Some(bytes) => Ledger::parse(&bytes, ring).ok(),
            None => Ledger::read(&agent.dir, ring).ok().flatten(),
        };
        if ledger.is_some_and(|ledger| signed::same(&ledger.mac, &ops.ledger)) {
            return transaction::apply(agent, &ops, None, vault.follow, Durable::Now);
        }
    }
    let Some(ops) = unfinished(agent, identity) else { return Ok(()) };
    let current = Unverified::read(&agent.dir).unwrap_or_default();
    let fits = match Unverified::read(&txn) {
        Some(next) => {
            signed::same(&next.mac, &ops.ledger)
                && (signed::same(&next.mac, &current.mac) || ops.comes_after(&current.mac))
        }
        None => txn.kind(ledger::FILE)?.is_none() && signed::same(&current.mac, &ops.ledger),
    };
    if fits {
        return transaction::apply(agent, &ops, None, vault.follow, Durable::Now);
    }
    transaction::set_aside(agent, TXN, "stale", now).map(|_| ())
}

/// Encrypts again, agent by agent, what these keys do not decrypt.
fn recover_agents(
    keys: &Keys,
    copies: &Copies<'_>,
    identity: &x25519::Identity,
    waits: &LockWait,
    done: &mut Recovered,
) -> Result<()> {
    let vault = copies.vault;
    for agent in vault.each_agent()? {
        let agent = agent?;
        let lock = waits.take(&agent.dir, Mode::Exclusive)?;
        let ring = keys.agent(agent.name.as_str())?;
        finish_unvouched(&agent, identity, &ring, vault, waits.now)?;
        let ours = matches!(Ledger::read(&agent.dir, &ring), Ok(Some(_)));
        let writer = if ours {
            let means = Means { over_rekey: Some(Remembers::Yes), ..vault.means(waits.now) };
            Writer::begin(agent, ring, means, vec![lock])?
        } else {
            Writer::over(agent, ring, vault.means(waits.now), vec![lock])
        };
        recover_agent(&writer, ours, copies, identity, done)?;
    }
    Ok(())
}

fn recover_agent(
    writer: &Writer<'_>,
    ours: bool,
    copies: &Copies<'_>,
    identity: &x25519::Identity,
    done: &mut Recovered,
) -> Result<()> {
    let (agent, ring) = (&writer.agent, &writer.ring);
    let book = if ours { writer.book()? } else { Book::begun_at(log::unverified_head(&agent.dir)?) };
    let index = agent.index()?;
    let mut change = Change::default();
    // Lines under lost keys are no findings: this line vouches for them.
    change.note(log::anchored("recover", &agent.dir, 0)?);
    let mut recovered = 0;
    let due = Due::of(copies, agent)?;
    for id in copies.profiles(agent)? {
        let sealed = copies.of(agent, &id)?;
        if sealed.iter().any(|one| Record::open(ring, &id, one).is_ok()) {
            continue;
        }
        let Some(mut record) = open_one(&sealed, identity, &agent.name, &id) else {
            if due.has(&id) {
                done.failed.push(messages::not_recovered(&agent.name, &id));
            }
            continue;
        };
        if due.was_removed(&record) {
            continue;
        }
        let now = u64::try_from(writer.now).unwrap_or(0);
        record.generation = record.generation.saturating_add(1).max(now).min(GENERATION_MAX);
        let mark = index.entry(id.as_str()).and_then(|entry| entry.mark);
        let listed = due.known.get(id.as_str()).and_then(ledger::Entry::store);
        let in_keychain = !copies.without
            && match listed {
                Some(store) => store == Store::Keychain,
                None => mark.is_some_and(|mark| mark.is_in(Store::Keychain)),
            };
        change.put("recover", record, if in_keychain { Store::Keychain } else { Store::File });
        recovered += 1;
    }
    for (profile, known) in &due.known {
        if let Ok(profile) = profile.parse::<ProfileId>()
            && known.history_from > 0
        {
            change.history_from(&profile, known.history_from);
        }
    }
    let versions = recover_versions(&mut change, writer, identity)?;
    if recovered == 0 && versions == 0 && (ours || !agent.had_ledger(None)?) {
        return Ok(());
    }
    let outcome = writer.stage_on(change, &book, &Unwatched)?.commit()?;
    if let Some(error) = outcome.unfinished {
        return Err(error);
    }
    done.records += recovered;
    if let Some(error) = outcome.keychain {
        done.keychain.get_or_insert(error);
    }
    Ok(())
}

/// Encrypts earlier versions again that these keys do not decrypt. Returns their number. One that the recovery key does
/// not decrypt either stays, and is a finding of `verify`.
fn recover_versions(change: &mut Change, writer: &Writer<'_>, identity: &x25519::Identity) -> Result<usize> {
    let (agent, ring) = (&writer.agent, &writer.ring);
    let mut versions = 0;
    for name in history::dir_names(&agent.dir)? {
        let Some(dir) = history::dir_if_any(&agent.dir, &name)? else { continue };
        let unvouched = |sealed: &[u8]| open_unvouched(identity, Purpose::History, sealed, A_RECORD).ok();
        let whose = || {
            let files = dir.names().ok()?;
            let sealed = files.iter().find_map(|file| unvouched(&dir.read(file, RECORD_MAX).ok()?))?;
            Whose::parse(sealed.expose()).ok().map(|whose| whose.profile)
        };
        let Some(profile) = ProfileId::of_file(&history::file_name_of(&name), whose) else { continue };
        for InPlace { generation, sealed, opened } in history::in_place(&dir, ring, &profile)? {
            if opened.is_err()
                && let Some(plaintext) = unvouched(&sealed)
                && let Ok(version) =
                    Version::parse(plaintext.expose(), agent.name.as_str(), &profile, generation)
            {
                change.keep(version);
                versions += 1;
            }
        }
    }
    Ok(versions)
}
