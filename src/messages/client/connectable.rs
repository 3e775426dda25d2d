//! Messages about the configurations of clients other than OpenClaw. `client` is a client's name for people. Nothing of a
//! configuration is quoted but names.

use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};
use crate::term::escape::{safe, shell_word};

/// There is no home directory.
pub fn no_home(client: &str) -> Error {
    Error::new(
        Code::Config,
        format!("the configuration of {client} cannot be found, because HOME is not set"),
    )
    .with_remedy("set HOME, then run the command again")
}

/// The path of this program, or of the vault, cannot be in a configuration.
pub fn odd_path() -> Error {
    Error::new(
        Code::Config,
        "the path of this program, of the vault or of the key file has a character that a client's configuration cannot hold",
    )
    .with_remedy("move it to a path without line breaks and control characters, then run the command again")
}

/// A configuration in JSON has something else in the place of an object.
pub fn not_an_object(client: &str) -> Error {
    Error::new(
        Code::BadData,
        format!(
            "the configuration of {client} is not valid JSON, or has something else in the place of an object"
        ),
    )
    .with_remedy("repair the file, then run the command again; nothing was changed")
}

/// A configuration is not TOML.
pub fn not_toml() -> Error {
    Error::new(Code::BadData, "this is not valid TOML")
        .with_remedy("repair the file, then run the command again; nothing was changed")
}

/// A bug: an edit does not do what it should.
pub fn not_edited() -> Error {
    Error::new(Code::Internal, "cannot edit the configuration; nothing was changed")
}

/// The last line of a configuration goes on in the next one.
pub fn unfinished_line(client: &str) -> Error {
    Error::new(Code::BadData, format!("the last line of the configuration of {client} ends with a backslash"))
        .with_remedy("remove the backslash, then run the command again")
}

/// The client has a login for everything that would be connected, as `told` says.
pub fn has_login(told: &str) -> Error {
    Error::new(Code::Exists, format!("nothing was changed: {told}"))
        .with_remedy("remove that in the client itself if you want the vault's credential there, then run the command again")
}

/// git keeps a password for a host in a file.
pub fn password_stored(host: &str, place: &Path) -> String {
    format!("git keeps a password for {host} in {}, which stays", shown(place))
}

/// git has a helper for every host.
pub const GENERAL_HELPER: &str =
    "git has a helper for every host; for the hosts that are connected it no longer asks that one";

/// git has a user name for every host.
pub const GENERAL_USERNAME: &str = "git has a user name for every host (credential.username); a profile with another user name is not given to it";

/// A client asks about servers in a way that allows only https.
pub fn only_https(client: &str, host: &str) -> String {
    format!("{client} does not say whether a server is encrypted, so {host} cannot be connected")
}

/// Docker has a login for a registry.
pub fn registry_login(host: &str) -> String {
    format!("Docker is logged in to {host}, which stays")
}

/// The client has another helper for something.
pub fn other_helper(client: &str, of: &str) -> String {
    format!("{client} has another helper for {}, which stays", safe(of))
}

/// cargo has a token for a registry.
pub fn registry_token(name: &str) -> String {
    format!("cargo has a token for the registry {}, which stays", safe(name))
}

/// cargo's file of tokens cannot be read.
pub fn cargo_logins() -> Error {
    Error::new(
        Code::BadData,
        "cargo's credentials.toml is not valid TOML, so it is not known which registries have a token",
    )
    .with_remedy("repair that file, then run the command again; nothing was changed")
}

/// A section is written twice, or in a way that not every SDK reads.
pub fn odd_section(name: &str) -> Error {
    Error::new(
        Code::Config,
        format!(
            "the AWS profile {} is there twice, or its header has spaces that SDKs read differently",
            safe(name)
        ),
    )
    .with_remedy(
        "write it once, as `[profile NAME]` at the beginning of a line, or choose another name with `--name`",
    )
}

/// A table of a configuration has no header.
pub fn no_table(path: &str) -> Error {
    Error::new(Code::Config, format!("{} is not a table of its own in the configuration", safe(path)))
        .with_remedy("write it as a table with a header in brackets, then run the command again")
}

