//! Hands secrets over to a program, in variables of its environment.

use super::allowed_files::{Standing, allow_command, meant, standing};
use super::env_file::EnvFile;
use super::ids;
use super::open::{Open, reading};
use super::resolve::{self, Scope};
use crate::env_names;
use crate::error::{Code, Error, Result};
use crate::messages::run as messages;
use crate::secret::{ExposeSecret, SecretString};
use crate::vault::home::Session;
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::reader::Reader;
use crate::vault::record::Record;

/// Which secrets a program gets.
#[derive(Debug, Default)]
pub struct Asked {
    /// These profiles, in the variables of their providers.
    pub profiles: Vec<ProfileId>,
    /// The profile that is next of each of these providers.
    pub providers: Vec<Provider>,
    /// The profile that is next of every provider.
    pub all: bool,
    /// Profiles in variables with these names.
    pub named: Vec<(String, ProfileId)>,
    /// A file of variables. It gets only profiles that are asked for otherwise, and those that it was allowed.
    pub file: Option<EnvFile>,
}

/// A variable for a program.
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: SecretString,
    /// The profile whose secret it is; `None` if the value is from a file.
    pub profile: Option<ProfileId>,
}

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variable")
            .field("name", &self.name)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// What a program gets.
#[derive(Debug, Default)]
pub struct Handed {
    /// The variables.
    pub variables: Vec<Variable>,
    /// Profiles that are expired, and when they expired, in Unix milliseconds.
    pub expired: Vec<(ProfileId, i64)>,
    /// Why a provider of [`Asked::all`] has no profile that could be used.
    pub left_out: Vec<Error>,
}

impl Asked {
    /// Returns whether anything is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
            && self.providers.is_empty()
            && self.named.is_empty()
            && !self.all
            && self.file.is_none()
    }
}

/// Reads the secrets that are asked for.
///
/// # Errors
/// `NOT_FOUND` and those of reading a profile; `USAGE` if two profiles are for one variable; `DENIED` if a file wants a
/// profile that is not asked for, and that it was not allowed.
pub fn hand_over(open: &mut Open<'_>, asked: &Asked) -> Result<Handed> {
    let (vault, agent, env) = (open.vault, open.agent.clone(), open.env.clone());
    reading(vault, &mut open.session, |session| {
        let found = vault.agent(&agent)?;
        let reader = found.map(|found| vault.reader(found, session.keys())).transpose()?;
        let mut handing =
            Handing { reader, handed: Handed::default(), agent: &agent, open_vault: vault, now: env.now() };
        let scope = Scope { agent: agent.clone(), confined: false, now: env.now(), env: env.clone() };
        let mut profiles = asked.profiles.clone();
        for provider in &asked.providers {
            profiles.push(resolve::best(vault, session, provider, &scope)?);
        }
        for provider in handing.providers(asked.all)? {
            match resolve::best(vault, session, &provider, &scope) {
                Ok(best) => profiles.push(best),
                Err(error) if matches!(error.code(), Code::NotFound | Code::Expired) => {
                    handing.handed.left_out.push(error);
                }
                Err(error) => return Err(error),
            }
        }
        // Providers can share a profile.
        let mut taken: Vec<ProfileId> = Vec::new();
        for profile in profiles {
            if !taken.contains(&profile) {
                handing.take(&profile, None)?;
                taken.push(profile);
            }
        }
        for (name, profile) in &asked.named {
            handing.take(profile, Some(name))?;
            taken.push(profile.clone());
        }
        if let Some(file) = &asked.file {
            handing.take_file(file, &taken, session)?;
        }
        Ok(handing.handed)
    })
}

/// Returns every provider that an agent has a profile of.
///
/// # Errors
/// Those of reading.
pub(super) fn providers_of(reader: &Reader<'_>) -> Result<Vec<Provider>> {
    let index = reader.index().unwrap_or_default();
    let of_id = |id: &ProfileId| index.entry(id.as_str()).and_then(|entry| entry.provider());
    let mut providers: Vec<_> =
        reader.record_ids()?.iter().map(|id| of_id(id).unwrap_or_else(|| id.provider())).collect();
    providers.sort_unstable();
    providers.dedup();
    Ok(providers)
}

