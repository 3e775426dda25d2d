//! Verdicts and troubles of profiles in words.

use super::generation::{Chosen, ChosenBy, Generation};
use super::health::Status;
use super::pin::Model;
use super::profile::{ProfileView, Usable};
use super::report::Trouble;
use super::verdict::{ReasonCode, Verdict};
use crate::messages::select as messages;
use crate::time::{local, relative, span};
use crate::vault::credential::CredentialType;
use crate::vault::id::{AgentName, ProfileId, Provider};

/// Returns why a profile is not used.
#[must_use]
pub const fn reason(code: ReasonCode) -> &'static str {
    match code {
        ReasonCode::ExcludedByAuthOrder => "not in the order that is set",
        ReasonCode::MissingCredential => "no stored credential",
        ReasonCode::Expired => "expired",
        ReasonCode::InvalidExpires => "its expiry is not a valid time",
        ReasonCode::UnresolvedRef => "its reference does not lead to a trusted credential",
        ReasonCode::IneligibleProfile => {
            "not encrypted, for another provider, or not as in the client's configuration"
        }
    }
}

/// Returns a warning that the index and the state have different orders for a provider.
#[must_use]
pub fn overruled(provider: &Provider, state: &[ProfileId], agent: &AgentName) -> String {
    messages::overruled(provider, &ids(state), &agent.option())
}

/// Returns which rules count failures, and why those.
#[must_use]
pub fn rules(chosen: &Chosen) -> String {
    let version = chosen.generation.as_str();
    match &chosen.by {
        ChosenBy::Flag => messages::rules_named(version, "--backoff"),
        ChosenBy::Variable => messages::rules_named(version, Generation::VARIABLE),
        ChosenBy::Installed(installed) => messages::rules_installed(version, installed),
        ChosenBy::Database => messages::rules_of_database(version),
        ChosenBy::Default => messages::rules_by_default(version),
    }
}

/// Returns profile ids as a list.
#[must_use]
pub fn ids<'i>(ids: impl IntoIterator<Item = &'i ProfileId>) -> String {
    ids.into_iter().map(ProfileId::as_str).collect::<Vec<_>>().join(", ")
}

/// Returns a verdict in words.
#[must_use]
pub fn verdict(verdict: &Verdict, now: i64) -> String {
    let waits = |word: &str, until: i64, reason: &Option<String>, model: Option<&Model>| {
        let of = model.map(|model| format!(", {} only", model.as_str())).unwrap_or_default();
        let reason = reason.as_ref().map(|reason| format!(" ({reason}{of})")).unwrap_or_default();
        format!("{word} for {}{reason}", span(until.saturating_sub(now)))
    };
    match verdict {
        Verdict::Eligible => messages::USABLE.to_owned(),
        Verdict::CoolingDown { until, reason, model } => {
            waits("cooling down", *until, reason, model.as_ref())
        }
        Verdict::Disabled { until, reason } => waits("disabled", *until, reason, None),
        Verdict::Excluded(code) => reason(*code).to_owned(),
    }
}

/// Says that a profile's cooldown or disablement ended because its secret was replaced.
#[must_use]
pub fn lifted(whose: &str, was: &Verdict) -> String {
    let (word, reason) = match was {
        Verdict::Disabled { reason, .. } => ("disabled", reason.as_ref()),
        Verdict::CoolingDown { reason, .. } => ("cooling down", reason.as_ref()),
        Verdict::Eligible | Verdict::Excluded(_) => ("waiting", None),
    };
    let until = was.until().map(|at| format!("until {}", local(at)));
    let known: Vec<String> = reason.cloned().into_iter().chain(until).collect();
    messages::lifted(whose, word, &known.join(", "))
}

