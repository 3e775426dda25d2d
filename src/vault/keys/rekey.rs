//! Gives the vault a new key and encrypts every record again, in one transaction for each agent, or in several if it
//! has very many records.
//!
//! First the unlock files get both keys, then the new one becomes current, then the records are encrypted again, and
//! then the old key and the old recovery identity are dropped. Each step can be repeated: running an interrupted rekey
//! again finishes it.

use std::collections::HashSet;

use strongroom_backends::fs::lock::{self, Lock};

use crate::error::{Code, Error, Result};
use crate::messages::vault::{keys as messages, progress};
use crate::seal::keys::{KeyId, Keys, Ring};
use crate::seal::record;
use crate::seal::unlock_file::MethodKey;
use crate::unlock::Opened;
use crate::unlock::payload::{Payload, Pending};
use crate::unlock::unlock_files::{self, Slot};
use crate::vault::anchor::accept_rollback;
use crate::vault::history::{self, InPlace};
use crate::vault::home::{LockWait, Session, Vault};
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::ledger::{Book, Entry, RecordState};
use crate::vault::log::{self, Event};
use crate::vault::parallel;
use crate::vault::reader::{Found, Reader};
use crate::vault::record::Record;
use crate::vault::settings::Settings;
use crate::vault::store::Store;
use crate::vault::transaction::change::Change;
use crate::vault::vault_ledger::{Edit, VaultLedger};
use crate::vault::watch::Watch;
use crate::vault::writer::Writer;

/// The number of records that are decrypted at once.
const AT_ONCE: usize = 1024;
/// The size of a transaction's operations, in bytes, at which it is committed: a quarter of the limit. So an agent of
/// any size can be rekeyed in bounded memory.
const CHANGE_MAX: usize = 16 * 1024 * 1024;

/// What a rekey did.
#[derive(Clone, Debug, Default)]
pub struct Rekeyed {
    /// The number of records that were encrypted again.
    pub records: usize,
    /// The number of agents that they belong to.
    pub agents: usize,
    /// Whether it finished a rekey that was interrupted.
    pub resumed: bool,
    /// Why the keychain does not hold all of the new records yet.
    pub keychain: Option<Error>,
}

/// Makes sure that the unlock files have not changed since they were read. Otherwise this rekey would undo a method
/// that was added, changed or removed meanwhile.
///
/// # Errors
/// `CHANGED`.
pub fn check_same(vault: &Vault, judged: &[Slot]) -> Result<()> {
    if unlock_files::same(judged, &vault.slots()?) {
        return Ok(());
    }
    Err(messages::methods_changed())
}

/// Gives the vault a new key.
///
/// `methods` are the unlock methods that stay, each with the key for its new file; all others are removed. Earlier
/// versions of profiles are encrypted again, or with `drops_history` removed before the old key goes. The caller
/// holds the vault's lock exclusively ([`Vault::keys_alone`]) and has made sure that the unlock files did not change
/// ([`check_same`]).
///
/// # Errors
/// `CONFIG` if no method stays; if a record cannot be decrypted, its error, before anything is changed; those of
/// writing.
pub fn rekey(
    vault: &Vault,
    session: &mut Session,
    _lock: &Lock,
    methods: &[(String, MethodKey)],
    drops_history: bool,
    waits: &LockWait,
) -> Result<Rekeyed> {
    if methods.is_empty() {
        return Err(messages::no_method_left());
    }
    let mut payload = session.unlocked()?.payload.clone();
    if payload.pending == Some(Pending::Recover) {
        return Err(messages::recovery_unfinished());
    }
    let ring = session.keys.own()?;
    // This also passes for a home from before a change of keys: rekeying retires its old key again.
    let mut own = vault.own(&ring, true)?;
    if let Some(gone) = accept_rollback::gone(vault, &session.keys)?.first() {
        return Err(gone.error());
    }
    if !own.is_settled(&vault.home)? {
        own.settle(&vault.home)?;
    }
    let above = vault.anchored_at(&ring)?;
    let dropped: Vec<String> =
        own.methods.keys().filter(|m| !methods.iter().any(|(k, _)| k == *m)).cloned().collect();
    let names = with_contents(vault, &session.keys)?;
    check_all(vault, &session.keys, &names, waits)?;
    let mut done = Rekeyed { resumed: payload.pending.is_some(), ..Rekeyed::default() };
    let settings = known_settings(vault, &session.keys)?;
    let step = Step { vault, methods, settings, above, now: waits.now };
    if payload.pending.is_none() {
        payload.add_key(waits.now)?;
        payload.pending = Some(Pending::Rekey);
    }
    own = step.commit(&own, &mut payload, dropped, Vec::new())?;
    payload.current = payload.keys.len() - 1;
    own = step.commit(&own, &mut payload, Vec::new(), Vec::new())?;
    let keys = payload.keys()?;
    for name in &names {
        let Some(agent) = vault.agent(name)? else { continue };
        let writer = vault.writer_alone(&keys, agent, waits, true)?;
        let above = vault.anchored_at(&writer.ring)?;
        let (count, not_in_keychain) = reseal(&writer, above, done.resumed, drops_history, &*waits.watched)?;
        done.keychain = done.keychain.or(not_in_keychain);
        done.records += count;
        done.agents += 1;
    }
    vault.anchors.sync(session.keys.vault.as_str());
    let event = vouching(&payload.keys()?.own()?, &own, vault, "rekey")?;
    payload.drop_old_keys();
    payload.pending = None;
    step.commit(&own, &mut payload, Vec::new(), vec![event])?;
    session.keys = payload.keys()?;
    if let Opened::By(unlocked) = &mut session.opened {
        unlocked.payload = payload;
    }
    Ok(done)
}

