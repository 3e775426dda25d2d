//! Messages of `serve`.

use std::fmt::Display;
use std::io;

use crate::error::{Code, Error};

/// The agent does not exist.
#[must_use]
pub fn no_agent(agent: impl Display) -> Error {
    Error::new(Code::NotFound, format!("there is no agent named {agent}"))
        .with_remedy("run `strongroom list --all-agents` to see the agents")
}

/// The keys were changed, and the new ones need a person.
#[must_use]
pub fn keys_changed() -> Error {
    Error::new(
        Code::Locked,
        "the keys of the vault were changed, and the server has no way to read the new ones",
    )
    .with_remedy("start `strongroom serve` again")
}

/// The server is locked.
#[must_use]
pub fn locked() -> Error {
    Error::new(Code::Locked, "the server is locked")
}

/// The system gives no thread.
#[must_use]
pub fn no_thread() -> Error {
    Error::new(Code::NoMemory, "the system gives no thread")
}

/// A server of the agent runs already.
#[must_use]
pub fn runs_already(agent: impl Display, pid: Option<u32>) -> Error {
    let by = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
    Error::new(Code::Exists, format!("a server of agent {agent} runs already{by}"))
        .with_remedy("use that one, or end it first")
}

/// A value could not be written as JSON.
#[must_use]
pub fn not_serialized() -> Error {
    Error::new(Code::Internal, "the state of the server could not be written")
}

/// An address cannot be listened on.
#[must_use]
pub fn no_listener(address: impl Display, error: &io::Error) -> Error {
    let (why, remedy) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            "another process has that port".to_owned(),
            "find it with `ss -ltnp`, or choose another port with `--listen 127.0.0.1:PORT`",
        ),
        io::ErrorKind::PermissionDenied => {
            ("permission denied".to_owned(), "choose a port above 1023, or a path in a directory of your own")
        }
        kind => (kind.to_string(), "choose another address with `--listen` or `--socket`"),
    };
    Error::new(Code::Io, format!("cannot listen on {address}: {why}")).with_remedy(remedy)
}

/// An address is not one.
#[must_use]
pub fn not_an_address() -> Error {
    Error::new(Code::Usage, "--listen takes an address of this machine and a port")
        .with_remedy("for example `--listen 127.0.0.1:7787`")
}

/// An address that other machines reach.
#[must_use]
pub fn not_loopback() -> Error {
    Error::new(
        Code::Usage,
        "only a loopback address can be listened on, because requests to it are not encrypted",
    )
    .with_remedy("use `--listen 127.0.0.1:7787`, and a tunnel such as `ssh -L` for other machines")
}

/// A path of a socket that is something else.
#[must_use]
pub fn not_a_socket(path: &str) -> Error {
    Error::new(Code::UnsafeFile, format!("{path} exists and is no socket of yours"))
        .with_remedy("choose another path with `--socket PATH`")
}

/// No socket to listen on.
#[must_use]
pub fn no_listeners() -> Error {
    Error::new(Code::Usage, "there is nothing to listen on: LISTEN_FDS is set, and no socket was handed over")
        .with_remedy("unset LISTEN_FDS, or name an address with `--listen 127.0.0.1:7787`")
}

/// Users without a socket.
#[must_use]
pub fn uid_without_socket() -> Error {
    Error::new(Code::Usage, "--allow-uid is for a Unix socket, which tells who connects")
        .with_remedy("add `--socket PATH`")
}

/// An upstream that is not one.
#[must_use]
pub fn not_an_upstream(why: impl Display) -> Error {
    Error::new(Code::Usage, format!("--upstream takes NAME=URL: {why}"))
        .with_remedy("for example `--upstream anthropic=https://gateway.example.com`")
}

/// A file without a certificate.
#[must_use]
pub fn not_a_certificate(path: &str) -> Error {
    Error::new(Code::BadData, format!("{path} has no certificate in PEM form"))
        .with_remedy("name a file that begins with `-----BEGIN CERTIFICATE-----`")
}

/// No authority of certificates is known.
#[must_use]
pub fn no_authorities(why: impl Display) -> Error {
    Error::new(Code::Config, format!("certificates of providers cannot be verified: {why}"))
        .with_remedy("install the package `ca-certificates`, or name a file with `--upstream-ca FILE`")
}

/// The system gives no runtime.
#[must_use]
pub fn no_runtime() -> Error {
    Error::new(Code::NoMemory, "the system gives no threads to serve with")
}

/// The line for each listener when the server is ready.
#[must_use]
pub fn serving(agent: impl Display, listener: &str) -> String {
    format!("Serving agent {agent} on {listener}")
}

/// No access exists yet.
#[must_use]
pub fn nobody_may_ask(agent: impl Display) -> String {
    format!(
        "No client may ask yet. Give one a token: `strongroom access add NAME --provider PROVIDER --agent {agent}`"
    )
}

/// Reports cannot be written for now.
#[must_use]
pub fn reports_wait(why: &str) -> String {
    format!("What came of requests cannot be written into the state, and is tried again: {why}.")
}

/// The log cannot be written for now.
#[must_use]
pub fn log_not_written(why: &str) -> String {
    format!("The log of requests cannot be written, and is tried again: {why}.")
}

