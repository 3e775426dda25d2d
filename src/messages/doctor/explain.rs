//! Messages that say what an error of a client or a provider means. `on` is ` --agent A`, or nothing for the default
//! agent; `whose` names the profile or the provider that the error is about.

use std::fmt::Display;

const SETUP_TOKEN: &str = "run `claude setup-token` on a machine with a terminal and a browser";

/// Names the one profile that an error is about.
pub fn profile(id: impl Display, agent: impl Display) -> String {
    format!("profile \"{id}\" (agent {agent})")
}

/// Names the profiles that may be meant. `ids` are joined.
pub fn one_of(ids: &str, agent: impl Display) -> String {
    format!("one of {ids} (agent {agent})")
}

/// Names the provider that an error is about.
pub fn provider(provider: &str, agent: impl Display) -> String {
    format!("provider \"{provider}\" (agent {agent})")
}

/// Stands for a provider that is not known.
pub fn some_provider(agent: impl Display) -> String {
    format!("a provider (agent {agent})")
}

/// The step that makes a running gateway read what was changed.
pub fn reload() -> String {
    "if a gateway is running: openclaw secrets reload".to_owned()
}

/// The step that shows all profiles.
pub fn status(on: &str) -> String {
    format!("strongroom models status{on}")
}

/// A setup-token was used for more than Claude Code.
pub fn claude_code_only(whose: &str) -> String {
    format!("{whose}: a setup-token works with Claude Code only, and this request needs an API key")
}

/// The steps that replace a setup-token by an API key.
pub fn use_api_key(provider: &str, on: &str) -> Vec<String> {
    vec![
        format!(
            "create an API key at {provider}, then strongroom models auth paste-api-key --provider {provider}{on}"
        ),
        format!("strongroom models auth order set --provider {provider} {provider}:default{on}"),
        reload(),
    ]
}

/// `claude setup-token` has no terminal.
pub fn needs_terminal() -> String {
    "`claude setup-token` needs an interactive terminal, and this is not one".to_owned()
}

/// The steps that do without a terminal here. `store` is the command that stores the token.
pub fn setup_token_elsewhere(provider: &str, on: &str, store: &str) -> Vec<String> {
    vec![
        format!(
            "run `claude setup-token` on any machine with a terminal and a browser (over SSH: ssh -t), then here: {store}"
        ),
        format!("or use an API key: strongroom models auth paste-api-key --provider {provider}{on}"),
    ]
}

/// All profiles are cooling down.
pub fn all_in_cooldown(provider: &str, agent: impl Display) -> String {
    format!(
        "No available auth profile for provider \"{provider}\" (agent {agent}): all are in cooldown after failures"
    )
}

/// The steps that end or avoid a cooldown.
pub fn after_cooldown(provider: &str, on: &str) -> Vec<String> {
    vec![
        format!(
            "strongroom models status --json{on}: auth.unusableProfiles gives each profile's reason and its end"
        ),
        format!(
            "wait, or add a profile: strongroom models auth paste-api-key --provider {provider} --profile-id {provider}:second{on}"
        ),
    ]
}

/// The account has no credit left.
pub fn no_credit(whose: &str) -> String {
    format!(
        "the account of {whose} has no credit left, or its spending limit is reached; the credential itself is valid"
    )
}

/// The step that ends a lack of credit.
pub fn add_credit(provider: &str) -> String {
    format!("add credit at {provider}, or raise the spending limit of the account")
}

/// A credential may not do what was asked.
pub fn forbidden(whose: &str) -> String {
    format!(
        "the provider knows the credential of {whose}, and does not let it do this: the model, the project or the region is not permitted"
    )
}

/// The step that permits what was asked.
pub fn permit(provider: &str) -> String {
    format!("check at {provider} which models and regions the key's project may use")
}

/// The step that ends the wait of a profile whose trouble is over. `word` is its id as a shell word.
pub fn report_success(word: &str, on: &str) -> String {
    format!("then end its wait: strongroom models report {word} --success{on}")
}

/// The step that adds another profile, which is used meanwhile.
pub fn another_profile(provider: &str, on: &str) -> String {
    format!(
        "or use another account: strongroom models auth paste-api-key --provider {provider} --profile-id {provider}:second{on}"
    )
}

/// Too many requests were sent.
pub fn rate_limited(whose: &str) -> String {
    format!("the provider limits how often {whose} may be used; the credential itself is valid")
}

/// The provider is overloaded.
pub fn overloaded() -> String {
    "the provider is overloaded; this has nothing to do with the credential".to_owned()
}

/// The steps while a provider is overloaded.
pub fn wait_for_provider(on: &str) -> Vec<String> {
    vec![
        "wait; the client tries again by itself".to_owned(),
        format!("{}: shows until when a profile waits", status(on)),
    ]
}

/// OpenClaw runs without some secrets.
pub fn degraded() -> String {
    "OpenClaw runs, but without the secrets of one of its secret providers, because that did not answer as it should".to_owned()
}

