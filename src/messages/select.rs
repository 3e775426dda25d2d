//! Messages about which profile is used next. `on` is ` --agent A`, or nothing for the default agent; `ids` are joined.

use std::fmt::Display;

use crate::error::{Code, Error};

/// A session's name is invalid.
pub fn invalid_session() -> Error {
    Error::new(Code::Usage, "invalid session name")
        .with_remedy("use ASCII letters, digits and . _ : @ + / # = -, at most 256 bytes")
}

/// A model's name is invalid.
pub fn invalid_model() -> Error {
    Error::new(Code::Usage, "invalid model name")
        .with_remedy("use an alias or <provider>/<model>, at most 256 bytes")
}

/// A kind of failure is not known. `kinds` are joined.
pub fn unknown_failure(kinds: &str) -> Error {
    Error::new(Code::Usage, "unknown kind of failure").with_remedy(format!("use one of: {kinds}"))
}

/// A generation of back-off is not known. `versions` are joined.
pub fn unknown_generation(versions: &str) -> Error {
    Error::new(Code::Usage, "unknown version of the back-off rules")
        .with_remedy(format!("use one of: {versions}"))
}

/// The variable does not name a version of the client's cooldown times.
pub fn unknown_backoff(variable: &str, remedy: &str) -> Error {
    Error::new(Code::Config, format!("{variable} is not a known version of cooldown times"))
        .with_remedy(remedy.to_owned())
}

/// The rules of a version apply, because a flag or a variable names it.
pub fn rules_named(version: &str, name: &str) -> String {
    format!("failures count as in OpenClaw {version} ({name})")
}

/// The rules of a version apply, because of the version that is installed.
pub fn rules_installed(version: &str, installed: &str) -> String {
    format!("failures count as in OpenClaw {version} ({installed} is installed)")
}

/// A version of the client is installed.
pub fn client_installed(version: &str, rules: &str) -> String {
    format!(
        "OpenClaw {version} is installed; failures count as in {rules} unless STRONGROOM_BACKOFF names another version"
    )
}

/// The rules of a version apply, because the client's database exists.
pub fn rules_of_database(version: &str) -> String {
    format!("failures count as in OpenClaw {version} (its database exists; no version was found on PATH)")
}

/// The rules of a version apply, because nothing names another one.
pub fn rules_by_default(version: &str) -> String {
    format!("failures count as in OpenClaw {version} (the default; no version was found on PATH)")
}

/// The index and the state have different orders for a provider.
pub fn overruled(provider: impl Display, ids: &str, on: &str) -> String {
    format!(
        "auth-state.json has another order for {provider} than the index: {ids}. OpenClaw 2026.6.1 uses that order, \
         Strongroom the one in the index; to make both use auth-state.json: `strongroom order clear --provider \
         {provider}{on}`"
    )
}

/// A profile can be used.
pub const USABLE: &str = "usable";

/// A cooldown or a disablement ended, because the secret was replaced. `why` are joined.
pub fn lifted(whose: &str, word: &str, why: &str) -> String {
    format!("{whose} is no longer {word} ({why}): its secret was replaced")
}

/// There is no profile with this id.
pub fn no_credentials(id: impl Display) -> String {
    format!("No credentials found for profile {id}")
}

/// The stored profile cannot be decrypted.
pub const CORRUPT: &str = "The stored profile cannot be decrypted";
/// The stored profile cannot be read.
pub const UNREADABLE: &str = "The stored profile cannot be read; it may be intact";
/// The stored profile is an old one.
pub const ROLLED_BACK: &str = "The stored profile is older than the index says";
/// The index holds the secret.
pub const PLAINTEXT: &str = "The index holds this secret in plaintext; another program wrote it";
/// The expiry is invalid.
pub const INVALID_EXPIRY: &str = "Its expiry is not a valid time";

/// What to do about a stored profile that cannot be decrypted.
pub fn restore_or(paste: &str) -> String {
    format!("restore it from a backup, or {paste}")
}

