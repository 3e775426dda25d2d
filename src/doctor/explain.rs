//! Error messages of clients and providers: what they mean for a credential, and what to do.
//! Nothing of a message is ever repeated but ids in their own grammar.

use serde::Serialize;

use crate::env_names;
use crate::shape;
use crate::vault::id::{AgentName, ProfileId};

/// An error message that is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// A setup-token was sent where only Claude Code may use one.
    ClaudeCodeOnly,
    /// `claude setup-token` was run without a terminal.
    NeedsTerminal,
    /// OpenClaw could not renew an OAuth sign-in.
    RefreshFailed,
    /// Every profile of a provider waits.
    AllInCooldown,
    /// The agent has no credential of a provider.
    NoApiKey,
    /// A profile has no credential, or there is none at all.
    NoCredentials,
    /// A credential has ended, or is about to.
    TokenExpired,
    /// The provider refuses a credential: 401.
    Unauthorized,
}

/// What a message has to contain, in lower case: all words of one of the alternatives. The first
/// row that fits counts.
const TABLE: &[(Known, &[&[&str]])] = &[
    (Known::ClaudeCodeOnly, &[&["only authorized for use with claude code"]]),
    (
        Known::NeedsTerminal,
        &[
            &["setup-token", "interactive"],
            &["setup-token", "tty"],
            &["setup-token", "terminal"],
            &["raw mode is not supported"],
        ],
    ),
    (
        Known::RefreshFailed,
        &[&["oauth token refresh failed"], &["invalid_grant"], &["refresh token", "invalid"]],
    ),
    (Known::AllInCooldown, &[&["no available auth profile"], &["all in cooldown"]]),
    (Known::NoApiKey, &[&["no api key found"]]),
    (Known::NoCredentials, &[&["no credentials found"], &["credentials are missing"]]),
    (
        Known::TokenExpired,
        &[&["token expir"], &["token has expired"], &["token is expired"], &["credentials", "expired"]],
    ),
    (
        Known::Unauthorized,
        &[
            &["401"],
            &["unauthorized"],
            &["authentication_error"],
            &["invalid x-api-key"],
            &["invalid bearer token"],
            &["token", "invalid"],
            &["invalid api key"],
            &["incorrect api key"],
        ],
    ),
];

/// What a message says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Read {
    /// Which message it is.
    pub known: Known,
    /// The profile that it names.
    pub profile: Option<ProfileId>,
    /// The provider that it names, or whose profile it names.
    pub provider: Option<String>,
}

/// Reads a message; none where it is not known.
#[must_use]
pub fn read(text: &str) -> Option<Read> {
    let lower = text.to_ascii_lowercase();
    let fits = |alternatives: &[&[&str]]| {
        alternatives.iter().any(|words| words.iter().all(|word| lower.contains(word)))
    };
    let (known, _) = TABLE.iter().find(|(_, alternatives)| fits(alternatives))?;
    let words = || {
        text.split(|c: char| c.is_whitespace() || "\"'`,;()[]{}".contains(c))
            .map(|word| word.trim_end_matches(['.', ':']))
    };
    let is_provider = |word: &&str| !env_names::names_of(word).is_empty() || *word == "openai-codex";
    let profile = words()
        .filter_map(|word| word.parse::<ProfileId>().ok())
        .find(|id| is_provider(&id.provider().as_str()) && !shape::looks_secret(id.name()));
    let provider = profile.as_ref().map(|id| id.provider().to_string());
    let provider = provider.or_else(|| words().find(is_provider).map(str::to_owned));
    let provider = provider.or_else(|| lower.contains("claude").then(|| "anthropic".to_owned()));
    Some(Read { known: *known, profile, provider })
}

