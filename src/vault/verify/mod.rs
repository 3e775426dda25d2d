//! Verifies that everything in a home is what this vault wrote: records, indexes and logs.

mod entries;
mod history;
mod strays;
mod vault_ledger;

use std::collections::BTreeSet;

use age::x25519;
use serde::Serialize;
use strongroom_backends::StoreError;
use strongroom_backends::fs::lock::{self, Mode};
use strongroom_backends::fs::queue;

pub use entries::drift;
use entries::{verify_entry, verify_record};
use vault_ledger::{damaged_logs, modes, modes_within, verify_own};

use super::agent::{Agent, PENDING, RECORDS, RecordFiles, TXN_BUSY, TXN_STAGE};
use super::anchor::accept_rollback;
use super::anchor::rollback::{self, LedgerState, Standing};
use super::home::{AGENTS, LockWait, Session, Vault};
use super::id::{ProfileId, quoted};
use super::index::Index;
use super::ledger::{self, Book};
use super::locks::by;
use super::log;
use super::parallel;
use super::reader::{Found, Reader};
use super::record::Record;
use super::store::Store;
use super::watch::Watch;
use crate::error::{Code, Error, Result};
use crate::messages::vault as messages;
use crate::seal::keys::{Ring, Scope};
use crate::seal::record::Purpose;
use crate::seal::recovery::open_unvouched;
use crate::unlock::Opened;
use crate::unlock::unlock_files::DIR;

/// The number of records that are decrypted at once; after that, their secrets are dropped.
const AT_ONCE: usize = 1024;

/// A problem, or something worth knowing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// A stable name: `corrupt`, `tampered`, `ledger`, `rolled_back`, `unlisted`, `missing`, `drift`, …
    pub kind: &'static str,
    /// The agent, if it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The profile, if it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// A sentence.
    pub what: String,
    /// What to do about it, if that does not follow from its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Whether it is harmless.
    pub notice: bool,
}

/// What was verified.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Verified {
    /// The number of agents.
    pub agents: usize,
    /// The number of records that were decrypted.
    pub records: usize,
    /// The number of log lines that verify.
    #[serde(rename = "logLines")]
    pub log_lines: u64,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Finding {
    fn new(kind: &'static str, what: String) -> Self {
        Self { kind, agent: None, profile: None, what, remedy: None, notice: false }
    }
}

impl Verified {
    /// Returns whether there are no findings except notices.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.notice)
    }

    fn add(&mut self, kind: &'static str, agent: &Agent, profile: Option<&str>, what: String) {
        let (agent, profile) = (Some(agent.name.to_string()), profile.map(str::to_owned));
        self.findings.push(Finding { agent, profile, ..Finding::new(kind, what) });
    }

    /// Sets the remedy of the last finding.
    fn remedy(&mut self, remedy: impl Into<String>) {
        if let Some(finding) = self.findings.last_mut() {
            finding.remedy = Some(remedy.into());
        }
    }

    fn note(&mut self, kind: &'static str, agent: &Agent, profile: Option<&str>, what: String) {
        self.add(kind, agent, profile, what);
        self.findings.iter_mut().last().into_iter().for_each(|finding| finding.notice = true);
    }

    fn add_own(&mut self, kind: &'static str, what: String) {
        self.findings.push(Finding::new(kind, what));
    }

    fn note_own(&mut self, kind: &'static str, what: String) {
        self.findings.push(Finding { notice: true, ..Finding::new(kind, what) });
    }
}

/// Verifies a whole home.
///
/// # Errors
/// Those of reading it; what is wrong with its contents is a finding.
pub fn verify(vault: &Vault, session: &Session, waits: &LockWait) -> Result<Verified> {
    let mut verified = Verified::default();
    verify_home(vault, session, &mut verified)?;
    let recovery = match &session.opened {
        Opened::By(unlocked) => unlocked.payload.recovery_identity().ok(),
        // The cache does not hold it.
        Opened::Cached(_) => None,
    };
    let check = Check { vault, session, recovery, waits };
    for agent in vault.each_agent()? {
        let agent = agent?;
        let name = agent.name.clone();
        if session.keys.only_agent().is_some_and(|only| only != name.as_str()) {
            continue;
        }
        // The lock keeps a writer from changing records, index and log between reading them. If a writer does not
        // finish in time, a finding says so. A home that cannot be written has no writer.
        let _lock = match waits.take(&agent.dir, Mode::Shared) {
            Err(StoreError::LockTimeout { holder, .. }) => {
                verified.note("busy", &agent, None, messages::locks::agent_is_changing(&by(holder.as_ref())));
                None
            }
            lock => lock.ok(),
        };
        if let Err(error) = check.agent(agent, &mut verified) {
            let finding = Finding::new("unreadable", error.what().to_owned());
            verified.findings.push(Finding { agent: Some(name.to_string()), ..finding });
            verified.remedy(error.remedy().to_owned());
        }
    }
    Ok(verified)
}

