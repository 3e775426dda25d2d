//! Which profile answers a request: what `select` says, among the profiles that the access may use.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use strongroom_proxy::{Lease, NoneLeft, Origin, ProfileTag, Route, known};

use super::sessions::Sessions;
use super::snapshot::{Served, Snapshot};
use super::upstreams::Upstream;
use super::waits::Waits;
use crate::client::alias::ALIASES;
use crate::select::order::{Choice, Pinned, Rules, select};
use crate::select::pin::{Pin, PinnedBy, SessionName};
use crate::select::profile::ProfileView;
use crate::select::verdict::Verdict;
use crate::vault::access::Access;
use crate::vault::details::origin::is_plain;
use crate::vault::id::{ProfileId, Provider};

/// Providers whose routes have another name than their profiles.
const OTHER_NAMES: &[(&str, &str)] =
    &[("azure-openai", "azure"), ("azure-openai-responses", "azure"), ("amazon-bedrock", "bedrock")];

/// What is remembered between requests, and what the command line says.
#[derive(Debug, Default)]
pub(super) struct Chooser {
    /// Upstreams that a person named, by route.
    pub upstreams: HashMap<Arc<str>, Origin>,
    pub waits: Waits,
    pub sessions: Sessions,
}

/// A request for a credential.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub access: &'a Access,
    /// Those who may also ask, which decides whether a profile is the access's own.
    pub others: &'a [Access],
    pub route: &'a Route,
    pub session: Option<&'a str>,
    /// Whether it may use objects that are stored at the provider, if no other may ask for that provider.
    pub stores: bool,
    /// The profiles that were tried for this request.
    pub tried: &'a [ProfileTag],
    /// Now, in Unix milliseconds.
    pub now: i64,
}

/// Returns whether a route is for the profiles of a provider.
pub(super) fn serves(route: &Route, provider: &Provider) -> bool {
    let name = provider.as_str();
    *route.name == *name
        || OTHER_NAMES.iter().any(|(own, route_name)| *own == name && *route_name == &*route.name)
        || route.name.parse().is_ok_and(|route: Provider| ALIASES.shared(provider, &route))
}

/// Returns the name of the route for the profiles of a provider: a known one's, or that of an upstream that a person
/// named.
#[must_use]
pub fn route_for(provider: &Provider, upstreams: &[Upstream]) -> Option<String> {
    let known = known().into_iter().find(|route| serves(route, provider)).map(|route| route.name.to_string());
    let named = || upstreams.iter().find(|upstream| upstream.name == provider.as_str());
    known.or_else(|| named().map(|upstream| upstream.name.clone()))
}

/// Returns whether an access may use a profile.
pub(super) fn may_use(access: &Access, served: &Served) -> bool {
    let ProfileView { id, provider, .. } = &served.view;
    let shares = |one: &Provider, other: &Provider| ALIASES.shared(one, other);
    access.may_use(id, provider, served.created, shares)
}

/// Returns whether an access may use any profile of a route. Several profiles can be of one account, whose keys all see
/// what is stored.
fn may_use_route(access: &Access, route: &Route) -> bool {
    access.providers.iter().any(|own| serves(route, own))
        || access.profiles.iter().any(|own| serves(route, &own.id.provider()))
}

/// A profile that may answer.
struct Candidate<'a> {
    served: &'a Arc<Served>,
    origin: Origin,
    /// Until when it rests, in Unix milliseconds.
    until: Option<i64>,
}

