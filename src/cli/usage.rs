//! Errors of the command line itself. clap would quote arguments, and a misplaced one can be a
//! secret; so only names that clap knows, and options without their values, are shown.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::context;
use crate::env::Env;
use crate::error::{Code, Error};
use crate::term::out;

/// Prints help or version as asked, or reports what is wrong; gives the exit status.
#[must_use]
pub fn report(error: &clap::Error, env: &Env, json: bool) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text =
                if env.stdout_tty { error.render().ansi().to_string() } else { error.render().to_string() };
            match out::write_text(&text) {
                Ok(_) => 0,
                Err(error) => context::report(&error, env, json),
            }
        }
        kind => context::report(&describe(error, kind), env, json),
    }
}

fn describe(error: &clap::Error, kind: ErrorKind) -> Error {
    let named = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => shown(text),
        Some(ContextValue::Strings(texts)) => {
            let shown: Vec<_> = texts.iter().filter_map(|text| shown(text)).collect();
            (!shown.is_empty()).then(|| shown.join(", "))
        }
        _ => None,
    };
    let typed = |text: &String| kind != ErrorKind::UnknownArgument || text.starts_with("--");
    let argument = named(ContextKind::InvalidArg).filter(typed);
    let of = |text: &str| match &argument {
        Some(argument) => format!("{text}: {argument}"),
        None => text.to_owned(),
    };
    let what = match kind {
        ErrorKind::UnknownArgument => of("an argument is not known here"),
        ErrorKind::InvalidSubcommand => "there is no such command".to_owned(),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "a command is missing".to_owned()
        }
        ErrorKind::MissingRequiredArgument => of("an argument is missing"),
        ErrorKind::ArgumentConflict => match named(ContextKind::PriorArg) {
            Some(other) if argument.as_ref() == Some(&other) => format!("{other} is given twice"),
            Some(other) => {
                format!("{} and {other} exclude each other", argument.as_deref().unwrap_or("arguments"))
            }
            None => of("arguments exclude each other"),
        },
        ErrorKind::InvalidValue if has_no_value(error) => of("a value is missing"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => of("an argument's value is not accepted"),
        ErrorKind::NoEquals | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            of("a value is missing")
        }
        ErrorKind::TooManyValues => of("an argument was given too many values"),
        ErrorKind::InvalidUtf8 => "an argument is not valid text".to_owned(),
        _ => "the command line is not understood".to_owned(),
    };
    let valid = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => Some(values.join(", ")),
        _ => None,
    };
    let suggested = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg].into_iter().find_map(named);
    // Whoever looked for a way to give a secret is not helped by an option of a like name.
    let for_secret =
        |name: &String| ["token", "key", "secret", "password"].iter().any(|word| name.contains(word));
    let suggested = suggested.filter(|_| !argument.as_ref().is_some_and(for_secret));
    let form =
        form_of(error).filter(|_| matches!(kind, ErrorKind::InvalidValue | ErrorKind::ValueValidation));
    let remedy = match (valid, suggested) {
        _ if has_no_value(error) => {
            "write its value after it; the command with --help shows an example".to_owned()
        }
        (Some(valid), _) => format!("use one of: {valid}"),
        _ if form.is_some() => form.unwrap_or_default().to_owned(),
        (None, Some(suggested)) => format!("did you mean {suggested}?"),
        (None, None) => {
            "run the command with --help; give secrets on standard input, never as an argument".to_owned()
        }
    };
    Error::new(Code::Usage, what).with_remedy(remedy)
}

/// The form of an argument's value, by its name or its placeholder.
fn form_of(error: &clap::Error) -> Option<&'static str> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    let name = argument.split([' ', '=']).next().unwrap_or_default();
    if name.ends_with("-timeout") {
        Some("give a time: 30s, 300ms, 2m")
    } else if name.ends_with("-fd") {
        Some("give the number of a descriptor from 3 on that is opened for reading: 3<FILE")
    } else if argument.ends_with("<N>") {
        Some("give a whole number: 20")
    } else {
        None
    }
}

/// Whether an option that takes a value stands alone.
fn has_no_value(error: &clap::Error) -> bool {
    matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if value.is_empty())
}

/// An argument as it may be shown: an option or a placeholder, never a value.
fn shown(text: &str) -> Option<String> {
    let name = text.split(['=', ' ']).next().unwrap_or_default();
    let plain = |b: u8| b.is_ascii_lowercase() || b == b'-';
    let option = name.starts_with("--") && name.len() <= 24 && name.bytes().all(plain);
    let placeholder = text.starts_with('<') && text.len() <= 24;
    let known = name.len() <= 16 && !name.is_empty() && name.bytes().all(plain);
    (option || placeholder || known).then(|| if placeholder { text.to_owned() } else { name.to_owned() })
}
