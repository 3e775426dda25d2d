//! A pasted value, freed from what came along with it.

use crate::error::{self, Code, Error, fail};
use crate::looks::{OWN_KEY, Shape, looks_known};
use crate::secret::{Buffer, ExposeSecret, SecretString};
use crate::vault::credential::SECRET_MAX;
use crate::vault::id::Provider;

use super::lines::{fenced, joined, lines};
use super::mask::is_mask;
use super::peel::{is_half_quoted, peel};
use super::refusal::Refusal;
use super::unseen::{Utf16, hides, is_typographic, utf16};
use super::wrapping;

/// What a value is called that was pasted.
const IT: &str = "the pasted value";
const ALONE: &str = "nothing was changed; paste the secret alone, on one line";

/// A pasted secret and what had to be said about it.
#[derive(Debug)]
pub struct Normalised {
    /// The secret.
    pub secret: SecretString,
    /// Warnings; they quote nothing.
    pub warnings: Vec<String>,
}

/// The one secret in a pasted value: on one line, or wrapped over several by a window, or in a Markdown fence of
/// its own. What stands around it and is certain (quotes, a scheme, the name of a variable of that provider, a
/// mark at its end) is taken off with a warning.
///
/// # Errors
/// `NO_INPUT` if there is nothing, `TOO_LARGE` beyond [`SECRET_MAX`], `NOT_A_SECRET` for a mask and for a word
/// that programs print for nothing, and `BAD_DATA` for everything else that is not one secret. None of them
/// quotes the value.
pub fn normalise(pasted: &[u8], provider: Option<&Provider>) -> error::Result<Normalised> {
    let decoded = match utf16(pasted) {
        Utf16::Decoded(text) => Some(text),
        Utf16::Bad => return Err(in_utf16()),
        Utf16::No => None,
    };
    let Ok(text) = std::str::from_utf8(decoded.as_ref().map_or(pasted, Buffer::expose)) else {
        return fail(Code::BadData, "the pasted value is not UTF-8 text");
    };
    refuse_own_key(text).map_err(|refusal| refusal.of(IT))?;
    let mut warnings = Vec::new();
    let secret = one_of(text.strip_prefix('\u{feff}').unwrap_or(text), provider, &mut warnings)
        .map_err(|refusal| refusal.of(IT))?;
    if secret.is_empty() {
        return Err(Error::new(Code::NoInput, "the pasted value is empty")
            .with_remedy("paste the secret, or send it on standard input"));
    }
    if secret.len() > SECRET_MAX {
        return fail(Code::TooLarge, format!("the pasted value is longer than {SECRET_MAX} bytes"));
    }
    let Some(secret) = secret.to_secret() else {
        return fail(Code::Internal, "a pasted value lost its encoding");
    };
    if let Some(why) = is_mask(secret.expose_secret()) {
        return fail(Code::NotASecret, format!("the pasted value is no secret: {why}"));
    }
    Ok(Normalised { secret, warnings })
}

/// The one secret in a text, or nothing if there is none.
fn one_of(text: &str, provider: Option<&Provider>, warnings: &mut Vec<String>) -> Result<Buffer, Refusal> {
    let all = lines(text);
    let mut these = all.as_slice();
    if let Some(inner) = fenced(these) {
        warnings.push("the code fence around the value was left out".to_owned());
        these = inner;
    }
    let whole;
    let text = match these {
        [] => return Ok(Buffer::default()),
        [line] => *line,
        several => {
            several.iter().try_for_each(|line| refuse_odd(line))?;
            whole = joined(several, false).ok_or_else(more_than_one)?;
            warnings.push("line breaks inside the value were left out".to_owned());
            whole.expose_str().unwrap_or_default()
        }
    };
    let text = peel(text, provider, warnings)?;
    refuse_odd(text)?;
    wrapping::refuse(text)?;
    refuse_half_quoted(text)?;
    if !text.contains(char::is_whitespace) {
        let mut secret = Buffer::with_capacity(text.len());
        secret.extend(text.as_bytes());
        return Ok(secret);
    }
    let pieces: Vec<_> = text.split_whitespace().collect();
    let secret = joined(&pieces, true).ok_or_else(|| {
        Refusal::bad("has white space inside, and is not one token that a window wrapped", ALONE)
    })?;
    warnings.push("white space inside the value was left out".to_owned());
    Ok(secret)
}

fn more_than_one() -> Refusal {
    Refusal::bad("has several lines, and is not one token that a window wrapped", ALONE)
}

/// A value from a file, without white space around it and without what [`normalise`] takes off. White space and
/// line breaks inside are kept: unlike a paste, a file says what it means.
///
/// # Errors
/// As [`normalise`], but for the bound on its size.
pub fn bare<'t>(text: &'t str, warnings: &mut Vec<String>) -> Result<&'t str, Refusal> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    if text.is_empty() {
        return Err(Refusal::new(Code::BadData, "is empty"));
    }
    refuse_own_key(text)?;
    let text = peel(text, None, warnings)?;
    if let Some(why) = is_mask(text) {
        return Err(Refusal::new(Code::NotASecret, format!("is no secret: {why}")));
    }
    refuse_odd(text)?;
    refuse_half_quoted(text)?;
    Ok(text)
}

/// Refuses the key of a vault, alone or as the text of its file: stored in the vault that it opens, it would be
/// given to anyone who asks for a credential.
fn refuse_own_key(text: &str) -> Result<(), Refusal> {
    if text.contains(OWN_KEY) {
        let refusal = Refusal::new(Code::NotASecret, "is a key of Strongroom, which opens a vault");
        let remedy =
            "give what the provider issued; the vault's key stays in its file (--key-file FILE)".into();
        return Err(Refusal { remedy: Some(remedy), ..refusal });
    }
    Ok(())
}

fn refuse_half_quoted(text: &str) -> Result<(), Refusal> {
    if is_half_quoted(text) {
        return Err(Refusal::bad("has a quote at one end only", "copy it again, and paste the secret alone"));
    }
    Ok(())
}

/// Refuses what a secret never has: characters that cannot be seen, and quotes and dashes for print.
fn refuse_odd(text: &str) -> Result<(), Refusal> {
    if text.contains(hides) {
        let remedy = "copy it again, without its surroundings";
        return Err(Refusal::bad("holds characters that cannot be seen", remedy));
    }
    if text.contains(is_typographic) {
        let remedy = "copy it again, from where the provider shows it";
        return Err(Refusal::bad("holds curly or back quotes, or dashes, which no key has", remedy));
    }
    // Not of a JWT, which other text may resemble.
    let known = Shape::of(text).is_some();
    let stray = |c: char| matches!(c, '(' | ')' | '[' | ']' | '<' | '>' | '\\' | '"' | '\'') || !c.is_ascii();
    if (known && (text.contains(stray) || text.ends_with('.'))) || (text.contains("://") && looks_known(text))
    {
        let remedy = "copy the key alone, without what stands around it";
        return Err(Refusal::bad("has characters around the key that are not part of it", remedy));
    }
    Ok(())
}

fn in_utf16() -> Error {
    Error::new(Code::BadData, "the pasted value is UTF-16 text")
        .with_remedy("convert it: iconv -f UTF-16 -t UTF-8 FILE (in PowerShell: Set-Content -Encoding ascii)")
}

#[cfg(test)]
#[path = "paste_tests.rs"]
mod tests;