/// What to do about an old one.
pub fn restore_newer_or(on: &str, paste: &str) -> String {
    format!("run `strongroom verify{on}`, then restore the newer one or {paste}")
}

/// What to do if `doctor` has to look at it.
pub fn run_doctor(on: &str) -> String {
    format!("run `strongroom doctor{on}`")
}

/// A credential has expired.
pub fn expired(noun: &str) -> String {
    format!("{noun} expired")
}

/// A credential expires soon.
pub fn expires(noun: &str, when: &str) -> String {
    format!("{noun} expires {when}")
}

/// What to do if a provider or an agent has no profile.
pub fn add(provider: &str, on: &str) -> String {
    format!("strongroom paste-token --provider {provider}{on}, or paste-api-key for an API key")
}

/// Other agents have what this one lacks.
pub fn elsewhere(agents: &[String], first: &str, agent: &str) -> String {
    let have = if agents.len() == 1 { "has" } else { "have" };
    format!("{} {have} one: use `--agent {first}`, or paste it for agent {agent} as well", agents.join(", "))
}

/// What to do if all of a provider's profiles are cooling down.
pub fn wait_or_add(provider: &str, on: &str) -> String {
    format!(
        "wait, or add a profile: strongroom paste-api-key --provider {provider} --profile-id {provider}:second{on}; `--json` lists them in auth.unusableProfiles"
    )
}

/// What to do if a profile's secret is lost. `flags` name the provider and the profile.
pub fn paste_again(verb: &str, flags: &str) -> String {
    format!("paste it again: strongroom {verb} {flags}")
}

/// What to do about a secret that another secret provider keeps.
pub const RENEW_ELSEWHERE: &str = "renew it in the secret provider that stores it";
/// Makes a setup-token.
pub const SETUP_TOKEN: &str = "run `claude setup-token` again";

/// Makes a token.
pub fn make_token(provider: impl Display) -> String {
    format!("create a new token at {provider}")
}

/// Makes an API key.
pub fn make_key(provider: impl Display) -> String {
    format!("create a new key at {provider}")
}

/// Signs in again, and imports the sign-in.
pub fn sign_in(provider: impl Display) -> String {
    format!(
        "sign in to {provider} again in its own client, then run `strongroom import FILE --include-oauth --on-conflict replace`"
    )
}

/// Makes a secret, then stores it.
pub fn then(make: &str, store: &str) -> String {
    format!("{make}, then {store}")
}

/// No session is given.
pub const NO_SESSION: &str = "no session given (`--session`)";

/// A session has no pin.
pub fn no_pin(session: impl Display) -> String {
    format!("session {session} has no pin")
}

/// A person pinned a session.
pub fn pinned(session: impl Display, id: impl Display) -> String {
    format!("session {session} is pinned to {id}")
}

/// A session prefers the profile that served it.
pub fn preferred(session: impl Display, id: impl Display) -> String {
    format!("session {session} last used {id}")
}

/// A pin's effect: no other profile is used.
pub const PIN_LOCKS: &str = "; no other profile is used for it";
/// A pin's effect: the profile comes first.
pub const PIN_PREFERS: &str = ", which comes first";
/// A pin has no effect now.
pub const PIN_PASSED: &str = ", which cannot be used now";
/// A pin has no effect.
pub const PIN_GONE: &str = ", which no longer exists: the pin has no effect";

/// A pin is of another provider.
pub fn pin_of_another(provider: impl Display) -> String {
    format!(", which is not a profile of provider {provider}")
}

/// An order is set in the index.
pub fn order_in_index(ids: &str) -> String {
    format!("set in the index: {ids}")
}

/// An order is set in the state.
pub fn order_in_state(ids: &str) -> String {
    format!("set in auth-state.json: {ids}")
}

/// An order is set in the client's configuration.
pub fn order_in_config(ids: &str) -> String {
    format!("auth.order of the client's configuration: {ids}")
}

