//! What an error message of a client or a provider means for a credential, and what to do.

use serde::Serialize;

use super::message::{Known, Profile, Read};
use crate::messages::doctor::explain as messages;
use crate::vault::credential::CredentialType;
use crate::vault::id::AgentName;

/// The most profiles that are named if the message can be about any of them.
const SEVERAL: usize = 4;

/// What the vault knows of the credential that a message is about.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The agent.
    pub agent: &'a AgentName,
    /// The agent's profiles that it can be about.
    pub meant: &'a [&'a Profile],
    /// A sentence that names another agent that has one.
    pub elsewhere: Option<&'a str>,
}

/// What a message means, and what to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Explanation {
    /// Which message it is.
    pub error: Known,
    /// What it means.
    pub meaning: String,
    /// What to do, step by step.
    pub remedy: Vec<String>,
}

/// Explains a message.
#[must_use]
pub fn explain(read: &Read, facts: &Facts<'_>) -> Explanation {
    let about = About::of(read, facts);
    let About { on, whose, .. } = &about;
    let provider = about.provider();
    let (meaning, remedy) = match read.known {
        Known::ClaudeCodeOnly => (messages::claude_code_only(whose), messages::use_api_key(provider, on)),
        Known::NeedsTerminal => {
            (messages::needs_terminal(), messages::setup_token_elsewhere(provider, on, &about.store()))
        }
        Known::RefreshFailed | Known::Unauthorized | Known::TokenExpired => about.refused(),
        Known::NoCredentials | Known::NoApiKey => about.missing(facts.elsewhere),
        Known::AllInCooldown => {
            (messages::all_in_cooldown(provider, facts.agent), messages::after_cooldown(provider, on))
        }
        Known::NoCredit => (messages::no_credit(whose), about.after(messages::add_credit(provider))),
        Known::Forbidden => (messages::forbidden(whose), about.after(messages::permit(provider))),
        Known::RateLimited => (messages::rate_limited(whose), messages::after_cooldown(provider, on)),
        Known::Overloaded => (messages::overloaded(), messages::wait_for_provider(on)),
        Known::SecretsDegraded => (messages::degraded(), messages::resolve_again(on, &messages::reload())),
        Known::GatewaySecrets => {
            (messages::gateway_without_secrets(), messages::resolve_again(on, messages::START_AGAIN))
        }
        Known::MigrationRequired => (messages::migration_required(), messages::after_migration(facts.agent)),
    };
    Explanation { error: read.known, meaning, remedy }
}

/// What a message is about, in words.
struct About<'a> {
    read: &'a Read,
    meant: &'a [&'a Profile],
    /// ` --agent A`, or nothing for the default agent.
    on: String,
    whose: String,
}

impl<'a> About<'a> {
    fn of(read: &'a Read, facts: &Facts<'a>) -> Self {
        let agent = facts.agent;
        let on = agent.option();
        let mut about = Self { read, meant: facts.meant, on, whose: String::new() };
        about.whose = match (facts.meant, &read.profile) {
            ([one], _) => messages::profile(&one.id, agent),
            ([_, _, ..], _) if facts.meant.len() <= SEVERAL => {
                let ids: Vec<_> = facts.meant.iter().map(|profile| profile.id.as_str()).collect();
                messages::one_of(&ids.join(", "), agent)
            }
            (_, Some(named)) => messages::profile(named, agent),
            _ if about.named_provider().is_none() => messages::some_provider(agent),
            _ => messages::provider(about.provider(), agent),
        };
        about
    }

    /// Returns what it means that a provider refused a credential, and what to do.
    fn refused(&self) -> (String, Vec<String>) {
        let whose = &self.whose;
        let status = messages::status(&self.on);
        match self.read.known {
            Known::RefreshFailed => {
                (messages::refresh_failed(whose), vec![self.sign_in_again(), messages::reload()])
            }
            Known::Unauthorized => {
                let renew = messages::make_or_paste(&self.make(), &self.store());
                (messages::refused(whose), vec![status, renew, messages::reload()])
            }
            _ => {
                let is_unknown = self.meant.is_empty() && self.read.profile.is_none();
                let steps = vec![status, self.make_and_store(), messages::reload()];
                (messages::expired(whose, is_unknown), steps)
            }
        }
    }

    /// Returns what it means that a client has no credential, and what to do. `elsewhere` names an agent that has one.
    fn missing(&self, elsewhere: Option<&str>) -> (String, Vec<String>) {
        let (whose, on, provider) = (&self.whose, &self.on, self.provider());
        let or_elsewhere = |otherwise: String| elsewhere.map_or(otherwise, str::to_owned);
        if !self.meant.is_empty() {
            return (messages::not_found_by_client(whose), messages::find_again(provider, on));
        }
        let status = messages::status(on);
        if self.read.known == Known::NoCredentials {
            let steps = vec![status, or_elsewhere(self.make_and_store())];
            return (messages::no_credentials(whose), steps);
        }
        (messages::no_api_key(whose), vec![or_elsewhere(messages::paste(provider, on)), status])
    }

