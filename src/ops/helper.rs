//! Which profile a client's helper gives out. A helper is no deputy of a hostile project: a profile is given out only
//! for an origin among its own hosts or, if the client names none, through a helper that it names itself.

use super::resolve::{Pool, Scope};
use crate::client::alias::ALIASES;
use crate::error::{Error, Result};
use crate::messages::helper as messages;
use crate::select::order::{Choice, best, select};
use crate::select::profile::{ProfileView, Usable};
use crate::select::verdict::Verdict;
use crate::vault::details::provider_hosts;
use crate::vault::home::{Session, Vault};
use crate::vault::id::{ProfileId, Provider};
use crate::vault::parallel;
use crate::vault::reader::Reader;
use crate::vault::record::Record;

/// What a profile has to allow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Allowed {
    /// This origin, which is among its hosts.
    Host(String),
    /// This helper, by its name.
    Helper(&'static str),
    /// Both.
    Both(String, &'static str),
}

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What the profile has to allow.
    pub allowed: Allowed,
    /// Only this profile.
    pub id: Option<ProfileId>,
    /// Only profiles of this provider.
    pub provider: Option<Provider>,
    /// Only profiles of this account. A profile without a user name is of any account.
    pub username: Option<String>,
}

impl Asked {
    /// Asks for any profile that allows it.
    #[must_use]
    pub fn any(allowed: Allowed) -> Self {
        Self { allowed, id: None, provider: None, username: None }
    }

    fn serves(&self, record: &Record) -> bool {
        let is_of = |provider: &Provider| ALIASES.shared(&record.credential.provider, provider);
        let is_account = |name: &String| record.details.username.as_ref().is_none_or(|own| own == name);
        self.allowed.by(record)
            && self.provider.as_ref().is_none_or(is_of)
            && self.username.as_ref().is_none_or(is_account)
    }
}

impl Allowed {
    /// Returns whether a record allows it. A record without hosts has those of its provider.
    fn by(&self, record: &Record) -> bool {
        match self {
            Self::Host(origin) => has_host(record, origin),
            Self::Helper(name) => has_helper(record, name),
            Self::Both(origin, name) => has_host(record, origin) && has_helper(record, name),
        }
    }
}

/// Returns the hosts of a record. One without hosts has those of its provider.
#[must_use]
pub fn hosts_of(record: &Record) -> Vec<&str> {
    match &record.details.hosts {
        Some(hosts) => hosts.iter().map(String::as_str).collect(),
        None => provider_hosts::of(record.credential.provider.as_str()).unwrap_or_default().to_vec(),
    }
}

fn has_host(record: &Record, origin: &str) -> bool {
    hosts_of(record).contains(&origin)
}

pub(super) fn has_helper(record: &Record, name: &str) -> bool {
    record.details.helpers.as_ref().is_some_and(|helpers| helpers.iter().any(|own| own == name))
}

/// Returns the profile to give out.
///
/// Among several profiles, those of the account come before those without a user name; then selection decides, exactly
/// as `status` says. If profiles of several providers allow the origin, the first one that is not cooling down is used.
///
/// # Errors
/// `NOT_FOUND`, `DENIED` if the named profile does not allow it, `EXPIRED`, `USAGE` if profiles of several providers
/// name the helper, and those of reading.
pub fn find(vault: &Vault, session: &Session, asked: &Asked, scope: &Scope) -> Result<Record> {
    let none = || messages::none_allows(&asked.allowed.told(), &scope.agent);
    let Some(found) = vault.agent(&scope.agent)? else {
        return Err(asked.id.as_ref().map_or_else(none, |id| messages::no_profile(id, &scope.agent)));
    };
    let reader = vault.reader(found, session.keys())?;
    if let Some(id) = &asked.id {
        return named(&reader, id, asked, scope);
    }
    Records::read(&reader, asked, scope)?.best(asked, scope)?.ok_or_else(none)
}

/// Returns the profiles to give out to a helper that takes one of each provider, in the order of the index.
///
/// # Errors
/// Those of reading.
pub fn find_each(
    vault: &Vault,
    session: &Session,
    helper: &'static str,
    scope: &Scope,
) -> Result<Vec<Record>> {
    let Some(mut records) = naming(vault, session, helper, scope)? else { return Ok(Vec::new()) };
    let mut each = Vec::new();
    for provider in records.providers() {
        let chosen = records.choose(&provider, scope).map(|(id, _)| id);
        each.extend(chosen.and_then(|id| records.take(&id)));
    }
    Ok(each)
}

/// Returns every profile that names a helper, in the order of the index.
///
/// # Errors
/// Those of reading.
pub fn find_all(
    vault: &Vault,
    session: &Session,
    helper: &'static str,
    scope: &Scope,
) -> Result<Vec<Record>> {
    Ok(naming(vault, session, helper, scope)?.map_or_else(Vec::new, |records| records.serving))
}

/// Returns the profiles that name a helper, if the agent exists.
fn naming(vault: &Vault, session: &Session, helper: &'static str, scope: &Scope) -> Result<Option<Records>> {
    let Some(found) = vault.agent(&scope.agent)? else { return Ok(None) };
    let reader = vault.reader(found, session.keys())?;
    Records::read(&reader, &Asked::any(Allowed::Helper(helper)), scope).map(Some)
}

