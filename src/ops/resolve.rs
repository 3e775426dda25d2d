//! Answers requests of clients for secrets.

use std::collections::{HashMap, HashSet};

use crate::client::alias::ALIASES;
use crate::client::config::ClientConfig;
use crate::client::config_auth;
use crate::client::state;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::messages;
use crate::secret::SecretString;
use crate::select::generation::Generation;
use crate::select::order::{Rules, select};
use crate::select::policy::SelectionPolicy;
use crate::select::profile::{ProfileView, Usable};
use crate::select::state::{AuthState, Orders};
use crate::select::verdict::Verdict;
use crate::vault::credential::CredentialType;
use crate::vault::home::{Session, Vault};
use crate::vault::id::{AgentName, Named, ProfileId, Provider, Reading, Reference, ShortId};
use crate::vault::index::Entry;
use crate::vault::other_agents::{OtherAgents, told};
use crate::vault::parallel;
use crate::vault::reader::Reader;
use crate::vault::record::Record;

/// From this many ids on, the records are decrypted on several threads.
const PARALLEL_FROM: usize = 48;

/// How to answer ids.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The agent of ids that name none.
    pub agent: AgentName,
    /// Whether ids of other agents are refused.
    pub confined: bool,
    /// Now, in Unix milliseconds.
    pub now: i64,
    /// The environment, which leads to the client's configuration and its order.
    pub env: Env,
}

impl Scope {
    /// Returns a command about a profile of the agent, to paste.
    #[must_use]
    pub fn command(&self, verb: &str, profile: &ProfileId) -> String {
        format!("strongroom{} {verb} {}", self.agent.option(), profile.word())
    }
}

/// Returns an answer for each id, in order.
pub fn resolve(
    vault: &Vault,
    session: &Session,
    ids: Vec<String>,
    scope: &Scope,
) -> Vec<(String, Result<SecretString>)> {
    let references: Vec<Result<Reference>> = ids.iter().map(|id| id.parse()).collect();
    let mut asked: HashMap<&AgentName, Asked<'_>> = HashMap::new();
    for reference in references.iter().flatten() {
        match reference {
            Reference::Profile(readings) => {
                for Reading { agent, profile } in readings {
                    let asked = asked.entry(agent.as_ref().unwrap_or(&scope.agent)).or_default();
                    match profile {
                        Named::Id(id) => asked.profiles.push(id),
                        Named::Short(short) => asked.short.push(short),
                    }
                }
            }
            Reference::BestOf(_) => asked.entry(&scope.agent).or_default().best = true,
        }
    }
    let held = |agent: &AgentName, asked: &Asked<'_>| -> Result<Option<Held<'_>>> {
        vault
            .agent(agent)?
            .map(|found| {
                let ring = session.keys().agent(agent.as_str())?;
                Ok(Held::of(found.reader(ring, vault.keychain())?, asked, &scope.env))
            })
            .transpose()
    };
    let elsewhere = OtherAgents::new(vault);
    // A resolver that is confined to an agent does not reveal others.
    let elsewhere = (!scope.confined).then_some(&elsewhere);
    let readers: HashMap<_, _> =
        asked.iter().map(|(agent, asked)| ((*agent).clone(), held(agent, asked))).collect();
    let answer = |reference: &Result<Reference>| -> Result<SecretString> {
        match reference {
            Err(error) => Err(error.clone()),
            Ok(Reference::BestOf(provider)) => match reader(&readers, &scope.agent)? {
                Some(held) => best_of(held, provider, scope, elsewhere).map(|(_, secret)| secret),
                None => Err(no_key(provider, &scope.agent, true, elsewhere)),
            },
            Ok(Reference::Profile(readings)) => named(&readers, readings, scope, elsewhere),
        }
    };
    let answers: Vec<Result<SecretString>> = if references.len() < PARALLEL_FROM {
        references.iter().map(answer).collect()
    } else {
        parallel::spread(&references, answer)
    };
    ids.into_iter().zip(answers).collect()
}

