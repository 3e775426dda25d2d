//! Which profiles a file of variables may have: those that a person allowed for its bytes and its path.

use super::env_file::EnvFile;
use super::ids::not_found;
use super::open::{Open, reading};
use crate::error::{Code, Error, Result};
use crate::messages::{env_files, run};
use crate::vault::allowed_files::{AllowedFile, AllowedProfile, FILES_MAX, PROFILES_MAX};
use crate::vault::anchor::accept_rollback;
use crate::vault::home::{Session, Vault};
use crate::vault::id::{AgentName, Named, ProfileId, Reference};
use crate::vault::settings::Settings;

/// The setting's name in the log.
pub const ENV_FILE: &str = "env-file";

/// What a file would be allowed.
#[derive(Debug)]
pub struct Planned {
    /// What the settings will have.
    pub file: AllowedFile,
    /// The variables, and the profiles whose secrets they get, in the order of the file.
    pub variables: Vec<(String, ProfileId)>,
    /// What was allowed at this path before, if that has other bytes or other profiles.
    pub before: Option<AllowedFile>,
    /// Whether the same is allowed already.
    pub is_done: bool,
}

/// Returns what a file would be allowed.
///
/// # Errors
/// `USAGE` if it has no path or names no profile, `DENIED` if it names another agent's, `NOT_FOUND`, `TOO_LARGE`, and
/// those of reading.
pub fn plan(open: &mut Open<'_>, file: &EnvFile) -> Result<Planned> {
    let origin = file.origin.as_ref().ok_or_else(env_files::no_place)?;
    let (vault, agent, now) = (open.vault, open.agent.clone(), open.now());
    if file.references.is_empty() {
        return Err(env_files::nothing_to_allow(&origin.path));
    }
    reading(vault, &mut open.session, |session| {
        let settings = vault.settings(session.keys())?;
        let found = vault.agent(&agent)?;
        let reader = found.map(|found| vault.reader(found, session.keys())).transpose()?;
        let mut variables = Vec::new();
        let mut profiles: Vec<AllowedProfile> = Vec::new();
        for (name, reference) in &file.references {
            let ids: Vec<_> = meant(reference, &agent).collect();
            let first = *ids
                .first()
                .ok_or_else(|| env_files::not_of_agent(name, &shown(reference, &agent), &agent))?;
            let mut record = None;
            for id in ids {
                record = reader.as_ref().map(|reader| reader.record(id)).transpose()?.flatten();
                if record.is_some() {
                    break;
                }
            }
            let record = record.ok_or_else(|| not_found(vault, &agent, first))?;
            let profile = AllowedProfile { id: record.profile, created: record.created };
            variables.push((name.clone(), profile.id.clone()));
            if !profiles.contains(&profile) {
                profiles.push(profile);
            }
        }
        if profiles.len() > PROFILES_MAX {
            return Err(env_files::too_many_in_file(PROFILES_MAX));
        }
        let (path, sha256) = (origin.path.clone(), origin.sha256.clone());
        let file = AllowedFile { path, sha256, agent: agent.clone(), profiles, at: now };
        let before = settings.allowed_file(&file.path, &agent).cloned();
        let is_done =
            before.as_ref().is_some_and(|before| AllowedFile { at: before.at, ..file.clone() } == *before);
        Ok(Planned { file, variables, before: before.filter(|_| !is_done), is_done })
    })
}

/// Allows a file, in place of what was allowed at its path before. The caller has unlocked the vault by a method.
///
/// # Errors
/// `TOO_LARGE` if too many files are allowed; those of writing the settings.
pub fn allow(open: &mut Open<'_>, file: &AllowedFile) -> Result<()> {
    change(open, "env allow", |settings| {
        let before = take(settings, &file.path, &file.agent);
        if settings.env_files.len() >= FILES_MAX {
            return Err(env_files::too_many_files(FILES_MAX));
        }
        settings.env_files.push(file.clone());
        Ok((before.as_ref().map(AllowedFile::told), Some(file.told())))
    })
}

/// Allows the file at a path no longer, for the agent.
///
/// # Errors
/// `NOT_FOUND` if it is not allowed; those of writing the settings.
pub fn forget(open: &mut Open<'_>, path: &str) -> Result<()> {
    let agent = open.agent.clone();
    change(open, "env forget", |settings| {
        let before = take(settings, path, &agent).ok_or_else(|| env_files::not_allowed(path, &agent))?;
        Ok((Some(before.told()), None))
    })
}