/// Verifies what belongs to the home and not to one agent, and that no agent is missing.
fn verify_home(vault: &Vault, session: &Session, verified: &mut Verified) -> Result<()> {
    for what in
        modes(&vault.home, &["vault.json", "settings.json", ledger::FILE, log::FILE, lock::FILE, queue::FILE])
            .into_iter()
            .chain(modes(&vault.home, &[AGENTS, DIR]))
    {
        verified.add_own("writable", what);
    }
    if let Some(unlock) = vault.home.dir_if_any(DIR)? {
        for what in modes_within(&unlock) {
            verified.add_own("writable", what);
        }
        strays::in_unlock(&unlock, verified)?;
    }
    if let Some(agents) = vault.home.dir_if_any(AGENTS)? {
        strays::in_agents(&agents, verified)?;
    }
    if session.keys.only_agent().is_none()
        && let Err(error) = verify_own(vault, session, verified)
    {
        // The agents are verified anyway.
        verified.add_own("unreadable", error.what().to_owned());
        verified.remedy(error.remedy().to_owned());
    }
    for refusal in accept_rollback::gone(vault, &session.keys)? {
        let Scope::Agent(name) = &refusal.scope else { continue };
        if session.keys.only_agent().is_none_or(|only| only == name) {
            let finding = Finding::new("rolled_back", refusal.as_finding());
            verified.findings.push(Finding { agent: Some(name.clone()), ..finding });
        }
    }
    Ok(())
}

/// What verifying an agent needs.
struct Check<'a> {
    vault: &'a Vault,
    session: &'a Session,
    recovery: Option<x25519::Identity>,
    waits: &'a LockWait,
}

impl Check<'_> {
    fn agent(&self, agent: Agent, verified: &mut Verified) -> Result<()> {
        verified.agents += 1;
        let ring = self.session.keys.agent(agent.name.as_str())?;
        let in_home = verify_names(&agent, &ring, verified)?;
        verify_directory(&agent, verified)?;
        let reader = agent.reader(ring, &self.vault.keychain)?;
        if reader.is_unfinished() {
            verified.note("unfinished", &reader.agent, None, messages::findings::not_applied());
        }
        if let Some(error) = reader.unfinished_error() {
            verified.add("unfinished", &reader.agent, None, error.what().to_owned());
        }
        let index = match reader.index() {
            Ok(index) => Some(index),
            Err(error) => {
                let kind = if error.code() == Code::Io { "unreadable" } else { "index" };
                verified.add(kind, &reader.agent, None, error.what().to_owned());
                verified.remedy(error.remedy().to_owned());
                None
            }
        };
        let book = match reader.book().and_then(|book| book.all().map(|_| book)) {
            Ok(book) => book,
            Err(error) => {
                let anchors = &self.vault.anchors;
                let refusal = rollback::unreadable(anchors, &reader.ring, &reader.agent.dir, &error)?;
                verified.add("ledger", &reader.agent, None, refusal.as_finding());
                return Ok(());
            }
        };
        verify_history(&reader, book, self.vault, verified)?;
        let ids = reader.record_ids()?;
        self.records(&reader, &ids, index.as_ref(), verified);
        verify_strays(&reader, book, &in_home, verified)?;
        history::verify(&reader, book, verified)?;
        // A record that the ledger does not list has a finding already.
        let held: BTreeSet<&str> = ids.iter().chain(&in_home).map(ProfileId::as_str).collect();
        for entry in index.iter().flat_map(Index::entries) {
            verify_entry(&reader.agent, &entry, &held, verified);
        }
        for (id, what) in index.iter().flat_map(Index::exposed) {
            verified.add("plaintext", &reader.agent, id.as_deref(), what);
        }
        Ok(())
    }

    /// Verifies the records that a ledger lists.
    fn records(
        &self,
        reader: &Reader<'_>,
        ids: &[ProfileId],
        index: Option<&Index>,
        verified: &mut Verified,
    ) {
        // A failure happens again, and is reported, for each profile.
        let _ = reader.fetch(&ids.iter().collect::<Vec<_>>());
        let watched = &*self.waits.watched;
        watched.begins(messages::progress::VERIFYING, ids.len());
        for some in ids.chunks(AT_ONCE) {
            for (id, looked) in some.iter().zip(look(reader, some, self.recovery.as_ref(), watched)) {
                match looked {
                    Ok(Some((record, opens))) => {
                        verified.records += 1;
                        let seen = Seen { record, opens, store: reader.store_of(id) };
                        verify_record(&reader.agent, &seen, index, self.waits.now, verified);
                    }
                    Ok(None) => {}
                    Err(error) => {
                        let (kind, what) = judged(&error, id);
                        verified.add(kind, &reader.agent, Some(id.as_str()), what);
                        if kind == "unreadable" {
                            verified.remedy(error.remedy().to_owned());
                        }
                    }
                }
            }
        }
    }
}

