//! What an error message of a client or a provider means for a credential, and what to do.

use serde::Serialize;

use super::message::{Known, Profile, Read};
use crate::vault::credential::CredentialType;
use crate::vault::id::AgentName;

/// So many profiles are named where it can be any of them.
const SEVERAL: usize = 4;

/// What the vault knows of the credential that a message is about.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The agent.
    pub agent: &'a AgentName,
    /// The agent's profiles that it can be about.
    pub meant: &'a [&'a Profile],
    /// Who else has one, as a sentence.
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
        Known::ClaudeCodeOnly => (
            format!("{whose}: a setup-token serves Claude Code only, and this request needs an API key"),
            vec![
                format!(
                    "make an API key at {provider}, then strongroom models auth paste-api-key --provider {provider}{on}"
                ),
                format!("strongroom models auth order set --provider {provider} {provider}:default{on}"),
                reload(),
            ],
        ),
        Known::NeedsTerminal => (
            "`claude setup-token` needs an interactive terminal, and there is none here".to_owned(),
            vec![
                format!(
                    "run `claude setup-token` on any machine with a terminal and a browser (over SSH: ssh -t), then here: {}",
                    about.store()
                ),
                format!("or use an API key: strongroom models auth paste-api-key --provider {provider}{on}"),
            ],
        ),
        Known::RefreshFailed | Known::Unauthorized | Known::TokenExpired => about.refused(),
        Known::NoCredentials | Known::NoApiKey => about.missing(facts.elsewhere),
        Known::AllInCooldown => (
            format!(
                "No available auth profile for provider \"{provider}\" (agent {}): all are in cooldown after failures",
                facts.agent
            ),
            vec![
                format!(
                    "strongroom models status --json{on}: auth.unusableProfiles has each with its reason and until when"
                ),
                format!(
                    "wait, or add a profile: strongroom models auth paste-api-key --provider {provider} --profile-id {provider}:second{on}"
                ),
            ],
        ),
    };
    Explanation { error: read.known, meaning, remedy }
}

/// The step that makes a running gateway take up what was changed.
fn reload() -> String {
    "openclaw secrets reload, if a gateway runs".to_owned()
}

/// Whom a message is about, in words.
struct About<'a> {
    read: &'a Read,
    meant: &'a [&'a Profile],
    /// ` --agent A`, but for the default one.
    on: String,
    whose: String,
}

impl<'a> About<'a> {
    fn of(read: &'a Read, facts: &Facts<'a>) -> Self {
        let agent = facts.agent;
        let on = if *agent == AgentName::default() { String::new() } else { format!(" --agent {agent}") };
        let mut about = Self { read, meant: facts.meant, on, whose: String::new() };
        about.whose = match (facts.meant, &read.profile) {
            ([one], _) => format!("profile \"{}\" (agent {agent})", one.id),
            ([_, _, ..], _) if facts.meant.len() <= SEVERAL => {
                let ids: Vec<_> = facts.meant.iter().map(|profile| profile.id.as_str()).collect();
                format!("one of {} (agent {agent})", ids.join(", "))
            }
            (_, Some(named)) => format!("profile \"{named}\" (agent {agent})"),
            _ if about.named_provider().is_none() => format!("a provider (agent {agent})"),
            _ => format!("provider \"{}\" (agent {agent})", about.provider()),
        };
        about
    }

    /// What it means that a provider refused a credential, and what to do.
    fn refused(&self) -> (String, Vec<String>) {
        let whose = &self.whose;
        match self.read.known {
            Known::RefreshFailed => (
                format!(
                    "the OAuth sign-in of {whose} could not be renewed: its refresh token was used elsewhere or revoked"
                ),
                vec![self.sign_in_again(), reload()],
            ),
            Known::Unauthorized => (
                format!(
                    "the provider refuses the credential of {whose}: it was revoked, replaced, or cut off when it was pasted"
                ),
                vec![
                    self.look(),
                    format!("{}, or paste one from another machine: {}", self.make(), self.store()),
                    reload(),
                ],
            ),
            _ => {
                let none =
                    if self.expired_none() { "; none that is kept here has, by its expiry" } else { "" };
                (
                    format!("the token of {whose} has expired or is about to{none}"),
                    vec![self.look(), self.make_and_store(), reload()],
                )
            }
        }
    }