/// Returns a provider's best profile, which a request for the provider's key is answered with.
///
/// # Errors
/// `NOT_FOUND`, `EXPIRED`, and those of reading.
pub fn best(vault: &Vault, session: &Session, provider: &Provider, scope: &Scope) -> Result<ProfileId> {
    let elsewhere = OtherAgents::new(vault);
    let none = || no_key(provider, &scope.agent, true, Some(&elsewhere));
    let found = vault.agent(&scope.agent)?.ok_or_else(none)?;
    let asked = Asked { best: true, ..Asked::default() };
    let held = Held::of(vault.reader(found, session.keys())?, &asked, &scope.env);
    best_of(&held, provider, scope, Some(&elsewhere)).map(|(profile, _)| profile)
}

/// What is requested of an agent.
#[derive(Default)]
struct Asked<'r> {
    profiles: Vec<&'r ProfileId>,
    /// The short forms of long ids.
    short: Vec<&'r ShortId>,
    /// Whether the best profile of a provider is requested.
    best: bool,
}

/// An agent's records.
struct Held<'k> {
    reader: Reader<'k>,
    /// What a selection needs, if the best profile of a provider is requested.
    pool: Option<Result<Pool>>,
    /// The profiles that were requested by the short forms of their ids, or why they are not known.
    long: Result<HashMap<ShortId, ProfileId>>,
}

/// What a selection among an agent's profiles needs, read once for all ids.
#[derive(Debug)]
pub struct Pool {
    profiles: Vec<Listed>,
    orders: Orders,
    state: AuthState,
    policy: SelectionPolicy,
}

/// A profile that is in the vault.
#[derive(Debug)]
struct Listed {
    id: ProfileId,
    /// Its provider, if the index names one.
    provider: Option<Provider>,
    /// Its type, as the index has it.
    kind: Option<CredentialType>,
    /// Its expiry, as the index has it, in Unix milliseconds.
    expires: Option<i64>,
}

impl Listed {
    fn of(entry: &Entry<'_>) -> Option<Self> {
        let id = entry.id.parse().ok()?;
        Some(Self { id, provider: entry.provider(), kind: entry.kind, expires: entry.expires })
    }

    /// Returns the profile as the index has it, until its record is decrypted.
    fn view(&self) -> ProfileView {
        // A profile of unknown type is among the first to be decrypted.
        let view = ProfileView::new(self.id.clone(), self.kind.unwrap_or(CredentialType::OAuth));
        ProfileView { expires: self.expires.filter(|_| self.kind.is_some()), ..view }
    }
}

impl Pool {
    /// Reads what a selection needs. The ledger says which profiles there are. The index, if it can be read, gives
    /// their order and their providers.
    ///
    /// # Errors
    /// Those of reading the ledger.
    pub fn of(reader: &Reader<'_>, env: &Env) -> Result<Self> {
        let ids = reader.record_ids()?;
        let index = reader.index().unwrap_or_default();
        let held = |id: &ProfileId| ids.binary_search(id).is_ok();
        let entries = index.entries().filter_map(|entry| Listed::of(&entry));
        let mut profiles: Vec<Listed> = entries.filter(|listed| held(&listed.id)).collect();
        let unlisted = ids.iter().filter(|id| !index.contains(id.as_str()));
        profiles.extend(unlisted.map(|id| Listed {
            id: id.clone(),
            provider: None,
            kind: None,
            expires: None,
        }));
        // Selection works without the state, and without the client's configuration.
        let bytes = reader.agent().dir().read_if_any(state::FILE, state::MAX).ok().flatten();
        let config = ClientConfig::of(env).ok().flatten();
        Ok(Self {
            profiles,
            orders: index.orders().into_iter().collect(),
            state: state::parse(bytes.as_deref()).unwrap_or_default(),
            policy: config.map_or_else(config_auth::none, |config| config.selection),
        })
    }

    /// Returns what happened to the profiles at run time.
    #[must_use]
    pub const fn state(&self) -> &AuthState {
        &self.state
    }

