//! Which credentials are usable and which is next, as far as that is known without asking anyone.

pub mod client;
mod lacking;
mod profiles;
mod warning;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use strongroom_backends::shown;

use self::client::OfClient;
use super::ambient::Ambient;
use super::list::Listing;
use super::{backoff, client_config, state};
use crate::client::alias::ALIASES;
use crate::client::config_auth;
use crate::client::sources::Found;
use crate::client::stores::Installation;
use crate::error::Result;
use crate::select::assemble::{Input, Overview};
use crate::select::generation::Chosen;
use crate::select::health::WARN_AFTER_MS;
use crate::select::pin::{Model, SessionName};
use crate::select::policy::SelectionPolicy;
use crate::select::profile::ProfileView;
use crate::select::report::{Lacking, Only, Unusable};
use crate::select::state::{AuthState, Orders};
use crate::unlock::{cache, keychain_key};
use crate::vault::home::{Session, Vault};
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::index;
use crate::vault::serving::{Running, running};

pub use warning::Warning;

/// What `status` is asked about.
// Each `bool` is a flag of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug)]
pub struct Asked {
    /// Only this provider.
    pub provider: Option<Provider>,
    /// Only this profile.
    pub profile: Option<ProfileId>,
    /// The model to select a profile for.
    pub model: Option<Model>,
    /// The session whose pin counts.
    pub session: Option<SessionName>,
    /// Whether the selection is explained, which also tells how failures count.
    pub explain: bool,
    /// Whether to decrypt the records, if that asks no one.
    pub check: bool,
    /// Whether to look into the login shell, if the client's configuration enables that.
    pub in_shell: bool,
    /// How long before its expiry a credential counts as expiring, in milliseconds.
    pub warn_after_ms: i64,
    /// Whether every agent of the vault is looked at. What another agent has is then not missing.
    pub all_agents: bool,
}

/// What is looked at once, even if there are several agents.
#[allow(missing_debug_implementations, reason = "what was found outside the vault holds secrets")]
pub struct Surroundings {
    /// The keys outside the vault.
    pub found: Found,
    /// The client's files.
    installation: Installation,
    /// How long its stores were read.
    spent: Cell<Duration>,
    /// Warnings about the client's configuration.
    warnings: Vec<Warning>,
    /// The vault, unlocked if the records are decrypted.
    session: Option<Result<Session>>,
}

/// What `status` found of an agent.
#[allow(missing_debug_implementations, reason = "what was found outside the vault holds secrets")]
pub struct Looked<'s> {
    /// Warnings for the report.
    pub warnings: Vec<Warning>,
    /// The keys outside the vault.
    pub found: &'s Found,
    /// The profiles that the request is about.
    pub profiles: Vec<ProfileView>,
    /// What the client has in its own stores.
    pub client: Option<OfClient>,
    /// Whether profiles are missing from the index, as far as that is known.
    pub has_lost: bool,
    /// The agent.
    pub agent: AgentName,
    home: String,
    store_path: String,
    orders: Orders,
    state: AuthState,
    policy: SelectionPolicy,
    rules: Chosen,
    lacking: Vec<Lacking>,
    only: Only,
    elsewhere: Vec<AgentName>,
    now: i64,
    unlocked_until: Option<i64>,
    serving: Option<Running>,
    of_client: Vec<Unusable>,
    beside: bool,
    has_vault: bool,
}

/// What was found of an agent.
#[derive(Default)]
struct Seen {
    profiles: Vec<ProfileView>,
    orders: Orders,
    state: AuthState,
    /// The providers that have a profile, even if the request is not about them.
    served: BTreeSet<Provider>,
    has_lost: bool,
}

impl Default for Asked {
    /// Asks about everything, as far as it is known without decrypting a record.
    fn default() -> Self {
        Self {
            provider: None,
            profile: None,
            model: None,
            session: None,
            explain: false,
            check: false,
            in_shell: false,
            warn_after_ms: WARN_AFTER_MS,
            all_agents: false,
        }
    }
}

