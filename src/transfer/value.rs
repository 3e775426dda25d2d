//! A secret value as it stands in a file, checked before it becomes a credential.

use std::borrow::Cow;

use crate::error::Code;
use crate::secret::SecretString;
use crate::secret_format;
use crate::vault::credential::SECRET_MAX;

/// What is wrong with an entry: in which field, and what.
#[derive(Debug)]
pub(super) struct Problem {
    /// The field, by a name this program knows; `None` for the entry as a whole.
    pub(super) field: Option<&'static str>,
    pub(super) code: Code,
    pub(super) reason: Cow<'static, str>,
}

impl Problem {
    pub(super) fn new(code: Code, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { field: None, code, reason: reason.into() }
    }

    pub(super) fn at(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }
}

/// A value that may be a secret, and what has to be said about it.
pub(super) struct Checked {
    pub(super) secret: SecretString,
    pub(super) warnings: Vec<String>,
}

/// Checks a value and frees it from white space around it, and from what [`secret_format::bare`] takes off. White space
/// inside is kept: unlike a paste, a file says what it means. Not so line breaks and tabs: a program that reads what `get`
/// prints line by line would take the rest for something else, and no header can carry it.
pub(super) fn check(value: &str) -> Result<Checked, Problem> {
    let mut warnings = Vec::new();
    let secret = secret_format::bare(value, &mut warnings)
        .map_err(|refusal| Problem::new(refusal.code, refusal.why))?;
    if secret.len() > SECRET_MAX {
        return Err(Problem::new(Code::TooLarge, format!("is longer than {SECRET_MAX} bytes")));
    }
    if secret.contains(char::is_control) {
        return Err(Problem::new(Code::BadData, "holds a control character or a line break"));
    }
    if warnings.is_empty() && secret.len() != value.len() {
        warnings.push("white space around the value was left out".to_owned());
    }
    Ok(Checked { secret: SecretString::from(secret), warnings })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ExposeSecret;

    #[test]
    fn white_space_goes_at_the_ends_only() {
        let checked = check(" a b\n").map_err(|p| p.reason).unwrap();
        assert_eq!(checked.secret.expose_secret(), "a b");
        assert_eq!(checked.warnings.len(), 1);
    }

    #[test]
    fn what_is_certain_goes_with_a_warning() {
        for value in
            ["Bearer made-up-key", "'made-up-key'", "made-up-key;", "Authorization: Bearer made-up-key"]
        {
            let checked = check(value).map_err(|p| p.reason).unwrap();
            assert_eq!(checked.secret.expose_secret(), "made-up-key", "{value}");
            assert_eq!(checked.warnings.len(), 1, "{value}");
        }
    }

    #[test]
    fn values_that_are_none_are_refused() {
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
