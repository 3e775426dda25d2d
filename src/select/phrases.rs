//! What selection and status say to people.

use super::health::Status;
use super::pin::Model;
use super::profile::{ProfileView, Usable};
use super::report::Trouble;
use super::verdict::{ReasonCode, Verdict};
use crate::time::{relative, rfc3339, span};
use crate::vault::credential::CredentialType;
use crate::vault::id::{AgentName, ProfileId, Provider};

/// Why a profile is not a candidate.
#[must_use]
pub const fn reason(code: ReasonCode) -> &'static str {
    match code {
        ReasonCode::ExcludedByAuthOrder => "not in the order that is set",
        ReasonCode::MissingCredential => "no sealed credential",
        ReasonCode::Expired => "expired",
        ReasonCode::InvalidExpires => "its expiry is not a valid time",
        ReasonCode::UnresolvedRef => "its reference leads to no record that can be trusted",
        ReasonCode::IneligibleProfile => {
            "not kept sealed, of another provider, or not as the client's configuration has it"
        }
    }
}

/// That the index and the state have different orders for a provider.
#[must_use]
pub fn overruled(provider: &Provider, state: &[ProfileId], agent: &AgentName) -> String {
    format!(
        "auth-state.json has another order for {provider} than the index: {}. OpenClaw 2026.6.1 goes by that \
         one, Strongroom by the index; `strongroom order clear --provider {provider}{}` lets both go by it",
        ids(state),
        on(agent.as_str())
    )
}

/// Profile ids in a row.
#[must_use]
pub fn ids<'i>(ids: impl IntoIterator<Item = &'i ProfileId>) -> String {
    ids.into_iter().map(ProfileId::as_str).collect::<Vec<_>>().join(", ")
}

/// What selection says of a profile.
#[must_use]
pub fn verdict(verdict: &Verdict, now: i64) -> String {
    let waits = |word: &str, until: i64, reason: &Option<String>, model: Option<&Model>| {
        let of = model.map(|model| format!(", {} only", model.as_str())).unwrap_or_default();
        let reason = reason.as_ref().map(|reason| format!(" ({reason}{of})")).unwrap_or_default();
        format!("{word} for {}{reason}", span(until.saturating_sub(now)))
    };
    match verdict {
        Verdict::Eligible => "usable".to_owned(),
        Verdict::CoolingDown { until, reason, model } => {
            waits("cooling down", *until, reason, model.as_ref())
        }
        Verdict::Disabled { until, reason } => waits("disabled", *until, reason, None),
        Verdict::Excluded(code) => reason(*code).to_owned(),
    }
}

/// Says that a profile's cooldown or disablement ended, because its secret is new.
#[must_use]
pub fn lifted(whose: &str, was: &Verdict) -> String {
    let (word, reason) = match was {
        Verdict::Disabled { reason, .. } => ("disabled", reason.as_ref()),
        Verdict::CoolingDown { reason, .. } => ("cooling down", reason.as_ref()),
        Verdict::Eligible | Verdict::Excluded(_) => ("waiting", None),
    };
    let until = was.until().map(|at| format!("until {}", rfc3339(at)));
    let known: Vec<String> = reason.cloned().into_iter().chain(until).collect();
    format!("{whose} is no longer {word} ({}): its secret was replaced", known.join(", "))
}

/// What is wrong with a profile and what to do, where a person has to do something.
#[must_use]
pub fn trouble(view: &ProfileView, status: Status, agent: &AgentName, now: i64) -> Option<Trouble> {
    let id = &view.id;
    let say = |what: String, remedy: String| Some(Trouble { what, remedy });
    match view.usable {
        Usable::Missing => {
            return say(format!("No credentials found for profile {id}"), paste(view, agent));
        }
        Usable::Corrupt => {
            return say(
                "The sealed record does not open".to_owned(),
                format!("restore it from a backup, or {}", paste(view, agent)),
            );
        }
        Usable::Unreadable => {
            return say(
                "The record cannot be read; it may be intact".to_owned(),
                "run strongroom doctor".to_owned(),
            );
        }
        Usable::RolledBack => {
            return say(
                "The sealed record is older than the index says".to_owned(),
                format!(
                    "run strongroom verify{}, then restore the newer record or {}",
                    on(agent.as_str()),
                    paste(view, agent)
                ),
            );
        }
        Usable::Plaintext => {
            return say(
                "The index holds this secret in plaintext; another program wrote it".to_owned(),
                format!("run strongroom doctor{}", on(agent.as_str())),
            );
        }
        Usable::Verified | Usable::Unverified | Usable::Reference => {}
    }
    if view.invalid_expires {
        return say("Its expiry is not a valid time".to_owned(), renew(view, agent));
    }
    let noun = match view.kind {
        CredentialType::ApiKey => "API key",
        CredentialType::Token => "Token",
        CredentialType::OAuth => "Sign-in",
    };
    match (status, view.expires) {
        (Status::Expired, _) => say(format!("{noun} expired"), renew(view, agent)),
        (Status::Expiring, Some(at)) => {
            say(format!("{noun} expires {}", relative(at, now)), renew(view, agent))
        }
        _ => None,
    }
}

/// What to do where a provider or a whole agent has no profile.
#[must_use]
pub fn add(provider: &str, agent: &str) -> String {
    format!("strongroom paste-token --provider {provider}{}, or paste-api-key for an API key", on(agent))
}

/// Where there is what an agent lacks.
#[must_use]
pub fn elsewhere(agents: &[String], agent: &str) -> Option<String> {
    let first = agents.first()?;
    let have = if agents.len() == 1 { "has" } else { "have" };
    Some(format!(
        "  {} {have} one: use --agent {first}, or paste it for agent {agent} too",
        agents.join(", ")
    ))
}