/// OpenClaw's gateway did not start.
pub fn gateway_without_secrets() -> String {
    "OpenClaw's gateway did not get a secret that it needs from its secret provider; up to 2026.6.1 it does not start without it".to_owned()
}

/// The step after which the gateway has its secrets.
pub const START_AGAIN: &str = "start the gateway again";

/// The steps that make the secret provider answer. `last` is the last one.
pub fn resolve_again(on: &str, last: &str) -> Vec<String> {
    vec![
        "as the user of the gateway: strongroom doctor".to_owned(),
        format!(
            "strongroom models status --check{on}: if the vault is locked, give it a key that needs no terminal (see `strongroom help on-a-server`)"
        ),
        last.to_owned(),
    ]
}

/// OpenClaw found a store of an earlier version.
pub fn migration_required() -> String {
    "this OpenClaw keeps its credentials in SQLite, and found an auth-profiles.json of an earlier version in an agent's directory".to_owned()
}

/// The steps that end a required migration.
pub fn after_migration(agent: impl Display) -> Vec<String> {
    let file = format!("~/.openclaw/agents/{agent}/agent/auth-profiles.json");
    vec![
        format!("take its credentials into the vault: strongroom import {file}"),
        format!(
            "if all were imported, move the file away: mv {file} ~/auth-profiles-{agent}.json; it still holds them in plain text"
        ),
        reload(),
    ]
}

/// An OAuth refresh failed.
pub fn refresh_failed(whose: &str) -> String {
    format!(
        "the OAuth sign-in of {whose} could not be renewed: its refresh token was used elsewhere or revoked"
    )
}

/// A credential was refused.
pub fn refused(whose: &str) -> String {
    format!(
        "the provider refuses the credential of {whose}: it was revoked, replaced, or cut off when it was pasted"
    )
}

/// A token has expired. `is_unknown` says that no profile of the vault has.
pub fn expired(whose: &str, is_unknown: bool) -> String {
    let note = if is_unknown { "; according to its expiry, no profile in the vault has" } else { "" };
    format!("the token of {whose} has expired or is about to{note}")
}

/// The step that makes a credential, or takes one from another machine.
pub fn make_or_paste(make: &str, store: &str) -> String {
    format!("{make}, or paste one from another machine: {store}")
}

/// The step that makes a credential and stores it.
pub fn make_and_store(make: &str, store: &str) -> String {
    format!("{make}, then {store}")
}

/// The vault has a profile, and OpenClaw has not.
pub fn not_found_by_client(whose: &str) -> String {
    format!("{whose} is in the vault, but OpenClaw did not find it, or cannot use it")
}

/// The steps that make OpenClaw find a profile.
pub fn find_again(provider: &str, on: &str) -> Vec<String> {
    vec![
        format!("strongroom models status --explain {provider}{on}: check whether it can be used"),
        "strongroom connect openclaw: brings OpenClaw's own files up to date; then: openclaw secrets reload"
            .to_owned(),
    ]
}

/// A profile has no credential.
pub fn no_credentials(whose: &str) -> String {
    format!("No credentials found for {whose}")
}

/// An agent has no key.
pub fn no_api_key(whose: &str) -> String {
    format!("No API key found for {whose}: each agent has its own profiles, and a new agent has none")
}

/// The step that pastes a credential.
pub fn paste(provider: &str, on: &str) -> String {
    format!("strongroom models auth paste-token --provider {provider}{on}, or paste-api-key")
}

/// Makes a setup-token.
pub fn make_setup_token() -> String {
    SETUP_TOKEN.to_owned()
}

/// Makes what Anthropic takes, if the type is not known.
pub fn make_key_or_setup_token() -> String {
    format!("create a new API key at anthropic, or {SETUP_TOKEN}")
}

/// Makes an API key.
pub fn make_api_key(provider: &str) -> String {
    format!("create a new API key at {provider}")
}

/// Makes a credential whose type is not known.
pub fn make_key_or_token(provider: &str) -> String {
    format!("create a new key or token at {provider}")
}

/// Replaces the secret of one of several profiles.
pub fn rotate_one(on: &str) -> String {
    format!("strongroom rotate ID{on}, with the id of the profile that failed")
}

/// Signs in to Anthropic again. `id` is ` --profile-id ID`, or nothing.
pub fn anthropic_sign_in(id: &str, on: &str) -> String {
    format!(
        "sign in again with a setup-token: {SETUP_TOKEN}, then strongroom models auth paste-token --provider anthropic{id} --expires-in 365d{on}"
    )
}

/// Signs in to another provider again.
pub fn sign_in(provider: &str, on: &str) -> String {
    format!(
        "sign in to {provider} again in its own client then run `strongroom import FILE --include-oauth --on-conflict replace`; or use an API key: `strongroom models auth paste-api-key --provider {provider}{on}`"
    )
}