    /// Returns the profiles that are in the vault, in the order of the index.
    pub fn ids(&self) -> impl Iterator<Item = &ProfileId> {
        self.profiles.iter().map(|listed| &listed.id)
    }

    /// Returns what decides among the profiles of a provider. A request through these protocols names no model, and
    /// without one the generations agree.
    #[must_use]
    pub fn rules(&self, provider: &Provider, now: i64) -> Rules<'_> {
        Rules {
            order: ALIASES.stored(&self.orders, provider),
            state: &self.state,
            policy: &self.policy,
            pin: None,
            model: None,
            generation: Generation::default(),
            now,
        }
    }
}

impl<'k> Held<'k> {
    fn of(reader: Reader<'k>, asked: &Asked<'_>, env: &Env) -> Self {
        let long = long_ids(&reader, &asked.short);
        let mut profiles = asked.profiles.clone();
        profiles.extend(long.iter().flat_map(HashMap::values));
        // A failure happens again, and is reported, for each id.
        let _ = reader.fetch(&profiles);
        let pool = asked.best.then(|| Pool::of(&reader, env));
        Self { reader, pool, long }
    }

    fn record(&self, profile: &ProfileId) -> Result<Option<Record>> {
        self.reader.record(profile)
    }

    fn named(&self, profile: &Named) -> Result<Option<Record>> {
        match profile {
            Named::Id(id) => self.record(id),
            Named::Short(short) => {
                let long = self.long.as_ref().map_err(Clone::clone)?;
                long.get(short).map_or(Ok(None), |id| self.record(id))
            }
        }
    }
}

/// Returns the ids that these are the short forms of. Searches the ledger once, however many there are.
fn long_ids(reader: &Reader<'_>, wanted: &[&ShortId]) -> Result<HashMap<ShortId, ProfileId>> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted: HashSet<_> = wanted.iter().copied().collect();
    let long = reader.record_ids()?.into_iter().filter(ShortId::may_be_of);
    Ok(long.map(|id| (ShortId::of(&id), id)).filter(|(short, _)| wanted.contains(short)).collect())
}

fn reader<'r, 'k>(
    readers: &'r HashMap<AgentName, Result<Option<Held<'k>>>>,
    agent: &AgentName,
) -> Result<Option<&'r Held<'k>>> {
    match readers.get(agent) {
        Some(Ok(held)) => Ok(held.as_ref()),
        Some(Err(error)) => Err(error.clone()),
        None => Ok(None),
    }
}

/// Returns the error for a profile that an agent does not have by any reading of the requested id.
fn no_credentials(
    agent: &AgentName,
    first: &Named,
    readings: &[&Reading],
    elsewhere: Option<&OtherAgents<'_>>,
) -> Error {
    let ids = readings.iter().filter_map(|reading| match &reading.profile {
        Named::Id(id) => Some(id.clone()),
        Named::Short(_) => None,
    });
    let ids: Vec<_> = ids.collect();
    let has = elsewhere.and_then(|elsewhere| told(&elsewhere.of_profiles(agent, &ids)));
    messages::ops::no_credentials_for(&first.shown(), agent, has.as_deref())
}

/// Returns the secret of a named profile, even if it has expired: OpenClaw checks the expiry itself, and an error for
/// one id would keep its gateway from starting.
fn named(
    readers: &HashMap<AgentName, Result<Option<Held<'_>>>>,
    readings: &[Reading],
    scope: &Scope,
    elsewhere: Option<&OtherAgents<'_>>,
) -> Result<SecretString> {
    let agent_of = |reading: &'_ Reading| reading.agent.clone().unwrap_or_else(|| scope.agent.clone());
    let allowed: Vec<_> =
        readings.iter().filter(|reading| !scope.confined || agent_of(reading) == scope.agent).collect();
    let Some(first) = allowed.first() else {
        return Err(messages::ops::confined(&scope.agent));
    };
    for reading in &allowed {
        if let Some(held) = reader(readers, &agent_of(reading))?
            && let Some(record) = held.named(&reading.profile)?
        {
            return Ok(record.credential.secret);
        }
    }
    Err(no_credentials(&agent_of(first), &first.profile, &allowed, elsewhere))
}

