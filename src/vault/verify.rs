//! Whether everything in a home is what this vault made: records, indexes and logs.

use serde::Serialize;

use strongroom_backends::StoreError;
use strongroom_backends::fs::lock::{self, Mode};

use super::agent::{Agent, TXN_STAGE};
use super::home::{Session, Vault, Waits};
use super::id::ProfileId;
use super::index::{EXEC_PROVIDER, Entry};
use super::log::{self, LastKnown, Scope};
use super::record::Record;
use super::store::Store;
use crate::error::{Code, Result};
use crate::vault::id::Reference;

/// What is wrong, or worth knowing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// A stable name: `corrupt`, `tampered`, `unlisted`, `missing`, `rolled_back`, `drift`, …
    pub kind: &'static str,
    /// The agent, where it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The profile, where it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// A sentence.
    pub what: String,
    /// Whether it is harmless, and told only to be known.
    pub notice: bool,
}

/// What was verified.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Verified {
    /// How many agents.
    pub agents: usize,
    /// How many records opened.
    pub records: usize,
    /// How many lines of the logs verified.
    #[serde(rename = "logLines")]
    pub log_lines: u64,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Verified {
    /// Whether nothing but notices was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.notice)
    }

    fn add(&mut self, kind: &'static str, agent: &Agent, profile: Option<&str>, what: String) {
        self.findings.push(Finding {
            kind,
            agent: Some(agent.name.to_string()),
            profile: profile.map(str::to_owned),
            what,
            notice: false,
        });
    }
}

/// Verifies a whole home.
///
/// # Errors
/// Those of reading it; what is wrong with its contents is a finding.
pub fn verify(vault: &Vault, session: &Session, waits: &Waits) -> Result<Verified> {
    let mut verified = Verified::default();
    let log = vault.home.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
    let chain = log::verify(&session.keys, Scope::Vault, &log)?;
    verified.log_lines += chain.good;
    verified.findings.extend(chain.findings.into_iter().map(|what| Finding {
        kind: "log",
        agent: None,
        profile: None,
        what: format!("the vault's own log: {what}"),
        notice: false,
    }));
    for name in vault.agents()? {
        let Some(agent) = vault.agent(&name)? else { continue };
        // Beside a writer, records, index and log would be seen at different times. A home that
        // cannot be written has no writer.
        let _lock = match lock::take(&agent.dir, Mode::Shared, waits.limit, &waits.holder()) {
            Err(error @ StoreError::LockTimeout { .. }) => return Err(error.into()),
            lock => lock.ok(),
        };
        if let Err(error) = verify_agent(agent, vault, session, &mut verified) {
            verified.findings.push(Finding {
                kind: "unreadable",
                agent: Some(name.to_string()),
                profile: None,
                what: error.what().to_owned(),
                notice: false,
            });
        }
    }
    Ok(verified)
}

fn verify_agent(agent: Agent, vault: &Vault, session: &Session, verified: &mut Verified) -> Result<()> {
    verified.agents += 1;
    for name in agent.record_ids()?.1 {
        let what = format!("records holds a file that is none of Strongroom's: {}", super::id::quoted(&name));
        verified.add("strange", &agent, None, what);
    }
    let unfinished = agent.has_unfinished()?;
    for name in agent.dir.names()? {
        if name.starts_with("txn.") && name != TXN_STAGE {
            verified.findings.push(Finding {
                kind: "set_aside",
                agent: Some(agent.name.to_string()),
                profile: None,
                what: format!(
                    "{} holds a transaction that did not fit and was set aside",
                    super::id::quoted(&name)
                ),
                notice: true,
            });
        }
    }
    let reader = agent.reader(&session.keys, &vault.keychain)?;
    let log = reader.log()?;
    let chain = log::verify(&session.keys, Scope::Agent(&reader.agent.name), &log)?;
    verified.log_lines += chain.good;
    for what in chain.findings {
        verified.add("log", &reader.agent, None, what);
    }
    let known = log::all_last_known(&log);
    if unfinished {
        verified.findings.push(Finding {
            kind: "unfinished",
            agent: Some(reader.agent.name.to_string()),
            profile: None,
            what: "a committed change is not yet applied; the next change finishes it".to_owned(),
            notice: true,
        });
    }
    if let Some(error) = reader.unfinished_error() {
        verified.add("unfinished", &reader.agent, None, error.what().to_owned());
    }
    let index = match reader.index() {
        Ok(index) => Some(index),
        Err(error) => {
            verified.add("index", &reader.agent, None, error.what().to_owned());
            None
        }
    };
    let mut seen_all = true;
    let ids = match reader.record_ids() {
        Ok(ids) => ids,
        Err(error) => {
            seen_all = false;
            verified.add("keychain", &reader.agent, None, error.what().to_owned());
            reader.local_ids()?
        }
    };
    let mut lost = Vec::new();
    for id in &ids {
        match reader.record(id) {
            Ok(Some(record)) => {
                verified.records += 1;
                let entry = match &index {
                    None => Listed::Unknown,
                    Some(index) => index.entry(id.as_str()).map_or(Listed::No, Listed::As),
                };
                verify_record(&reader.agent, &record, &entry, known.get(id.as_str()), verified);
            }
            Ok(None) => {}
            // Told of its entry in the index.
            Err(error) if error.code() == Code::KeychainLost && index.is_some() => lost.push(id.clone()),
            Err(error) => {
                let kind = match error.code() {
                    Code::Tampered => "tampered",
                    code if code.is_of_keychain() => "keychain",
                    _ => "corrupt",
                };
                verified.add(kind, &reader.agent, Some(id.as_str()), error.what().to_owned());
            }
        }
    }
    let ids: Vec<_> = ids.into_iter().filter(|id| !lost.contains(id)).collect();
    for entry in index.iter().flat_map(super::index::Index::entries) {
        let unseen = !seen_all && entry.mark.as_ref().is_some_and(|mark| mark.is_in(Store::Keychain));
        if !unseen {
            verify_entry(&reader.agent, &entry, &ids, verified);
        }
    }
    Ok(())
}