impl Chooser {
    /// Returns the credential for a request.
    ///
    /// The first one is the one that `status` names next, even if it is cooling down because all are: then the client
    /// hears what the provider says. The second one, after a failure, is one that is free, for the same origin.
    pub fn choose(&self, snapshot: &Snapshot, asked: Asked<'_>) -> Result<Lease, NoneLeft> {
        let provider: Provider = asked.route.name.parse().map_err(|_| NoneLeft::NoProfile)?;
        let own: Vec<_> =
            snapshot.profiles.iter().filter(|served| serves(asked.route, &served.view.provider)).collect();
        if !own.iter().any(|served| may_use(asked.access, served)) {
            return Err(NoneLeft::NoProfile);
        }
        let views: Vec<_> = own
            .iter()
            .map(|served| ProfileView { provider: provider.clone(), ..served.view.clone() })
            .collect();
        let pin = self.pin(snapshot, asked);
        let rules = Rules { pin: pin.as_ref(), ..snapshot.pool.rules(&provider, asked.now) };
        let views: Vec<_> = views.iter().collect();
        let selected = select(&provider, &views, &rules);
        let candidate = |choice: &Choice<'_>| self.candidate(&own, choice, asked);
        if let Some(Pinned::Locked(id)) = &selected.pinned {
            let pinned = selected.choices.iter().find(|choice| choice.id == id).and_then(candidate);
            let pinned = pinned.filter(|_| asked.tried.is_empty()).ok_or(NoneLeft::Unusable)?;
            return lease(&pinned, asked, true);
        }
        let is_new = |candidate: &Candidate<'_>| asked.tried.iter().all(|tag| tag.id != candidate.served.tag);
        let mut candidates: Vec<_> = selected.choices.iter().filter_map(candidate).filter(is_new).collect();
        if let Some(first) = asked.tried.first() {
            let origin = snapshot.profile(&first.id).and_then(|first| self.origin(asked.route, first));
            candidates
                .retain(|candidate| candidate.until.is_none() && Some(&candidate.origin) == origin.as_ref());
        }
        // One that its provider does not allow here is refused with the reason only if there is no other.
        if candidates.iter().any(|candidate| candidate.served.refused.is_none()) {
            candidates.retain(|candidate| candidate.served.refused.is_none());
        }
        let free = candidates.iter().find(|candidate| candidate.until.is_none());
        let chosen = free.or_else(|| candidates.iter().min_by_key(|candidate| candidate.until));
        let chosen = chosen.ok_or_else(|| none_left(asked))?;
        if let Some(session) = asked.session {
            self.sessions.remember(&asked.access.name, &asked.route.name, session, chosen.served.id());
        }
        lease(chosen, asked, false)
    }

    /// Returns the same profile's credential if it is a newer one.
    pub fn newer(&self, snapshot: &Snapshot, asked: Asked<'_>, tag: &ProfileTag) -> Option<Lease> {
        let served = snapshot.profile(&tag.id).filter(|served| served.generation > tag.generation)?;
        if !may_use(asked.access, served) {
            return None;
        }
        let origin = self.origin(asked.route, served)?;
        lease(&Candidate { served, origin, until: None }, asked, false).ok()
    }

    /// Returns the pin of the session: the person's, which is in the state, or the profile that last served it.
    fn pin(&self, snapshot: &Snapshot, asked: Asked<'_>) -> Option<Pin> {
        let session = asked.session?;
        let name: Option<SessionName> = session.parse().ok();
        let by_hand = name.and_then(|name| snapshot.pool.state().pins.get(&name));
        if let Some(pin) = by_hand {
            return Some(pin.clone());
        }
        let profile = self.sessions.profile(&asked.access.name, &asked.route.name, session)?;
        Some(Pin { profile, model: None, source: PinnedBy::Auto, at: asked.now })
    }

    fn candidate<'a>(
        &self,
        own: &[&'a Arc<Served>],
        choice: &Choice<'_>,
        asked: Asked<'_>,
    ) -> Option<Candidate<'a>> {
        if matches!(choice.verdict, Verdict::Excluded(_)) {
            return None;
        }
        let served = own.iter().find(|served| served.id() == choice.id)?;
        if !may_use(asked.access, served) || served.key.is_err() {
            return None;
        }
        let origin = self.origin(asked.route, served)?;
        let own = self.waits.until(served.id(), served.generation, &asked.access.name, asked.now);
        let until = if choice.verdict == Verdict::Eligible { None } else { choice.verdict.until() };
        Some(Candidate { served, origin, until: until.max(own) })
    }

    /// Returns where a secret is sent: to the upstream that a person named for the route, else to one of its own hosts.
    fn origin(&self, route: &Route, served: &Served) -> Option<Origin> {
        if let Some(named) = self.upstreams.get(&route.name) {
            return Some(named.clone());
        }
        let hosts = served.hosts.iter().filter(|host| !is_plain(host));
        let origins: Vec<_> = hosts.filter_map(|host| origin_of(host)).collect();
        let usual = origins.iter().find(|origin| route.api.hosts.contains(&origin.host()));
        usual.or_else(|| origins.first()).cloned()
    }
}

