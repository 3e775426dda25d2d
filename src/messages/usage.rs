//! Errors of the command line: what is wrong, what is accepted, and what is near.

use crate::error::{Code, Error};

/// Where secrets may be given.
const NOT_HERE: &str = "give a secret at the prompt or on standard input; if the argument was one, revoke it, because other users of this machine can read a command line";

fn usage(what: String, remedy: String) -> Error {
    Error::new(Code::Usage, what).with_remedy(remedy)
}

fn see_help(command: &str) -> String {
    format!("run `{command} --help`")
}

/// The command does not take this argument. `given` is `None` if it may not be repeated; `near` is an argument with a
/// similar name.
#[must_use]
pub fn unexpected(given: Option<&str>, near: Option<&str>, command: &str) -> Error {
    unknown("unexpected argument", given, near, command)
}

/// The command does not exist. The arguments are those of [`unexpected`].
#[must_use]
pub fn unknown_command(given: Option<&str>, near: Option<&str>, command: &str) -> Error {
    unknown("unknown command", given, near, command)
}

fn unknown(what: &str, given: Option<&str>, near: Option<&str>, command: &str) -> Error {
    match (given, near) {
        (None, _) => usage(format!("{what}, not shown because it may be a secret"), NOT_HERE.to_owned()),
        (Some(given), Some(near)) => usage(format!("{what} `{given}`"), format!("did you mean `{near}`?")),
        (Some(given), None) => usage(format!("{what} `{given}`"), see_help(command)),
    }
}

/// An option whose name says that it should take a secret.
#[must_use]
pub fn no_secret_option(given: &str) -> Error {
    usage(format!("unexpected argument `{given}`"), NOT_HERE.to_owned())
}

/// A group of commands stands alone.
#[must_use]
pub fn no_command(command: &str) -> Error {
    usage(format!("`{command}` needs a command"), see_help(command))
}

/// Arguments that are required and not there.
#[must_use]
pub fn missing(arguments: &[String], command: &str) -> Error {
    let what = match arguments {
        [] => "an argument is missing".to_owned(),
        [one] => format!("missing argument `{one}`"),
        several => {
            let several: Vec<_> = several.iter().map(|argument| format!("`{argument}`")).collect();
            format!("missing arguments {}", several.join(" and "))
        }
    };
    usage(what, see_help(command))
}

/// One option that is given twice.
#[must_use]
pub fn twice(argument: &str) -> Error {
    usage(format!("`{argument}` is given twice"), "give it once".to_owned())
}

/// Two arguments that exclude each other.
#[must_use]
pub fn conflict(one: Option<&str>, other: Option<&str>) -> Error {
    let what = match (one, other) {
        (Some(one), Some(other)) => format!("`{one}` cannot be used with `{other}`"),
        (Some(one), None) | (None, Some(one)) => {
            format!("`{one}` cannot be used together with the other arguments given")
        }
        (None, None) => "these arguments cannot be used together".to_owned(),
    };
    usage(what, "leave one of them out".to_owned())
}

/// An option without its value.
#[must_use]
pub fn no_value(argument: Option<&str>, command: &str) -> Error {
    let what = match argument {
        Some(argument) => format!("`{argument}` needs a value"),
        None => "an option needs a value".to_owned(),
    };
    usage(what, see_help(command))
}

/// A value that the argument does not take. `value` is `None` if it may not be repeated; `accepted` says what is
/// accepted, and `near` the accepted value that is most like it.
#[must_use]
pub fn invalid(argument: Option<&str>, value: Option<&str>, accepted: Accepted<'_>, command: &str) -> Error {
    let value = value.map(|value| format!(": `{value}`")).unwrap_or_default();
    let what = format!("invalid value for `{}`{value}", argument.unwrap_or("an argument"));
    let remedy = match accepted {
        Accepted::OneOf(_, Some(near)) => format!("did you mean `{near}`?"),
        Accepted::OneOf(values, None) => format!("use one of: {}", values.join(", ")),
        Accepted::Form(form) => form.to_owned(),
        Accepted::Unknown => see_help(command),
    };
    usage(what, remedy)
}

/// What an argument accepts.
#[derive(Clone, Copy, Debug)]
pub enum Accepted<'a> {
    /// One of these words; and the one that is near what was given.
    OneOf(&'a [String], Option<&'a str>),
    /// A value of this form, as a whole remedy.
    Form(&'a str),
    /// Not known here.
    Unknown,
}

/// The form of a time.
pub const TIME: &str = "use a whole number and a unit, such as 30s, 300ms or 2m";
/// The form of a file descriptor.
pub const DESCRIPTOR: &str =
    "use the number of a descriptor from 3 on that is open for reading, as in 3<FILE";
/// The form of a number.
pub const NUMBER: &str = "use a whole number, such as 20";

/// More values than an argument takes.
#[must_use]
pub fn too_many(argument: Option<&str>, command: &str) -> Error {
    let what = match argument {
        Some(argument) => format!("too many values for `{argument}`"),
        None => "too many values for an argument".to_owned(),
    };
    usage(what, see_help(command))
}

/// An argument that is not UTF-8.
#[must_use]
pub fn not_text(command: &str) -> Error {
    usage("an argument is not valid UTF-8".to_owned(), see_help(command))
}

/// A command line that is wrong in another way.
#[must_use]
pub fn other(command: &str) -> Error {
    usage("the command line is not valid".to_owned(), see_help(command))
}

/// A topic that `strongroom help` does not have.
#[must_use]
pub fn no_topic(given: Option<&str>, near: Option<&str>) -> Error {
    let what = match given {
        Some(given) => format!("there is no help on `{given}`"),
        None => "there is no help on that".to_owned(),
    };
    let remedy = match near {
        Some(near) => format!("did you mean `strongroom help {near}`?"),
        None => "run `strongroom help topics`".to_owned(),
    };
    Error::new(Code::NotFound, what).with_remedy(remedy)
}