/// How the index stands to a record.
enum Listed {
    /// The index cannot be read.
    Unknown,
    /// It has no entry for it.
    No,
    /// It has this one.
    As(Entry),
}

fn verify_record(
    agent: &Agent,
    record: &Record,
    entry: &Listed,
    known: Option<&LastKnown>,
    verified: &mut Verified,
) {
    let id = record.profile.as_str();
    let behind = |generation: u64| generation > record.generation;
    match known {
        Some(known) if known.removed && known.generation >= record.generation => {
            let what =
                format!("the record of {id} was removed, and is there again: someone put an old file back");
            verified.add("removed", agent, Some(id), what);
            return;
        }
        Some(known) if behind(known.generation) => {
            let what =
                format!("the record of {id} is older than the last change in the log: it was rolled back");
            verified.add("rolled_back", agent, Some(id), what);
        }
        Some(known) if known.generation == record.generation => {}
        _ => {
            let what = format!("the log does not know the record of {id}: the log was cut short");
            verified.add("log", agent, Some(id), what);
        }
    }
    match entry {
        Listed::Unknown => {}
        Listed::No => {
            let what = format!("{id} is not listed in the index; `strongroom doctor --repair` lists it");
            verified.add("unlisted", agent, Some(id), what);
        }
        Listed::As(entry) => {
            if entry.mark.as_ref().is_some_and(|mark| behind(mark.generation))
                && !known.is_some_and(|known| behind(known.generation))
            {
                let what = format!("the record of {id} is older than its index entry: it was rolled back");
                verified.add("rolled_back", agent, Some(id), what);
            }
            for what in drift(agent, record, entry) {
                verified.add("drift", agent, Some(id), what);
            }
        }
    }
}

/// How an index entry differs from the record that governs it.
fn drift(agent: &Agent, record: &Record, entry: &Entry) -> Vec<String> {
    let id = &record.profile;
    let credential = &record.credential;
    let mut found = Vec::new();
    let mut say = |field: &str| {
        found.push(format!("the index says another {field} for {id} than its record, which governs"));
    };
    if entry.kind != Some(credential.kind) {
        say("type");
    }
    if entry.provider.as_ref() != Some(&credential.provider) {
        say("provider");
    }
    if entry.expires != credential.expires {
        say("expiry");
    }
    if entry.email != credential.email
        || entry.display_name != credential.display_name
        || entry.copy_to_agents != credential.copy_to_agents
    {
        say("account or name");
    }
    let due = Reference::id_of(&agent.name, id);
    let referenced = credential.kind != super::credential::CredentialType::OAuth;
    if (referenced && entry.reference.as_ref() != Some(&due)) || entry.foreign_reference.is_some() {
        say("reference");
    }
    found
}

fn verify_entry(agent: &Agent, entry: &Entry, records: &[ProfileId], verified: &mut Verified) {
    let shown = super::id::quoted(&entry.id);
    if entry.plaintext {
        let what = format!(
            "{shown} holds a secret in plain text in the index; import the file, or remove the entry and revoke the secret"
        );
        verified.add("plaintext", agent, Some(&entry.id), what);
    }
    let ours = entry.mark.is_some() || entry.reference.is_some();
    let id = entry.id.parse::<ProfileId>().ok();
    let there = id.as_ref().is_some_and(|id| records.binary_search(id).is_ok());
    if ours && !there {
        let what = format!("{shown} is listed, and its record is gone; paste it again, or remove it");
        verified.add("missing", agent, Some(&entry.id), what);
    }
    if !there && entry.reference.is_none() && entry.foreign_reference.is_some() {
        verified.findings.push(Finding {
            kind: "foreign",
            agent: Some(agent.name.to_string()),
            profile: Some(entry.id.clone()),
            what: format!("{shown} refers to another secret provider than {EXEC_PROVIDER}"),
            notice: true,
        });
    }
}