impl Asked {
    fn only(&self) -> Only {
        match (&self.profile, &self.provider) {
            (Some(profile), _) => Only::Profile(profile.clone()),
            (None, Some(provider)) => Only::Provider(provider.clone()),
            (None, None) => Only::All,
        }
    }

    fn is_about(&self, view: &ProfileView) -> bool {
        self.provider.as_ref().is_none_or(|wanted| ALIASES.shared(&view.provider, wanted))
            && self.profile.as_ref().is_none_or(|wanted| view.id == *wanted)
    }
}

impl Surroundings {
    /// Looks at the client's configuration and at keys outside the vault, and unlocks the vault if the records are to be
    /// decrypted and that asks no one.
    #[must_use]
    pub fn look(vault: Option<&Vault>, asked: &Asked, ambient: &Ambient) -> Self {
        let env = &ambient.env;
        let (config, unread) = client_config::read(env);
        let mut found = Found::look_with(env, std::env::current_dir().ok().as_deref(), config);
        if asked.in_shell {
            found.look_in_shell(env);
        }
        let session = vault.filter(|_| asked.check).map(|vault| ambient.session(vault));
        let installation = Installation::of(env, found.config.as_ref());
        Self {
            found,
            installation,
            spent: Cell::default(),
            warnings: unread.map(Warning::Client).into_iter().collect(),
            session,
        }
    }

    /// Returns keys for an agent. If the vault was unlocked for another agent alone, or not at all, the agent's own keys
    /// may be cached.
    fn session_for(&self, vault: &Vault, agent: &AgentName, ambient: &Ambient) -> Option<Result<For<'_>>> {
        let is_cached = || cached_until(vault, ambient, ambient.env.now()).is_some();
        Some(match self.session.as_ref()? {
            Ok(session) if session.keys().agent(agent.as_str()).is_ok() => Ok(For::Any(session)),
            Err(error) if !is_cached() => Err(error.clone()),
            _ => ambient.session(vault).map(|session| For::Agent(Box::new(session))),
        })
    }
}

/// An unlocked vault: all of its agents, or one.
enum For<'s> {
    Any(&'s Session),
    Agent(Box<Session>),
}

impl For<'_> {
    fn session(&self) -> &Session {
        match self {
            Self::Any(session) => session,
            Self::Agent(session) => session,
        }
    }
}

/// Looks at an agent of the vault in `home`, if there is one.
///
/// # Errors
/// Those of reading the home and the index.
pub fn look<'s>(
    around: &'s Surroundings,
    vault: Option<&Vault>,
    home: &Path,
    agent: &AgentName,
    asked: &Asked,
    ambient: &Ambient,
) -> Result<Looked<'s>> {
    let (env, found) = (&ambient.env, &around.found);
    let ambient = &ambient.of_agent(agent);
    let mut warnings = Vec::new();
    if let Some(vault) = vault {
        warnings.extend(of_home(vault, agent)?);
    }
    warnings.extend(around.warnings.iter().cloned());
    let mut seen = match vault {
        Some(vault) => {
            let session = around.session_for(vault, agent, ambient);
            let session = session
                .and_then(|session| session.map_err(|error| warnings.push(Warning::Locked(error))).ok());
            Seen::of((vault, agent), session.as_ref().map(For::session), asked, ambient, &mut warnings)?
        }
        None => Seen::default(),
    };
    let only = asked.only();
    let now = env.now();
    let client = client::Read::of(around, vault, agent, asked, now, &mut warnings);
    seen.served.extend(client.referred);
    let lacking = lacking::lacking(vault, agent, around, &client.own, &seen.served, asked);
    if !lacking.is_empty() && !asked.in_shell && found.shell(env).is_some() {
        warnings.push(Warning::ShellUnread);
    }
    // Without a model the generations agree, and only an explanation names one.
    let rules = if asked.explain { backoff::rules(env, None)? } else { Chosen::default() };
    Ok(Looked {
        rules,
        agent: agent.clone(),
        home: shown(home),
        store_path: shown(&home.join("agents").join(agent.as_str()).join(index::FILE)),
        policy: found.config.as_ref().map_or_else(config_auth::none, |config| config.selection.clone()),
        elsewhere: lacking::elsewhere(vault, agent, seen.profiles.is_empty(), &lacking, &only),
        unlocked_until: vault.and_then(|vault| cached_until(vault, ambient, now)),
        serving: vault.and_then(|vault| running(&vault.agent(agent).ok()??).ok()?),
        has_vault: vault.is_some(),
        has_lost: seen.has_lost,
        beside: lacking::is_served(found, &client.own, client.has_own, &seen.served, &only),
        client: client.shown,
        of_client: client.unusable,
        profiles: seen.profiles,
        orders: seen.orders,
        state: seen.state,
        warnings,
        found,
        lacking,
        only,
        now,
    })
}