/// No registry is on one of the hosts. `hosts` are joined.
pub fn no_registry(hosts: &str) -> Error {
    Error::new(Code::NotFound, format!("cargo's configuration has no registry with a sparse index on {hosts}"))
        .with_remedy("add the registry to cargo's configuration first; `strongroom edit ID --host URL` adds a host to a profile")
}

/// A named registry is not on one of the hosts.
pub fn not_a_registry(name: &str) -> Error {
    Error::new(
        Code::NotFound,
        format!(
            "cargo's configuration has no registry {} with a sparse index on a host of a profile",
            safe(name)
        ),
    )
    .with_remedy("run `strongroom edit ID --host URL` with the server of its index")
}

/// A part of a configuration that would be made is there already.
pub fn has_section(client: &str, name: &str) -> Error {
    Error::new(
        Code::Exists,
        format!("{client} has credentials of its own under the name {}, which stay", safe(name)),
    )
    .with_remedy("choose another name with `--name`")
}

/// A member of a configuration that would be set is there already.
pub fn has_member(client: &str, name: &str) -> Error {
    Error::new(Code::Exists, format!("{client} has another {name}, which stays"))
        .with_remedy("remove it from the configuration if you want the vault's credential there, then run the command again")
}

/// A name cannot be one in the configuration.
pub fn bad_name() -> Error {
    Error::new(Code::Usage, "--name has a character that a name cannot have there, or is empty")
        .with_remedy("use ASCII letters, digits, `_` and `-`")
}

/// The profile has no host.
pub fn no_host(client: &str) -> Error {
    Error::new(
        Code::NotFound,
        format!("the profile has no host, so {client} would not know where to send requests"),
    )
    .with_remedy("run `strongroom edit ID --host URL`")
}

/// Codex keeps what it uses now.
pub fn codex_keeps(name: &str) -> String {
    format!("Codex keeps its own login or model provider; `codex -c model_provider={name}` uses the vault")
}

/// The lines that run this program, which is at `program`.
pub fn lines_with(program: &str) -> String {
    format!("the lines with {}", safe(program))
}

/// A context has to choose the user.
pub fn kubectl_user(name: &str) -> String {
    format!(
        "a context has to name the user: `kubectl config set-context --current --user={}`",
        shell_word(name)
    )
}

/// Claude Code has a login.
pub fn claude_login() -> Error {
    Error::new(Code::Exists, "Claude Code is logged in, and a key helper would come before that login")
        .with_remedy("give a key to one command with `strongroom run --profile ID -- claude`, or log out in Claude Code first (/logout)")
}

/// Claude Code prefers a variable.
pub fn claude_prefers(variable: &str) -> String {
    format!("{variable} is set, and Claude Code uses it before it asks the vault")
}

/// A server has a header or a helper of its own.
pub fn other_headers(name: &str) -> String {
    format!("the server {} has a header or a helper of its own, which stays", safe(name))
}

/// No MCP server is on one of the hosts. `hosts` are joined.
pub fn no_server(hosts: &str) -> Error {
    Error::new(Code::NotFound, format!("Claude Code has no MCP server of the user on {hosts}"))
        .with_remedy("add it first: `claude mcp add --scope user --transport http NAME URL`")
}

/// AWS has keys in its file.
pub fn aws_keys(name: &str) -> Error {
    Error::new(
        Code::Exists,
        format!("the AWS credentials file has keys of the profile {}, which stay", safe(name)),
    )
    .with_remedy("choose another name with `--name`")
}

/// The client is connected through the proxy alone. `client` is its name on the command line.
pub fn by_proxy_alone(client: &str) -> Error {
    Error::new(Code::Usage, format!("{client} can be connected through the proxy alone"))
        .with_remedy(format!("run `strongroom connect {client} --proxy`"))
}

/// The client cannot use the proxy. `client` is its name on the command line.
pub fn not_by_proxy(client: &str) -> Error {
    Error::new(Code::Usage, format!("{client} cannot be connected through the proxy"))
        .with_remedy(format!("run `strongroom connect {client}` without `--proxy`"))
}

/// OpenClaw has a credential of its own.
pub fn openclaw_login(provider: &str) -> Error {
    Error::new(Code::Exists, format!("OpenClaw has a credential of its own for {provider}, which stays"))
        .with_remedy(format!(
            "remove it in OpenClaw first (`openclaw models auth list --provider {provider}` shows it), or choose other providers with `--provider`"
        ))
}
