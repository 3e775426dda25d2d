//! Errors of the command line itself. clap would quote every argument, and a misplaced one can be a secret; so a
//! value is repeated only if it does not look like one.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::context;
use crate::env::Env;
use crate::error::Error;
use crate::looks::may_be_misspelt;
use crate::messages::usage::{self, Accepted};
use crate::term::out;
use crate::term::style::Style;

/// Longer values are not repeated, in bytes.
const SHOWN_MAX: usize = 24;

/// Returns the command that a command line names, for messages: `strongroom models auth`.
pub(super) fn names(command: &Command, arguments: &[OsString]) -> String {
    let mut names = "strongroom".to_owned();
    let mut inner = command;
    for found in arguments.iter().skip(1) {
        if let Some(next) = inner.find_subcommand(found) {
            names.push_str(&format!(" {}", next.get_name()));
            inner = next;
        }
    }
    names
}

/// Prints help or version as asked, or reports what is wrong; gives the exit status. `command` is what
/// [`names`] says.
#[must_use]
pub fn report(error: &clap::Error, command: &str, env: &Env, json: bool) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = rendered(error, Style::stdout(env));
            match out::write_text(&text) {
                Ok(_) => 0,
                Err(error) => context::report(&error, env, json),
            }
        }
        // Someone who types a group of commands alone wants to see what is in it.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !json => {
            out::write_error(&rendered(error, Style::stderr(env)));
            crate::error::Code::Usage.exit()
        }
        kind => context::report(&describe(error, kind, command), env, json),
    }
}

fn rendered(error: &clap::Error, style: Style) -> String {
    let text = error.render();
    if style.is_enabled() { text.ansi().to_string() } else { text.to_string() }
}

fn describe(error: &clap::Error, kind: ErrorKind, command: &str) -> Error {
    let texts = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    };
    let named = |kind| texts(kind).iter().find_map(|text| named(text));
    let argument = named(ContextKind::InvalidArg);
    let argument = argument.as_deref();
    let near = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg].into_iter().find_map(named);
    match kind {
        ErrorKind::UnknownArgument => {
            let given = texts(ContextKind::InvalidArg).first().map(|text| shown(text).map(str::to_owned));
            match given.flatten() {
                Some(given) if is_for_secret(&given) => usage::no_secret_option(&given),
                given => usage::unexpected(given.as_deref(), near.as_deref(), command),
            }
        }
        ErrorKind::InvalidSubcommand => {
            let given = texts(ContextKind::InvalidSubcommand);
            let given = given.first().and_then(|text| shown(text));
            usage::unknown_command(given, near.as_deref(), command)
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            usage::no_command(command)
        }
        ErrorKind::MissingRequiredArgument => {
            let missing: Vec<_> =
                texts(ContextKind::InvalidArg).iter().filter_map(|text| whole(text)).collect();
            usage::missing(&missing, command)
        }
        ErrorKind::ArgumentConflict => match (argument, named(ContextKind::PriorArg)) {
            (Some(one), Some(other)) if one == other => usage::twice(one),
            (one, other) => usage::conflict(one, other.as_deref()),
        },
        ErrorKind::InvalidValue if has_no_value(error) => usage::no_value(argument, command),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = texts(ContextKind::InvalidValue);
            let value = value.first().and_then(|text| shown(text));
            let valid = texts(ContextKind::ValidValue);
            let near_value = named(ContextKind::SuggestedValue);
            let accepted = match form_of(error) {
                _ if !valid.is_empty() => Accepted::OneOf(&valid, near_value.as_deref()),
                Some(form) => Accepted::Form(form),
                None => Accepted::Unknown,
            };
            usage::invalid(argument, value, accepted, command)
        }
        ErrorKind::NoEquals | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            usage::no_value(argument, command)
        }
        ErrorKind::TooManyValues => usage::too_many(argument, command),
        ErrorKind::InvalidUtf8 => usage::not_text(command),
        _ => usage::other(command),
    }
}

/// The form of an argument's value, by its name or its placeholder.
fn form_of(error: &clap::Error) -> Option<&'static str> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    let name = argument.split([' ', '=']).next().unwrap_or_default();
    if name.ends_with("-timeout") {
        Some(usage::TIME)
    } else if name.ends_with("-fd") {
        Some(usage::DESCRIPTOR)
    } else if argument.ends_with("<N>") {
        Some(usage::NUMBER)
    } else {
        None
    }
}

/// Whether an option that takes a value stands alone.
fn has_no_value(error: &clap::Error) -> bool {
    matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if value.is_empty())
}

/// Returns what was typed, unless it may be a secret. A short word is not a secret.
fn shown(text: &str) -> Option<&str> {
    let name = text.split('=').next().unwrap_or_default();
    let is_short = (1..=SHOWN_MAX).contains(&name.len());
    let is_word = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let is_option = name.starts_with('-') && is_word;
    let may_be_shown = is_short && (is_word || (may_be_misspelt(name) && name.len() < 16));
    (may_be_shown && (is_option || name.len() == text.len())).then_some(name)
}

/// Returns whether the user expected this unknown option to take a secret.
fn is_for_secret(option: &str) -> bool {
    option.starts_with("--")
        && ["token", "key", "secret", "password"].iter().any(|word| option.contains(word))
}

/// Returns the name of a defined argument for a message: an option without its value, or a placeholder.
fn named(text: &str) -> Option<String> {
    let name = text.split(['=', ' ']).next().unwrap_or_default();
    let plain = |b: u8| b.is_ascii_lowercase() || b == b'-';
    let is_known = name.len() <= SHOWN_MAX && !name.is_empty() && name.bytes().all(plain);
    if text.starts_with('<') { whole(text) } else { is_known.then(|| name.to_owned()) }
}

/// Returns a defined argument with its placeholder, in the form in which it is typed.
fn whole(text: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_<>|. ".contains(&b);
    (text.len() <= 48 && text.bytes().all(plain))
        .then(|| text.trim_end_matches("...").replace(['<', '>'], ""))
}
