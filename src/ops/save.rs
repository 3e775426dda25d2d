//! Stores a credential, or a profile's new secret.

use super::cooldowns;
use super::notice::Notice;
use super::open::Open;
use crate::error::Result;
use crate::messages;
use crate::secret::{ExposeSecret, SecretString};
use crate::secret_format;
use crate::vault::credential::{Credential, CredentialType};
use crate::vault::generation::next_record;
use crate::vault::id::{ProfileId, Provider};
use crate::vault::record::Record;
use crate::vault::store::Store;
use crate::vault::transaction::change::{Change, Outcome};

use super::ids::not_found;

/// When a credential ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum End {
    /// Nothing was said.
    #[default]
    Unsaid,
    /// It does not.
    Never,
    /// At this instant, in Unix milliseconds.
    At(i64),
}

impl End {
    /// The instant, if it ends at one.
    #[must_use]
    pub fn instant(self) -> Option<i64> {
        match self {
            Self::At(at) => Some(at),
            Self::Never | Self::Unsaid => None,
        }
    }

    /// The same; what a function gives if nothing was said.
    ///
    /// # Errors
    /// Those of the function.
    pub fn or_else(self, other: impl FnOnce() -> Result<Self>) -> Result<Self> {
        if self == Self::Unsaid { other() } else { Ok(self) }
    }

    fn past(self, now: i64) -> Option<Notice> {
        self.instant().filter(|at| *at <= now).map(Notice::EndsBefore)
    }
}

/// A credential that is to be stored, but for its secret.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Whom it is for.
    pub provider: Provider,
    /// Under which id.
    pub profile: ProfileId,
    /// Whether someone named that id, and it is not a default.
    pub named: bool,
    /// Token or API key.
    pub kind: CredentialType,
    /// When it ends.
    pub end: End,
    /// Where its record is to rest, if that was said.
    pub store: Option<Store>,
    /// The command that stores it.
    pub command: &'static str,
}

/// What was stored.
#[derive(Debug)]
pub struct Saved {
    /// The record.
    pub record: Record,
    /// Whether it took the place of one that opened.
    pub replaced: bool,
    /// What a person should know of it.
    pub notices: Vec<Notice>,
}

/// What is under an id.
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
    // The record governs; without one that opens, the entry tells what another program keeps there.
    if let Ok(Some(record)) = reader.record(profile) {
        return Ok(Held::Credential(record.credential.kind));
    }
    Ok(match reader.index()?.entry(profile.as_str()) {
        Some(entry) => entry.kind.map_or(Held::Unknown, Held::Credential),
        None => Held::Nothing,
    })
}

/// The store to which a profile's new record goes: the one that is named, else the one it rests in,
/// else the vault's. If that is the keychain, it is made sure of before any lock is taken.
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

/// Stores a credential, and replaces what is under its id.
///
/// # Errors
/// Those of writing.
pub fn store(open: &mut Open<'_>, wish: Wish, place: Store, secret: SecretString) -> Result<Saved> {
    let Wish { provider, profile, kind, end, .. } = wish;
    let mut notices = advice(&provider, kind, &secret);
    let mut credential = Credential::new(kind, provider, secret);
    credential.expires = end.instant();
    notices.extend(end.past(open.now()));

    let writer = open.writer(wish.command)?;
    let reader = writer.reader()?;
    // A record that does not open is what a paste is there to repair.
    let found = reader.found(&profile).unwrap_or(None);
    let generations = writer.generations()?;
    let record = next_record(&profile, credential, found.as_ref(), &generations, writer.now())?;
    let current = found.map(|found| found.record);
    let mut change = Change::default();
    change.put_given("paste", record.clone(), place);
    let cleared = cooldowns::of_stored(&mut change, &writer, current.as_ref(), &record);
    let outcome = writer.commit(change)?;
    notices.extend(cleared);
    drop(writer);
    open.committed(&outcome);
    if outcome.plaintext.contains(&profile) {
        notices.push(Notice::PlaintextReplaced(profile.clone()));
    }
    notices.extend(sealed_besides(&outcome));
    if let Some(was) = current.as_ref().map(|record| &record.credential) {
        if was.kind != kind {
            notices.push(Notice::TypeReplaced { profile, was: was.kind });
        } else if let (Some(was), End::Unsaid) = (was.expires, end) {
            notices.push(Notice::ExpiryDropped { profile, was });
        }
    }
    Ok(Saved { record, replaced: current.is_some(), notices })
}

/// Returns the record of a profile that is to get a new secret.
///
/// # Errors
/// `NOT_FOUND`, and those of reading it.
pub fn record_of(open: &Open<'_>, profile: &ProfileId) -> Result<Record> {
    let found = open.reader()?.map_or(Ok(None), |reader| reader.record(profile))?;
    found.ok_or_else(|| not_found(open.vault, &open.agent, profile))
}

/// Gives a profile a new secret; `before` is its record as it was before the secret was read.
///
/// # Errors
/// `CHANGED` if it was changed in between, and those of writing.
pub fn rotate(
    open: &mut Open<'_>,
    before: &Record,
    end: End,
    place: Store,
    secret: SecretString,
) -> Result<Saved> {
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
        // A new token under the old, past expiry would not be handed out.
        let lifetime = past.saturating_sub(current.updated).max(0);
        credential.expires = (lifetime > 0).then(|| writer.now().saturating_add(lifetime));
        notices.push(Notice::ExpiryRenewed(credential.expires));
    }
    let generations = writer.generations()?;
    let record = next_record(profile, credential, Some(&found), &generations, writer.now())?;
    if current.credential.same_secret_as(&record.credential) {
        notices.push(Notice::SameSecret(profile.clone()));
    }
    let mut change = Change::default();
    change.put_given("rotate", record.clone(), place);
    let cleared = cooldowns::of_stored(&mut change, &writer, Some(current), &record);
    let outcome = writer.commit(change)?;
    notices.extend(cleared);
    notices.extend(sealed_besides(&outcome));
    drop(writer);
    open.committed(&outcome);
    Ok(Saved { record, replaced: true, notices })
}

fn advice(provider: &Provider, kind: CredentialType, secret: &SecretString) -> Vec<Notice> {
    secret_format::advise(provider, kind, secret.expose_secret()).into_iter().map(Notice::Advice).collect()
}

/// Returns what a person should know of fields of other programs that were sealed with a record.
pub fn sealed_besides(outcome: &Outcome) -> impl Iterator<Item = Notice> {
    outcome
        .sealed
        .iter()
        .map(|(profile, fields)| Notice::SealedBesides { profile: profile.clone(), fields: fields.clone() })
}
