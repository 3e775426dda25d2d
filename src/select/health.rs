//! The status of profiles, and the exit status of `models status --check`.

use serde::Serialize;

use super::profile::{ProfileView, Usable};
use crate::time::DAY;
use crate::vault::id::{AgentName, ProfileId, Provider};

/// How long before its expiry a credential counts as expiring, unless said otherwise: 24 hours.
pub const WARN_AFTER_MS: i64 = DAY;

/// The status of a profile, as OpenClaw spells it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It expires after the window.
    Ok,
    /// It expires within the window.
    Expiring,
    /// It has expired.
    Expired,
    /// It has no usable secret, or an invalid expiry.
    Missing,
    /// A token or an API key that has no expiry.
    Static,
}

impl Status {
    /// Returns the status as it is spelled in a report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Missing => "missing",
            Self::Static => "static",
        }
    }

    /// Returns the status that needs attention more.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        if other.weight() > self.weight() { other } else { self }
    }

    const fn weight(self) -> u8 {
        match self {
            Self::Static => 0,
            Self::Ok => 1,
            Self::Expiring => 2,
            Self::Missing => 3,
            Self::Expired => 4,
        }
    }
}

/// Returns the status of a profile at `now`, with a window of `window` milliseconds before its expiry.
///
/// A stored profile that does not exist, cannot be decrypted or was rolled back is missing. A secret that another
/// program keeps (in plaintext, or in another secret provider) is not: only its expiry counts. An OAuth sign-in without
/// an expiry is `ok`.
#[must_use]
pub fn status(view: &ProfileView, now: i64, window: i64) -> Status {
    use crate::vault::credential::CredentialType::OAuth;
    let is_gone =
        matches!(view.usable, Usable::Missing | Usable::Corrupt | Usable::Unreadable | Usable::RolledBack);
    if is_gone || view.invalid_expires {
        return Status::Missing;
    }
    match view.expires.map(|expires| expires.saturating_sub(now)) {
        None if view.kind == OAuth => Status::Ok,
        None => Status::Static,
        Some(remaining) if remaining <= 0 => Status::Expired,
        Some(remaining) if remaining <= window => Status::Expiring,
        Some(_) => Status::Ok,
    }
}

/// The outcome of `models status --check`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Check {
    /// The exit status: 0 all usable, 1 any expired or missing, no profile at all, or a provider in
    /// use without a key, 2 any expiring.
    pub exit: u8,
    /// Everything that is wrong.
    pub reasons: Vec<CheckReason>,
}

/// Why a check fails.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReason {
    /// The agent, if several were checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What is wrong.
    pub code: CheckCode,
    /// The profile, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<String>,
    /// The provider, if it is about one that has no key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

/// What a check found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckCode {
    /// A profile has expired.
    Expired,
    /// A profile has no usable secret, or does not exist.
    Missing,
    /// A profile expires within the window.
    Expiring,
    /// There is no profile at all.
    NoProfile,
    /// A provider in use has no key.
    MissingKey,
}

impl CheckReason {
    fn of(code: CheckCode, profile: Option<&ProfileId>) -> Self {
        Self { agent: None, code, profile_id: profile.map(ToString::to_string), provider: None }
    }
}

/// The check of one of several agents.
#[derive(Clone, Debug)]
pub struct AgentCheck {
    /// The agent.
    pub agent: AgentName,
    /// Its own outcome.
    pub check: Check,
    /// Whether it has lost profiles, so that it is not empty because none was stored.
    pub has_lost: bool,
}

impl Check {
    fn is_without_profile(&self) -> bool {
        self.reasons.iter().any(|reason| reason.code == CheckCode::NoProfile)
    }

    /// Returns the outcome for several agents: the worst exit status, and each reason with its agent. An agent without
    /// profiles fails it only if it has lost them, or if no other agent has any.
    #[must_use]
    pub fn of_agents(checks: Vec<AgentCheck>) -> Self {
        let may_be_empty = !checks.iter().all(|of| of.check.is_without_profile());
        let of_agent = |of: AgentCheck| {
            let AgentCheck { agent, check, has_lost } = of;
            let counts =
                move |reason: &CheckReason| reason.code != CheckCode::NoProfile || has_lost || !may_be_empty;
            let named = move |reason| CheckReason { agent: Some(agent.to_string()), ..reason };
            check.reasons.into_iter().filter(counts).map(named)
        };
        let reasons: Vec<_> = checks.into_iter().flat_map(of_agent).collect();
        let expires = |reason: &CheckReason| reason.code == CheckCode::Expiring;
        let exit = match reasons.as_slice() {
            [] => 0,
            all if all.iter().all(expires) => 2,
            _ => 1,
        };
        Self { exit, reasons }
    }
}