fn named(reader: &Reader<'_>, id: &ProfileId, asked: &Asked, scope: &Scope) -> Result<Record> {
    let record = reader.record(id)?.ok_or_else(|| messages::no_profile(id, &scope.agent))?;
    if !asked.allowed.by(&record) {
        return Err(match &asked.allowed {
            Allowed::Host(_) => messages::host_denied(id, &scope.command("get", id)),
            Allowed::Both(origin, _) if !has_host(&record, origin) => {
                messages::host_denied(id, &scope.command("get", id))
            }
            Allowed::Helper(name) | Allowed::Both(_, name) => {
                messages::helper_denied(id, &scope.command("edit", id), name)
            }
        });
    }
    if !asked.serves(&record) {
        return Err(messages::other_account(id));
    }
    if record.credential.expires.is_some_and(|at| at <= scope.now) {
        return Err(messages::expired(id, &scope.command("rotate", id)));
    }
    Ok(record)
}

impl Allowed {
    fn told(&self) -> String {
        match self {
            Self::Host(origin) => messages::told_host(origin),
            Self::Helper(name) => messages::told_helper(name),
            Self::Both(origin, name) => messages::told_both(origin, name),
        }
    }
}

/// An agent's profiles, decrypted.
struct Records {
    pool: Pool,
    /// What selection has to know of each.
    views: Vec<ProfileView>,
    /// Those that serve what is asked for.
    serving: Vec<Record>,
}

impl Records {
    /// Decrypts an agent's profiles. Hosts and helpers are sealed, so that nothing less tells which ones serve.
    fn read(reader: &Reader<'_>, asked: &Asked, scope: &Scope) -> Result<Self> {
        let pool = Pool::of(reader, &scope.env)?;
        let ids: Vec<_> = pool.ids().collect();
        // A failure happens again for each record.
        let _ = reader.fetch(&ids);
        let read = parallel::map(&ids, |id| {
            let record = reader.record(id)?;
            Ok(record.map(|record| (view_of(&record), asked.serves(&record).then_some(record))))
        });
        let (mut views, mut serving, mut failure) = (Vec::new(), Vec::new(), None::<Error>);
        for one in read {
            match one {
                Ok(found) => {
                    let (view, record) = found.unzip();
                    views.extend(view);
                    serving.extend(record.flatten());
                }
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            // The one that is asked for may be among those that cannot be read.
            Some(error) if serving.is_empty() => Err(error),
            _ => Ok(Self { pool, views, serving }),
        }
    }

    /// Returns the providers of those that serve, each once.
    fn providers(&self) -> Vec<Provider> {
        let mut providers: Vec<Provider> = Vec::new();
        for record in &self.serving {
            let provider = &record.credential.provider;
            if !providers.iter().any(|seen| ALIASES.shared(seen, provider)) {
                providers.push(provider.clone());
            }
        }
        providers
    }

    fn best(mut self, asked: &Asked, scope: &Scope) -> Result<Option<Record>> {
        if let Some(name) = &asked.username
            && self.serving.iter().any(|record| record.details.username.as_ref() == Some(name))
        {
            self.serving.retain(|record| record.details.username.is_some());
        }
        let providers = self.providers();
        if let (Allowed::Helper(name), [_, _, ..]) = (&asked.allowed, providers.as_slice()) {
            let names: Vec<_> = providers.iter().map(Provider::as_str).collect();
            return Err(messages::several_providers(name, &names.join(", ")));
        }
        let mut chosen = None;
        for provider in &providers {
            match self.choose(provider, scope) {
                Some((id, until @ None)) => {
                    chosen = Some((id, until));
                    break;
                }
                Some((id, until)) if chosen.as_ref().is_none_or(|(_, sooner)| until < *sooner) => {
                    chosen = Some((id, until));
                }
                _ => {}
            }
        }
        if let Some((id, _)) = chosen {
            return Ok(self.take(&id));
        }
        let is_expired = |record: &&Record| record.credential.expires.is_some_and(|at| at <= scope.now);
        match (self.serving.iter().find(is_expired), self.serving.first()) {
            (Some(record), _) => {
                Err(messages::expired(&record.profile, &scope.command("rotate", &record.profile)))
            }
            (None, Some(record)) => Err(messages::not_chosen(&record.profile, &record.credential.provider)),
            (None, None) => Ok(None),
        }
    }

    /// Returns the profile of a provider that is used among those that serve, and until when it is cooling down.
    ///
    /// Selection sees all profiles of the provider, so that an order that leaves a profile out counts.
    fn choose(&self, provider: &Provider, scope: &Scope) -> Option<(ProfileId, Option<i64>)> {
        let shared = self.views.iter().filter(|view| ALIASES.shared(&view.provider, provider));
        let own: Vec<_> =
            shared.map(|view| ProfileView { provider: provider.clone(), ..view.clone() }).collect();
        let own: Vec<_> = own.iter().collect();
        let mut choices = select(provider, &own, &self.pool.rules(provider, scope.now)).choices;
        choices.retain(|choice| self.serving.iter().any(|record| record.profile == *choice.id));
        let Choice { id, verdict, .. } = best(&choices)?;
        let until = if *verdict == Verdict::Eligible { None } else { verdict.until() };
        Some(((*id).clone(), until))
    }

    fn take(&mut self, id: &ProfileId) -> Option<Record> {
        let at = self.serving.iter().position(|record| record.profile == *id)?;
        Some(self.serving.swap_remove(at))
    }
}

/// Returns what selection has to know of a record that was decrypted.
#[must_use]
pub fn view_of(record: &Record) -> ProfileView {
    ProfileView {
        provider: record.credential.provider.clone(),
        expires: record.credential.expires,
        usable: Usable::Verified,
        ..ProfileView::new(record.profile.clone(), record.credential.kind)
    }
}
