//! Messages about programs that get secrets in their environment.

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};
use crate::term::escape::shell_path;
use crate::time::local;

/// Why a variable of a file is refused: no shell has variables with such names.
pub const NOT_A_NAME: &str = "is not the name of a variable";
/// Why a variable of a file is refused: it is one of Strongroom's.
pub const OWN: &str = "is one of Strongroom's own variables, which programs do not get";
/// Why a variable of a file is refused: it decides what a program loads or runs.
pub const LOADER: &str = "decides which code a program loads or runs";
/// Why a variable of a file is refused: it decides where requests go.
pub const DESTINATION: &str = "decides where a program sends its requests, and a secret with them";

/// Nothing is asked for.
#[must_use]
pub fn nothing_asked_for() -> Error {
    Error::new(Code::Usage, "no profile is named").with_remedy(
        "add `--profile ID`, `--provider P`, `--all`, `--env NAME=ID` or `--env-file FILE`; `strongroom list` shows the profiles",
    )
}

/// The value of `--env` is not NAME=ID.
#[must_use]
pub fn not_an_assignment() -> Error {
    Error::new(Code::Usage, "the value of --env is not NAME=ID")
        .with_remedy("name a variable and a profile, as in `--env DEPLOY_KEY=openai:work`")
}

/// The variable of `--env` may not be set. `why` is one of the constants above.
#[must_use]
pub fn refused_name(name: &str, why: &str) -> Error {
    Error::new(Code::Usage, format!("--env: {name} {why}")).with_remedy("use another variable")
}

/// A variable of a file may not be set. `why` is one of the constants above; `what` is the file.
#[must_use]
pub fn refused_in_file(name: &str, line: usize, what: &str, why: &str) -> Error {
    Error::new(Code::Usage, format!("{what}, line {line}: {name} {why}"))
        .with_remedy("remove it from the file; to set it, export it before `strongroom run`")
}

/// The file is not text.
#[must_use]
pub fn not_text(what: &str) -> Error {
    Error::new(Code::BadData, format!("{what} is not UTF-8 text"))
        .with_remedy("give a file of lines NAME=value, or NAME=strongroom://PROFILE")
}

/// A value of a file refers to something that only another program resolves.
#[must_use]
pub fn not_resolved(name: &str, line: usize, what: &str) -> Error {
    Error::new(
        Code::BadData,
        format!("{what}, line {line}: {name} is a reference that Strongroom does not resolve"),
    )
    .with_remedy("use `strongroom://PROFILE`, or single quotes for a `$` that stands for itself")
}

/// A reference of a file does not name a profile. It may be a secret, so it is not quoted.
#[must_use]
pub fn not_a_reference(name: &str, line: usize, what: &str) -> Error {
    Error::new(
        Code::InvalidId,
        format!("{what}, line {line}: the reference of {name} does not name a profile"),
    )
    .with_remedy("write it as in `strongroom://openai:work`")
}

/// A file wants a profile that the command line does not name. `allow` is the command that allows the file, if it can be
/// allowed.
#[must_use]
pub fn not_asked_for(name: &str, profile: &str, allow: Option<&str>) -> Error {
    let mut remedy = format!("to let this file have it, add `--profile {profile}`");
    if let Some(allow) = allow {
        remedy.push_str(&format!("; if the file is yours, `{allow}` allows it for later too"));
    }
    Error::new(
        Code::Denied,
        format!("the file asks for {profile} as {name}, and the command line does not name that profile"),
    )
    .with_remedy(remedy)
}

/// Returns the command that allows a file. `option` names the agent, if it is not the default one.
#[must_use]
pub fn allow_command(path: &str, option: &str) -> String {
    format!("strongroom{option} env allow {}", shell_path(Path::new(path)))
}

