//! Stores a credential, or the new secret of a profile.

use super::cooldowns;
use super::destinations;
use super::notice::Notice;
use super::open::Open;
use crate::error::{Code, Result};
use crate::looks::SETUP_TOKEN;
use crate::messages;
use crate::secret::{ExposeSecret, SecretString};
use crate::secret_format;
use crate::time::DAY;
use crate::vault::credential::{Credential, CredentialType};
use crate::vault::details::provider_hosts;
use crate::vault::generation::next_record;
use crate::vault::id::{ProfileId, Provider};
use crate::vault::record::Record;
use crate::vault::store::Store;
use crate::vault::transaction::change::{Change, Outcome};

use super::forget;
use super::ids::not_found;
use super::profiles::Before;

/// When a credential expires.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum End {
    /// The user did not say.
    #[default]
    Unsaid,
    /// Never.
    Never,
    /// At this instant, in Unix milliseconds.
    At(i64),
    /// The user did not say; credentials of this kind last until this instant, in Unix milliseconds.
    Usual(i64),
}

/// How long a setup-token is valid, as `claude setup-token` says: a year, in milliseconds.
const SETUP_TOKEN_LIFETIME: i64 = 365 * DAY;

impl End {
    /// Returns the instant, if there is one.
    #[must_use]
    pub fn instant(self) -> Option<i64> {
        match self {
            Self::At(at) | Self::Usual(at) => Some(at),
            Self::Never | Self::Unsaid => None,
        }
    }

    /// Returns this value, or the expiry of a setup-token that is made now if the user did not say.
    #[must_use]
    pub fn or_of_setup_token(self, now: i64) -> Self {
        match self {
            Self::Unsaid => Self::Usual(now.saturating_add(SETUP_TOKEN_LIFETIME)),
            said => said,
        }
    }

    fn past(self, now: i64) -> Option<Notice> {
        self.instant().filter(|at| *at <= now).map(Notice::EndsBefore)
    }
}

/// A credential that is to be stored, without its secret.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The provider.
    pub provider: Provider,
    /// The profile's id.
    pub profile: ProfileId,
    /// Whether the user named the id; otherwise it is a default.
    pub named: bool,
    /// Token or API key.
    pub kind: CredentialType,
    /// When it expires.
    pub end: End,
    /// The store, if the user named one.
    pub store: Option<Store>,
    /// The command that stores it.
    pub command: &'static str,
    /// Hosts to which the secret may be sent, in addition to those that the profile has.
    pub hosts: Vec<String>,
    /// The name of the account, if the user named one.
    pub username: Option<String>,
}

/// What was stored.
#[derive(Debug)]
pub struct Saved {
    /// The record.
    pub record: Record,
    /// Whether it replaced one that could be decrypted.
    pub replaced: bool,
    /// Whether the expiry is the usual one because the user did not say.
    pub expiry_assumed: bool,
    /// What the user should know about it.
    pub notices: Vec<Notice>,
}

/// What an agent has under an id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Held {
    /// Nothing.
    Nothing,
    /// A credential of this type.
    Credential(CredentialType),
    /// An entry that does not say its type.
    Unknown,
}

/// Returns what the agent has under an id.
///
/// # Errors
/// Those of reading the index and the keys.
pub fn held(open: &Open<'_>, profile: &ProfileId) -> Result<Held> {
    let Some(reader) = open.reader()? else { return Ok(Held::Nothing) };
    // The record counts. Without a readable one, the entry tells what another program keeps there.
    if let Ok(Some(record)) = reader.record(profile) {
        return Ok(Held::Credential(record.credential.kind));
    }
    Ok(match reader.index()?.entry(profile.as_str()) {
        Some(entry) => entry.kind.map_or(Held::Unknown, Held::Credential),
        None => Held::Nothing,
    })
}

/// Returns the store that a profile's new record goes to: the named one, else the one it is in, else the vault's
/// default. If that is the keychain, this makes sure that it works before any lock is taken.
///
/// # Errors
/// Those of the keychain, and of reading the agent.
pub fn place_of(open: &Open<'_>, profile: &ProfileId, named: Option<Store>) -> Result<Store> {
    let rests = match named {
        None => open.reader()?.and_then(|reader| reader.store_of(profile)),
        Some(_) => None,
    };
    let store = match named.or(rests) {
        Some(store) => store,
        None => open.vault.default_store(&open.session),
    };
    if store == Store::Keychain {
        open.vault.keychain().ready()?;
    }
    Ok(store)
}

