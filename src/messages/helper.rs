//! Messages about the helpers through which clients get a credential. None of them quotes what a client sent, except for an
//! origin in the spelling of a record's hosts.

use std::fmt::Display;

use crate::error::{Code, Error};

/// What a request is called in messages.
pub const REQUEST: &str = "the request";

/// A request does not have the form of its protocol.
#[must_use]
pub fn bad_request() -> Error {
    Error::new(Code::BadData, "the request is not valid in the client's protocol")
        .with_remedy("check the URL in the client's configuration for line breaks and invisible characters")
}

/// A request does not say where the secret would go, or to a place that no profile can have.
#[must_use]
pub fn no_destination() -> Error {
    Error::new(Code::Denied, "the request names no host that a profile can have").with_remedy(
        "use a URL that begins with https:// and a host name, without a user and without an address",
    )
}

/// No profile allows what is asked for, as `allowed` says.
#[must_use]
pub fn none_allows(allowed: &str, agent: impl Display) -> Error {
    Error::new(Code::NotFound, format!("no profile {allowed} (agent {agent})"))
        .with_remedy("to allow a profile there, run `strongroom edit ID --host URL`, or `--helper NAME`")
}

/// What a profile has to allow: an origin.
#[must_use]
pub fn told_host(origin: &str) -> String {
    format!("has the host {origin}")
}

/// What a profile has to allow: a helper.
#[must_use]
pub fn told_helper(helper: &str) -> String {
    format!("names the helper {helper}")
}

/// What a profile has to allow: an origin and a helper.
#[must_use]
pub fn told_both(origin: &str, helper: &str) -> String {
    format!("has the host {origin} and names the helper {helper}")
}

/// The named profile does not exist.
#[must_use]
pub fn no_profile(id: impl Display, agent: impl Display) -> Error {
    Error::new(Code::NotFound, format!("there is no profile {id} (agent {agent})"))
}

/// The named profile may not be sent to the host. `command` shows its hosts.
#[must_use]
pub fn host_denied(id: impl Display, command: &str) -> Error {
    Error::new(Code::Denied, format!("the host that the client names is not among the hosts of {id}"))
        .with_remedy(format!("see them: `{command} --field hosts`"))
}

/// The named profile does not name the helper. `command` edits it.
#[must_use]
pub fn helper_denied(id: impl Display, command: &str, helper: &str) -> Error {
    Error::new(Code::Denied, format!("{id} does not name the helper {helper}"))
        .with_remedy(format!("to let that client have it, run `{command} --helper {helper}`"))
}

/// The named profile is of another account or provider.
#[must_use]
pub fn other_account(id: impl Display) -> Error {
    Error::new(
        Code::NotFound,
        format!("{id} belongs to another account or provider than the client asks for"),
    )
    .with_remedy("name a profile of that account")
}

/// The profile has expired. `command` replaces its secret.
#[must_use]
pub fn expired(id: impl Display, command: &str) -> Error {
    Error::new(Code::Expired, format!("{id} has expired"))
        .with_remedy(format!("create a new token, and store it: `{command}`"))
}

/// A profile would serve, but its provider's order leaves it out.
#[must_use]
pub fn not_chosen(id: impl Display, provider: impl Display) -> Error {
    Error::new(Code::NotFound, format!("{id} is left out by the order of {provider}"))
        .with_remedy(format!("see why: `strongroom status --explain {provider}`"))
}

/// Profiles of several providers name a helper that takes one. `providers` are joined.
#[must_use]
pub fn several_providers(helper: &str, providers: &str) -> Error {
    let what = format!("profiles of several providers name the helper {helper}: {providers}");
    Error::new(Code::Usage, what)
        .with_remedy(format!("name the profile in the client's configuration: strongroom helper {helper} ID"))
}

/// A secret or user name would break the client's protocol.
#[must_use]
pub fn not_one_line(id: impl Display) -> Error {
    Error::new(
        Code::BadData,
        format!("{id} has a line break or a NUL, which this client's protocol cannot carry"),
    )
    .with_remedy("store a secret of one line under another profile")
}

/// A secret has characters that the client does not take.
#[must_use]
pub fn not_printable(id: impl Display) -> Error {
    Error::new(Code::BadData, format!("the secret of {id} is not printable ASCII without spaces"))
        .with_remedy("use a profile with a token or an API key")
}

/// A secret cannot be a line of a `.env` file.
#[must_use]
pub fn not_in_dotenv(id: impl Display) -> Error {
    Error::new(
        Code::BadData,
        format!("the secret of {id} has characters that programs read differently in a .env line"),
    )
    .with_remedy("use a profile with a token or an API key")
}

/// A setup-token is no API key.
#[must_use]
pub fn setup_token(id: impl Display) -> Error {
    let what = format!("{id} is a setup-token, which Anthropic does not accept in place of an API key");
    Error::new(Code::BadData, what).with_remedy(
        "name a profile with an API key; Claude Code reads a setup-token from CLAUDE_CODE_OAUTH_TOKEN",
    )
}

/// A protocol needs a user name. `word` is the id as a shell word.
#[must_use]
pub fn no_username(id: impl Display, word: &str) -> Error {
    Error::new(Code::Config, format!("{id} has no user name, which this client needs"))
        .with_remedy(format!("run `strongroom edit {word} --username NAME`"))
}

/// A helper without a destination needs to know which profile.
#[must_use]
pub fn nothing_named(variable: &str) -> Error {
    Error::new(
        Code::Usage,
        format!("the client does not say where it will send the secret: {variable} is not set"),
    )
    .with_remedy("name a profile, or let the client run this command")
}

/// A variable of the client is not text.
#[must_use]
pub fn variable_not_text(variable: &str) -> Error {
    Error::new(Code::BadData, format!("{variable} is not text"))
        .with_remedy("check the client's configuration")
}

/// cargo speaks another version.
#[must_use]
pub fn newer_cargo() -> Error {
    Error::new(Code::NewerFormat, "the request does not use version 1 of cargo's protocol")
}

/// cargo's configuration has arguments that are not known.
#[must_use]
pub fn cargo_arguments() -> Error {
    Error::new(Code::Usage, "cargo's configuration has unknown arguments").with_remedy(
        "use `credential-provider = [\"/path/to/strongroom\", \"helper\", \"cargo\"]`, and an id if needed",
    )
}

/// kubectl speaks another version.
#[must_use]
pub fn other_kubectl() -> Error {
    Error::new(Code::NewerFormat, "KUBERNETES_EXEC_INFO has an unknown version")
        .with_remedy("use `apiVersion: client.authentication.k8s.io/v1` (v1beta1 before Kubernetes 1.22)")
}

/// Docker wants to store a credential.
#[must_use]
pub fn not_stored() -> Error {
    Error::new(Code::Denied, "Docker cannot store a credential in the vault").with_remedy(
        "store it with `strongroom paste-token --provider docker --host https://HOST --username NAME`",
    )
}

/// Docker wants something that is not known.
#[must_use]
pub fn unknown_operation() -> Error {
    Error::new(Code::Usage, "unknown operation").with_remedy("use get, store, erase or list")
}

/// Docker wants to remove a credential.
pub const NOT_ERASED: &str = "nothing was removed from the vault; to remove a profile: strongroom remove ID";

/// The vault did not answer in time.
#[must_use]
pub fn late() -> Error {
    Error::new(Code::Timeout, "the vault did not answer in time")
}
