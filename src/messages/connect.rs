//! Messages of `connect` and `disconnect`, and of the client's lock.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use strongroom_backends::shown;

use crate::error::{Code, Error};
use crate::term::count::counted;

/// The client's lock cannot be written as JSON.
pub fn lock_not_written() -> Error {
    Error::new(Code::Internal, "the client's lock cannot be written")
}

/// The client's lock cannot be made.
pub fn lock_not_made(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Code::Io, format!("cannot make the client's lock {}: {}", shown(path), error.kind()))
}

/// The client, or another program, holds its lock.
pub fn locked_by_client(path: &Path, pid: Option<i32>, waited: Duration) -> Error {
    let by = pid.map(|pid| format!(" by process {pid}")).unwrap_or_default();
    Error::new(Code::LockTimeout, format!("{} is held{by}; waited {} ms", shown(path), waited.as_millis()))
}

/// No agent is both the vault's and the client's. `names` are the vault's, joined.
pub fn no_common_agent(names: &str) -> Error {
    let what = if names.is_empty() {
        "the vault has no profiles yet".to_owned()
    } else {
        format!("OpenClaw has none of the vault's agents ({names})")
    };
    Error::new(Code::NotFound, what).with_remedy(
        "store a profile for agent main first, or take OpenClaw's own in with `strongroom import`; then run `strongroom connect openclaw` again",
    )
}

/// A later version made the connection.
pub fn newer_link() -> Error {
    Error::new(Code::NewerFormat, "a later version of Strongroom connected OpenClaw")
}

/// A path of the connection is not text.
pub fn link_not_text() -> Error {
    Error::new(Code::Config, "a path of the connection is not valid UTF-8")
}

/// Nothing is connected.
pub fn not_connected() -> Error {
    Error::new(Code::NotFound, "OpenClaw is not connected to this vault")
        .with_remedy("run `strongroom connect openclaw` to connect it")
}

/// The client's own file, or its directory, cannot be made.
pub fn mirror_not_made(path: &Path, kind: std::io::ErrorKind) -> Error {
    Error::new(Code::Io, format!("cannot write {}: {kind}", shown(path)))
}

/// The client's own file cannot be read, so that it is not changed.
pub fn not_mirrored(path: &Path, error: &Error) -> Error {
    Error::new(error.code(), format!("cannot use {}: {}", shown(path), error.what())).with_remedy(
        "repair that file, or move it away if OpenClaw does not need it; then run `strongroom connect openclaw` again",
    )
}

/// The connected client could not be kept in step.
pub fn not_in_step(error: &Error) -> String {
    format!(
        "saved, but OpenClaw's own files are not up to date: {}; run `strongroom connect openclaw` to repeat that",
        error.what()
    )
}

/// A running gateway has to read its secrets again.
pub const RELOAD: &str = "If OpenClaw's gateway is running: openclaw secrets reload";

/// The client's own database does not refer to the profiles that the vault has. `added` are the ids that it does not know
/// of, joined; `gone` are the commands that remove references to profiles that the vault no longer has.
pub fn not_in_database(added: &str, gone: &[String]) -> String {
    let lacks = format!("OpenClaw does not know of {added} yet: run `strongroom connect openclaw`");
    let commands = gone.iter().map(|command| format!("`{command}`")).collect::<Vec<_>>().join(", ");
    let has = format!("OpenClaw still refers to profiles that were removed: run {commands}");
    match (added.is_empty(), gone.is_empty()) {
        (false, true) => lacks,
        (true, false) => has,
        (false, false) => format!("{lacks}; {has}"),
        (true, true) => "OpenClaw may not know of every change: run `strongroom connect openclaw`".to_owned(),
    }
}

/// References stay in the client's own database, which only it writes. The commands that remove them follow.
pub const REFERENCES_STAY: &str =
    "References to the vault stay in OpenClaw's own database, which only OpenClaw writes. To remove them:";

