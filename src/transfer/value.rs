//! Checks a secret value from a file before it becomes a credential.

use std::borrow::Cow;

use crate::error::Code;
use crate::messages::transfer::{self as say, reason};
use crate::secret::SecretString;
use crate::secret_format;
use crate::vault::credential::SECRET_MAX;

/// What is wrong with an entry, and in which field.
#[derive(Debug)]
pub(super) struct Problem {
    /// The field, by a name that this program knows; `None` for the entry as a whole.
    pub(super) field: Option<Cow<'static, str>>,
    pub(super) code: Code,
    pub(super) reason: Cow<'static, str>,
}

impl Problem {
    pub(super) fn new(code: Code, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { field: None, code, reason: reason.into() }
    }

    pub(super) fn at(mut self, field: &'static str) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says that it is in the item with this number of a list.
    pub(super) fn within(mut self, list: &'static str, number: usize) -> Self {
        self.field = Some(match self.field {
            Some(field) => format!("{list}[{number}].{field}").into(),
            None => format!("{list}[{number}]").into(),
        });
        self
    }
}

/// A value that may be a secret, and warnings about it.
pub(super) struct Checked {
    pub(super) secret: SecretString,
    pub(super) warnings: Vec<String>,
}

/// Checks a value, and removes white space around it and what [`secret_format::bare`] removes.
///
/// White space inside is kept, because a file, unlike a paste, is exact. Line breaks and tabs are refused: a program
/// that reads the output of `get` line by line would take the rest for something else, and no header can carry them.
pub(super) fn check(value: &str) -> Result<Checked, Problem> {
    let mut warnings = Vec::new();
    let secret = secret_format::bare(value, &mut warnings)
        .map_err(|refusal| Problem::new(refusal.code, refusal.why))?;
    if secret.len() > SECRET_MAX {
        return Err(Problem::new(Code::TooLarge, reason::longer_than(SECRET_MAX)));
    }
    if secret.contains(char::is_control) {
        return Err(Problem::new(Code::BadData, reason::control_character()));
    }
    if warnings.is_empty() && secret.len() != value.len() {
        warnings.push(say::white_space_removed());
    }
    Ok(Checked { secret: SecretString::from(secret), warnings })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ExposeSecret;

    #[test]
    fn white_space_is_removed_at_the_ends_only() {
        let checked = check(" a b\n").map_err(|p| p.reason).unwrap();
        assert_eq!(checked.secret.expose_secret(), "a b");
        assert_eq!(checked.warnings.len(), 1);
    }

    #[test]
    fn what_is_certainly_not_part_of_a_secret_is_removed_with_a_warning() {
        for value in
            ["Bearer made-up-key", "'made-up-key'", "made-up-key;", "Authorization: Bearer made-up-key"]
        {
            let checked = check(value).map_err(|p| p.reason).unwrap();
            assert_eq!(checked.secret.expose_secret(), "made-up-key", "{value}");
            assert_eq!(checked.warnings.len(), 1, "{value}");
        }
    }

    #[test]
    fn values_that_are_not_secrets_are_refused() {
        for (value, code) in [
            ("", Code::BadData),
            (" \u{200b}\n", Code::BadData),
            ("a\0b", Code::BadData),
            ("made\nup", Code::BadData),
            ("made\r\nup", Code::BadData),
            ("made\rup", Code::BadData),
            ("made\tup", Code::BadData),
            ("a\u{200b}b", Code::BadData),
            ("***", Code::NotASecret),
            ("null", Code::NotASecret),
            ("\"undefined\"", Code::NotASecret),
            ("Bearer null", Code::NotASecret),
            ("{}", Code::NotASecret),
            ("\u{201c}made-up\u{201d}", Code::BadData),
            ("made\u{a0}up", Code::BadData),
            ("Basic bWFkZTp1cA==", Code::BadData),
            ("OPENAI_API_KEY=made-up", Code::BadData),
            ("b".repeat(SECRET_MAX + 1).as_str(), Code::TooLarge),
        ] {
            assert_eq!(check(value).err().unwrap().code, code, "{value:?}");
        }
        assert!(check(&"b".repeat(SECRET_MAX)).is_ok());
    }
}
