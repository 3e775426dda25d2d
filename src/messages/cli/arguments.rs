//! Messages about arguments and answers.

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};
use crate::term::stdin;

// Details that `--verbose` shows.

/// The vault and the agent that are used. `agent` is `None` if its name is not valid.
pub fn using(home: &Path, agent: Option<&impl Display>) -> String {
    let agent = agent.map(|agent| format!(", agent {agent}")).unwrap_or_default();
    format!("using the vault in {}{agent}", shown(home))
}

/// What unlocked the vault, such as `the key file …`.
pub fn unlocked_with(from: &str) -> String {
    format!("unlocked with {from}")
}

/// How long the command took, in milliseconds.
pub fn took(ms: u128) -> String {
    format!("took {ms} ms")
}

// Secrets in the place of something else.

/// An argument is a secret.
pub fn is_a_secret() -> Error {
    Error::new(
        Code::Usage,
        "an argument looks like a secret, and other users of this machine can read command lines",
    )
    .with_remedy("revoke that secret, and give the new one on standard input or at the prompt")
}

/// `STRONGROOM_AGENT` is a secret.
pub fn agent_is_a_secret() -> Error {
    Error::new(Code::InvalidAgent, "the value of STRONGROOM_AGENT looks like a secret, not an agent name")
        .with_remedy("unset it, or set it to the name of an agent")
}

/// The name of a session looks drawn at random.
pub fn session_like_key() -> Error {
    Error::new(Code::Usage, "the session name looks like a key")
        .with_remedy(unless_key("use the client's name for the session; its random parts can be shortened"))
}

/// A new name of a profile looks drawn at random.
pub fn name_like_key() -> Error {
    Error::new(Code::Usage, "the new name looks like a key")
        .with_remedy(unless_key("choose a short name, such as groq:work; account ids can be shortened"))
}

fn unless_key(remedy: &str) -> String {
    format!(
        "if it is a key, revoke it, because other users of this machine can read command lines; otherwise {remedy}"
    )
}

/// The answer to a question is a secret, and was visible.
pub fn answer_was_shown() -> Error {
    Error::new(Code::Usage, "the answer looks like a secret, and was visible as it was typed")
        .with_remedy(format!("revoke it; {OWN_PROMPT}"))
}

/// The answer to a question is a secret, and was hidden.
pub fn answer_was_hidden() -> Error {
    Error::new(Code::Usage, "the answer looks like a secret; it was not shown and is not stored")
        .with_remedy(format!("run the command again; {OWN_PROMPT}"))
}

const OWN_PROMPT: &str = "the secret has its own hidden prompt";

// Streams and paths.

/// Two arguments read one stream: the second would find its end.
pub fn one_stream_twice(first: &str, second: &str, stream: &str, is_stdin: bool) -> Error {
    let remedy = if is_stdin { stdin::ONE_ONLY } else { "use another descriptor for one of them: 4<FILE" };
    Error::new(Code::Usage, format!("{first} and {second} cannot both be read from {stream}"))
        .with_remedy(remedy)
}

/// What standard input is read for, if a command reads a secret from it.
pub const THE_SECRET: &str = "the secret";

/// How an argument without a flag is named.
pub fn argument(placeholder: &str) -> String {
    format!("the argument {placeholder}")
}

/// How an argument without a flag and a placeholder is named.
pub const AN_ARGUMENT: &str = "an argument";

/// A file is named as only a directory can be. `why` says so.
pub fn file_with_slash(place: &str, why: &str) -> Error {
    Error::new(Code::Usage, format!("{place} {why}")).with_remedy("name the file without a slash at the end")
}

// Ids.

/// The remedy for an id whose provider has capitals.
pub fn lower_case(id: &str) -> String {
    format!("write the provider in lower case: {id}")
}

/// No profile is shown as this text, which stands for an id that looks like a secret.
pub fn no_such_handle() -> Error {
    Error::new(Code::NotFound, "no profile is listed under this id")
        .with_remedy("run `strongroom list` to see the profiles")
}

// Questions and answers.

/// A confirmation is needed, and there is no person to ask.
pub fn not_confirmed() -> Error {
    Error::new(
        Code::NotConfirmed,
        "cannot ask for confirmation: `--no-input` is set or standard input is not a terminal",
    )
}

/// The answer was no.
pub fn declined() -> Error {
    Error::new(Code::Cancelled, "not confirmed")
}

/// The question again, after an answer that is no choice.
pub fn again(question: &str) -> String {
    format!("Not one of the choices. {question}")
}

/// No answer was one of the choices.
pub fn no_answer() -> Error {
    Error::new(Code::Usage, "none of the answers was one of the choices")
}

/// A secret is needed from a terminal, and `--no-input` is set.
pub fn no_input_for_secret() -> Error {
    Error::new(
        Code::NoInput,
        "cannot ask for the secret: `--no-input` is set and standard input is a terminal",
    )
    .with_remedy("send it on standard input, or name a descriptor with `--secret-fd N`")
}

/// Something other than the passphrase unlocked the vault. Said before a secret is pasted.
pub fn unlocked_by(from: &str) -> String {
    format!("Unlocked with {from}, not with the passphrase.")
}

/// The keys in the kernel's keyring, for [`unlocked_by`].
pub const BY_CACHE: &str = "the keys kept by `strongroom unlock`";

// Waiting.

/// The keychain shows a dialog.
pub fn keychain_asks(provider: &str) -> String {
    format!("{provider} is locked: answer its prompt to unlock it (waiting at most 60 s)\n")
}

/// Another process holds the lock: its id, and its command if they are known.
pub fn waiting_for_lock(holder: Option<(u32, &str)>) -> String {
    let by = holder
        .map_or_else(|| "another process".to_owned(), |(pid, command)| format!("process {pid} ({command})"));
    format!("Waiting for {by}, which holds the lock (Ctrl-C to stop waiting)")
}

// The program itself.

/// A JSON document could not be made.
pub fn no_document() -> Error {
    Error::new(Code::Internal, "could not write the JSON document")
}

/// The same error, if `HOME` is set and names a home that is not the user's.
pub fn home_of_variable(error: &Error, home: &str) -> Error {
    Error::new(error.code(), format!("{} (HOME is {home})", error.what()))
        .with_remedy(format!("{}; or set HOME to a directory of your own", error.remedy()))
}

/// The same error of a home without a vault, with another thing to do.
pub fn also(error: Error, hint: &str) -> Error {
    let remedy = format!("{}; {hint}", error.remedy());
    error.with_remedy(remedy)
}