/// A file has other bytes than were allowed, at a time in Unix milliseconds. `allow` is the command that allows it.
#[must_use]
pub fn changed_since_allowed(path: &str, at: i64, allow: &str) -> Error {
    let path = shown(Path::new(path));
    Error::new(Code::Denied, format!("{path} has changed since it was allowed ({})", local(at)))
        .with_remedy(format!("look at the file, then allow it again: `{allow}`"))
}

/// An allowed file names a profile that was removed and created again since.
#[must_use]
pub fn created_again(profile: impl Display, allow: &str) -> Error {
    Error::new(Code::Denied, format!("{profile} was created again after the file was allowed to have it"))
        .with_remedy(format!("if the file may have the new one too: `{allow}`"))
}

/// The keys of one agent cannot verify which files are allowed.
#[must_use]
pub fn allowed_unverifiable(name: &str, profile: &str) -> Error {
    Error::new(
        Code::Denied,
        format!(
            "the file asks for {profile} as {name}; the vault is unlocked for one agent, which is not enough to verify whether that was allowed"
        ),
    )
    .with_remedy(format!("add `--profile {profile}`, or unlock the whole vault: `strongroom unlock`"))
}

/// Two profiles are for the same variable.
#[must_use]
pub fn two_for_one(name: &str, one: impl Display, other: impl Display) -> Error {
    Error::new(Code::Usage, format!("both {one} and {other} would set {name}")).with_remedy(format!(
        "name one of them, or give the other a variable of its own: `--env NAME={other}`"
    ))
}

/// A secret cannot be in a variable.
#[must_use]
pub fn has_nul(profile: impl Display) -> Error {
    Error::new(Code::BadData, format!("the secret of {profile} has a NUL byte, which no variable can hold"))
        .with_remedy("store the secret again, as text")
}

/// A provider has no profile that could be used, as `why` says, and others are used.
#[must_use]
pub fn left_out(why: &str) -> String {
    format!("left out: {why}")
}

/// A secret is too short to be masked.
#[must_use]
pub fn too_short(profile: impl Display, min: usize) -> String {
    format!("{profile} is not masked: its secret has fewer than {min} bytes")
}

/// There is more to mask than is possible.
#[must_use]
pub fn too_much_to_mask(max: usize, bytes: usize) -> Error {
    Error::new(
        Code::TooLarge,
        format!("cannot mask more than {max} secrets, or more than {} KiB of them", bytes / 1024),
    )
    .with_remedy("name fewer profiles, or add `--no-mask`")
}

/// The file of variables would be read from standard input, which belongs to the program.
#[must_use]
pub fn file_from_stdin() -> Error {
    Error::new(Code::Usage, "--env-file cannot read standard input, which the program gets")
        .with_remedy("name a file, or a descriptor as in `--env-file <(COMMAND)`")
}

/// The program does not exist.
#[must_use]
pub fn no_program(program: &str) -> Error {
    Error::new(Code::NoInput, format!("{program}: no such program"))
        .with_remedy("check the name, and PATH; nothing was started")
}

/// The program could not be started.
#[must_use]
pub fn not_started(program: &str, source: &std::io::Error) -> Error {
    Error::new(Code::Io, format!("cannot start {program}: {source}"))
        .with_remedy("check that it is a program that you may run; nothing was started")
}

/// The program's output cannot be passed on.
#[must_use]
pub fn no_relay(source: &std::io::Error) -> Error {
    Error::new(Code::Io, format!("cannot relay the program's output: {source}"))
        .with_remedy("raise the limits on processes and open files; nothing was started")
}

/// Assignments with secrets would be printed to a terminal.
#[must_use]
pub fn not_revealed() -> Error {
    Error::new(Code::NotRevealed, "the secrets would be shown on the terminal")
}

/// A value cannot be written in a form.
#[must_use]
pub fn cannot_be_written(name: &str, form: &str) -> Error {
    Error::new(
        Code::BadData,
        format!("the value of {name} has characters that programs read differently from a {form} file"),
    )
    .with_remedy("use `strongroom run`, or another form: `--shell posix`")
}
