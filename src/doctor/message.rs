//! Error messages of clients and providers, and which credential they can be about.
//!
//! Only ids that match their grammar are ever repeated from a message.

use serde::Serialize;

use crate::env_names;
use crate::secret_format;
use crate::select::health::WARN_AFTER_MS;
use crate::vault::credential::CredentialType;
use crate::vault::id::{ProfileId, Provider};

/// A known error message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// OpenClaw's gateway did not start, because a secret could not be read (up to 2026.6.1, and later for some owners).
    GatewaySecrets,
    /// OpenClaw runs without the secrets of one of its secret providers.
    SecretsDegraded,
    /// OpenClaw found a store of an earlier version.
    MigrationRequired,
    /// A setup-token was used for something else than Claude Code.
    ClaudeCodeOnly,
    /// `claude setup-token` was run without a terminal.
    NeedsTerminal,
    /// OpenClaw could not renew an OAuth sign-in.
    RefreshFailed,
    /// Every profile of a provider is cooling down.
    AllInCooldown,
    /// The agent has no credential of a provider.
    NoApiKey,
    /// A profile has no credential, or there is no credential at all.
    NoCredentials,
    /// A credential has expired, or is about to.
    TokenExpired,
    /// The provider refuses a credential: 401.
    Unauthorized,
    /// The account has no credit, or its spending limit is reached: 402, and what providers call it.
    NoCredit,
    /// The credential is known, and may not do this: 403.
    Forbidden,
    /// Too many requests: 429.
    RateLimited,
    /// The provider has more to do than it can: 529, 503.
    Overloaded,
}

/// What a message must contain, in lower case: all words of one of the alternatives. A number counts only alone: ids of
/// requests have many digits. The first row that matches counts.
const TABLE: &[(Known, &[&[&str]])] = &[
    (Known::MigrationRequired, &[&["auth_profile_migration_required"], &["legacy credential migration"]]),
    (Known::SecretsDegraded, &[&["secrets_provider_degraded"], &["secret provider failed"]]),
    (
        Known::GatewaySecrets,
        &[
            &["required secrets are unavailable"],
            &["secretproviderresolutionerror"],
            &["exec provider", "exited with code"],
            &["exec provider", "timed out"],
            &["exec provider", "failed for id"],
            &["exec provider", "returned"],
            &["exec provider", "produced no output"],
        ],
    ),
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
        Known::NoCredit,
        &[
            &["credit balance is too low"],
            &["insufficient_quota"],
            &["exceeded your current quota"],
            &["billing_hard_limit_reached"],
            &["billing_error"],
            &["insufficient credits"],
            &["insufficient balance"],
            &["402"],
        ],
    ),
    (
        Known::RateLimited,
        &[
            &["429"],
            &["rate limit"],
            &["rate_limit"],
            &["ratelimit"],
            &["too many requests"],
            &["resource_exhausted"],
        ],
    ),
    (Known::Overloaded, &[&["529"], &["overloaded"], &["503", "unavailable"]]),
    (
        Known::Forbidden,
        &[
            &["403"],
            &["forbidden"],
            &["permission_error"],
            &["permission_denied"],
            &["does not have access to model"],
        ],
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

/// What a message says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Read {
    /// Which message it is.
    pub known: Known,
    /// The profile that it names.
    pub profile: Option<ProfileId>,
    /// The provider that it names, or whose profile it names.
    pub provider: Option<String>,
    /// Whether it is about an API key, if it says so.
    pub of_key: Option<bool>,
}

/// Words by which messages give away their provider without naming it, in lower case.
const TRACES: &[(&str, &str)] = &[
    ("claude", "anthropic"),
    ("anthropic", "anthropic"),
    ("x-api-key", "anthropic"),
    ("openai.com", "openai"),
    ("openrouter", "openrouter"),
    ("googleapis.com", "google"),
    ("groq.com", "groq"),
    ("api.x.ai", "xai"),
    ("mistral.ai", "mistral"),
];

