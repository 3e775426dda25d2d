//! All of `doctor`: runs each check in turn, and repairs in between.

use std::path::PathBuf;

use super::client::Client;
use super::{
    Finding, Level, client_version, home, indexed, kernel, keychain, process, profiles, proxy, resolver,
    sources, state, unlock, writable,
};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::messages;
use crate::messages::doctor::FindingCode;
use crate::unlock::unlock_files::PASSPHRASE;
use crate::vault::anchor::accept_rollback;
use crate::vault::home::{LockWait, Session, Vault};
use crate::vault::id::AgentName;
use crate::vault::locks::Look;

/// What is checked, and how thoroughly.
#[derive(Debug)]
pub struct Checkup<'a> {
    /// The vault.
    pub vault: &'a Vault,
    /// Why `vault.json` could not be read.
    pub damaged: Option<&'a Error>,
    /// The files that hold a key or a passphrase, and what each of them is.
    pub key_files: &'a [(&'static str, PathBuf)],
    /// The agent for whose profiles the keys outside the vault are ranked; without one, all are.
    pub agent: Option<&'a AgentName>,
    /// The only agent of the client whose own files are checked; without one, all are.
    pub only: Option<&'a AgentName>,
    /// The environment.
    pub env: &'a Env,
    /// How long to wait for locks.
    pub waits: &'a LockWait,
    /// Whether to repair what can be repaired.
    pub repair: bool,
    /// The digest of a refused state of the home to accept.
    pub accept_rollback: Option<&'a str>,
}

impl Checkup<'_> {
    /// Runs all checks. `unlock` is called once, after the checks that need no key.
    ///
    /// # Errors
    /// Those of a repair, and of accepting a state. An error that a check meets is a finding.
    pub fn run(&self, unlock: impl FnOnce() -> Result<Session>) -> Result<Vec<Finding>> {
        let uses_keychain = keychain::is_used(self.vault).unwrap_or(false);
        let mut findings = self.without_a_key(uses_keychain);
        let mut session = unlock();
        let mut look = match &mut session {
            Ok(session) => self.vault.keys_settled(session, self.waits).unwrap_or_else(|error| {
                findings.push(Finding::met("home", &error));
                Look::default()
            }),
            Err(_) => Look::default(),
        };
        let methods = self.vault.slots().unwrap_or_default();
        let by_passphrase = methods.iter().any(|slot| slot.method == PASSPHRASE);
        findings.push(unlock::opened(&session, by_passphrase));
        if let Some(digest) = self.accept_rollback {
            drop(look.lock.take());
            let session = session.as_mut().map_err(|error| error.clone())?;
            let digest = digest.to_ascii_lowercase();
            let refusal = accept_rollback::accept(self.vault, session, &digest, self.waits)?;
            findings.push(Finding::note("anchor", messages::doctor::accepted(&refusal.what)).as_repaired());
            look = self.vault.keys_settled(session, self.waits)?;
        }
        match &mut session {
            Ok(session) => self.with_the_key(session, look, uses_keychain, &mut findings)?,
            Err(error) if self.repair => return Err(messages::doctor::cannot_repair(error)),
            Err(_) => findings.extend(Finding::or_met("profiles", profiles::check_locked(self.vault))),
        }
        drop_repeated(&mut findings);
        Ok(findings)
    }

    /// Runs the checks that need no key. One that cannot read something does not stop the others.
    fn without_a_key(&self, uses_keychain: bool) -> Vec<Finding> {
        let client = Client::look(self.env, Some(self.vault), self.only);
        let mut findings = surroundings(&client);
        findings.extend(Finding::or_met("home", home::check(self.vault, self.damaged)));
        findings.extend(writable::check(self.vault));
        findings.extend(Finding::or_met("unlock", unlock::check(self.vault)));
        findings.extend(unlock::mounted(self.key_files));
        findings.extend(unlock::places(self.key_files));
        findings.extend(keychain::check(self.vault.keychain(), uses_keychain));
        findings.extend(keychain::leftovers(self.vault));
        findings.extend(sources::check(self.env, |provider| self.serves(provider)));
        findings.extend(client.check());
        findings.extend(Finding::or_met("state", state::check(self.vault)));
        findings.extend(Finding::or_met("proxy", proxy::check(self.vault)));
        findings
    }

    /// Returns whether the agent has a profile of a provider, or each agent if all are checked.
    fn serves(&self, provider: &str) -> bool {
        let has = |agent: &AgentName| indexed::has(self.vault, agent, provider);
        match self.agent {
            Some(agent) => has(agent),
            None => self.vault.agents().is_ok_and(|all| !all.is_empty() && all.iter().all(has)),
        }
    }

    fn with_the_key(
        &self,
        session: &mut Session,
        mut look: Look,
        uses_keychain: bool,
        findings: &mut Vec<Finding>,
    ) -> Result<()> {
        if self.repair {
            // A repair takes the lock exclusively.
            drop(look.lock.take());
        }
        findings.push(home::vault_file(self.vault, session, self.repair, self.waits)?);
        if self.repair {
            findings.extend(profiles::repair(self.vault, session, self.waits)?);
            look = self.vault.keys_settled(session, self.waits)?;
        }
        findings.extend(look.told().map(|what| Finding::note("home", what)));
        findings.extend(Finding::or_met("anchor", home::standing(self.vault, session)));
        if uses_keychain {
            let items = keychain::items(self.vault, session, self.repair, self.waits);
            findings.extend(Finding::or_met("keychain", items));
        }
        let accesses = proxy::accesses(self.vault, session.keys(), self.env.now());
        findings.extend(Finding::or_met("proxy", accesses));
        let profiles = profiles::check(self.vault, session, &look.waits(self.waits));
        findings.extend(Finding::or_met("profiles", profiles));
        Ok(())
    }
}

/// Runs the checks that need no vault. `missing` is the error for a vault that does not exist.
#[must_use]
pub fn without_a_vault(env: &Env, only: Option<&AgentName>, missing: &Error) -> Vec<Finding> {
    let client = Client::look(env, None, only);
    let mut findings = surroundings(&client);
    findings.extend(sources::check(env, |_| false));
    let of_client = client.check();
    let is_plain = |finding: &Finding| finding.code.is_some_and(FindingCode::is_plaintext);
    let has_plaintext = of_client.iter().any(is_plain);
    findings.extend(of_client);
    let begin = messages::doctor::start::no_vault(missing, client.is_there(), has_plaintext);
    findings.push(Finding::advice("home", begin));
    drop_repeated(&mut findings);
    findings
}

/// Runs the checks of this process, of the kernel, and of which client is installed.
fn surroundings(client: &Client<'_>) -> Vec<Finding> {
    let mut findings = process::check();
    findings.extend(resolver::check_configured(&client.resolvers()));
    findings.extend(client_version::check(client.env));
    findings.extend(kernel::check());
    findings
}

/// Drops what an earlier finding already says, because several checks can meet the same error.
fn drop_repeated(findings: &mut Vec<Finding>) {
    const DENIED: &str = "permission denied: ";
    let mut told: Vec<String> = Vec::new();
    findings.retain(|finding| {
        // Before it stands the place, which the first check has named.
        let core = finding.what.rsplit_once(DENIED).map_or(finding.what.as_str(), |(_, core)| core);
        let again = finding.level == Level::Wrong && told.iter().any(|what| what == core);
        told.push(core.to_owned());
        !again
    });
}
