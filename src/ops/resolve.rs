//! Answers the ids of a request.

use std::collections::{HashMap, HashSet};

use crate::client::alias::ALIASES;
use crate::client::config::ClientConfig;
use crate::client::config_auth;
use crate::client::state;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::messages;
use crate::secret::SecretString;
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

/// From this many ids on, the records are opened on several threads.
const PARALLEL_FROM: usize = 48;

/// How ids are answered.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The agent of ids that name none.
    pub agent: AgentName,
    /// Whether ids of other agents are refused.
    pub confined: bool,
    /// Now, in Unix milliseconds.
    pub now: i64,
    /// The surroundings, in which the client's configuration can have an order.
    pub env: Env,
}

/// An answer to each id, in order.
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
    // Whoever is confined to an agent is told of no other.
    let elsewhere = (!scope.confined).then_some(&elsewhere);
    let readers: HashMap<_, _> =
        asked.iter().map(|(agent, asked)| ((*agent).clone(), held(agent, asked))).collect();
    let answer = |reference: &Result<Reference>| -> Result<SecretString> {
        match reference {
            Err(error) => Err(error.clone()),
            Ok(Reference::BestOf(provider)) => match reader(&readers, &scope.agent)? {
                Some(held) => best_of(held, provider, scope, elsewhere),
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

/// What is asked of an agent.
#[derive(Default)]
struct Asked<'r> {
    profiles: Vec<&'r ProfileId>,
    /// Long ids, by their short forms.
    short: Vec<&'r ShortId>,
    /// Whether a provider's best profile is.
    best: bool,
}

/// An agent's records.
struct Held<'k> {
    reader: Reader<'k>,
    /// What a choice goes by, where a provider's best profile is asked for.
    pool: Option<Result<Pool>>,
    /// The profiles that were asked for by the short forms of their ids, or why they are not known.
    long: Result<HashMap<ShortId, ProfileId>>,
}

/// What a choice among an agent's profiles goes by, read once for all ids.
struct Pool {
    profiles: Vec<Listed>,
    orders: Orders,
    state: AuthState,
    policy: SelectionPolicy,
}

/// A profile that is in the vault.
struct Listed {
    id: ProfileId,
    /// Its provider, if the index names one.
    provider: Option<Provider>,
    /// Its type and its expiry, as the index has them.
    kind: Option<CredentialType>,
    expires: Option<i64>,
}

impl Listed {
    fn of(entry: &Entry<'_>) -> Option<Self> {
        let id = entry.id.parse().ok()?;
        Some(Self { id, provider: entry.provider(), kind: entry.kind, expires: entry.expires })
    }

    /// The profile as the index has it, until its record is opened.
    fn view(&self) -> ProfileView {
        // What the index does not tell is sought among the first.
        let view = ProfileView::new(self.id.clone(), self.kind.unwrap_or(CredentialType::OAuth));
        ProfileView { expires: self.expires.filter(|_| self.kind.is_some()), ..view }
    }
}

impl Pool {
    /// The ledger says which profiles there are. The index, where it can be read, says in which order they
    /// stand, and whose they are.
    fn of(reader: &Reader<'_>, env: &Env) -> Result<Self> {
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
        // Selection goes on without the state, and without the client's configuration.
        let bytes = reader.agent().dir().read_if_any(state::FILE, state::MAX).ok().flatten();
        let config = ClientConfig::of(env).ok().flatten();
        Ok(Self {
            profiles,
            orders: index.orders().into_iter().collect(),
            state: state::parse(bytes.as_deref()).unwrap_or_default(),
            policy: config.map_or_else(config_auth::none, |config| config.selection),
        })
    }
}

impl<'k> Held<'k> {
    fn of(reader: Reader<'k>, asked: &Asked<'_>, env: &Env) -> Self {
        let long = long_ids(&reader, &asked.short);
        let mut profiles = asked.profiles.clone();
        profiles.extend(long.iter().flat_map(HashMap::values));
        // What fails of it fails again, and is told, for each id.
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

/// The ids of which these are the short forms. The ledger is looked through once, whatever their number.
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

/// The message for a profile that an agent does not have, by any of its readings.
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

/// The secret of a profile that is named. An expired one is given too: OpenClaw judges expiry by
/// itself, and an error for one id would keep its gateway from starting.
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

/// The message for a provider without a credential. Authentication is per agent.
fn no_key(provider: &Provider, agent: &AgentName, none: bool, elsewhere: Option<&OtherAgents<'_>>) -> Error {
    let has =
        elsewhere.and_then(|elsewhere| told(&elsewhere.of_providers(agent, std::slice::from_ref(provider))));
    messages::ops::no_api_key(provider, agent, none, has.as_deref())
}

/// The secret of a provider's best profile: by order, expiry and cooldown. The records govern what
/// they are and when they end. All are opened if there are few; of many, those that come first as
/// the index has them, until one of those that were opened is the best.
fn best_of(
    held: &Held<'_>,
    provider: &Provider,
    scope: &Scope,
    elsewhere: Option<&OtherAgents<'_>>,
) -> Result<SecretString> {
    let Some(pool) = &held.pool else { return Err(messages::ops::index_not_read()) };
    let pool = pool.as_ref().map_err(Clone::clone)?;
    let serves = |of: &Provider| ALIASES.shared(of, provider);
    let listed = pool.profiles.iter();
    let mut views: Vec<ProfileView> = listed
        .filter(|one| serves(&one.id.provider()) || one.provider.as_ref().is_some_and(serves))
        .map(|one| ProfileView { provider: provider.clone(), ..one.view() })
        .collect();
    let rules = Rules {
        order: ALIASES.stored(&pool.orders, provider),
        state: &pool.state,
        policy: &pool.policy,
        pin: None,
        // The protocol names none.
        model: None,
        now: scope.now,
    };
    let mut opened = Opened { records: HashMap::new(), failure: None };
    let mut batch = FIRST_BATCH;
    loop {
        let own: Vec<_> = views.iter().collect();
        let selected = select(provider, &own, &rules);
        if let Some(secret) = selected.next().and_then(|choice| opened.records.remove(choice.id)) {
            return Ok(secret);
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

/// How many records are opened at first. Beyond, twice as many each time: so that they are looked
/// through no more than some times, however wrong the index is.
const FIRST_BATCH: usize = 256;

/// The records of a provider that were opened.
struct Opened {
    records: HashMap<ProfileId, SecretString>,
    /// Why one did not open.
    failure: Option<Error>,
}

impl Opened {
    /// Opens a profile's record, and lets it say what the profile is. Says whether there is one, and it
    /// is of the provider.
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
