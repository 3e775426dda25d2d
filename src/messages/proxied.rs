//! Messages about clients that are connected through the proxy. `client` is a client's name on the command line, and `called`
//! its name for people.

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};

/// What stands for the token in what is shown.
pub const THE_TOKEN: &str = "(the token)";

/// A path for the token is missing.
#[must_use]
pub fn no_file(client: &str) -> Error {
    Error::new(Code::Usage, "no file for the token is named")
        .with_remedy(format!("run `strongroom connect {client} --proxy --provider P --file ~/agent.env`"))
}

/// Flags of the proxy without the proxy.
#[must_use]
pub fn only_with_proxy() -> Error {
    Error::new(Code::Usage, "--url, --provider and --file are for a connection through the proxy")
        .with_remedy("add `--proxy`, or leave them out")
}

/// A flag that a connection through the proxy has no use for.
#[must_use]
pub fn no_host() -> Error {
    Error::new(Code::Usage, "--host is for a client that gets secrets, and --proxy keeps them from it")
        .with_remedy("leave `--host` out, or leave `--proxy` out")
}

/// The address of the proxy is not on this machine.
#[must_use]
pub fn not_an_url() -> Error {
    Error::new(
        Code::Usage,
        "--url takes the address of a proxy on this machine, because requests to it are not encrypted",
    )
    .with_remedy("for example `--url http://127.0.0.1:7787`")
}

/// A token would be in a git work tree.
#[must_use]
pub fn in_work_tree(path: &Path, tree: &Path) -> Error {
    Error::new(
        Code::UnsafeFile,
        format!(
            "{} is in the git work tree {}, from which a token could be published",
            shown(path),
            shown(tree)
        ),
    )
    .with_remedy("name a file elsewhere with `--file PATH`")
}

/// The client is connected without the proxy.
#[must_use]
pub fn connected_without(client: &str) -> Error {
    Error::new(Code::Exists, format!("{client} is connected without the proxy"))
        .with_remedy(format!("run `strongroom disconnect {client}` first"))
}

/// The client is connected through the proxy.
#[must_use]
pub fn connected_by_proxy(client: &str) -> Error {
    Error::new(Code::Exists, format!("{client} is connected through the proxy"))
        .with_remedy(format!("run `strongroom disconnect {client}` first"))
}

/// The client is connected through the proxy, for something else. `path` is the file with its token.
#[must_use]
pub fn connected_otherwise(client: &str, path: &Path) -> Error {
    Error::new(
        Code::Exists,
        format!(
            "{client} is connected through the proxy for another provider or profile, or with another file ({})",
            shown(path)
        ),
    )
    .with_remedy(format!("run `strongroom disconnect {client}` first"))
}

/// The file for the token exists.
#[must_use]
pub fn file_exists(path: &Path) -> Error {
    Error::new(Code::Exists, format!("{} exists already, and nothing is overwritten", shown(path)))
        .with_remedy("name another file with `--file PATH`")
}

/// No provider is named.
#[must_use]
pub fn no_provider(client: &str) -> Error {
    Error::new(Code::Usage, format!("it is not clear which providers {client} is to use"))
        .with_remedy(format!("name them: `strongroom connect {client} --proxy --provider P`"))
}

/// The client cannot use a provider.
#[must_use]
pub fn not_used(called: &str, provider: impl Display) -> Error {
    Error::new(Code::Usage, format!("{called} cannot be told to send requests for {provider} to the proxy"))
        .with_remedy(
            "name another provider; `strongroom access add` makes a token for what you configure yourself",
        )
}

/// Where the token is to be.
#[must_use]
pub fn token_goes(path: &Path) -> String {
    format!("The token for the proxy is written to {}, which only you can read.", shown(path))
}

/// No server runs.
#[must_use]
pub fn start_server(option: &str) -> String {
    format!("It works while `strongroom{option} serve` runs.")
}