    /// What it means that a client has no credential, and what to do; `elsewhere` says who has one.
    fn missing(&self, elsewhere: Option<&str>) -> (String, Vec<String>) {
        let (whose, on, provider) = (&self.whose, &self.on, self.provider());
        let or_elsewhere = |otherwise: String| elsewhere.map_or(otherwise, str::to_owned);
        if !self.meant.is_empty() {
            let steps = vec![
                format!("strongroom models status --explain {provider}{on}: can it be used?"),
                "copy the index to OpenClaw again, which reads a copy of its own, and then: openclaw secrets reload (docs/guide.md, \"OpenClaw\")".to_owned(),
            ];
            return (
                format!("{whose} is in the vault, and OpenClaw did not find it, or found it unusable"),
                steps,
            );
        }
        if self.read.known == Known::NoCredentials {
            let steps = vec![self.look(), or_elsewhere(self.make_and_store())];
            return (format!("No credentials found for {whose}"), steps);
        }
        let paste = format!("strongroom models auth paste-token --provider {provider}{on}, or paste-api-key");
        (
            format!(
                "No API key found for {whose}: authentication is per agent, a new agent inherits nothing"
            ),
            vec![or_elsewhere(paste), self.look()],
        )
    }

    fn look(&self) -> String {
        format!("strongroom models status{}", self.on)
    }

    fn make_and_store(&self) -> String {
        format!("{}, then {}", self.make(), self.store())
    }

    /// The provider that the message names, or that all profiles share which it can be about.
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

    /// What the credential is, where that is known.
    fn kind(&self) -> Option<CredentialType> {
        match (self.meant, self.read.known) {
            ([one], _) => Some(one.kind),
            (_, Known::TokenExpired | Known::NeedsTerminal) => Some(CredentialType::Token),
            _ => self.read.of_key.map(|key| if key { CredentialType::ApiKey } else { CredentialType::Token }),
        }
    }

    fn expired_none(&self) -> bool {
        self.meant.is_empty() && self.read.profile.is_none()
    }

    fn make(&self) -> String {
        let provider = self.provider();
        let token = "run `claude setup-token` on a machine with a terminal and a browser";
        match (provider, self.kind()) {
            ("anthropic", Some(CredentialType::Token | CredentialType::OAuth)) => token.to_owned(),
            ("anthropic", None) => format!("make a new API key at anthropic, or {token}"),
            (_, Some(CredentialType::ApiKey)) => format!("make a new API key at {provider}"),
            _ => format!("make a new key or token at {provider}"),
        }
    }

    fn store(&self) -> String {
        let (provider, on) = (self.provider(), &self.on);
        match self.meant {
            [one] if one.kind == CredentialType::OAuth => self.sign_in_again(),
            [one] => format!("strongroom rotate {}{on}", one.id.word()),
            [_, _, ..] => format!("strongroom rotate ID{on}, by the id of the one that it is"),
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

    /// Strongroom signs in nowhere itself.
    fn sign_in_again(&self) -> String {
        let (provider, on) = (self.provider(), &self.on);
        let id = match self.meant {
            [one] => format!(" --profile-id {}", one.id.word()),
            _ => String::new(),
        };
        if provider == "anthropic" {
            format!(
                "sign in again with a setup-token: run `claude setup-token` on a machine with a terminal and a browser, then strongroom models auth paste-token --provider {provider}{id} --expires-in 365d{on}"
            )
        } else {
            format!(
                "sign in to {provider} again in its own client, and import that (--include-oauth --on-conflict replace), or use an API key: strongroom models auth paste-api-key --provider {provider}{on}"
            )
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
        assert!(remedy.contains("make a new API key at anthropic"), "{remedy}");
        assert!(!remedy.contains("setup-token"), "{remedy}");
        let sign_in = own(&[("openai-codex:me", CredentialType::OAuth, None)]);
        let remedy = said("OAuth token refresh failed", &sign_in);
        assert!(remedy.contains("sign in to openai-codex again"), "{remedy}");
        // What is there is not to be pasted again.
        let remedy = said("No API key found for provider anthropic", &key);
        assert!(remedy.contains("secrets reload") && !remedy.contains("paste"), "{remedy}");
        // An expiry is not lost by following it.
        let remedy = said("No credentials found for profile anthropic:work", &[]);
        assert!(remedy.contains("--profile-id anthropic:work --expires-in 365d"), "{remedy}");
    }
}