/// Stores a credential and replaces what is under its id.
///
/// # Errors
/// Those of writing.
pub fn store(open: &mut Open<'_>, wish: Wish, place: Store, secret: SecretString) -> Result<Saved> {
    let Wish { provider, profile, kind, mut end, hosts, username, .. } = wish;
    if kind == CredentialType::Token && secret.expose_secret().starts_with(SETUP_TOKEN) {
        end = end.or_of_setup_token(open.now());
    }
    let mut notices = advice(&provider, kind, &secret);
    let mut credential = Credential::new(kind, provider, secret);
    credential.expires = end.instant();
    notices.extend(end.past(open.now()));

    let writer = open.writer(wish.command)?;
    let reader = writer.reader()?;
    // A record that cannot be decrypted is no error: pasting again is the remedy for it.
    let found = reader.found(&profile).unwrap_or_else(|error| {
        if error.code().is_of_keychain() && error.code() != Code::KeychainLost {
            notices.push(Notice::NotKept { profile: profile.clone(), error });
        }
        None
    });
    let generations = writer.generations()?;
    let mut record = next_record(&profile, credential, found.as_ref(), &generations, writer.now())?;
    let current = found.as_ref().map(|found| found.record.clone());
    let was = record.details.clone();
    if !hosts.is_empty() {
        destinations::add_hosts(&mut record.details, &hosts);
        destinations::check(&record.details)?;
    }
    record.details.username = username.or(record.details.username);
    let mut change = Change::default();
    change.put_given("paste", record.clone(), place, found);
    for event in destinations::events("paste", &profile, &was, &record.details) {
        change.note(event);
    }
    let cleared = cooldowns::of_stored(&mut change, &writer, current.as_ref(), &record);
    let outcome = writer.commit(change)?;
    notices.extend(cleared);
    drop(writer);
    open.committed(&outcome);
    if outcome.plaintext.contains(&profile) {
        notices.push(Notice::PlaintextReplaced(profile.clone()));
    }
    notices.extend(sealed_besides(&outcome));
    if record.details.hosts.is_none() && provider_hosts::differ(record.credential.provider.as_str()) {
        notices.push(Notice::HostsUnknown(profile.clone()));
    }
    if let Some(was) = current.as_ref().map(|record| &record.credential) {
        if was.kind != kind {
            notices.push(Notice::TypeReplaced { profile, was: was.kind });
        } else if let (Some(was), End::Unsaid) = (was.expires, end) {
            notices.push(Notice::ExpiryDropped { profile, was });
        }
    }
    let expiry_assumed = matches!(end, End::Usual(_));
    Ok(Saved { record, replaced: current.is_some(), expiry_assumed, notices })
}

/// Returns the record of a profile that gets a new secret.
///
/// # Errors
/// `NOT_FOUND`, and those of reading it.
pub fn record_of(open: &Open<'_>, profile: &ProfileId) -> Result<Record> {
    let found = open.reader()?.map_or(Ok(None), |reader| reader.record(profile))?;
    found.ok_or_else(|| not_found(open.vault, &open.agent, profile))
}

/// How a profile gets a new secret.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// When the new secret expires.
    pub end: End,
    /// The store that the record goes to.
    pub place: Store,
    /// What becomes of the old secret.
    pub before: Before,
}

/// Gives a profile a new secret. `before` is its record as it was before the secret was read.
///
/// # Errors
/// `CHANGED` if the profile was changed meanwhile, and those of writing.
pub fn rotate(open: &mut Open<'_>, before: &Record, how: Rotation, secret: SecretString) -> Result<Saved> {
    let Rotation { end, place, .. } = how;
    let profile = &before.profile;
    let mut notices = advice(&before.credential.provider, before.credential.kind, &secret);
    let writer = open.writer("rotate")?;
    let found = writer.reader()?.found(profile)?;
    let found = found.ok_or_else(|| not_found(open.vault, &open.agent, profile))?;
    let current = &found.record;
    if current.generation != before.generation {
        return Err(messages::ops::changed_meanwhile(profile));
    }
    let mut credential = current.credential.clone();
    credential.secret = secret;
    notices.extend(end.past(writer.now()));
    if end != End::Unsaid {
        credential.expires = end.instant();
    } else if let Some(past) = credential.expires.filter(|at| *at <= writer.now()) {
        // With the old expiry, which has passed, the new token would not be used.
        let lifetime = past.saturating_sub(current.rotated_at()).max(0);
        credential.expires = (lifetime > 0).then(|| writer.now().saturating_add(lifetime));
        notices.push(Notice::ExpiryRenewed(credential.expires));
    }
    let generations = writer.generations()?;
    let mut record = next_record(profile, credential, Some(&found), &generations, writer.now())?;
    if current.credential.same_secret_as(&record.credential) {
        notices.push(Notice::SameSecret(profile.clone()));
    }
    let mut change = Change::default();
    let cleared = cooldowns::of_stored(&mut change, &writer, Some(current), &record);
    if how.before == Before::Revoked {
        record.details.revoked = Some(true);
        forget::all_before(&mut change, &writer, profile, record.generation)?;
        change.put_given("rotate", record.clone(), place, None);
    } else {
        change.put_given("rotate", record.clone(), place, Some(found));
    }
    let outcome = writer.commit(change)?;
    notices.extend(cleared);
    notices.extend(sealed_besides(&outcome));
    drop(writer);
    open.committed(&outcome);
    Ok(Saved { record, replaced: true, expiry_assumed: false, notices })
}

fn advice(provider: &Provider, kind: CredentialType, secret: &SecretString) -> Vec<Notice> {
    secret_format::advise(provider, kind, secret.expose_secret()).into_iter().map(Notice::Advice).collect()
}

/// Returns notices of fields of other programs that were encrypted with a record.
pub fn sealed_besides(outcome: &Outcome) -> impl Iterator<Item = Notice> {
    outcome
        .sealed
        .iter()
        .map(|(profile, fields)| Notice::SealedBesides { profile: profile.clone(), fields: fields.clone() })
}
