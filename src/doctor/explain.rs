//! Error messages of clients and providers: what they mean for a credential, and what to do.
//! Nothing of a message is ever repeated but ids in their own grammar.

use serde::Serialize;

use crate::env_names;
use crate::select::health::WARN_AFTER_MS;
use crate::shape;
use crate::vault::credential::CredentialType;
use crate::vault::id::{AgentName, ProfileId, Provider};

/// So many profiles are named where it can be any of them.
const SEVERAL: usize = 4;

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
    /// Whether it speaks of an API key, where it says.
    pub of_key: Option<bool>,
}

/// What stands in messages of providers that do not name themselves, in lower case.
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

/// A profile that a message can be about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Its id.
    pub id: ProfileId,
    /// Whom it is for.
    pub provider: Provider,
    /// What it is.
    pub kind: CredentialType,
    /// When it ends, in Unix milliseconds.
    pub expires: Option<i64>,
}

/// Those of an agent's profiles that a message can be about.
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
        Known::AllInCooldown | Known::NoApiKey | Known::NoCredentials => true,
    };
    let all: Vec<_> = own.iter().filter(of_provider).collect();
    let fitting: Vec<_> = all.iter().copied().filter(fits).collect();
    // A token that is sent as a key is refused as one.
    if fitting.is_empty() && read.known == Known::Unauthorized { all } else { fitting }
}

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
    let (agent, provider) = (facts.agent, about.provider());
    let reload = "openclaw secrets reload, if a gateway runs".to_owned();
    let look = format!("strongroom models status{on}");
    let (meaning, remedy) = match read.known {
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
                    "run `claude setup-token` on any machine with a terminal and a browser (over SSH: ssh -t), then here: {}",
                    about.store()
                ),
                format!("or use an API key: strongroom models auth paste-api-key --provider {provider}{on}"),
            ],
        ),
        Known::RefreshFailed => (
            format!(
                "the OAuth sign-in of {whose} could not be renewed: its refresh token was used elsewhere or revoked"
            ),
            vec![about.sign_in_again(), reload],
        ),
        Known::Unauthorized => (
            format!(
                "the provider refuses the credential of {whose}: it was revoked, replaced, or cut off when it was pasted"
            ),
            vec![look, format!("{}, or paste one from another machine: {}", about.make(), about.store()), reload],
        ),
        Known::TokenExpired if about.expired_none() => (
            format!("the token of {whose} has expired or is about to; none that is kept here has, by its expiry"),
            vec![look, format!("{}, then {}", about.make(), about.store()), reload],
        ),
        Known::TokenExpired => (
            format!("the token of {whose} has expired or is about to"),
            vec![look, format!("{}, then {}", about.make(), about.store()), reload],
        ),
        Known::NoCredentials | Known::NoApiKey if !facts.meant.is_empty() => (
            format!("{whose} is in the vault, and OpenClaw did not find it, or found it unusable"),
            vec![
                format!("strongroom models status --explain {provider}{on}: can it be used?"),
                "copy the index to OpenClaw again, which reads a copy of its own, and then: openclaw secrets reload (docs/guide.md, \"OpenClaw\")".to_owned(),
            ],
        ),
        Known::NoCredentials => (
            format!("No credentials found for {whose}"),
            vec![
                look,
                facts.elsewhere.map_or_else(|| format!("{}, then {}", about.make(), about.store()), str::to_owned),
            ],
        ),
        Known::NoApiKey => (
            format!("No API key found for {whose}: authentication is per agent, a new agent inherits nothing"),
            vec![
                facts.elsewhere.map_or_else(
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
    Explanation { error: read.known, meaning, remedy }
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
            [one] => format!("strongroom rotate {}{on}", one.id),
            [_, _, ..] => format!("strongroom rotate ID{on}, by the id of the one that it is"),
            [] => {
                let verb =
                    if self.kind() == Some(CredentialType::ApiKey) { "paste-api-key" } else { "paste-token" };
                let id =
                    self.read.profile.as_ref().map(|id| format!(" --profile-id {id}")).unwrap_or_default();
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
            [one] => format!(" --profile-id {}", one.id),
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

    fn own(rows: &[(&str, CredentialType, Option<i64>)]) -> Vec<Profile> {
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
        // A token that is sent as a key is refused as one.
        let token = own(&[("anthropic:team", Token, None)]);
        assert_eq!(meant(&read("invalid x-api-key").unwrap(), &token, NOW).len(), 1);
    }

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

    #[test]
    fn a_message_that_quotes_a_secret_is_not_repeated() {
        let canary = "sk-ant-api03-CANARY";
        let read = read(&format!("401 invalid x-api-key {canary} anthropic anthropic:{canary}")).unwrap();
        assert!(read.provider.as_deref() == Some("anthropic"));
        assert!(read.profile.is_none(), "{read:?}");
    }
}