/// Returns the error for a provider without a usable credential. Agents do not share profiles.
fn no_key(provider: &Provider, agent: &AgentName, none: bool, elsewhere: Option<&OtherAgents<'_>>) -> Error {
    let has =
        elsewhere.and_then(|elsewhere| told(&elsewhere.of_providers(agent, std::slice::from_ref(provider))));
    messages::ops::no_api_key(provider, agent, none, has.as_deref())
}

/// Returns a provider's best profile by order, expiry and cooldown, with its secret.
///
/// Type, provider and expiry are taken from the records. If there are few, all are decrypted. If there are many, those
/// that come first by the index are decrypted, until one of the decrypted ones is the best.
fn best_of(
    held: &Held<'_>,
    provider: &Provider,
    scope: &Scope,
    elsewhere: Option<&OtherAgents<'_>>,
) -> Result<(ProfileId, SecretString)> {
    let Some(pool) = &held.pool else { return Err(messages::ops::index_not_read()) };
    let pool = pool.as_ref().map_err(Clone::clone)?;
    let serves = |of: &Provider| ALIASES.shared(of, provider);
    let listed = pool.profiles.iter();
    let mut views: Vec<ProfileView> = listed
        .filter(|one| serves(&one.id.provider()) || one.provider.as_ref().is_some_and(serves))
        .map(|one| ProfileView { provider: provider.clone(), ..one.view() })
        .collect();
    let rules = pool.rules(provider, scope.now);
    let mut opened = Opened { records: HashMap::new(), failure: None };
    let mut batch = FIRST_BATCH;
    loop {
        let own: Vec<_> = views.iter().collect();
        let selected = select(provider, &own, &rules);
        if let Some(best) = selected.next().and_then(|choice| opened.records.remove_entry(choice.id)) {
            return Ok(best);
        }
        let unopened = selected.choices.iter().filter_map(|choice| choice.view);
        let unopened = unopened.filter(|view| view.usable == Usable::Unverified).take(batch);
        let wanted: HashSet<ProfileId> = unopened.map(|view| view.id.clone()).collect();
        if wanted.is_empty() {
            if let Some(error) = opened.failure {
                return Err(error);
            }
            let expired = views.iter().any(|view| view.expired(scope.now));
            let excluded =
                selected.choices.iter().all(|choice| matches!(choice.verdict, Verdict::Excluded(_)));
            if expired && excluded {
                return Err(messages::ops::all_expired(provider));
            }
            let none = selected.choices.is_empty();
            return Err(no_key(provider, &scope.agent, none, elsewhere));
        }
        views.retain_mut(|view| !wanted.contains(&view.id) || opened.open(held, view, serves));
        batch *= 2;
    }
}

/// How many records are decrypted at first. Each further batch is twice as large, so that only a few selections are
/// made, however wrong the index is.
const FIRST_BATCH: usize = 256;

/// The records of a provider that were decrypted.
struct Opened {
    records: HashMap<ProfileId, SecretString>,
    /// Why the last one that failed could not be decrypted.
    failure: Option<Error>,
}

impl Opened {
    /// Decrypts a profile's record and takes type, provider and expiry from it. Returns whether the record exists and
    /// is for the provider.
    fn open(&mut self, held: &Held<'_>, view: &mut ProfileView, serves: impl Fn(&Provider) -> bool) -> bool {
        match held.record(&view.id) {
            Ok(Some(record)) if serves(&record.credential.provider) => {
                view.kind = record.credential.kind;
                view.provider = record.credential.provider;
                view.expires = record.credential.expires;
                view.usable = Usable::Verified;
                self.records.insert(view.id.clone(), record.credential.secret);
                true
            }
            Ok(_) => false,
            Err(error) => {
                self.failure = Some(error);
                false
            }
        }
    }
}