/// Verifies the names and modes of files in an agent's directory.
fn verify_directory(agent: &Agent, verified: &mut Verified) -> Result<()> {
    for what in modes(
        &agent.dir,
        &[
            ".",
            RECORDS,
            PENDING,
            ledger::FILE,
            log::FILE,
            lock::FILE,
            queue::FILE,
            super::index::FILE,
            "auth-state.json",
        ],
    ) {
        verified.add("writable", agent, None, what);
    }
    for place in [RECORDS, PENDING] {
        for what in agent.dir.dir_if_any(place)?.iter().flat_map(modes_within) {
            verified.add("writable", agent, None, what);
        }
    }
    strays::in_agent(agent, verified)?;
    for name in agent.dir.names()? {
        if name == TXN_BUSY {
            verified.note("busy", agent, None, messages::findings::leftovers_in_use(TXN_BUSY));
        } else if name.starts_with("txn.") && name != TXN_STAGE {
            let what = messages::findings::transaction_set_aside(&quoted(&name));
            verified.note("set_aside", agent, None, what);
        }
    }
    for name in damaged_logs(&agent.dir)? {
        verified.note("log", agent, None, messages::log::set_aside(&name));
    }
    Ok(())
}

/// Returns the profiles that have records in the home, by the names of their files. Other files are reported.
fn verify_names(agent: &Agent, ring: &Ring, verified: &mut Verified) -> Result<Vec<ProfileId>> {
    let whose = |sealed: &[u8]| Record::open_any(ring, sealed).ok().map(|record| record.profile);
    let RecordFiles { ids, unnamed, strange } = agent.records(&whose)?;
    for name in unnamed {
        verified.add("unknown", agent, None, messages::findings::unknown_file(&quoted(&name)));
    }
    strays::in_records(agent, ring, &strange, verified);
    Ok(ids)
}

/// A record that was read.
struct Seen {
    record: Record,
    /// Whether the recovery key decrypts it; true if the recovery key is not at hand.
    opens: bool,
    store: Option<Store>,
}

/// Decrypts records, and each again with the recovery key, which takes most of the time. If any is in the keychain,
/// they are read one after another, because the keychain answers one request at a time.
fn look(
    reader: &Reader<'_>,
    ids: &[ProfileId],
    recovery: Option<&x25519::Identity>,
    watched: &dyn Watch,
) -> Vec<Result<Option<(Record, bool)>>> {
    let look = |id: &ProfileId| {
        watched.step();
        Ok(reader.found(id)?.map(|Found { record, sealed, .. }| {
            let what = messages::records::A_RECORD;
            let open = |identity| open_unvouched(identity, Purpose::Record, &sealed, what).is_ok();
            (record, recovery.is_none_or(open))
        }))
    };
    if ids.iter().all(|id| reader.store_of(id) == Some(Store::File)) {
        parallel::map(ids, look)
    } else {
        ids.iter().map(look).collect()
    }
}

/// Returns the kind and the sentence of the finding for an error of reading a record.
fn judged(error: &Error, id: &ProfileId) -> (&'static str, String) {
    let what = error.what().to_owned();
    match error.code() {
        Code::Tampered if what.contains("older than") => ("rolled_back", what),
        Code::Tampered => ("tampered", what),
        Code::KeychainLost => ("missing", messages::findings::item_gone(id)),
        code if code.is_of_keychain() => ("keychain", what),
        Code::Corrupt if what.contains("missing") => ("missing", what),
        // The record may be sound: it could not be read.
        Code::Io => ("unreadable", what),
        _ => ("corrupt", what),
    }
}

/// Verifies the log, and compares the ledger with what this machine remembers.
fn verify_history(reader: &Reader<'_>, book: &Book, vault: &Vault, verified: &mut Verified) -> Result<()> {
    let (agent, ledger) = (&reader.agent, &book.ledger);
    let chain = log::verify(&reader.ring, &reader.log()?, &ledger.log)?;
    verified.log_lines += chain.good;
    for what in chain.findings {
        verified.add("log", agent, None, what);
    }
    if let Standing::Refused(refusal) =
        rollback::judge(&vault.anchors, &reader.ring, &agent.dir, LedgerState::from(ledger))?
    {
        verified.add("rolled_back", agent, None, refusal.as_finding());
    }
    Ok(())
}

/// Reports records in the home that the ledger does not list.
fn verify_strays(
    reader: &Reader<'_>,
    book: &Book,
    in_home: &[ProfileId],
    verified: &mut Verified,
) -> Result<()> {
    for id in in_home {
        match book.entry(id)? {
            None => {
                let what = if reader.opens(id) {
                    messages::findings::unlisted(id, &id.word())
                } else {
                    messages::findings::planted(id)
                };
                verified.add("unknown", &reader.agent, Some(id.as_str()), what);
            }
            Some(entry) if entry.is_removed() && !reader.may_be_behind() => {
                let what = messages::findings::removed_and_back(id);
                verified.add("removed", &reader.agent, Some(id.as_str()), what);
            }
            Some(_) => {}
        }
    }
    Ok(())
}