/// The references would stay in the client's own database. The commands that remove them follow.
pub const REFERENCES_WOULD_STAY: &str = "References to the vault would stay in OpenClaw's own database, which only OpenClaw writes. To remove them afterwards:";

/// A line about an order that the client stores itself and the vault takes over. `ids` are joined.
pub fn takes_order(agent: impl Display, provider: impl Display, ids: &str) -> String {
    format!("Order of {provider} (agent {agent}), as set in OpenClaw: {ids}")
}

/// An order that the client stores itself is now the vault's too. `ids` are joined.
pub fn order_taken(agent: impl Display, provider: impl Display, ids: &str) -> String {
    format!("The order of {provider} (agent {agent}) is now the one set in OpenClaw: {ids}")
}

/// The client keeps secrets in plain text under ids of the vault. `ids` are joined.
pub fn plaintext(ids: &str) -> String {
    format!("OpenClaw still has its own copy, in plain text, of {ids}, and uses that")
}

/// What the client's command prints, in messages.
pub const CLIENT_OUTPUT: &str = "the output of openclaw";

/// The client's command cannot be run.
pub fn client_not_started(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Code::Io, format!("cannot run {}: {}", shown(path), error.kind()))
}

/// The client's command has no output.
pub fn client_without_output() -> Error {
    Error::new(Code::Internal, "openclaw was started without a pipe")
}

/// The client's command did not end.
pub fn client_timeout(limit: Duration) -> Error {
    Error::new(Code::Timeout, format!("openclaw did not end within {} s", limit.as_secs()))
}

/// The client refused the plan.
pub fn plan_refused(status: Option<i32>) -> Error {
    let status = status.map_or_else(|| "a signal".to_owned(), |status| format!("status {status}"));
    Error::new(
        Code::Io,
        format!("`openclaw secrets apply` ended with {status}; its profiles do not refer to the vault yet"),
    )
    .with_remedy(
        "run `strongroom doctor`, then `strongroom connect openclaw` again, as the user of the gateway",
    )
}

/// There is no client to write its own store.
pub fn no_program() -> Error {
    Error::new(
        Code::NotFound,
        "this OpenClaw keeps its profiles in SQLite, which only it writes, and `openclaw` is not on PATH",
    )
    .with_remedy("add the directory of `openclaw` to PATH, then run `strongroom connect openclaw` again")
}

/// The line above the change of the client's configuration.
pub fn config_changes(path: &Path) -> String {
    format!("{}:", shown(path))
}

/// A line about a file of the client's that mirrors the index.
pub fn mirror_changes(path: &Path, profiles: usize) -> String {
    format!("{}: references to {}", shown(path), counted(size(profiles), "profile"))
}

/// A line about the profiles of the client's own database.
pub fn plan_changes(profiles: usize) -> String {
    format!(
        "OpenClaw's database, by `openclaw secrets apply`: references to {}",
        counted(size(profiles), "profile")
    )
}

/// Commands that name no agent will use another one.
pub fn agent_becomes(agent: impl Display) -> String {
    format!("Commands that name no agent will use agent {agent}, as OpenClaw does.")
}

/// The client has another default agent, and commands use the one that was chosen.
pub const AGENT_OF_SETTING: &str = "The default agent of OpenClaw is another one now; the setting default-agent still decides which one commands use.";

/// Commands that name no agent use another one after the end of a connection.
pub fn agent_is_again(agent: impl Display) -> String {
    format!("Commands that name no agent use agent {agent} again.")
}

/// The question before a connection.
pub const CONNECT_PROMPT: &str = "Write this?";

/// Nothing was written.
pub const DRY_RUN: &str = "Dry run: nothing was written.";

/// Everything is as it would be.
pub fn connected_already(config: &Path) -> String {
    format!("OpenClaw is connected: {} and its profiles are up to date.", shown(config))
}

/// The client is connected.
pub fn connected(profiles: usize) -> String {
    format!("Connected OpenClaw: it gets {} from this vault.", counted(size(profiles), "profile"))
}

