//! Removes what is around a secret if it is simple and certain: quotes, a scheme, the name that it is assigned to, and
//! the mark that ends a statement.

use crate::env_names;
use crate::messages::secrets as messages;
use crate::messages::secrets::Refusal;
use crate::vault::id::Provider;

use super::lines::begins_known;
use super::nothing::{is_nothing, names_nothing};
use super::wrapping::is_header;

/// The longest name that a value is assigned to, in bytes.
const NAME_MAX: usize = 64;
/// The shortest word of only letters after a scheme that may be a token, in bytes; unlike in "Bearer expired".
const TOKEN_MIN: usize = 16;

/// Names of variables without `_` that hold a secret in examples.
const NAMES: [&str; 6] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "APIKEY", "BEARER"];

/// Removes what is around a secret, layer by layer, and notes each layer. White space and line breaks inside are kept.
///
/// # Errors
/// `NOT_A_SECRET` for a word like `null`, even with something around it; `BAD_DATA` for the variable of another
/// provider.
pub(super) fn peel<'t>(
    text: &'t str,
    provider: Option<&Provider>,
    notes: &mut Vec<String>,
) -> Result<&'t str, Refusal> {
    let mut text = text.trim();
    loop {
        if is_nothing(text) || names_nothing(text) {
            return Err(messages::word_for_nothing());
        }
        let Some((inner, note)) = layer(text, provider)? else { return Ok(text) };
        text = inner.trim();
        if !notes.contains(&note) {
            notes.push(note);
        }
        if text.is_empty() {
            return Err(messages::nothing_inside());
        }
    }
}

type Layer<'t> = Option<(&'t str, String)>;

fn layer<'t>(text: &'t str, provider: Option<&Provider>) -> Result<Layer<'t>, Refusal> {
    if let Some(mark) = text.chars().next_back().filter(|last| matches!(last, ';' | ',')) {
        return Ok(Some((&text[..text.len() - 1], messages::without_mark(mark))));
    }
    if let Some(inner) = unquoted(text) {
        return Ok(Some((inner, messages::QUOTES.to_owned())));
    }
    if let Some(layer) = assigned(text, provider)? {
        return Ok(Some(layer));
    }
    scheme(text)
}

/// Returns a text without the one pair of straight quotes around it.
fn unquoted(text: &str) -> Option<&str> {
    // `"a" "b"` is not one quoted value.
    ['"', '\''].iter().find_map(|quote| {
        text.strip_prefix(*quote)?.strip_suffix(*quote).filter(|inner| !inner.contains(*quote))
    })
}

/// Returns whether a text begins or ends with a quote.
pub(super) fn is_half_quoted(text: &str) -> bool {
    text.starts_with(['"', '\'']) || text.ends_with(['"', '\''])
}

/// Takes the value of `NAME=value`, also after `export` or `set`, if it is certainly an assignment.
fn assigned<'t>(text: &'t str, provider: Option<&Provider>) -> Result<Layer<'t>, Refusal> {
    let keyword = ["export", "set"]
        .iter()
        .find_map(|word| cut(text, word)?.strip_prefix(char::is_whitespace))
        .map(str::trim_start);
    let Some((name, value)) = keyword.unwrap_or(text).split_once('=') else { return Ok(None) };
    let (name, value) = (name.trim_end(), value.trim_start());
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.len() <= NAME_MAX;
    if !is_name || (value.contains(char::is_whitespace) && !value.starts_with(['"', '\''])) {
        return Ok(None);
    }
    let known = env_names::known(name);
    let upper = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && (name.contains('_') || NAMES.contains(&name));
    if known.is_none() && keyword.is_none() && !upper && !begins_known(value) {
        return Ok(None);
    }
    let Some(name) = known else {
        return Ok(Some((value, messages::NAME.to_owned())));
    };
    let fits = provider.is_some_and(|provider| is_variable_of(name, provider));
    if !fits && !value.is_empty() {
        return Err(match provider {
            Some(provider) => messages::assigns_for_another(name, provider),
            None => messages::assigns_in_file(name),
        });
    }
    Ok(Some((value, messages::without_name(name))))
}

/// Returns whether a variable holds keys of a provider, or of a related one: `openai` and `openai-codex` are related,
/// because one name begins with the other.
fn is_variable_of(name: &str, provider: &Provider) -> bool {
    let provider = provider.as_str();
    let kin = |owner: &str| {
        let longer = |long: &str, short: &str| {
            long.strip_prefix(short).is_some_and(|rest| rest.starts_with(['-', '.', '_']))
        };
        owner == provider || longer(owner, provider) || longer(provider, owner)
    };
    env_names::names_of(provider).contains(&name) || env_names::provider_of(name).is_some_and(kin)
}

/// Removes the name of a header, and the scheme of a bearer token.
fn scheme(text: &str) -> Result<Layer<'_>, Refusal> {
    let header = text.split_once(':').filter(|_| is_header(text));
    let rest = header.map_or(text, |(_, value)| value.trim_start());
    if let Some(after) = word(rest, "basic") {
        let known = header.is_some() || !after.contains(char::is_whitespace);
        return if known { Err(messages::basic()) } else { Ok(None) };
    }
    let (token, note) = match word(rest, "bearer").map(|token| (token, "Bearer")) {
        None => (word(rest, "token").filter(|token| header.is_some() || begins_known(token)), "token"),
        Some((token, note)) => (Some(token), note),
    };
    let (token, note) = match (token, header) {
        (Some(token), _) => (token, messages::without_word(note)),
        (None, Some(_)) => (rest, messages::HEADER.to_owned()),
        (None, None) => return Ok(None),
    };
    let spoken = token.bytes().all(|b| b.is_ascii_alphabetic()) && token.len() < TOKEN_MIN;
    // A program that always adds the scheme adds it a second time.
    let several = token.contains(char::is_whitespace) && word(token, "bearer").is_none();
    if several || (spoken && !is_nothing(token)) {
        return Err(messages::header_or_sentence());
    }
    Ok(Some((token, note)))
}