/// What a check looks at, beside the profiles.
#[derive(Clone, Copy, Default, Debug)]
pub struct CheckScope<'a> {
    /// The one profile to check.
    pub profile: Option<&'a ProfileId>,
    /// Providers that are in use and have no key.
    pub missing: &'a [&'a Provider],
    /// Whether a key outside the vault serves what is asked for, so that no profile is needed.
    pub beside: bool,
}

/// Checks all given profiles; the caller has filtered them by `--profile` and `--provider`.
///
/// Orders and cooldowns do not count: an expired credential is reported even if another one still works.
#[must_use]
pub fn check(views: &[ProfileView], asked: CheckScope<'_>, now: i64, window: i64) -> Check {
    let mut exit = 0;
    let mut reasons = Vec::new();
    if views.is_empty() && !asked.beside {
        exit = 1;
        let code = if asked.profile.is_some() { CheckCode::Missing } else { CheckCode::NoProfile };
        reasons.push(CheckReason::of(code, asked.profile));
    }
    for view in views {
        let (code, worst) = match status(view, now, window) {
            Status::Ok | Status::Static => continue,
            Status::Expired => (CheckCode::Expired, 1),
            Status::Missing => (CheckCode::Missing, 1),
            Status::Expiring => (CheckCode::Expiring, 2),
        };
        exit = if exit == 1 { 1 } else { worst };
        reasons.push(CheckReason::of(code, Some(&view.id)));
    }
    for provider in asked.missing {
        exit = 1;
        let reason = CheckReason::of(CheckCode::MissingKey, None);
        reasons.push(CheckReason { provider: Some(provider.to_string()), ..reason });
    }
    Check { exit, reasons }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::credential::CredentialType::{self, ApiKey, OAuth, Token};

    const NOW: i64 = 1_800_000_000_000;

    fn spelled(reason: &CheckReason) -> String {
        serde_json::to_value(reason.code).unwrap().as_str().unwrap().to_owned()
    }

    fn view(kind: CredentialType, expires: Option<i64>) -> ProfileView {
        ProfileView { expires, ..ProfileView::new("a:x".parse().unwrap(), kind) }
    }

    #[test]
    fn the_boundaries_hold_to_the_millisecond() {
        for (remaining, expected) in [
            (i64::MIN / 2, Status::Expired),
            (-1, Status::Expired),
            (0, Status::Expired),
            (1, Status::Expiring),
            (WARN_AFTER_MS - 1, Status::Expiring),
            (WARN_AFTER_MS, Status::Expiring),
            (WARN_AFTER_MS + 1, Status::Ok),
            (i64::MAX / 2, Status::Ok),
        ] {
            for kind in [Token, ApiKey, OAuth] {
                assert_eq!(
                    status(&view(kind, Some(NOW + remaining)), NOW, WARN_AFTER_MS),
                    expected,
                    "{remaining}"
                );
            }
        }
        assert_eq!(status(&view(Token, Some(i64::MAX)), i64::MIN, WARN_AFTER_MS), Status::Ok);
        assert_eq!(status(&view(Token, Some(i64::MIN)), i64::MAX, WARN_AFTER_MS), Status::Expired);
    }

    #[test]
    fn the_window_can_be_set() {
        for (window, expected) in
            [(0, Status::Ok), (59, Status::Ok), (60, Status::Expiring), (61, Status::Expiring)]
        {
            assert_eq!(status(&view(Token, Some(NOW + 60)), NOW, window), expected, "{window}");
        }
    }

    #[test]
    fn without_an_expiry_tokens_and_keys_are_static() {
        for (kind, expected) in [(Token, Status::Static), (ApiKey, Status::Static), (OAuth, Status::Ok)] {
            assert_eq!(status(&view(kind, None), NOW, WARN_AFTER_MS), expected);
        }
    }

    #[test]
    fn what_cannot_be_opened_is_missing_and_what_others_keep_is_not() {
        for (usable, expected) in [
            (Usable::Verified, Status::Expired),
            (Usable::Unverified, Status::Expired),
            (Usable::Plaintext, Status::Expired),
            (Usable::Reference, Status::Expired),
            (Usable::Missing, Status::Missing),
            (Usable::Corrupt, Status::Missing),
            (Usable::Unreadable, Status::Missing),
            (Usable::RolledBack, Status::Missing),
        ] {
            let view = ProfileView { usable, ..view(Token, Some(NOW)) };
            assert_eq!(status(&view, NOW, WARN_AFTER_MS), expected, "{usable:?}");
        }
        let invalid = ProfileView { invalid_expires: true, ..view(Token, None) };
        assert_eq!(status(&invalid, NOW, WARN_AFTER_MS), Status::Missing);
    }

    #[test]
    fn the_exit_is_that_of_the_contract() {
        let ok = view(Token, Some(NOW + 25 * 3_600_000));
        let fixed = view(ApiKey, None);
        let expiring = view(Token, Some(NOW + 3_600_000));
        let expired = view(Token, Some(NOW - 3_600_000));
        let missing = ProfileView { usable: Usable::Missing, ..view(ApiKey, None) };
        for (views, exit, codes) in [
            (vec![], 1, "no_profile"),
            (vec![&ok], 0, ""),
            (vec![&fixed], 0, ""),
            (vec![&ok, &fixed], 0, ""),
            (vec![&ok, &expiring], 2, "expiring"),
            (vec![&expiring, &expired], 1, "expiring expired"),
            (vec![&expired, &expiring], 1, "expired expiring"),
            (vec![&missing, &ok], 1, "missing"),
        ] {
            let views: Vec<_> = views.into_iter().cloned().collect();
            let check = check(&views, CheckScope::default(), NOW, WARN_AFTER_MS);
            assert_eq!(check.exit, exit);
            assert_eq!(check.reasons.iter().map(spelled).collect::<Vec<_>>().join(" "), codes);
        }
    }

    #[test]
    fn a_profile_that_is_not_there_is_named_and_a_provider_without_a_key_fails_the_check() {
        let (id, openai, zai) =
            ("groq:nope".parse().unwrap(), "openai".parse().unwrap(), "zai".parse().unwrap());
        let expiring = view(Token, Some(NOW + 3_600_000));
        let said = |views: &[ProfileView], asked| {
            let Check { exit, reasons } = check(views, asked, NOW, WARN_AFTER_MS);
            let reason = |reason: CheckReason| {
                [spelled(&reason)].into_iter().chain(reason.profile_id).chain(reason.provider)
            };
            (exit, reasons.into_iter().flat_map(reason).collect::<Vec<_>>().join(" "))
        };
        let profile = CheckScope { profile: Some(&id), ..CheckScope::default() };
        assert_eq!(said(&[], profile), (1, "missing groq:nope".to_owned()));
        let missing = CheckScope { missing: &[&openai, &zai], ..CheckScope::default() };
        let keys = "missing_key openai missing_key zai";
        assert_eq!(said(&[], missing), (1, format!("no_profile {keys}")));
        assert_eq!(said(&[expiring], missing), (1, format!("expiring a:x {keys}")));
    }

    #[test]
    fn the_worst_of_several_agents_counts_and_an_agent_that_was_emptied_does_not() {
        let expiring = view(Token, Some(NOW + 3_600_000));
        let expired = view(Token, Some(NOW - 1));
        let fixed = view(ApiKey, None);
        for (agents, exit, said) in [
            (vec![(vec![&fixed], false), (vec![&fixed], false)], 0, ""),
            (vec![(vec![&fixed], false), (vec![&expiring], false)], 2, "two expiring"),
            (vec![(vec![&expired], false), (vec![&expiring], false)], 1, "one expired, two expiring"),
            (vec![(vec![&fixed], false), (vec![], false)], 0, ""),
            (vec![(vec![&fixed], false), (vec![], true)], 1, "two no_profile"),
            (vec![(vec![], false), (vec![], false)], 1, "one no_profile, two no_profile"),
            (vec![(vec![], false), (vec![&expiring], false)], 2, "two expiring"),
        ] {
            let checks = agents.into_iter().zip(["one", "two"]).map(check_of_agent);
            let found = Check::of_agents(checks.collect());
            let reasons =
                found.reasons.iter().map(|one| format!("{} {}", one.agent.as_deref().unwrap(), spelled(one)));
            assert_eq!((found.exit, reasons.collect::<Vec<_>>().join(", ")), (exit, said.to_owned()));
        }
    }

    fn check_of_agent(((views, has_lost), name): ((Vec<&ProfileView>, bool), &str)) -> AgentCheck {
        let views: Vec<_> = views.into_iter().cloned().collect();
        let check = check(&views, CheckScope::default(), NOW, WARN_AFTER_MS);
        AgentCheck { agent: name.parse().unwrap(), check, has_lost }
    }

    #[test]
    fn worse_is_what_needs_a_person_more() {
        let order = [Status::Static, Status::Ok, Status::Expiring, Status::Missing, Status::Expired];
        for pair in order.windows(2) {
            assert_eq!(pair[0].worse(pair[1]), pair[1]);
            assert_eq!(pair[1].worse(pair[0]), pair[1]);
        }
    }
}
