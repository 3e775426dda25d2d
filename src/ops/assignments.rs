//! Assignments of variables, in the forms of shells and files.

use crate::error::Result;
use crate::messages::run as messages;
use crate::secret::{Buffer, ExposeSecret, SecretString};

/// A form of assignments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// For POSIX shells: bash, zsh, dash.
    Posix,
    /// For fish.
    Fish,
    /// For PowerShell.
    PowerShell,
    /// For a `.env` file.
    Dotenv,
}

/// Appends an assignment and a line break.
///
/// # Errors
/// `BAD_DATA` if programs that read `.env` files do not agree on how the value is written.
pub fn write(form: Form, name: &str, value: &SecretString, out: &mut Buffer) -> Result<()> {
    let value = value.expose_secret();
    match form {
        Form::Posix => {
            put(out, &["export ", name, "='"]);
            quote(value, |c| if c == '\'' { Some(r"'\''") } else { None }, out);
        }
        Form::Fish => {
            put(out, &["set -gx ", name, " '"]);
            quote(
                value,
                |c| [('\'', r"\'"), ('\\', r"\\")].iter().find(|(of, _)| *of == c).map(|(_, as_)| *as_),
                out,
            );
        }
        Form::PowerShell => {
            put(out, &["$env:", name, " = '"]);
            quote(value, doubled, out);
        }
        Form::Dotenv => {
            if !is_plain_in_dotenv(value) {
                return Err(messages::cannot_be_written(name, ".env"));
            }
            put(out, &[name, "='", value]);
        }
    }
    put(out, &["'\n"]);
    Ok(())
}

fn put(out: &mut Buffer, parts: &[&str]) {
    for part in parts {
        out.extend(part.as_bytes());
    }
}

/// Appends a text with some of its characters replaced.
fn quote(text: &str, replaced: impl Fn(char) -> Option<&'static str>, out: &mut Buffer) {
    for c in text.chars() {
        match replaced(c) {
            Some(text) => out.extend(text.as_bytes()),
            None => out.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Returns what stands for a quotation mark in a PowerShell string. The typographic ones end a string too.
fn doubled(c: char) -> Option<&'static str> {
    match c {
        '\'' => Some("''"),
        '\u{2018}' => Some("\u{2018}\u{2018}"),
        '\u{2019}' => Some("\u{2019}\u{2019}"),
        '\u{201a}' => Some("\u{201a}\u{201a}"),
        '\u{201b}' => Some("\u{201b}\u{201b}"),
        _ => None,
    }
}

/// Returns whether every program reads a value in single quotes as it is. python-dotenv takes a backslash there for an
/// escape, and puts in the values of `${…}`; others read one line at a time.
fn is_plain_in_dotenv(value: &str) -> bool {
    !value.contains(['\'', '\\', '\n', '\r']) && !value.contains("${")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: Form, value: &str) -> Option<String> {
        let mut out = Buffer::default();
        write(form, "A", &SecretString::from(value), &mut out).ok()?;
        out.expose_str().map(str::to_owned)
    }

    #[test]
    fn each_form_has_its_own_quotes() {
        for (form, value, expected) in [
            (Form::Posix, "it's $x `y` \\", Some("export A='it'\\''s $x `y` \\'\n")),
            (Form::Fish, "it's \\", Some("set -gx A 'it\\'s \\\\'\n")),
            (Form::PowerShell, "it's \u{2019}", Some("$env:A = 'it''s \u{2019}\u{2019}'\n")),
            (Form::Dotenv, "two words # \"$x\"", Some("A='two words # \"$x\"'\n")),
            (Form::Dotenv, "it's", None),
            (Form::Dotenv, "a\nb", None),
            (Form::Dotenv, "${HOME}", None),
        ] {
            assert_eq!(written(form, value).as_deref(), expected, "{value}");
        }
    }
}