/// Returns what follows a word and white space.
fn word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    Some(cut(text, word)?.strip_prefix(char::is_whitespace)?.trim_start())
}

/// Returns what follows a word, without regard to case.
fn cut<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    text.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word)).and_then(|_| text.get(word.len()..))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn peeled<'t>(text: &'t str, provider: &str) -> Result<(&'t str, usize), Code> {
        let mut notes = Vec::new();
        let provider: Option<Provider> = provider.parse().ok();
        match peel(text, provider.as_ref(), &mut notes) {
            Ok(text) => Ok((text, notes.len())),
            Err(refusal) => {
                assert!(!refusal.why.contains("canary"), "{}", refusal.why);
                Err(refusal.code)
            }
        }
    }

    #[test]
    fn what_is_certain_is_taken_off_and_noted() {
        for (text, notes) in [
            ("sk-canary", 0),
            ("sk-canary;", 1),
            ("sk-canary,", 1),
            ("\"sk-canary\"", 1),
            ("'sk-canary'", 1),
            ("\"sk-canary\",", 2),
            ("'\"sk-canary\"'", 1),
            ("Bearer sk-canary", 1),
            ("bearer  sk-canary", 1),
            ("Bearer Bearer sk-canary", 1),
            ("token sk-canary", 1),
            ("Authorization: Bearer sk-canary", 1),
            ("authorization:bearer sk-canary", 1),
            ("Authorization: token sk-canary", 1),
            ("Authorization: sk-canary", 1),
            ("\"Authorization: Bearer sk-canary\",", 3),
            ("x-api-key: sk-canary", 1),
            ("X-Goog-Api-Key:sk-canary", 1),
            ("OPENROUTER_API_KEY=sk-canary", 1),
            ("OPENROUTER_API_KEY = 'sk-canary'", 2),
            ("export OPENROUTER_API_KEY=sk-canary", 1),
            ("export OPENROUTER_API_KEY=\"sk-canary\";", 3),
            ("set OPENROUTER_API_KEY=sk-canary", 1),
            ("export whatever=sk-canary", 1),
            ("MY_OWN_KEY=sk-canary", 1),
            ("key=sk-canary", 1),
            ("TOKEN=Bearer sk-canary", 0),
        ] {
            if notes > 0 || !text.contains(' ') {
                assert_eq!(peeled(text, "openrouter"), Ok(("sk-canary", notes)), "{text}");
            }
        }
    }

    #[test]
    fn what_can_be_a_secret_is_left() {
        for text in [
            "key=made-up",
            "YWJjZA==",
            "abc=def=",
            "9a=sk-made-up",
            "me:made-up",
            "a\"b",
            "Bearerabc",
            "Endpoint=sb://made.up/;SharedAccessKeyName=made;SharedAccessKey=bWFkZQ==",
            "tokenised",
        ] {
            assert_eq!(peeled(text, "openrouter"), Ok((text, 0)), "{text}");
        }
    }

    #[test]
    fn nothing_is_no_secret_whatever_is_around_it() {
        for text in [
            "null",
            "\"null\"",
            "'None',",
            "\"\"",
            "''",
            "Bearer null",
            "Bearer undefined",
            "Authorization: Bearer",
            "Authorization: Bearer null",
            "KEY=null",
            "KEY=",
            "OPENROUTER_API_KEY=",
            "OPENAI_API_KEY=",
            "export OPENROUTER_API_KEY=\"\"",
            "key: null",
            ";",
        ] {
            assert_eq!(peeled(text, "openrouter"), Err(Code::NotASecret), "{text}");
        }
    }

    #[test]
    fn what_is_another_s_or_half_is_refused() {
        for (text, provider) in [
            ("OPENAI_API_KEY=sk-canary", "openrouter"),
            ("export OPENAI_API_KEY=sk-canary", "mistral"),
            ("OPENAI_API_KEY=sk-canary", ""),
            ("Basic Y2FuYXJ5OmNhbmFyeQ==", "openai"),
            ("Authorization: Basic Y2FuYXJ5", "openai"),
            ("Bearer token expired", "openai"),
            ("Bearer expired", "openai"),
            ("Authorization: Bearer sk-canary -H x", "openai"),
        ] {
            assert_eq!(peeled(text, provider), Err(Code::BadData), "{text}");
        }
        for (text, provider) in [
            ("OPENAI_API_KEY=sk-canary", "openai-codex"),
            ("GEMINI_API_KEY=sk-canary", "google"),
            ("ANTHROPIC_API_KEY=sk-canary", "anthropic-work"),
            ("AZURE_OPENAI_API_KEY=sk-canary", "azure"),
        ] {
            assert_eq!(peeled(text, provider), Ok(("sk-canary", 1)), "{text}");
        }
    }
}
