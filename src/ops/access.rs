//! Who may ask the proxy: adds, lists and removes accesses of an agent.

use super::ids::not_found;
use super::open::{Open, reading};
use crate::client::alias::ALIASES;
use crate::error::Result;
use crate::messages::access as messages;
use crate::seal;
use crate::secret::{Buffer, SecretString};
use crate::vault::access::{ACCESSES_MAX, AT_ONCE, Access, AccessName, BOUND_MAX, name_of};
use crate::vault::allowed_files::AllowedProfile;
use crate::vault::id::{ProfileId, Provider};
use crate::vault::log::Event;
use crate::vault::transaction::change::Change;

/// What stands before the random part of a token. Clients that look at a key's shape accept it, and programs that search
/// for leaked keys find it.
pub const TOKEN_PREFIX: &str = "sk-strongroom-";

/// An access that is to be added.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: AccessName,
    /// The providers that it is for.
    pub providers: Vec<Provider>,
    /// The profiles that it is for.
    pub profiles: Vec<ProfileId>,
    /// How many requests it may make in a minute.
    pub per_minute: Option<u32>,
    /// How many of its requests may run at the same time.
    pub at_once: Option<u32>,
    /// When it ends, in Unix milliseconds.
    pub expires: Option<i64>,
}

/// An access that was added.
#[derive(Debug)]
pub struct Added {
    /// The access.
    pub access: Access,
    /// Its token, which is kept nowhere.
    pub token: SecretString,
    /// The providers that it is for, and that the agent has no profile of yet.
    pub without_profile: Vec<Provider>,
}

/// An access as the ledger has it.
#[derive(Debug)]
pub enum Listed {
    /// One that this version can read.
    Access(Access),
    /// One of a later version, which is not served. Its name.
    Newer(String),
}

/// Returns a new token: 256 random bits in Base64 for URLs.
///
/// # Errors
/// `INTERNAL` if the system gives no random bytes.
pub fn token() -> Result<SecretString> {
    let random = zeroize::Zeroizing::new(seal::random::<32>()?);
    let mut text = Buffer::with_capacity(TOKEN_PREFIX.len() + 44);
    text.extend(TOKEN_PREFIX.as_bytes());
    let mut encoded = [0; 44];
    let len = base64::Engine::encode_slice(&base64::prelude::BASE64_URL_SAFE_NO_PAD, *random, &mut encoded);
    text.extend(&encoded[..len.map_err(|_| messages::not_serialized())?]);
    zeroize::Zeroize::zeroize(&mut encoded);
    text.to_secret().ok_or_else(messages::not_serialized)
}

/// Adds an access. The caller has unlocked the vault by a method, because it lets secrets be used in one more way.
///
/// # Errors
/// `EXISTS`, `NOT_FOUND` for a profile, `TOO_LARGE`, and those of writing.
pub fn add(open: &mut Open<'_>, wanted: &Wanted) -> Result<Added> {
    add_with(open, wanted, token()?)
}

/// As [`add`], with a token that [`token`] made before.
///
/// # Errors
/// As [`add`].
pub fn add_with(open: &mut Open<'_>, wanted: &Wanted, token: SecretString) -> Result<Added> {
    if wanted.providers.len() + wanted.profiles.len() > BOUND_MAX {
        return Err(messages::bound_to_too_many(BOUND_MAX));
    }
    let writer = open.writer_without_secrets("access add")?;
    let reader = writer.reader()?;
    let mut accesses = reader.book()?.ledger.accesses.clone();
    if accesses.iter().any(|there| name_of(there) == Some(wanted.name.as_str())) {
        return Err(messages::exists(&wanted.name));
    }
    if accesses.len() >= ACCESSES_MAX {
        return Err(messages::too_many(ACCESSES_MAX));
    }
    let mut profiles = Vec::new();
    for id in &wanted.profiles {
        let record = reader.record(id)?.ok_or_else(|| not_found(open.vault, &open.agent, id))?;
        profiles.push(AllowedProfile { id: record.profile, created: record.created });
    }
    let index = reader.index().unwrap_or_default();
    let held = reader.record_ids()?;
    let of = |id: &ProfileId| index.entry(id.as_str()).and_then(|entry| entry.provider());
    let has = |provider: &&Provider| {
        held.iter().any(|id| ALIASES.shared(&of(id).unwrap_or_else(|| id.provider()), provider))
    };
    let without_profile = wanted.providers.iter().filter(|provider| !has(provider)).cloned().collect();
    let access = Access {
        name: wanted.name.clone(),
        token: Access::digest(secrecy::ExposeSecret::expose_secret(&token).as_bytes()),
        providers: wanted.providers.clone(),
        profiles,
        per_minute: wanted.per_minute,
        at_once: wanted.at_once.unwrap_or(AT_ONCE),
        created: writer.now(),
        expires: wanted.expires,
    };
    accesses.push(access.to_value()?);
    let mut change = Change::default();
    change.accesses(accesses);
    change.note(Event::of_access("access-add", access.name.as_str(), Some(access.bound_to())));
    let outcome = writer.commit(change)?;
    drop(writer);
    open.committed(&outcome);
    Ok(Added { access, token, without_profile })
}

/// Returns the accesses of the agent, in the order in which they were added.
///
/// # Errors
/// `TAMPERED`, and those of reading.
pub fn list(open: &mut Open<'_>) -> Result<Vec<Listed>> {
    let (vault, agent) = (open.vault, open.agent.clone());
    reading(vault, &mut open.session, |session| {
        let Some(found) = vault.agent(&agent)? else { return Ok(Vec::new()) };
        let reader = vault.reader(found, session.keys())?;
        Ok(listed(&reader.book()?.ledger.accesses))
    })
}

fn listed(accesses: &[serde_json::Value]) -> Vec<Listed> {
    let read = |value| match Access::read(value) {
        Some(access) => Listed::Access(access),
        None => Listed::Newer(name_of(value).unwrap_or_default().to_owned()),
    };
    accesses.iter().map(read).collect()
}

/// Removes an access. Its token is refused from then on, and a proxy that runs ends its streams.
///
/// # Errors
/// `NOT_FOUND`, and those of writing.
pub fn remove(open: &mut Open<'_>, name: &AccessName) -> Result<()> {
    let writer = open.writer_without_secrets("access remove")?;
    let mut accesses = writer.reader()?.book()?.ledger.accesses.clone();
    let before = accesses.len();
    accesses.retain(|there| name_of(there) != Some(name.as_str()));
    if accesses.len() == before {
        return Err(messages::not_found(name, &open.agent));
    }
    let mut change = Change::default();
    change.accesses(accesses);
    change.note(Event::of_access("access-remove", name.as_str(), None));
    let outcome = writer.commit(change)?;
    drop(writer);
    open.committed(&outcome);
    Ok(())
}