    /// Returns the steps after which a credential that is sound works again; `fix` is the first one.
    fn after(&self, fix: String) -> Vec<String> {
        let mut steps = vec![fix];
        if let [one] = self.meant {
            steps.push(messages::report_success(&one.id.word(), &self.on));
        }
        steps.push(messages::another_profile(self.provider(), &self.on));
        steps
    }

    fn make_and_store(&self) -> String {
        messages::make_and_store(&self.make(), &self.store())
    }

    /// Returns the provider that the message names, or that all profiles share that it can be about.
    fn named_provider(&self) -> Option<&str> {
        let shared = || {
            let (first, rest) = self.meant.split_first()?;
            rest.iter().all(|one| one.provider == first.provider).then_some(first.provider.as_str())
        };
        self.read.provider.as_deref().or_else(shared)
    }

    fn provider(&self) -> &str {
        self.named_provider().unwrap_or("PROVIDER")
    }

    /// Returns the type of the credential, if it is known.
    fn kind(&self) -> Option<CredentialType> {
        match (self.meant, self.read.known) {
            ([one], _) => Some(one.kind),
            (_, Known::TokenExpired | Known::NeedsTerminal) => Some(CredentialType::Token),
            _ => self.read.of_key.map(|key| if key { CredentialType::ApiKey } else { CredentialType::Token }),
        }
    }

    fn make(&self) -> String {
        let provider = self.provider();
        match (provider, self.kind()) {
            ("anthropic", Some(CredentialType::Token | CredentialType::OAuth)) => {
                messages::make_setup_token()
            }
            ("anthropic", None) => messages::make_key_or_setup_token(),
            (_, Some(CredentialType::ApiKey)) => messages::make_api_key(provider),
            _ => messages::make_key_or_token(provider),
        }
    }

    /// Returns the command that stores a new secret.
    fn store(&self) -> String {
        let (provider, on) = (self.provider(), &self.on);
        match self.meant {
            [one] if one.kind == CredentialType::OAuth => self.sign_in_again(),
            [one] => format!("strongroom rotate {}{on}", one.id.word()),
            [_, _, ..] => messages::rotate_one(on),
            [] => {
                let verb =
                    if self.kind() == Some(CredentialType::ApiKey) { "paste-api-key" } else { "paste-token" };
                let id = self
                    .read
                    .profile
                    .as_ref()
                    .map(|id| format!(" --profile-id {}", id.word()))
                    .unwrap_or_default();
                let ends =
                    if provider == "anthropic" && verb == "paste-token" { " --expires-in 365d" } else { "" };
                format!("strongroom models auth {verb} --provider {provider}{id}{ends}{on}")
            }
        }
    }

    /// Returns how to sign in again, which Strongroom does not do itself.
    fn sign_in_again(&self) -> String {
        let (provider, on) = (self.provider(), &self.on);
        let id = match self.meant {
            [one] => format!(" --profile-id {}", one.id.word()),
            _ => String::new(),
        };
        if provider == "anthropic" {
            messages::anthropic_sign_in(&id, on)
        } else {
            messages::sign_in(provider, on)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::message::tests::own;
    use crate::doctor::message::{meant, read};

    #[test]
    fn a_remedy_fits_what_the_credential_is() {
        let agent = AgentName::default();
        let said = |text: &str, own: &[Profile]| {
            let read = read(text).unwrap();
            let meant = meant(&read, own, 0);
            explain(&read, &Facts { agent: &agent, meant: &meant, elsewhere: None }).remedy.join("; ")
        };
        let key = own(&[("anthropic:default", CredentialType::ApiKey, None)]);
        let remedy = said("401 invalid x-api-key", &key);
        assert!(remedy.contains("create a new API key at anthropic"), "{remedy}");
        assert!(!remedy.contains("setup-token"), "{remedy}");
        let sign_in = own(&[("openai-codex:me", CredentialType::OAuth, None)]);
        let remedy = said("OAuth token refresh failed", &sign_in);
        assert!(remedy.contains("sign in to openai-codex again"), "{remedy}");
        // A profile that exists is not to be pasted again.
        let remedy = said("No API key found for provider anthropic", &key);
        assert!(remedy.contains("secrets reload") && !remedy.contains("paste"), "{remedy}");
        // The expiry is not lost by following the remedy.
        let remedy = said("No credentials found for profile anthropic:work", &[]);
        assert!(remedy.contains("--profile-id anthropic:work --expires-in 365d"), "{remedy}");
    }
}
