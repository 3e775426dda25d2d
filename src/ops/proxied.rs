//! An access to the proxy that lives in memory alone: for a program that `run` starts, and that gets a token instead of
//! secrets.

use super::access::token;
use super::hand_over::{Asked, providers_of};
use super::ids::not_found;
use super::open::{Open, reading};
use super::resolve::{self, Scope};
use crate::client::alias::ALIASES;
use crate::error::{Code, Error, Result};
use crate::looks::SETUP_TOKEN;
use crate::messages::run_proxy as messages;
use crate::secret::{ExposeSecret, SecretString};
use crate::vault::access::{AT_ONCE, Access};
use crate::vault::allowed_files::AllowedProfile;
use crate::vault::id::{ProfileId, Provider};
use crate::vault::reader::Reader;
use crate::vault::record::Record;

/// The name of the access.
const NAME: &str = "run";

/// A program's access.
#[derive(Debug)]
pub struct Proxied {
    /// The access. It is in no vault.
    pub access: Access,
    /// Its token.
    pub token: SecretString,
    /// The providers that it is for, each once, those of single profiles too.
    pub providers: Vec<Provider>,
    /// Why a provider of [`Asked::all`] is left out.
    pub left_out: Vec<Error>,
}

/// Makes an access for the profiles and providers that are asked for. Nothing is written.
///
/// # Errors
/// `NOT_FOUND` for a profile, or a provider without one; `EXPIRED`; `DENIED` for a token that its provider allows in its
/// own clients alone; those of reading.
pub fn access_for(open: &mut Open<'_>, asked: &Asked) -> Result<Proxied> {
    let (vault, agent, env, now) = (open.vault, open.agent.clone(), open.env.clone(), open.now());
    let bound = reading(vault, &mut open.session, |session| {
        let found = vault.agent(&agent)?;
        let reader = found.map(|found| vault.reader(found, session.keys())).transpose()?;
        let scope = Scope { agent: agent.clone(), confined: false, now, env: env.clone() };
        let is_served = |provider: &Provider| {
            let best = resolve::best(vault, session, provider, &scope)?;
            reader.as_ref().map_or(Ok(()), |reader| must_be_spendable(reader, provider, &best))
        };
        let mut bound = Bound::default();
        for id in &asked.profiles {
            let record = reader.as_ref().map(|reader| reader.record(id)).transpose()?.flatten();
            let record = record.ok_or_else(|| not_found(vault, &agent, id))?;
            if is_setup_token(&record) {
                return Err(messages::setup_token(id, &id.word()));
            }
            bound.add(record.credential.provider);
            bound.profiles.push(AllowedProfile { id: record.profile, created: record.created });
        }
        for provider in &asked.providers {
            is_served(provider)?;
            bound.add(provider.clone());
            bound.whole.push(provider.clone());
        }
        let all = reader.as_ref().filter(|_| asked.all).map(providers_of).transpose()?;
        for provider in all.into_iter().flatten() {
            match is_served(&provider) {
                Ok(()) => {
                    bound.add(provider.clone());
                    bound.whole.push(provider);
                }
                Err(error) if matches!(error.code(), Code::NotFound | Code::Expired | Code::Denied) => {
                    bound.left_out.push(error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(bound)
    })?;
    let token = token()?;
    let access = Access {
        name: NAME.parse()?,
        token: Access::digest(token.expose_secret().as_bytes()),
        providers: bound.whole,
        profiles: bound.profiles,
        per_minute: None,
        at_once: AT_ONCE,
        created: now,
        expires: None,
    };
    Ok(Proxied { access, token, providers: bound.providers, left_out: bound.left_out })
}

/// What an access is for.
#[derive(Default)]
struct Bound {
    /// All providers.
    providers: Vec<Provider>,
    /// The providers that were asked for as a whole.
    whole: Vec<Provider>,
    profiles: Vec<AllowedProfile>,
    left_out: Vec<Error>,
}

impl Bound {
    fn add(&mut self, provider: Provider) {
        if !self.providers.contains(&provider) {
            self.providers.push(provider);
        }
    }
}

fn is_setup_token(record: &Record) -> bool {
    record.credential.secret.expose_secret().starts_with(SETUP_TOKEN)
}

/// Refuses a provider of which there are only tokens that it allows in its own clients alone. `best` is the profile that
/// is next.
fn must_be_spendable(reader: &Reader<'_>, provider: &Provider, best: &ProfileId) -> Result<()> {
    let is_spendable =
        |id: &ProfileId| reader.record(id).map(|record| record.is_some_and(|of| !is_setup_token(&of)));
    if is_spendable(best)? {
        return Ok(());
    }
    let index = reader.index().unwrap_or_default();
    for id in reader.record_ids()? {
        let own = index.entry(id.as_str()).and_then(|entry| entry.provider());
        if ALIASES.shared(&own.unwrap_or_else(|| id.provider()), provider) && is_spendable(&id)? {
            return Ok(());
        }
    }
    Err(messages::setup_token(best, &best.word()))
}