fn change(
    open: &mut Open<'_>,
    command: &str,
    change: impl Fn(&mut Settings) -> Result<(Option<String>, Option<String>)>,
) -> Result<()> {
    let waits = open.waits(command);
    open.vault.change_settings(&mut open.session, ENV_FILE, &waits, change)?;
    Ok(())
}

fn take(settings: &mut Settings, path: &str, agent: &AgentName) -> Option<AllowedFile> {
    let at = settings.env_files.iter().position(|file| file.is_at(path, agent))?;
    Some(settings.env_files.remove(at))
}

/// Returns the files that are allowed, of every agent, by path.
///
/// # Errors
/// `TAMPERED` if the settings were altered; those of reading them.
pub fn list(open: &mut Open<'_>) -> Result<Vec<AllowedFile>> {
    let vault = open.vault;
    let mut files = reading(vault, &mut open.session, |session| vault.settings(session.keys()))?.env_files;
    files.sort_by(|one, other| (&one.path, &one.agent).cmp(&(&other.path, &other.agent)));
    Ok(files)
}

/// What is known of a file.
pub(super) enum Standing {
    /// It is allowed these profiles.
    Allowed(Vec<AllowedProfile>),
    /// Another file was allowed at this path, at this time in Unix milliseconds.
    Changed(i64),
    /// Nothing was allowed.
    Unknown,
    /// The keys of one agent cannot verify what was allowed.
    Unverifiable,
}

/// Returns what is known of a file.
///
/// # Errors
/// `TAMPERED` if the settings were altered, or if this machine has seen later ones; those of reading them.
pub(super) fn standing(
    vault: &Vault,
    session: &Session,
    agent: &AgentName,
    file: &EnvFile,
) -> Result<Standing> {
    let Some(origin) = &file.origin else { return Ok(Standing::Unknown) };
    let settings = match vault.settings(session.keys()) {
        Err(error) if error.code() == Code::Locked => return Ok(Standing::Unverifiable),
        settings => settings?,
    };
    Ok(match settings.allowed_file(&origin.path, agent) {
        Some(allowed) if allowed.sha256 == origin.sha256 => {
            if let Some(refusal) = accept_rollback::of_vault(vault, session.keys())? {
                return Err(refusal.error());
            }
            Standing::Allowed(allowed.profiles.clone())
        }
        Some(allowed) => Standing::Changed(allowed.at),
        None => Standing::Unknown,
    })
}

impl Standing {
    /// Returns the profiles that the file may have.
    pub(super) fn allowed(&self) -> &[AllowedProfile] {
        if let Self::Allowed(profiles) = self { profiles } else { &[] }
    }

    /// Returns why a variable of the file gets no profile.
    pub(super) fn refusal(
        &self,
        name: &str,
        reference: &Reference,
        agent: &AgentName,
        file: &EnvFile,
    ) -> Error {
        let shown = shown(reference, agent);
        let path = file.place();
        match (self, path) {
            (Self::Changed(at), Some(path)) => {
                run::changed_since_allowed(path, *at, &allow_command(path, agent))
            }
            (Self::Unverifiable, _) => run::allowed_unverifiable(name, &shown),
            (_, path) => {
                let allow = path.map(|path| allow_command(path, agent));
                run::not_asked_for(name, &shown, allow.as_deref())
            }
        }
    }
}

/// Returns the profiles of an agent that a reference may mean, the likeliest first.
pub(super) fn meant<'r>(
    reference: &'r Reference,
    agent: &'r AgentName,
) -> impl Iterator<Item = &'r ProfileId> {
    let readings = match reference {
        Reference::Profile(readings) => readings.as_slice(),
        Reference::BestOf(_) => &[],
    };
    let own = readings.iter().filter(move |reading| reading.agent.as_ref().is_none_or(|of| of == agent));
    own.filter_map(|reading| match &reading.profile {
        Named::Id(id) => Some(id),
        Named::Short(_) => None,
    })
}

/// Returns how a reference reads for people, of an agent.
fn shown(reference: &Reference, agent: &AgentName) -> String {
    match reference {
        Reference::BestOf(provider) => format!("{provider}:…"),
        Reference::Profile(readings) => {
            readings.first().map_or_else(String::new, |reading| match &reading.agent {
                Some(of) if of != agent => format!("{of}/{}", reading.profile.shown()),
                _ => reading.profile.shown(),
            })
        }
    }
}

/// Returns the command that allows a file for an agent.
pub(super) fn allow_command(path: &str, agent: &AgentName) -> String {
    run::allow_command(path, &agent.option())
}