/// Returns the settings, or the defaults if they are not as the vault wrote them.
///
/// # Errors
/// `NEWER_FORMAT`: to sign the defaults instead would lose what a later version set.
pub(in crate::vault) fn known_settings(vault: &Vault, keys: &Keys) -> Result<Settings> {
    match vault.settings(keys) {
        Err(error) if error.code() == Code::NewerFormat => Err(error),
        read => Ok(read.unwrap_or_default()),
    }
}

/// What every step of a rekey writes for the vault itself.
struct Step<'a> {
    vault: &'a Vault,
    methods: &'a [(String, MethodKey)],
    settings: Settings,
    above: u64,
    now: i64,
}

impl Step<'_> {
    /// Encrypts the payload for every method, and signs the settings with the current key.
    fn commit(
        &self,
        own: &VaultLedger,
        payload: &mut Payload,
        removed: Vec<String>,
        events: Vec<Event>,
    ) -> Result<VaultLedger> {
        let ring = payload.keys()?.own()?;
        let edit = Edit {
            methods: sealed_for(payload, self.methods)?,
            removed,
            settings: Some(self.settings.to_bytes(&ring)?),
            events,
            above: self.above,
            now: self.now,
            ..Edit::default()
        };
        self.vault.commit_own(&ring, own, &edit)
    }
}

/// Returns an event that vouches for the earlier lines of the vault's own log.
pub(in crate::vault) fn vouching(ring: &Ring, own: &VaultLedger, vault: &Vault, op: &str) -> Result<Event> {
    let wrong = log::verify(ring, &own.log_files(&vault.home)?, &own.log)?.wrong;
    log::anchored(op, &vault.home, wrong)
}

fn sealed_for(payload: &mut Payload, methods: &[(String, MethodKey)]) -> Result<Vec<(String, Vec<u8>)>> {
    methods
        .iter()
        .map(|(method, key)| {
            payload.method.clone_from(method);
            Ok((method.clone(), unlock_files::seal(payload, key)?))
        })
        .collect()
}

/// Makes sure that every record can be decrypted with the keys that are about to be dropped, and is the one that its
/// ledger lists. Problems of a log are noted in the line that vouches for it.
fn check_all(vault: &Vault, keys: &Keys, names: &[AgentName], waits: &LockWait) -> Result<()> {
    for name in names {
        let Some(agent) = vault.agent(name)? else { continue };
        let writer = vault.writer_alone(keys, agent, waits, true)?;
        writer.agent.index()?;
        let reader = writer.reader()?;
        let ids = reader.record_ids()?;
        reader.fetch(&ids.iter().collect::<Vec<_>>())?;
        waits.watched.begins(progress::CHECKING, ids.len());
        for some in ids.chunks(AT_ONCE) {
            let opened = open(&reader, some, |found| {
                drop(found);
                waits.watched.step();
            });
            let opened = opened.into_iter().collect::<Result<Vec<_>>>();
            opened.map_err(|error| messages::not_rekeyed(name, &error))?;
        }
        let book = writer.book()?;
        let whose = |sealed: &[u8]| Record::open_any(&writer.ring, sealed).ok().map(|record| record.profile);
        for id in writer.agent.records(&whose)?.ids {
            if book.entry(&id)?.is_none() && reader.opens(&id) {
                return Err(messages::unlisted_before_rekey(name, &id, &id.word()));
            }
        }
    }
    Ok(())
}