/// The work of [`hand_over`].
struct Handing<'h, 'k> {
    reader: Option<Reader<'k>>,
    handed: Handed,
    agent: &'h AgentName,
    open_vault: &'h crate::vault::home::Vault,
    now: i64,
}

impl Handing<'_, '_> {
    /// Returns every provider that the agent has a profile of, if `all`.
    fn providers(&self, all: bool) -> Result<Vec<Provider>> {
        let reader = self.reader.as_ref().filter(|_| all);
        reader.map_or_else(|| Ok(Vec::new()), providers_of)
    }

    /// Adds the secret of a profile, in the variable with this name, or in those of its provider.
    fn take(&mut self, profile: &ProfileId, name: Option<&str>) -> Result<()> {
        let record = self.record(profile)?;
        self.hand(&record, name)
    }

    fn record(&self, profile: &ProfileId) -> Result<Record> {
        let record = self.reader.as_ref().map(|reader| reader.record(profile)).transpose()?.flatten();
        record.ok_or_else(|| ids::not_found(self.open_vault, self.agent, profile))
    }

    fn hand(&mut self, record: &Record, name: Option<&str>) -> Result<()> {
        let Record { profile, credential, .. } = record;
        let secret = &credential.secret;
        if secret.expose_secret().contains('\0') {
            return Err(messages::has_nul(profile));
        }
        if let Some(at) = credential.expires.filter(|at| *at <= self.now)
            && !self.handed.expired.iter().any(|(known, _)| known == profile)
        {
            self.handed.expired.push((profile.clone(), at));
        }
        let names = match name {
            Some(name) => vec![name.to_owned()],
            None => env_names::handed_over_as(credential.provider.as_str(), credential.kind, secret),
        };
        for name in names {
            self.add(name, secret, profile)?;
        }
        Ok(())
    }

    fn add(&mut self, name: String, secret: &SecretString, profile: &ProfileId) -> Result<()> {
        let mut known = self.handed.variables.iter();
        match known.find(|known| known.name == name).map(|known| &known.profile) {
            Some(Some(other)) if other != profile => Err(messages::two_for_one(&name, other, profile)),
            Some(_) => Ok(()),
            None => {
                let value = secret.clone();
                self.handed.variables.push(Variable { name, value, profile: Some(profile.clone()) });
                Ok(())
            }
        }
    }

    /// Adds the variables of a file. Those that the command line sets win.
    fn take_file(&mut self, file: &EnvFile, taken: &[ProfileId], session: &Session) -> Result<()> {
        let mut known: Option<Standing> = None;
        for (name, reference) in &file.references {
            if let Some(profile) = meant(reference, self.agent).find(|id| taken.contains(id)) {
                self.take(profile, Some(name))?;
                continue;
            }
            let standing = match known.take() {
                Some(standing) => standing,
                None => standing(self.open_vault, session, self.agent, file)?,
            };
            let allowed = standing.allowed();
            let found =
                meant(reference, self.agent).find_map(|id| allowed.iter().find(|allowed| allowed.id == *id));
            let found = found.ok_or_else(|| standing.refusal(name, reference, self.agent, file))?;
            let record = self.record(&found.id)?;
            if record.created != found.created {
                let allow = file.place().map(|path| allow_command(path, self.agent)).unwrap_or_default();
                return Err(messages::created_again(&found.id, &allow));
            }
            self.hand(&record, Some(name))?;
            known = Some(standing);
        }
        for Variable { name, value, .. } in &file.plain {
            if !self.handed.variables.iter().any(|known| known.name == *name) {
                let (name, value) = (name.clone(), value.clone());
                self.handed.variables.push(Variable { name, value, profile: None });
            }
        }
        Ok(())
    }
}