/// The client's configuration has an empty order.
pub const EMPTY_ORDER: &str = "auth.order of the client's configuration is empty: no profile is used";
/// No order is set.
pub const NO_ORDER: &str = "none is set: by type (oauth, token, api_key), then least recently used first";

/// No order is set, and the client's configuration lists profiles.
pub fn no_order_but_listed(ids: &str) -> String {
    format!(
        "none is set; the client's configuration lists {ids}: by type (oauth, token, api_key), then least recently used first"
    )
}

/// A provider uses another one's profiles.
pub fn alias(provider: impl Display, served_by: &str) -> String {
    format!("{provider} uses the profiles of {served_by}, as in the client")
}

/// The next profile is pinned.
pub fn next_is_pinned(id: impl Display) -> String {
    format!("{id}: it is pinned")
}

/// The next profile is the first one that can be used.
pub fn next_is_first(id: impl Display) -> String {
    format!("{id}: the first that can be used")
}

/// All are cooling down, and the next profile is available first.
pub fn next_is_soonest(id: impl Display, when: &str) -> String {
    format!("{id}: no available auth profile (all in cooldown); this one is available first, {when}")
}

/// There is no next profile, because of a pin.
pub fn none_because_pinned(id: impl Display) -> String {
    format!("none: the session is pinned to {id}, which cannot be used")
}

/// There is no next profile.
pub fn none_usable(agent: impl Display, provider: impl Display) -> String {
    format!("none: agent {agent} has no usable profile for {provider}")
}

/// The line about a home without a vault. `home` is escaped.
pub fn no_vault_yet(home: &str) -> String {
    format!("Home   {home} (no vault yet: `strongroom onboard` creates one)")
}

/// The line about a vault that is unlocked for a time.
pub fn unlocked(until: &str, left: &str) -> String {
    format!("Vault  unlocked until {until} ({left}); `strongroom lock` locks it")
}

/// The line about a server of the agent that runs.
pub fn serving(listeners: &str, since: &str, locked: bool) -> String {
    let locked = if locked { "; locked" } else { "" };
    format!("Proxy  {listeners} (started {since}{locked})")
}

/// A provider in use has no key.
pub fn no_key(provider: &str, agent: &str) -> String {
    format!("No API key found for provider {provider} (agent {agent}): each agent has its own profiles.")
}

/// An agent has no profile.
pub fn nothing(agent: &str) -> String {
    format!("No credentials found for agent {agent}.")
}

/// An agent has no profile of a provider.
pub fn nothing_of(provider: impl Display, agent: &str) -> String {
    format!("No profile for provider {provider} (agent {agent}).")
}

/// An agent has no such profile.
pub fn nothing_named(profile: impl Display, agent: &str) -> String {
    format!("No credentials found for profile \"{profile}\" (agent {agent})")
}

/// What to do if a profile does not exist.
pub const LIST: &str = "run `strongroom list` to see all profiles";

/// Why a profile is next: it is pinned.
pub fn by_pin(session: impl Display) -> String {
    format!("pinned for session {session}")
}

/// Why a profile is next: it served the session.
pub fn by_session(session: impl Display) -> String {
    format!("last used by session {session}")
}

/// Why a profile is next: the automatic order.
pub const BY_TYPE: &str = "by type and last use";
/// Why a profile is next: the automatic order of listed profiles.
pub const BY_TYPE_OF_LISTED: &str = "by type and last use, among those in the client's configuration";
/// Why a profile is next: the client's order.
pub const BY_CONFIG: &str = "order of the client's configuration";
/// Why a profile is next: an order that is set.
pub const BY_ORDER: &str = "order set";

/// The heading of a provider whose profiles are all cooling down.
pub fn all_in_cooldown(provider: impl Display, when: &str, id: impl Display, order: &str) -> String {
    format!("{provider}: No available auth profile (all in cooldown); first available {when}: {id} ({order})")
}