/// What the vault knows of the credential that a message is about.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The agent.
    pub agent: &'a AgentName,
    /// The provider.
    pub provider: &'a str,
    /// The profile that is meant: the one that the message names, else the agent's only or first.
    pub profile: Option<&'a str>,
    /// Whether the agent has that profile.
    pub exists: bool,
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
pub fn explain(known: Known, facts: &Facts<'_>) -> Explanation {
    let Facts { agent, provider, profile, exists, elsewhere } = *facts;
    let on = if *agent == AgentName::default() { String::new() } else { format!(" --agent {agent}") };
    let id = profile.map_or_else(|| format!("{provider}:manual"), str::to_owned);
    let whose = match profile {
        Some(profile) => format!("profile \"{profile}\" (agent {agent})"),
        None => format!("provider \"{provider}\" (agent {agent})"),
    };
    let make = if provider == "anthropic" {
        "run `claude setup-token` on a machine with a terminal and a browser".to_owned()
    } else {
        format!("make a new key or token at {provider}")
    };
    let store = if exists {
        format!("strongroom rotate {id}{on}")
    } else {
        format!("strongroom models auth paste-token --provider {provider} --profile-id {id}{on}")
    };
    let reload = "openclaw secrets reload, if a gateway runs".to_owned();
    let look = format!("strongroom models status{on}");
    let (meaning, remedy) = match known {
        Known::ClaudeCodeOnly => (
            format!("{whose}: a setup-token serves Claude Code only, and this request needs an API key"),
            vec![
                format!(
                    "make an API key at {provider}, then strongroom models auth paste-api-key --provider {provider}{on}"
                ),
                format!("strongroom models auth order set --provider {provider} {provider}:default{on}"),
                reload,
            ],
        ),
        Known::NeedsTerminal => (
            "`claude setup-token` needs an interactive terminal, and there is none here".to_owned(),
            vec![
                format!(
                    "run `claude setup-token` on any machine with a terminal and a browser (over SSH: ssh -t), then here: {store}"
                ),
                format!("or use an API key: strongroom models auth paste-api-key --provider {provider}{on}"),
            ],
        ),
        Known::RefreshFailed => (
            format!(
                "the OAuth sign-in of {whose} could not be renewed: its refresh token was used elsewhere or revoked"
            ),
            vec![sign_in_again(provider, &make, &id, &on), reload],
        ),
        Known::Unauthorized => (
            format!(
                "the provider refuses the credential of {whose}: it was revoked, replaced, or cut off when it was pasted"
            ),
            vec![look, format!("{make}, or paste one from another machine: {store}"), reload],
        ),
        Known::TokenExpired => (
            format!("the token of {whose} has expired or is about to"),
            vec![look, format!("{make}, then {store}"), reload],
        ),
        Known::NoCredentials => (
            format!("No credentials found for {whose}"),
            vec![look, elsewhere.map_or_else(|| format!("{make}, then {store}"), str::to_owned)],
        ),
        Known::NoApiKey => (
            format!(
                "No API key found for provider \"{provider}\" (agent {agent}): authentication is per agent, a new agent inherits nothing"
            ),
            vec![
                elsewhere.map_or_else(
                    || {
                        format!(
                            "strongroom models auth paste-token --provider {provider}{on}, or paste-api-key"
                        )
                    },
                    str::to_owned,
                ),
                look,
            ],
        ),
        Known::AllInCooldown => (
            format!(
                "No available auth profile for provider \"{provider}\" (agent {agent}): all are in cooldown after failures"
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
    Explanation { error: known, meaning, remedy }
}

/// Strongroom signs in nowhere itself.
fn sign_in_again(provider: &str, make: &str, id: &str, on: &str) -> String {
    if provider == "anthropic" {
        format!(
            "sign in again with a setup-token: {make}, then strongroom models auth paste-token --provider {provider} --profile-id {id}{on}"
        )
    } else {
        format!(
            "sign in to {provider} again in its own client, or use an API key: strongroom models auth paste-api-key --provider {provider}{on}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_of_clients_and_providers_are_known() {
        for (text, known, profile, provider) in [
            (
                "This credential is only authorized for use with Claude Code and cannot be used for other API requests.",
                Known::ClaudeCodeOnly,
                None,
                Some("anthropic"),
            ),
            (
                "claude setup-token requires an interactive terminal",
                Known::NeedsTerminal,
                None,
                Some("anthropic"),
            ),
            (
                "OAuth token refresh failed for openai-codex: invalid_grant. Please try again or re-authenticate.",
                Known::RefreshFailed,
                None,
                Some("openai-codex"),
            ),
            (
                "HTTP 401 authentication_error: OAuth authentication is currently not supported",
                Known::Unauthorized,
                None,
                None,
            ),
            (
                "No API key found for provider \"mistral\". Auth store: /x/auth-profiles.json",
                Known::NoApiKey,
                None,
                Some("mistral"),
            ),
            (
                "No credentials found for profile \"anthropic:default\".",
                Known::NoCredentials,
                Some("anthropic:default"),
                Some("anthropic"),
            ),
            ("No credentials found", Known::NoCredentials, None, None),
            ("Auth profile credentials are missing or expired.", Known::NoCredentials, None, None),
            ("Token expired: anthropic:work", Known::TokenExpired, Some("anthropic:work"), Some("anthropic")),
            (
                "No available auth profile for openai (all in cooldown or unavailable).",
                Known::AllInCooldown,
                None,
                Some("openai"),
            ),
        ] {
            let read = read(text).unwrap_or_else(|| panic!("{text}"));
            let said = (read.known, read.profile.as_ref().map(ProfileId::as_str), read.provider.as_deref());
            assert_eq!(said, (known, profile, provider), "{text}");
        }
        assert_eq!(read("it is a nice day"), None);
    }

    #[test]
    fn a_message_that_quotes_a_secret_is_not_repeated() {
        let canary = "sk-ant-api03-CANARY";
        let read = read(&format!("401 invalid x-api-key {canary} anthropic anthropic:{canary}")).unwrap();
        assert!(read.provider.as_deref() == Some("anthropic"));
        assert!(read.profile.is_none(), "{read:?}");
    }
}