/// Returns what is wrong with a profile and what to do, if a person has to do something.
#[must_use]
pub fn trouble(view: &ProfileView, status: Status, agent: &AgentName, now: i64) -> Option<Trouble> {
    let id = &view.id;
    let say = |what: String, remedy: String| Some(Trouble { what, remedy });
    match view.usable {
        Usable::Missing => {
            return say(messages::no_credentials(id), paste(view, agent));
        }
        Usable::Corrupt => {
            return say(messages::CORRUPT.to_owned(), messages::restore_or(&paste(view, agent)));
        }
        Usable::Unreadable => {
            return say(messages::UNREADABLE.to_owned(), messages::run_doctor(""));
        }
        Usable::RolledBack => {
            let remedy = messages::restore_newer_or(&agent.option(), &paste(view, agent));
            return say(messages::ROLLED_BACK.to_owned(), remedy);
        }
        Usable::Plaintext => {
            return say(messages::PLAINTEXT.to_owned(), messages::run_doctor(&agent.option()));
        }
        Usable::Verified | Usable::Unverified | Usable::Reference => {}
    }
    if view.invalid_expires {
        return say(messages::INVALID_EXPIRY.to_owned(), renew(view, agent));
    }
    let noun = match view.kind {
        CredentialType::ApiKey => "API key",
        CredentialType::Token => "Token",
        CredentialType::OAuth => "Sign-in",
    };
    match (status, view.expires) {
        (Status::Expired, _) => say(messages::expired(noun), renew(view, agent)),
        (Status::Expiring, Some(at)) => say(messages::expires(noun, &relative(at, now)), renew(view, agent)),
        _ => None,
    }
}

/// Returns what to do if a provider or an agent has no profile.
#[must_use]
pub fn add(provider: &str, agent: &AgentName) -> String {
    messages::add(provider, &agent.option())
}

/// Returns a line that says which agents have what an agent lacks, if any has it.
#[must_use]
pub fn elsewhere(agents: &[String], agent: &str) -> Option<String> {
    let first = agents.first()?;
    Some(format!("  {}", messages::elsewhere(agents, first, agent)))
}

/// Returns what to do if all of a provider's profiles are cooling down.
#[must_use]
pub fn wait_or_add(provider: &str, agent: &AgentName) -> String {
    messages::wait_or_add(provider, &agent.option())
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
    let (provider, id, on) = (&view.provider, view.id.word(), agent.option());
    messages::paste_again(verb, &format!("--provider {provider} --profile-id {id}{ends}{on}"))
}

fn renew(view: &ProfileView, agent: &AgentName) -> String {
    let provider = &view.provider;
    if view.usable == Usable::Reference {
        return messages::RENEW_ELSEWHERE.to_owned();
    }
    let rotate = || format!("strongroom rotate {}{}", view.id.word(), agent.option());
    match (provider.as_str(), view.kind) {
        // A setup-token is not a sign-in: it replaces the profile with one of another type.
        ("anthropic", CredentialType::OAuth) => messages::then(messages::SETUP_TOKEN, &paste(view, agent)),
        ("anthropic", CredentialType::Token) => messages::then(messages::SETUP_TOKEN, &rotate()),
        (_, CredentialType::OAuth) => messages::sign_in(provider),
        (_, CredentialType::Token) => messages::then(&messages::make_token(provider), &rotate()),
        (_, CredentialType::ApiKey) => messages::then(&messages::make_key(provider), &rotate()),
    }
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
    fn the_rules_say_why_they_apply() {
        let generation = Generation::September;
        for (by, why) in [
            (ChosenBy::Flag, "(--backoff)"),
            (ChosenBy::Variable, "(STRONGROOM_BACKOFF)"),
            (ChosenBy::Installed("2026.9.4".to_owned()), "(2026.9.4 is installed)"),
            (ChosenBy::Database, "(its database exists; no version was found on PATH)"),
            (ChosenBy::Default, "(the default; no version was found on PATH)"),
        ] {
            let expected = format!("failures count as in OpenClaw 2026.9.6 {why}");
            assert_eq!(rules(&Chosen { generation, by }), expected);
        }
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
                "API key expired: create a new key at openrouter, then strongroom rotate openrouter:k",
            ),
            (
                "openai:t",
                Token,
                NOW,
                "main",
                "Token expired: create a new token at openai, then strongroom rotate openai:t",
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
            (Usable::Corrupt, "The stored profile cannot be decrypted: "),
            (
                Usable::Unreadable,
                "The stored profile cannot be read; it may be intact: run `strongroom doctor`",
            ),
            (Usable::RolledBack, "The stored profile is older than the index says: "),
            (Usable::Plaintext, "The index holds this secret in plaintext"),
            (Usable::Reference, "API key expired: renew it in the secret provider that stores it"),
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