/// Encrypts again what is not under the current key. Returns the number of records, and why the keychain does not have
/// them yet, if so.
///
/// The key of the ledger does not tell which records are done: a change after an interrupted rekey writes the ledger
/// with the new key already. So each record is checked.
fn reseal(
    writer: &Writer<'_>,
    above: u64,
    resumed: bool,
    drops_history: bool,
    watched: &dyn Watch,
) -> Result<(usize, Option<Error>)> {
    let current = writer.ring.current().id();
    let book = writer.book()?;
    if book.ledger.number == 0 || (!resumed && is_under(&book, current)?) {
        return Ok((0, None));
    }
    let mut generations = writer.generations()?;
    let reader = writer.reader()?;
    let mut change = Change::default();
    let wrong = log::verify(&writer.ring, &log::read(&writer.agent.dir)?, &book.ledger.log)?.wrong;
    change.note(log::anchored("rekey", &writer.agent.dir, wrong)?);
    change.above(above);
    let ids = reader.record_ids()?;
    reader.fetch(&ids.iter().collect::<Vec<_>>())?;
    let (mut resealed, mut size, mut not_in_keychain) = (0, 0, None);
    let key = current.to_string();
    watched.begins(progress::ENCRYPTING, ids.len());
    for some in ids.chunks(AT_ONCE) {
        let opened = open(&reader, some, |Found { record, sealed, store }| {
            (!record::is_under(&sealed, &key)).then_some((record, store))
        });
        for opened in opened {
            let Some((record, store)) = opened?.flatten() else { continue };
            let generation = generations.next(&record.profile, Some(record.generation))?;
            let store = reader.store_of(&record.profile).unwrap_or(store);
            size += size_of(&record);
            change.put("rekey", Record { generation, ..record }, store);
            resealed += 1;
        }
        if size >= CHANGE_MAX {
            let full = std::mem::take(&mut change);
            not_in_keychain = commit(writer, full, watched)?.or(not_in_keychain);
            // The commit replaced the parts of the ledger that this one had read.
            generations = writer.generations()?;
            size = 0;
        }
    }
    for name in history::dir_names(&writer.agent.dir)? {
        let Some(profile) = book.id_of_file(&history::file_name_of(&name))? else { continue };
        let Some(dir) = history::dir_if_any(&writer.agent.dir, &name)? else { continue };
        for InPlace { generation, sealed, opened } in history::in_place(&dir, &writer.ring, &profile)? {
            match opened {
                _ if drops_history => change.drop_version(&profile, generation),
                Ok(version) if !record::is_under(&sealed, &key) => {
                    size += size_of(&version.record);
                    change.keep(version);
                }
                // One that cannot be decrypted is a finding of `verify`, and does not stop a change of keys.
                Ok(_) | Err(_) => {}
            }
        }
        if drops_history && let Some(entry) = book.entry(&profile)? {
            change.history_from(&profile, entry.generation.saturating_add(u64::from(entry.is_removed())));
        }
        if size >= CHANGE_MAX {
            not_in_keychain = commit(writer, std::mem::take(&mut change), watched)?.or(not_in_keychain);
            size = 0;
        }
    }
    if !change.is_empty() {
        not_in_keychain = commit(writer, change, watched)?.or(not_in_keychain);
    }
    // The old key is dropped after this, so no record may still need it.
    if !is_under(&writer.book()?, current)? {
        return Err(messages::still_under_old_key(&writer.agent.name));
    }
    Ok((resealed, not_in_keychain))
}

/// Commits a change of an agent. Returns why the keychain does not have it yet, if so.
fn commit(writer: &Writer<'_>, change: Change, watched: &dyn Watch) -> Result<Option<Error>> {
    let outcome = writer.stage(change, watched)?.commit()?;
    outcome.unfinished.map_or(Ok(outcome.keychain), Err)
}

/// Returns about how many bytes a record takes in the operations of a transaction: its index entry and its log line,
/// which contain its id six times.
fn size_of(record: &Record) -> usize {
    let labels = [&record.credential.email, &record.credential.display_name];
    let labels: usize = labels.into_iter().flatten().map(String::len).sum();
    800 + 6 * record.profile.as_str().len() + 2 * labels
}

/// Decrypts records and returns what `take` makes of each. If any is in the keychain, they are read one after another,
/// because the keychain answers one request at a time.
fn open<T: Send>(
    reader: &Reader<'_>,
    ids: &[ProfileId],
    take: impl Fn(Found) -> T + Sync,
) -> Vec<Result<Option<T>>> {
    let look = |id: &ProfileId| Ok(reader.found(id)?.map(&take));
    if ids.iter().all(|id| reader.store_of(id) == Some(Store::File)) {
        parallel::map(ids, look)
    } else {
        ids.iter().map(look).collect()
    }
}

/// Returns the agents that have anything to encrypt again or to check: not those whose directories have only a lock,
/// unless this machine remembers them.
fn with_contents(vault: &Vault, keys: &Keys) -> Result<Vec<AgentName>> {
    let remembered: HashSet<String> = vault.anchors.agents(keys.vault.as_str()).into_iter().collect();
    let mut names = Vec::new();
    for agent in vault.each_agent()? {
        let agent = agent?;
        let is_lock = |name: &String| name == lock::FILE || name == lock::HOLDER;
        if remembered.contains(agent.name.as_str()) || !agent.dir.names()?.iter().all(is_lock) {
            names.push(agent.name);
        }
    }
    Ok(names)
}

/// Returns whether a ledger, and every record that it lists, is under this key.
fn is_under(book: &Book, key: KeyId) -> Result<bool> {
    let of_others = |entry: &Entry| matches!(entry.state, RecordState::Stored(_, held) if held != key);
    Ok(book.ledger.key == key.to_string() && !book.all()?.values().any(of_others))
}
