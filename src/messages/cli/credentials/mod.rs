//! Messages about storing, reading and removing credentials.

pub mod notices;
pub mod setup_token;

use std::fmt::Display;

use crate::error::{Code, Error};
use crate::time::{DAY, day, relative};

/// From this distance on, an expiry is shown as a date: "in 26696d" tells a person nothing.
const FAR: i64 = 1_000 * DAY;

/// Returns why no one can be asked, as a part of a sentence.
#[must_use]
pub fn why_not_asked(stdin_is_terminal: bool) -> &'static str {
    if stdin_is_terminal { "`--no-input` is set" } else { "standard input is not a terminal" }
}

/// `models auth add` or `login` cannot ask for `what`, which no flag gives.
#[must_use]
pub fn cannot_ask(what: &str, stdin_is_terminal: bool) -> Error {
    Error::new(Code::Usage, format!("cannot ask for {what}: {}", why_not_asked(stdin_is_terminal))).with_remedy(
        "pass `--provider P --method api-key` (or `token`) and send the secret on standard input, or use `strongroom paste-api-key` or `strongroom paste-token`",
    )
}

/// The provider is signed in to in a browser or by a device code.
#[must_use]
pub fn sign_in_elsewhere(provider: impl Display, agent: impl Display, agent_option: &str) -> Error {
    Error::new(
        Code::SignInElsewhere,
        format!("cannot sign in to {provider}: that needs a browser or the network, which Strongroom does not use"),
    )
    .with_remedy(format!(
        "sign in with `openclaw models auth login --provider {provider}`, then run `strongroom{agent_option} import ~/.openclaw/agents/{agent}/agent/auth-profiles.json --include-oauth`; or paste a token: `strongroom{agent_option} paste-token --provider {provider}`"
    ))
}

/// No method was chosen from the menu.
#[must_use]
pub fn no_method() -> Error {
    Error::new(Code::Usage, "no valid method was chosen")
}

/// The question for a profile id; an empty answer means the default.
#[must_use]
pub fn profile_id_prompt(provider: impl Display, default: &str) -> String {
    format!("Profile id [{provider}:{default}]: ")
}

/// The question for a token's lifetime.
pub const EXPIRES_PROMPT: &str = "Expires in, for example 365d (empty: never): ";

/// The question for a provider, after the menu.
pub const PROVIDER_PROMPT: &str = "Number, or another provider's name: ";

/// The heading of the menu of methods.
pub const METHODS: &str = "How to add the credential";

/// The provider is unknown and resembles a known one, but no one can be asked which is meant.
#[must_use]
pub fn unknown_provider(given: impl Display, known: impl Display) -> String {
    format!("{given} is not a known provider; if you mean {known}, store it again with --provider {known}")
}

/// The provider is unknown and resembles a known one: asks which is meant.
#[must_use]
pub fn unknown_provider_prompt(given: impl Display, known: impl Display) -> String {
    format!("{given} is not a known provider. Store it for {known} instead?")
}

/// A credential of another type is stored under the id. `verb`, `provider` and `free_id` make the command that
/// keeps both.
#[must_use]
pub fn would_replace(
    profile: impl Display,
    held: &str,
    verb: &str,
    agent_option: &str,
    provider: impl Display,
    free_id: &str,
) -> Error {
    Error::new(Code::Exists, format!("{profile} already holds {held}, and it would be replaced")).with_remedy(
        format!(
            "nothing was changed; to keep both, run `strongroom{agent_option} {verb} --provider {provider} --profile-id {free_id}`"
        ),
    )
}

/// Asks whether to replace what is stored under the id.
#[must_use]
pub fn replace_prompt(profile: impl Display, held: &str) -> String {
    format!("{profile} already holds {held}. Replace it?")
}

/// A person chose to keep what is stored under the id.
#[must_use]
pub fn not_replaced(profile: impl Display) -> Error {
    Error::new(Code::Cancelled, format!("{profile} was not replaced"))
        .with_remedy("run the command again with another profile id")
}

/// The id belongs to another provider than the one that was given.
#[must_use]
pub fn other_provider(profile: impl Display, provider: impl Display) -> Error {
    Error::new(Code::Usage, format!("profile id {profile} does not belong to provider {provider}"))
        .with_remedy(format!("use an id that begins with `{provider}:`"))
}

/// An OAuth sign-in cannot be rotated.
#[must_use]
pub fn oauth_not_rotated(profile: impl Display) -> Error {
    Error::new(Code::Usage, format!("cannot rotate {profile}: an OAuth sign-in is more than one secret"))
        .with_remedy("import the new sign-in: `strongroom import FILE --include-oauth --on-conflict replace`")
}

/// The confirmation of a stored credential. `verb` is `Stored`, `Replaced` or `Rotated`; `expires` and `now` are
/// Unix milliseconds; `agent` is given if it is not the default one.
#[must_use]
pub fn stored(
    verb: &str,
    profile: impl Display,
    kind: impl Display,
    expires: Option<i64>,
    now: i64,
    agent: Option<&str>,
) -> String {
    let expiry = match expires {
        None => String::new(),
        Some(at) if at <= now => format!(", expired {}", relative(at, now)),
        Some(at) if at.saturating_sub(now) >= FAR => format!(", expires {}", day(at)),
        Some(at) => format!(", expires {}", relative(at, now)),
    };
    let whose = agent.map(|agent| format!(" for agent {agent}")).unwrap_or_default();
    format!("{verb} {profile} ({kind}{expiry}){whose}.")
}

/// The expiry of a setup-token was not given.
pub const EXPIRY_ASSUMED: &str = "Setup-tokens are valid for a year. If this one is not, paste it again with `--expires-in TIME`, or `--expires-in never`.";

/// `--expires-in` and `--expires-at` were both given.
#[must_use]
pub fn two_expiries() -> Error {
    Error::new(Code::Usage, "--expires-in and --expires-at cannot be used together")
        .with_remedy("remove one of the two")
}

/// The expiry is beyond what the formats hold.
#[must_use]
pub fn expiry_too_far() -> Error {
    Error::new(Code::Usage, "--expires-in is too far in the future")
}

/// `--expires-at` is not a date.
#[must_use]
pub fn not_a_date() -> Error {
    Error::new(Code::Usage, "--expires-at is not a date in UTC")
        .with_remedy("write it as 2027-01-31 or 2027-01-31T12:00:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_names_the_expiry_as_a_person_would() {
        let said = |expires| stored("Stored", "groq:one", "token", expires, DAY, None);
        assert_eq!(said(None), "Stored groq:one (token).");
        assert_eq!(said(Some(366 * DAY)), "Stored groq:one (token, expires in 365d).");
        assert_eq!(said(Some(DAY - 7_200_000)), "Stored groq:one (token, expired 2h ago).");
        assert_eq!(said(Some(4_102_444_800_000)), "Stored groq:one (token, expires 2100-01-01).");
        assert_eq!(
            stored("Rotated", "groq:one", "api_key", None, 0, Some("ops")),
            "Rotated groq:one (api_key) for agent ops."
        );
    }
}
