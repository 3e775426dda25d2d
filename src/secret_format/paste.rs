//! Extracts the secret from a pasted value.

use crate::error;
use crate::looks::{OWN_KEY, Shape, looks_known};
use crate::messages::secrets as messages;
use crate::messages::secrets::Refusal;
use crate::secret::{Buffer, ExposeSecret, SecretString};
use crate::vault::credential::SECRET_MAX;
use crate::vault::id::Provider;

use super::lines::{fenced, joined, lines};
use super::mask::is_mask;
use super::peel::{is_half_quoted, peel};
use super::unseen::{Utf16, hides, is_typographic, utf16};
use super::wrapping;

/// A pasted secret, with warnings about what was removed around it.
#[derive(Debug)]
pub struct Normalised {
    /// The secret.
    pub secret: SecretString,
    /// The warnings, which quote nothing.
    pub warnings: Vec<String>,
}

/// Returns the one secret in a pasted value: on one line, wrapped over several by a window, or in a Markdown fence. If
/// it is certain what is around it (quotes, a scheme, the name of a variable of that provider, a mark at its end), that
/// is removed with a warning.
///
/// # Errors
/// `NO_INPUT` for an empty value, `TOO_LARGE` beyond [`SECRET_MAX`] bytes, `NOT_A_SECRET` for a mask and for a word
/// like `null`, and `BAD_DATA` for everything else that is not one secret. None of them quotes the value.
pub fn normalise(pasted: &[u8], provider: Option<&Provider>) -> error::Result<Normalised> {
    let decoded = match utf16(pasted) {
        Utf16::Decoded(text) => Some(text),
        Utf16::Bad => return Err(messages::utf16()),
        Utf16::No => None,
    };
    let Ok(text) = std::str::from_utf8(decoded.as_ref().map_or(pasted, Buffer::expose)) else {
        return Err(messages::not_text());
    };
    refuse_own_key(text).map_err(|refusal| refusal.of(messages::PASTED))?;
    let mut warnings = Vec::new();
    let secret = only_secret_of(text.strip_prefix('\u{feff}').unwrap_or(text), provider, &mut warnings)
        .map_err(|refusal| refusal.of(messages::PASTED))?;
    if secret.is_empty() {
        return Err(messages::nothing_pasted());
    }
    if secret.len() > SECRET_MAX {
        return Err(messages::too_long(SECRET_MAX));
    }
    let Some(secret) = secret.to_secret() else {
        return Err(messages::lost_encoding());
    };
    if let Some(why) = is_mask(secret.expose_secret()) {
        return Err(messages::mask(why).of(messages::PASTED));
    }
    Ok(Normalised { secret, warnings })
}

/// Returns the one secret in a text; empty if there is no text.
fn only_secret_of(
    text: &str,
    provider: Option<&Provider>,
    warnings: &mut Vec<String>,
) -> Result<Buffer, Refusal> {
    let all = lines(text);
    let mut these = all.as_slice();
    if let Some(inner) = fenced(these) {
        warnings.push(messages::FENCE.to_owned());
        these = inner;
    }
    let whole;
    let text = match these {
        [] => return Ok(Buffer::default()),
        [line] => *line,
        several => {
            several.iter().try_for_each(|line| refuse_odd(line))?;
            whole = joined(several, false).ok_or_else(messages::several_lines)?;
            warnings.push(messages::LINE_BREAKS.to_owned());
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
    let secret = joined(&pieces, true).ok_or_else(messages::white_space)?;
    warnings.push(messages::SPACES.to_owned());
    Ok(secret)
}

/// Returns a value from a file without white space around it, and without what [`normalise`] removes. White space and
/// line breaks inside are kept, because a file, unlike a paste, means what it says.
///
/// # Errors
/// Those of [`normalise`], except for the bound on the size.
pub fn bare<'t>(text: &'t str, warnings: &mut Vec<String>) -> Result<&'t str, Refusal> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    if text.is_empty() {
        return Err(messages::empty());
    }
    refuse_own_key(text)?;
    let text = peel(text, None, warnings)?;
    if let Some(why) = is_mask(text) {
        return Err(messages::mask(why));
    }
    refuse_odd(text)?;
    refuse_half_quoted(text)?;
    Ok(text)
}

/// Refuses the key of a vault, by itself or as the text of its file. Stored in the vault that it unlocks, it would be
/// given to anyone who asks for a credential.
fn refuse_own_key(text: &str) -> Result<(), Refusal> {
    if text.contains(OWN_KEY) {
        return Err(messages::own_key());
    }
    Ok(())
}

fn refuse_half_quoted(text: &str) -> Result<(), Refusal> {
    if is_half_quoted(text) {
        return Err(messages::half_quoted());
    }
    Ok(())
}

/// Refuses characters that a secret never has: invisible ones, and typographic quotes and dashes.
fn refuse_odd(text: &str) -> Result<(), Refusal> {
    if text.contains(hides) {
        return Err(messages::unseen());
    }
    if text.contains(is_typographic) {
        return Err(messages::typographic());
    }
    // Not for a JWT, which other text may resemble.
    let known = Shape::of(text).is_some();
    let stray = |c: char| matches!(c, '(' | ')' | '[' | ']' | '<' | '>' | '\\' | '"' | '\'') || !c.is_ascii();
    if (known && (text.contains(stray) || text.ends_with('.'))) || (text.contains("://") && looks_known(text))
    {
        return Err(messages::surrounded());
    }
    Ok(())
}

#[cfg(test)]
#[path = "paste_tests.rs"]
mod tests;
