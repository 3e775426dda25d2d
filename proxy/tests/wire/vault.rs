//! A vault of a few profiles, which remembers what it was asked and told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use strongroom_proxy::{
    Access, Credentials, Failure, Key, Lease, NoneLeft, Origin, Outcome, Peer, Placement, ProfileTag,
    Refused, Route,
};
use tokio_util::sync::CancellationToken;

pub const TOKEN: &str = "made-up-token-of-an-agent";
pub const OTHER_TOKEN: &str = "made-up-token-of-another-agent";

#[derive(Clone)]
pub struct Vault(Arc<Inner>);

pub struct Inner {
    /// The profiles, in their order.
    pub profiles: Vec<Profile>,
    pub origin: Mutex<Origin>,
    pub pinned: bool,
    pub sole: bool,
    /// The place of the credential, if it is not the provider's usual one.
    pub placement: Option<Placement>,
    pub at_once: usize,
    pub ended: CancellationToken,
    /// What became of requests, as `NAME ok` or `NAME FAILURE`.
    pub reports: Mutex<Vec<String>>,
    pub models: Mutex<Vec<Option<String>>>,
    pub waits: Mutex<Vec<Option<Duration>>>,
    pub sessions: Mutex<Vec<Option<String>>>,
    /// The versions of the first profile that come after its first one.
    pub newer: Mutex<Vec<u64>>,
}

#[derive(Clone)]
pub struct Profile {
    pub name: &'static str,
    pub key: Arc<Key>,
}

/// Returns the key of a profile, which is made up.
pub fn secret(name: &str) -> String {
    format!("made-up-key-{name}-0123456789")
}

pub fn profiles(names: &[&'static str]) -> Vec<Profile> {
    let profile = |name: &&'static str| Profile {
        name,
        key: Arc::new(Key::new(&format!("p:{name}"), secret(name).into()).unwrap()),
    };
    names.iter().map(profile).collect()
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            profiles: profiles(&["one", "two"]),
            origin: Mutex::new(Origin::https("unset.example.com", 443).unwrap()),
            pinned: false,
            sole: false,
            placement: None,
            at_once: 1000,
            ended: CancellationToken::new(),
            reports: Mutex::default(),
            models: Mutex::default(),
            waits: Mutex::default(),
            sessions: Mutex::default(),
            newer: Mutex::default(),
        }
    }
}

impl std::ops::Deref for Vault {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Vault {
    pub fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub fn reports(&self) -> Vec<String> {
        self.reports.lock().unwrap().clone()
    }

    /// Forgets what it was asked and told.
    pub fn forget(&self) {
        self.reports.lock().unwrap().clear();
        self.models.lock().unwrap().clear();
        self.waits.lock().unwrap().clear();
        self.sessions.lock().unwrap().clear();
    }

    fn lease(&self, profile: &Profile, route: &Route, generation: u64) -> Lease {
        Lease {
            origin: self.origin.lock().unwrap().clone(),
            placement: self.placement.clone().unwrap_or_else(|| route.placement()),
            key: Arc::clone(&profile.key),
            tag: ProfileTag { id: profile.name.into(), generation },
            pinned: self.pinned,
            sole: self.sole,
        }
    }
}

impl Credentials for Vault {
    async fn authorize(&self, token: &[u8], peer: &Peer, provider: &str) -> Result<Access, Refused> {
        if let Peer::Tcp(address) = peer {
            assert!(address.ip().is_loopback());
        }
        let id = match std::str::from_utf8(token) {
            Ok(TOKEN) => "agent",
            Ok(OTHER_TOKEN) if provider == "openai" => "other",
            Ok(OTHER_TOKEN) => return Err(Refused::OtherProvider),
            _ => return Err(Refused::UnknownToken),
        };
        Ok(Access { id: id.into(), at_once: self.at_once, per_minute: None, ended: self.ended.clone() })
    }

    async fn next(
        &self,
        _: &Access,
        route: &Route,
        session: Option<&str>,
        tried: &[ProfileTag],
    ) -> Result<Lease, NoneLeft> {
        assert!(!self.pinned || tried.is_empty(), "another profile was asked for in a pinned session");
        if tried.is_empty() {
            self.sessions.lock().unwrap().push(session.map(str::to_owned));
        }
        let is_new = |profile: &&Profile| tried.iter().all(|tag| &*tag.id != profile.name);
        let cooling_down = NoneLeft::CoolingDown { retry_after: Duration::from_secs(30) };
        self.profiles.iter().find(is_new).map(|profile| self.lease(profile, route, 1)).ok_or(cooling_down)
    }

    async fn newer(&self, _: &Access, route: &Route, tag: &ProfileTag) -> Option<Lease> {
        let generation = self.newer.lock().unwrap().pop()?;
        let profile = self.profiles.iter().find(|profile| *profile.name == *tag.id)?;
        (generation > tag.generation).then(|| self.lease(profile, route, generation))
    }

    async fn report(&self, _: &Access, tag: &ProfileTag, outcome: Outcome, model: Option<&str>) {
        let text = match outcome {
            Outcome::Succeeded { .. } => "ok",
            Outcome::Failed { failure: Failure::Auth, .. } => "auth",
            Outcome::Failed { failure: Failure::Forbidden, .. } => "forbidden",
            Outcome::Failed { failure: Failure::RateLimited, .. } => "rate",
            Outcome::Failed { failure: Failure::Overloaded, .. } => "overloaded",
            Outcome::Failed { failure: Failure::Billing, .. } => "billing",
        };
        if let Outcome::Failed { retry_after, .. } = outcome {
            self.waits.lock().unwrap().push(retry_after);
            self.models.lock().unwrap().push(model.map(str::to_owned));
        }
        self.reports.lock().unwrap().push(format!("{} {text}", tag.id));
    }
}