fn origin_of(host: &str) -> Option<Origin> {
    let rest = host.strip_prefix("https://")?;
    let (host, port) = rest.split_once(':').unwrap_or((rest, "443"));
    Origin::https(host, port.parse().ok()?).ok()
}

fn lease(candidate: &Candidate<'_>, asked: Asked<'_>, pinned: bool) -> Result<Lease, NoneLeft> {
    let Candidate { served, origin, .. } = candidate;
    // By the token, because an access that is not in the vault may have the name of one that is.
    let is_other = |other: &&Access| other.token != asked.access.token && !other.has_expired(asked.now);
    Ok(Lease {
        origin: origin.clone(),
        placement: asked.route.placement(),
        key: served.key.clone().map_err(|_| NoneLeft::Unusable)?,
        tag: ProfileTag { id: Arc::clone(&served.tag), generation: served.generation },
        pinned,
        sole: asked.stores
            && !asked.others.iter().filter(is_other).any(|other| may_use_route(other, asked.route)),
    })
}

fn none_left(asked: Asked<'_>) -> NoneLeft {
    if asked.tried.is_empty() {
        NoneLeft::Unusable
    } else {
        NoneLeft::CoolingDown { retry_after: Duration::from_secs(1) }
    }
}

/// Returns the profile that an id names, for reports.
pub(super) fn id_of(tag: &ProfileTag) -> Option<ProfileId> {
    tag.id.parse().ok()
}

#[cfg(test)]
mod tests {
    use strongroom_proxy::{compatible, known};

    use super::*;

    fn route(name: &str) -> Route {
        known().into_iter().find(|route| *route.name == *name).unwrap_or_else(|| compatible(name))
    }

    #[test]
    fn a_secret_goes_to_a_host_of_its_record_alone() {
        let chooser = Chooser::default();
        let origin = |name: &str, hosts: &[&str]| {
            let served = Served::made_up(&format!("{name}:one"), hosts);
            chooser.origin(&route(name), &served).map(|origin| origin.to_string())
        };
        let usual = Some("https://api.anthropic.com".to_owned());
        assert_eq!(origin("anthropic", &["https://api.anthropic.com"]), usual);
        // A person may allow only another one, or several.
        assert_eq!(
            origin("anthropic", &["https://gw.example.com:8443"]).unwrap(),
            "https://gw.example.com:8443"
        );
        assert_eq!(origin("anthropic", &["https://gw.example.com", "https://api.anthropic.com"]), usual);
        // Nowhere without TLS, and nowhere if the record names no host.
        assert_eq!(origin("anthropic", &["http://gw.example.com"]), None);
        assert_eq!(origin("azure", &[]), None);
    }

    #[test]
    fn only_a_person_who_starts_the_server_sends_it_elsewhere() {
        let hand = Origin::by_hand("http://127.0.0.1:1234").unwrap();
        let upstreams = HashMap::from([("anthropic".into(), hand.clone())]);
        let chooser = Chooser { upstreams, ..Chooser::default() };
        let of = |name: &str| {
            let served = Served::made_up(&format!("{name}:one"), &["https://api.example.com"]);
            chooser.origin(&route(name), &served)
        };
        assert_eq!(of("anthropic"), Some(hand));
        assert_eq!(of("groq").unwrap().to_string(), "https://api.example.com");
    }

    #[test]
    fn a_route_serves_the_profiles_of_its_provider_and_of_its_other_names() {
        for (name, provider, serves_it) in [
            ("anthropic", "anthropic", true),
            ("anthropic", "claude-cli", true),
            ("azure", "azure-openai", true),
            ("bedrock", "amazon-bedrock", true),
            ("moonshot", "moonshotai", true),
            ("anthropic", "openai", false),
            ("openai", "openai-codex", false),
        ] {
            assert_eq!(serves(&route(name), &provider.parse().unwrap()), serves_it, "{name} {provider}");
        }
    }
}