/// The profiles cannot be read.
#[must_use]
pub fn not_read(why: &str) -> String {
    format!("Requests are refused because the profiles cannot be read: {why}.")
}

/// The profiles can be read again.
pub const READ_AGAIN: &str = "The profiles can be read again.";

/// A profile cannot be read.
#[must_use]
pub fn profile_not_read(profile: impl Display, why: &str) -> String {
    format!("{profile} is not served: {why}.")
}

/// The server is locked, and why.
#[must_use]
pub fn is_locked(by_time: bool) -> &'static str {
    if by_time {
        "Locked because its time is over. Requests are refused until it gets SIGHUP."
    } else {
        "Locked. Requests are refused until it gets SIGHUP."
    }
}

/// The server was unlocked.
pub const UNLOCKED: &str = "Unlocked.";

/// Another home stands in the place of the server's, and has a server.
#[must_use]
pub fn other_server(why: &str) -> String {
    format!("The home was replaced: {why}.")
}

/// The server could not be unlocked.
#[must_use]
pub fn not_unlocked(why: &str) -> String {
    format!("Still locked: {why}.")
}

/// The file of `--upstream-ca` cannot be read.
#[must_use]
pub fn authorities_not_read(path: &str, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return Error::new(Code::NoInput, format!("there is no file {path}"))
            .with_remedy("name a file of certificates with `--upstream-ca FILE`");
    }
    Error::new(Code::Io, format!("{path} cannot be read: {}", error.kind()))
}

/// The server ends.
pub const ENDING: &str = "Ending when the requests that run have ended.";

/// No request was answered.
#[must_use]
pub fn no_requests(agent: &str) -> String {
    format!("No request was answered for agent {agent}.")
}

/// Lines of the log were altered or are missing.
#[must_use]
pub fn damaged_requests(count: usize) -> String {
    match count {
        1 => "one line of the log of requests was altered, or lines before it are missing".to_owned(),
        _ => format!("{count} lines of the log of requests were altered, or lines before them are missing"),
    }
}

/// Lines before this one are missing.
pub const AFTER_GAP: &str = "lines before it are missing";
/// The line was written under a key that is no longer there.
pub const EARLIER_KEY: &str = "from before a change of keys";
/// The line was altered.
pub const ALTERED: &str = "DAMAGED: not as the server wrote it";
/// The body was too large to be sent again.
pub const NOT_KEPT: &str = "body not kept";
/// The client went away, or the provider broke off.
pub const INCOMPLETE: &str = "broke off";

/// The proxy answered itself.
#[must_use]
pub fn refused_with(code: &str) -> String {
    format!("refused: {code}")
}

/// A request was sent several times.
#[must_use]
pub fn sent_often(times: u8) -> String {
    format!("sent {times} times")
}

/// Lines are lacking because the disk was too slow or full.
#[must_use]
pub fn lost_lines(count: u64) -> String {
    format!("{count} lines before it could not be written")
}

/// Requests without a known token are not listed.
#[must_use]
pub fn strangers(count: u64) -> String {
    format!("{count} more before it without a known token")
}

/// A time.
#[must_use]
pub fn milliseconds(time: u64) -> String {
    format!("{time} ms")
}

/// Servers were locked.
#[must_use]
pub fn locked_server(agent: impl Display) -> String {
    format!("Locked the server of agent {agent}.")
}

/// `lock` cannot tell the server of a program to lock.
#[must_use]
pub fn lock_does_not_reach(why: &str) -> String {
    format!("`strongroom lock` will not reach this program's server: {why}")
}

/// The server of a program was locked.
#[must_use]
pub fn locked_program(process: u32) -> String {
    format!("Locked the server of `run --proxy` (process {process}).")
}

/// Servers were told to lock and do not say that they are locked: their agents, and their processes if they are known.
#[must_use]
pub fn not_locked(deaf: &[(&str, Option<u32>)]) -> Error {
    let names = deaf.iter().map(|(agent, process)| match process {
        Some(process) => format!("agent {agent} (process {process})"),
        None => format!("agent {agent}"),
    });
    let names = names.collect::<Vec<_>>().join(", ");
    let known: Vec<_> = deaf.iter().filter_map(|(_, process)| Some(process.as_ref()?.to_string())).collect();
    let remedy = if known.is_empty() {
        "end it; until then it has its key. If it only stands still, it locks as soon as it goes on"
            .to_owned()
    } else {
        let known = known.join(" ");
        format!(
            "if it only stands still, it locks as soon as it goes on; `kill -KILL {known}` ends it, and its key"
        )
    };
    Error::new(Code::Timeout, format!("not yet locked: the server of {names}")).with_remedy(remedy)
}

/// The server of a program was told to unlock.
#[must_use]
pub fn unlocks_program(process: u32) -> String {
    format!("The server of `run --proxy` (process {process}) unlocks too.")
}

/// A server was told to unlock.
#[must_use]
pub fn unlocks_server(agent: impl Display) -> String {
    format!("The server of agent {agent} unlocks too.")
}

/// Flags of `log` that are for changes alone.
#[must_use]
pub fn requests_alone() -> Error {
    Error::new(Code::Usage, "--requests goes with --since and --last only")
        .with_remedy("leave out the other flags of `log`")
}