/// Returns warnings about a home that need no key.
fn of_home(vault: &Vault, agent: &AgentName) -> Result<Vec<Warning>> {
    let mut warnings: Vec<_> = vault.notices().iter().cloned().map(Warning::Home).collect();
    warnings.extend(profiles::rolled_back(vault, agent)?.into_iter().map(Warning::RolledBack));
    if keychain_key::is_unseen(vault.home()) && vault.slots()?.len() == 1 {
        warnings.push(Warning::KeychainAlone);
    }
    Ok(warnings)
}

impl Seen {
    fn of(
        (vault, agent): (&Vault, &AgentName),
        session: Option<&Session>,
        asked: &Asked,
        ambient: &Ambient,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self> {
        let Some(found) = vault.agent(agent)? else { return Ok(Self::default()) };
        let (state, unreadable) = state::read(&found);
        warnings.extend(unreadable.map(Warning::StateUnread));
        let listing = Listing::of_found(vault, found, ambient)?;
        let lost = listing.unlisted();
        let mut has_lost = !lost.is_empty() || listing.unfinished;
        if !lost.is_empty() {
            warnings.push(Warning::Unlisted(agent.clone(), lost));
        }
        warnings.extend(listing.unfinished.then_some(Warning::Unfinished));
        if let Some(session) = &asked.session
            && let Some(pin) = state.pins.get(session)
            && !listing.index.contains(pin.profile.as_str())
        {
            warnings.push(Warning::PinGone(session.clone(), pin.profile.clone()));
        }
        let mut profiles = profiles::views_of(&listing, warnings);
        let mut served = BTreeSet::new();
        for view in &profiles {
            if !served.contains(&view.provider) {
                served.insert(view.provider.clone());
            }
        }
        profiles.retain(|view| asked.is_about(view));
        if let Some(session) = session {
            has_lost |= profiles::verify((vault, session), agent, &listing, &mut profiles, warnings)?;
        }
        let orders = listing.index.orders().into_iter().collect::<BTreeMap<_, _>>();
        Ok(Self { profiles, orders, state, served, has_lost })
    }
}

/// Returns until when the keys of the vault are cached, in Unix milliseconds.
fn cached_until(vault: &Vault, ambient: &Ambient, now: i64) -> Option<i64> {
    let agent = ambient.named.agent.as_deref();
    cache::read(&vault.in_cache(agent), &vault.slots().ok()?, now).map(|cache| cache.until)
}

impl Looked<'_> {
    /// Returns the overview that selection makes of it. `warnings` are its warnings in words.
    #[must_use]
    pub fn overview<'a>(&'a self, asked: &'a Asked, warnings: &'a [String]) -> Overview<'a> {
        Overview::of(Input {
            home: &self.home,
            agent: &self.agent,
            store_path: &self.store_path,
            profiles: &self.profiles,
            orders: &self.orders,
            state: &self.state,
            policy: &self.policy,
            session: asked.session.as_ref(),
            model: asked.model.as_ref(),
            rules: &self.rules,
            lacking: &self.lacking,
            only: &self.only,
            of_client: &self.of_client,
            endpoints: self.found.config.as_ref().map_or(&[], |config| config.endpoints.as_slice()),
            warnings,
            now: self.now,
            warn_after_ms: asked.warn_after_ms,
            unlocked_until: self.unlocked_until,
            serving: self.serving.as_ref(),
            elsewhere: &self.elsewhere,
            beside: self.beside,
            has_vault: self.has_vault,
        })
    }
}