/// Reads a message. Returns nothing if it is not a known one.
#[must_use]
pub fn read(text: &str) -> Option<Read> {
    let lower = text.to_ascii_lowercase();
    let fits = |alternatives: &[&[&str]]| {
        alternatives.iter().any(|words| words.iter().all(|word| has_word(&lower, word)))
    };
    let (known, _) = TABLE.iter().find(|(_, alternatives)| fits(alternatives))?;
    let words = || {
        text.split(|c: char| c.is_whitespace() || "\"'`,;()[]{}".contains(c))
            .map(|word| word.trim_end_matches(['.', ':']))
    };
    let is_provider = |word: &&str| !env_names::names_of(word).is_empty() || *word == "openai-codex";
    let profile = words()
        .filter_map(|word| word.parse::<ProfileId>().ok())
        .find(|id| is_provider(&id.provider().as_str()) && !secret_format::looks_secret(id.name()));
    let provider = profile.as_ref().map(|id| id.provider().to_string());
    let provider = provider.or_else(|| words().find(is_provider).map(str::to_owned));
    let trace = || TRACES.iter().find(|(trace, _)| lower.contains(trace)).map(|(_, of)| (*of).to_owned());
    let provider = provider.or_else(trace);
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let of_key = match (has(&["api-key", "api key", "api_key"]), has(&["oauth", "bearer", "setup-token"])) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    };
    Some(Read { known: *known, profile, provider, of_key })
}

/// Returns whether a text contains a word; a number only if it is no part of another word.
fn has_word(text: &str, word: &str) -> bool {
    if !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.contains(word);
    }
    text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').any(|one| one == word)
}

/// A profile that a message can be about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Its id.
    pub id: ProfileId,
    /// Its provider.
    pub provider: Provider,
    /// Its type.
    pub kind: CredentialType,
    /// When it expires, in Unix milliseconds.
    pub expires: Option<i64>,
}

/// Returns those of an agent's profiles that a message can be about.
#[must_use]
pub fn meant<'a>(read: &Read, own: &'a [Profile], now: i64) -> Vec<&'a Profile> {
    if let Some(named) = &read.profile {
        return own.iter().filter(|profile| profile.id == *named).collect();
    }
    let of_provider = |profile: &&Profile| {
        read.provider.as_deref().is_none_or(|provider| profile.provider.as_str() == provider)
    };
    let fits = |profile: &&Profile| match read.known {
        Known::ClaudeCodeOnly | Known::NeedsTerminal => profile.kind == CredentialType::Token,
        Known::RefreshFailed => profile.kind == CredentialType::OAuth,
        Known::TokenExpired => profile.expires.is_some_and(|at| at <= now.saturating_add(WARN_AFTER_MS)),
        Known::Unauthorized => read.of_key.is_none_or(|key| key == (profile.kind == CredentialType::ApiKey)),
        Known::NoCredit | Known::Forbidden | Known::RateLimited => {
            read.of_key.is_none_or(|key| key == (profile.kind == CredentialType::ApiKey))
        }
        Known::AllInCooldown | Known::NoApiKey | Known::NoCredentials | Known::Overloaded => true,
        // These are about the client and its secret provider, not about one credential.
        Known::GatewaySecrets | Known::SecretsDegraded | Known::MigrationRequired => false,
    };
    let all: Vec<_> = own.iter().filter(of_provider).collect();
    let fitting: Vec<_> = all.iter().copied().filter(fits).collect();
    // A token that was sent as an API key is refused as one.
    if fitting.is_empty() && read.known == Known::Unauthorized { all } else { fitting }
}