/// The client was asked, and its references resolve.
pub const VERIFIED: &str =
    "OpenClaw was asked: every reference to this vault resolves, and nothing is left in plain text.";

/// The client was asked, and something is left.
pub fn left_over(plaintext: usize, unresolved: usize) -> String {
    format!(
        "OpenClaw was asked (`openclaw secrets audit`): {} in plain text, {} that cannot be resolved",
        counted(size(plaintext), "secret"),
        counted(size(unresolved), "reference")
    )
}

/// The client was not asked.
pub fn not_verified(why: &str) -> String {
    format!("OpenClaw was not asked whether it can read its profiles: {why}")
}

/// The reason why the client was not asked.
pub const NOT_ON_PATH: &str = "`openclaw` is not on PATH";

/// The audit's answer is not what it should be.
pub fn odd_audit() -> Error {
    Error::new(Code::BadData, "`openclaw secrets audit` printed something else than its report")
}

/// The client keeps something else under ids of the vault. `ids` are joined.
pub fn others_kept(ids: &str) -> String {
    format!("OpenClaw keeps something of its own under {ids}, and uses that")
}

/// The client does not have an agent of the vault.
pub fn not_an_agent(agent: impl Display) -> String {
    format!("agent {agent} of the vault is not an agent of OpenClaw, and is not connected")
}

/// The question before the end of a connection.
pub const DISCONNECT_PROMPT: &str = "Disconnect OpenClaw?";

/// The configuration is what it was, apart from secrets.
pub fn disconnected_after_migration(config: &Path) -> String {
    format!(
        "Disconnected OpenClaw: {} is as it was before connecting, but without the secrets that `migrate` took out.",
        shown(config)
    )
}

/// What stays in the configuration.
pub fn left_in_config(path: &str, held_secret: bool) -> String {
    if held_secret {
        format!("{path} held a secret before, which is not put back")
    } else {
        format!("{path} was changed since, and stays")
    }
}

/// The client's profiles stay in the vault.
pub const STILL_IN_VAULT: &str = "The profiles stay in the vault. OpenClaw has no credentials for them until it is connected again or gets its own.";

/// The resolver cannot be copied.
pub fn resolver_not_copied(to: &Path, error: &std::io::Error) -> Error {
    Error::new(Code::Io, format!("cannot copy this program to {}: {}", shown(to), error.kind()))
}

/// OpenClaw would refuse the program, and there is another one in the place of a copy.
pub fn resolver_in_the_way(path: &Path) -> Error {
    Error::new(
        Code::Exists,
        format!("OpenClaw accepts only a program that is the user's own, and another file is in the place of a copy: {}", shown(path)),
    )
    .with_remedy(format!("move {} away, then run `strongroom connect openclaw` again", shown(path)))
}

/// The program was copied for the client.
pub fn resolver_copied(path: &Path) -> String {
    format!("OpenClaw accepts only a program that is the user's own: this one is copied to {}", shown(path))
}

fn size(count: usize) -> u64 {
    count.try_into().unwrap_or(u64::MAX)
}

/// The client's files are not found.
pub fn no_client() -> Error {
    Error::new(Code::Config, "OpenClaw's files cannot be found, because HOME is not set")
        .with_remedy("set HOME or OPENCLAW_HOME")
}

/// Neither a program nor a store tells which OpenClaw this is.
pub fn unknown_version() -> Error {
    Error::new(
        Code::NotFound,
        "cannot tell which version of OpenClaw this is: `openclaw` is not on PATH, and it has stored nothing yet",
    )
    .with_remedy("add the directory of `openclaw` to PATH, then run `strongroom connect openclaw` again")
}

/// Secrets in plain text would give way to references. `ids` are joined.
pub fn would_replace(ids: &str) -> String {
    format!("  in place of the secrets, which the vault has too: {ids}")
}

/// Secrets in plain text gave way to references. `ids` are joined.
pub fn replaced(ids: &str) -> String {
    format!(
        "OpenClaw's own copy of these is replaced by references, because the vault has the same secrets: {ids}. Delete older copies of its files too."
    )
}