/// What to do where all of a provider's profiles wait.
#[must_use]
pub fn add_another(provider: &str, agent: &str) -> String {
    format!(
        "add a profile: strongroom paste-api-key --provider {provider} --profile-id {provider}:second{}",
        on(agent)
    )
}

fn on(agent: &str) -> String {
    if agent == AgentName::default().as_str() { String::new() } else { format!(" --agent {agent}") }
}

fn paste(view: &ProfileView, agent: &AgentName) -> String {
    let verb = match view.kind {
        CredentialType::ApiKey => "paste-api-key",
        CredentialType::Token | CredentialType::OAuth => "paste-token",
    };
    let ends = if verb == "paste-token" && view.provider.as_str() == "anthropic" {
        " --expires-in 365d"
    } else {
        ""
    };
    format!(
        "paste it again: strongroom {verb} --provider {} --profile-id {}{ends}{}",
        view.provider,
        view.id.word(),
        on(agent.as_str())
    )
}

fn renew(view: &ProfileView, agent: &AgentName) -> String {
    let provider = &view.provider;
    if view.usable == Usable::Reference {
        return "renew it with the secret provider that keeps it".to_owned();
    }
    let make = match (provider.as_str(), view.kind) {
        ("anthropic", CredentialType::Token | CredentialType::OAuth) => {
            "run `claude setup-token` again".to_owned()
        }
        (_, CredentialType::OAuth) => format!("sign in to {provider} again"),
        (_, CredentialType::Token) => format!("make a new token at {provider}"),
        (_, CredentialType::ApiKey) => format!("make a new key at {provider}"),
    };
    // A setup-token is no sign-in: it takes the profile's place, with a type of its own.
    if view.kind == CredentialType::OAuth {
        return match provider.as_str() {
            "anthropic" => format!("{make}, then {}", paste(view, agent)),
            _ => format!(
                "{make} in its own client, then import that with --include-oauth --on-conflict replace"
            ),
        };
    }
    format!("{make}, then strongroom rotate {}{}", view.id.word(), on(agent.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::health::{WARN_AFTER_MS, status};
    use crate::time::HOUR;
    use CredentialType::{ApiKey, OAuth, Token};

    const NOW: i64 = 1_800_000_000_000;

    fn told(view: &ProfileView, agent: &str) -> String {
        let status = status(view, NOW, WARN_AFTER_MS);
        trouble(view, status, &agent.parse().unwrap(), NOW)
            .map(|trouble| format!("{}: {}", trouble.what, trouble.remedy))
            .unwrap_or_default()
    }

    #[test]
    fn expired_and_expiring_credentials_come_with_the_remedy() {
        for (id, kind, expires, agent, text) in [
            (
                "anthropic:work",
                Token,
                NOW,
                "main",
                "Token expired: run `claude setup-token` again, then strongroom rotate anthropic:work",
            ),
            (
                "anthropic:work",
                Token,
                NOW + 3 * HOUR,
                "ops",
                "Token expires in 3h: run `claude setup-token` again, then strongroom rotate anthropic:work --agent ops",
            ),
            (
                "anthropic:me",
                OAuth,
                NOW - 1,
                "main",
                "Sign-in expired: run `claude setup-token` again, then paste it again: \
                 strongroom paste-token --provider anthropic --profile-id anthropic:me --expires-in 365d",
            ),
            (
                "openrouter:k",
                ApiKey,
                NOW - 1,
                "main",
                "API key expired: make a new key at openrouter, then strongroom rotate openrouter:k",
            ),
            (
                "openai:t",
                Token,
                NOW,
                "main",
                "Token expired: make a new token at openai, then strongroom rotate openai:t",
            ),
            ("openai:t", Token, NOW + 25 * HOUR, "main", ""),
        ] {
            let view = ProfileView { expires: Some(expires), ..ProfileView::new(id.parse().unwrap(), kind) };
            assert_eq!(told(&view, agent), text);
        }
    }

    #[test]
    fn an_unusable_record_is_told_before_its_expiry() {
        for (usable, start) in [
            (
                Usable::Missing,
                "No credentials found for profile a:b: paste it again: strongroom paste-api-key",
            ),
            (Usable::Corrupt, "The sealed record does not open: "),
            (Usable::Unreadable, "The record cannot be read; it may be intact: run strongroom doctor"),
            (Usable::RolledBack, "The sealed record is older than the index says: "),
            (Usable::Plaintext, "The index holds this secret in plaintext"),
            (Usable::Reference, "API key expired: renew it with the secret provider that keeps it"),
        ] {
            let view = ProfileView {
                expires: Some(NOW),
                usable,
                ..ProfileView::new("a:b".parse().unwrap(), ApiKey)
            };
            assert!(told(&view, "main").starts_with(start), "{}", told(&view, "main"));
        }
    }

    #[test]
    fn waiting_profiles_say_how_long_and_why() {
        for (given, text) in [
            (Verdict::CoolingDown { until: NOW + 300_000, reason: None, model: None }, "cooling down for 5m"),
            (
                Verdict::CoolingDown {
                    until: NOW + 300_000,
                    reason: Some("rate_limit".to_owned()),
                    model: Some("opus".parse().unwrap()),
                },
                "cooling down for 5m (rate_limit, opus only)",
            ),
            (
                Verdict::Disabled { until: NOW + 5 * HOUR, reason: Some("billing".to_owned()) },
                "disabled for 5h (billing)",
            ),
            (Verdict::Excluded(ReasonCode::Expired), "expired"),
        ] {
            assert_eq!(verdict(&given, NOW), text);
        }
    }
}