#[cfg(test)]
pub(super) mod tests {
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
                "OAuth token refresh failed for openai-codex: invalid_grant. Try again or re-authenticate.",
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
            (
                "429 {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\"},\"request_id\":\"req_401403\"} anthropic",
                Known::RateLimited,
                None,
                Some("anthropic"),
            ),
            (
                "429 You exceeded your current quota: insufficient_quota, says openai",
                Known::NoCredit,
                None,
                Some("openai"),
            ),
            (
                "Your credit balance is too low to access the Anthropic API.",
                Known::NoCredit,
                None,
                Some("anthropic"),
            ),
            ("HTTP 403 permission_error", Known::Forbidden, None, None),
            ("529 overloaded_error: Overloaded", Known::Overloaded, None, None),
            (
                "[SECRETS_PROVIDER_DEGRADED] exec:strongroom: secret provider failed. Affected owners: cold account:[\"anthropic:default\"]",
                Known::SecretsDegraded,
                Some("anthropic:default"),
                Some("anthropic"),
            ),
            (
                "Gateway failed to start: Startup failed: required secrets are unavailable. SecretProviderResolutionError: Exec provider \"strongroom\" exited with code 3.",
                Known::GatewaySecrets,
                None,
                None,
            ),
            (
                "Auth profile store requires legacy credential migration; affected providers: openrouter; run openclaw doctor --fix. code=AUTH_PROFILE_MIGRATION_REQUIRED",
                Known::MigrationRequired,
                None,
                Some("openrouter"),
            ),
        ] {
            let read = read(text).unwrap_or_else(|| panic!("{text}"));
            let said = (read.known, read.profile.as_ref().map(ProfileId::as_str), read.provider.as_deref());
            assert_eq!(said, (known, profile, provider), "{text}");
        }
        assert_eq!(read("it is a nice day"), None);
        assert_eq!(read("request 14013 took 5295 ms as req_403x, build 2-429"), None);
    }

    /// Returns profiles made from ids, types and expiries.
    pub fn own(rows: &[(&str, CredentialType, Option<i64>)]) -> Vec<Profile> {
        rows.iter()
            .map(|(id, kind, expires)| {
                let id: ProfileId = id.parse().unwrap();
                Profile { provider: id.provider(), id, kind: *kind, expires: *expires }
            })
            .collect()
    }

    #[test]
    fn only_a_profile_that_fits_is_named() {
        use CredentialType::{ApiKey, OAuth, Token};
        const NOW: i64 = 1_800_000_000_000;
        let all = own(&[
            ("anthropic:default", ApiKey, None),
            ("anthropic:team", Token, Some(NOW * 2)),
            ("anthropic:old", Token, Some(NOW - 1)),
            ("openai:default", ApiKey, None),
            ("openai-codex:me", OAuth, Some(NOW - 1)),
        ]);
        for (text, expected) in [
            ("HTTP 401: invalid x-api-key", &["anthropic:default"][..]),
            ("401 invalid bearer token, says anthropic", &["anthropic:team", "anthropic:old"]),
            ("Incorrect API key provided. See https://platform.openai.com/account", &["openai:default"]),
            ("OAuth token refresh failed: invalid_grant", &["openai-codex:me"]),
            ("OAuth token refresh failed for anthropic", &[]),
            ("Token expired", &["anthropic:old", "openai-codex:me"]),
            ("Token expired: anthropic:team", &["anthropic:team"]),
            ("No credentials found for profile \"anthropic:none\"", &[]),
            ("only authorized for use with Claude Code", &["anthropic:team", "anthropic:old"]),
            ("No available auth profile for openai (all in cooldown)", &["openai:default"]),
        ] {
            let read = read(text).unwrap();
            let ids: Vec<_> = meant(&read, &all, NOW).iter().map(|profile| profile.id.as_str()).collect();
            assert_eq!(ids, expected, "{text}");
        }
        // A token that was sent as an API key is refused as one.
        let token = own(&[("anthropic:team", Token, None)]);
        assert_eq!(meant(&read("invalid x-api-key").unwrap(), &token, NOW).len(), 1);
    }

    #[test]
    fn a_message_that_quotes_a_secret_is_not_repeated() {
        let canary = "sk-ant-api03-CANARY";
        let read = read(&format!("401 invalid x-api-key {canary} anthropic anthropic:{canary}")).unwrap();
        assert!(read.provider.as_deref() == Some("anthropic"));
        assert!(read.profile.is_none(), "{read:?}");
    }
}
