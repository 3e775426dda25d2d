//! Messages of `connect` and `disconnect` for clients other than OpenClaw. `called` is a client's name for people.

use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};

/// A later version made the connection.
pub fn newer(called: &str) -> Error {
    Error::new(Code::NewerFormat, format!("a later version of Strongroom connected {called}"))
}

/// The client is connected in another file. `client` is its name on the command line.
pub fn connected_elsewhere(client: &str, config: &Path) -> Error {
    Error::new(Code::Exists, format!("{client} is connected in another file: {}", shown(config)))
        .with_remedy(format!("run `strongroom disconnect {client}` first"))
}

/// The client is connected for another agent.
pub fn connected_for(client: &str, agent: &str) -> Error {
    Error::new(Code::Exists, format!("{client} is connected for agent {agent}"))
        .with_remedy(format!("run `strongroom disconnect {client}` first"))
}

/// The configuration is a link to a file that does not exist.
pub fn dangling(config: &Path) -> Error {
    Error::new(Code::UnsafeFile, format!("{} is a link to a file that does not exist", shown(config)))
        .with_remedy("create that file, or remove the link; then run the command again")
}

/// The client would send the secret of another provider to its own.
pub fn not_of_provider(id: impl Display, provider: impl Display, called: &str) -> Error {
    Error::new(Code::Usage, format!("{id} is for {provider}, and {called} sends it to Anthropic"))
        .with_remedy("name a profile of anthropic with `--profile`")
}

/// The client has no parts with a name. `client` is its name on the command line.
pub fn no_parts(client: &str) -> Error {
    Error::new(Code::Usage, format!("{client} has no part that `--name` could choose"))
        .with_remedy(format!("run `strongroom connect {client}` without `--name`"))
}

/// A file cannot be changed. The error says why.
pub fn in_file(config: &Path, error: &Error) -> Error {
    if !matches!(error.code(), Code::BadData | Code::Config | Code::DuplicateKey | Code::TooLarge) {
        return error.clone();
    }
    Error::new(error.code(), format!("{}: {}", shown(config), error.what()))
        .with_remedy(error.remedy().to_owned())
}

/// The client is not connected. `client` is its name on the command line.
pub fn not_connected(client: &str) -> Error {
    Error::new(Code::NotFound, format!("{client} is not connected to this vault"))
        .with_remedy(format!("run `strongroom connect {client}` to connect it"))
}

/// The vault has no profile.
pub fn no_profile(called: &str, agent: impl Display) -> Error {
    Error::new(Code::NotFound, format!("there is no profile for {called} (agent {agent})"))
        .with_remedy("store one first, with `strongroom paste-token` or `strongroom paste-api-key`")
}

/// The profile has to be named. `client` is the client's name on the command line.
pub fn name_profile(client: &str) -> Error {
    Error::new(Code::Usage, format!("it is not clear which profile {client} is to get"))
        .with_remedy(format!("name it: `strongroom connect {client} --profile ID`"))
}

fn serving(needs_username: bool) -> &'static str {
    if needs_username { "no profile with a user name" } else { "no profile" }
}

fn add_host(needs_username: bool) -> &'static str {
    if needs_username {
        "run `strongroom edit ID --host URL --username NAME`"
    } else {
        "run `strongroom edit ID --host URL`"
    }
}

/// No profile has a host.
pub fn no_host(called: &str, needs_username: bool, agent: impl Display) -> Error {
    let what =
        format!("{} has a host, so {called} would get nothing (agent {agent})", serving(needs_username));
    Error::new(Code::NotFound, what).with_remedy(add_host(needs_username))
}

/// No profile has a host that a person named.
pub fn not_a_host(called: &str, needs_username: bool, host: &str, agent: impl Display) -> Error {
    let what = format!(
        "{} has the host {host}, so {called} would get nothing there (agent {agent})",
        serving(needs_username)
    );
    Error::new(Code::NotFound, what).with_remedy(add_host(needs_username))
}

/// A file cannot be removed.
pub fn not_removed(path: &Path, kind: ErrorKind) -> Error {
    Error::new(Code::Io, format!("cannot remove {}: {kind}", shown(path)))
}

/// Another program has the name of ours.
pub fn launcher_in_the_way(path: &Path) -> Error {
    Error::new(Code::Exists, format!("another program is at {}", shown(path)))
        .with_remedy("move it away, then run the command again")
}

/// The program cannot be put under another name.
pub fn launcher_not_made(path: &Path, kind: ErrorKind) -> Error {
    Error::new(Code::Io, format!("cannot make {}: {kind}", shown(path)))
}
