//! Refuses a secret inside something that is not simple enough to be removed: a line of a file or of a shell, a
//! command, JSON, PEM.

use crate::env_names;

use super::unseen::is_space;
use crate::looks::Shape;
use crate::messages::secrets as messages;
use crate::messages::secrets::Refusal;

/// Names of headers that carry a secret.
const HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "x-api-key", "x-goog-api-key", "api-key", "xi-api-key"];
/// The longest word of a command, or name, in bytes.
const WORD_MAX: usize = 64;

/// Refuses a value that contains more than a secret. An assignment or a header is refused if its name is known, or if a
/// known prefix follows the name.
///
/// # Errors
/// `BAD_DATA`; the message quotes nothing.
pub(super) fn refuse(text: &str) -> Result<(), Refusal> {
    let before = before_known(text);
    if let Some(name) = assigned(text).or_else(|| before.and_then(named_in)) {
        return Err(messages::assigns(name));
    }
    if is_header(text) || before.is_some_and(|before| before.split(is_quote).any(is_header)) {
        return Err(messages::header());
    }
    if text.starts_with(['{', '[', '<']) || text.starts_with("-----BEGIN") {
        return Err(messages::document());
    }
    if before.is_some_and(assigns) {
        return Err(messages::assigns_something());
    }
    Ok(())
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '“' | '”' | '‘' | '’')
}

/// Returns the known variable that a text assigns: after the words of a shell or of a unit file, and before `=`, `:`, a
/// quote or white space.
fn assigned(text: &str) -> Option<&'static str> {
    let mut rest = text.trim_start_matches(is_between);
    loop {
        let is_option = rest.starts_with('-');
        rest = rest.trim_start_matches('-');
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let next = after.chars().next()?;
        let sets = is_space(next) || is_quote(next) || matches!(next, '=' | ':');
        if let Some(name) = env_names::known(word) {
            return sets.then_some(name);
        }
        let leads =
            ["export", "set", "setx", "env", "environment", "declare", "typeset", "local", "const", "let"]
                .iter()
                .any(|known| word.eq_ignore_ascii_case(known));
        if !(leads || is_option) || !sets {
            return None;
        }
        rest = after.trim_start_matches(is_between);
    }
}

fn is_between(c: char) -> bool {
    is_space(c) || is_quote(c) || matches!(c, '=' | ':' | '$')
}

/// Returns the text before the first known prefix, or `None` if the text begins with one.
fn before_known(text: &str) -> Option<&str> {
    let known = |at: usize| {
        let rest = &text[at..];
        Shape::of(rest).is_some() || rest.starts_with("sk-")
    };
    if known(0) {
        return None;
    }
    let mut between = false;
    text.char_indices().find_map(|(at, c)| {
        let found = (between && known(at)).then(|| &text[..at]);
        between = is_between(c);
        found
    })
}

/// Returns the known variable that is named before a known prefix.
fn named_in(before: &str) -> Option<&'static str> {
    before.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').find_map(env_names::known)
}

/// Returns whether a text begins with the name of a header that carries a secret.
pub(super) fn is_header(text: &str) -> bool {
    let name = text.split_once(':').map_or("", |(name, _)| name.trim_matches(is_space));
    HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Returns whether the text before a known prefix assigns it to something. A token can contain `=` and `:` itself, so
/// the text must be only words, and neither `user:` nor what a line break cut in two.
fn assigns(before: &str) -> bool {
    let left = before.trim_end_matches(|c| is_space(c) || is_quote(c));
    let gap = &before[left.len()..];
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let words = || left.split(|c| !is_word(c)).filter(|word| !word.is_empty());
    let sound = left.chars().all(|c| is_word(c) || is_between(c))
        && left
            .trim_start_matches(|c| is_between(c) || c == '-')
            .starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && words().all(|word| word.len() <= WORD_MAX);
    let spoken = |word: &str| !word.contains(|c: char| c.is_ascii_digit());
    let variable = |word: &str| {
        word.contains('_') && word.chars().all(|c| c == '_' || c.is_ascii_uppercase() || c.is_ascii_digit())
    };
    sound
        && match left.chars().next_back() {
            Some('=') => true,
            Some(':') => !gap.is_empty(),
            _ => {
                gap.contains(is_space)
                    && !gap.contains(['\n', '\r'])
                    && words().all(|word| spoken(word) || variable(word))
            }
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes texts that can themselves be a secret.
    #[test]
    fn what_can_be_a_secret_goes_through() {
        for text in [
            "sk-ant-api03-made-up",
            "sk-made-up",
            "made up",
            "YWJjZA==",
            "c2stYW50LW1hZGUtdXA=",
            "+/bWFkZS11cA+/=",
            "abc=def=",
            "me:made-up-password",
            "me@example.com:made-up",
            "me:hf_madeup",
            "x-access-token:ghp_madeup",
            "oauth2:glpat-madeup",
            "me:sk-made-up",
            "123456789:AAmade-up_bot",
            "123456789:AIzaMadeUp",
            "AKIAMADEUP:made-up/secret=",
            "AKIAMADEUP:sk-made-up",
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtYWRlLXVwIn0.bWFkZS11cA",
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtYWRlLXVwIn0.",
            "Endpoint=sb://made.up/;SharedAccessKeyName=made;SharedAccessKey=bWFkZQ==",
            "sk-proj-made=hf_up",
            "1234 hf_madeup",
            "SG.made-up.made_up",
            "xoxb-1-2-made",
            "ntn_1made",
            "a.b.c",
            "key=made-up",
            "MYKEY:made-up",
            "=sk-made-up",
            ":sk-made-up",
            "9a=sk-made-up",
            "",
            "=",
        ] {
            assert!(refuse(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn what_stands_behind_a_name_is_refused() {
        for text in [
            "Environment=ANTHROPIC_API_KEY=sk-ant-canary",
            "Environment=\"ANTHROPIC_API_KEY=sk-ant-canary\"",
            "setx ANTHROPIC_API_KEY sk-ant-canary",
            "setx ANTHROPIC_API_KEY \"sk-ant-canary\" /M",
            "ANTHROPIC_API_KEY: sk-ant-canary",
            "ANTHROPIC_API_KEY : \"sk-ant-canary\"",
            "ANTHROPIC_API_KEY:sk-ant-canary",
            "ANTHROPIC_API_KEY sk-ant-canary",
            "export ANTHROPIC_API_KEY=sk-ant-canary",
            "export ANTHROPIC_API_\nKEY=sk-ant-canary",
            "$env:ANTHROPIC_API_KEY = \"sk-ant-canary\"",
            "$Env:ANTHROPIC_API_KEY='sk-ant-canary'",
            "$ANTHROPIC_API_KEY = sk-ant-canary",
            "set -gx ANTHROPIC_API_KEY sk-ant-canary",
            "set -x MY_OWN_KEY_2 sk-ant-canary",
            "[Environment]::SetEnvironmentVariable(\"ANTHROPIC_API_KEY\", \"sk-ant-canary\", \"User\")",
            "process.env.ANTHROPIC_API_KEY = \"sk-ant-canary\"",
            "MY_OWN_KEY=sk-ant-canary",
            "MY_OWN_KEY=\n  sk-ant-canary",
            "export MY_KEY='gsk_canary'",
            "key = sk-canary",
            "apiKey: 'AIzaCanary'",
            "apiKey\": \"AIzaCanary",
            "apiKey\":\"AIzaCanary",
            "my key is: sk-canary",
            "password hf_canary",
            "openai-api-key: sk-canary",
            "setx MISTRAL_API_KEY canary",
            "set -gx MISTRAL_API_KEY canary",
            "docker run -e MISTRAL_API_KEY=canary-1 -e OPENAI_API_KEY=sk-canary",
            "-e MISTRAL_API_KEY=canary",
            "- MISTRAL_API_KEY=canary",
            "ENV MISTRAL_API_KEY canary",
            "- MY_OWN_KEY=sk-canary",
            "ANTHROPIC_API_KEY=",
            "Environment=MISTRAL_API_KEY=canary",
            "MISTRAL_API_KEY: canary",
            "Authorization: Bearer sk-canary",
            "authorization:Bearer sk-canary",
            "-H \"Authorization: Bearer sk-canary\"",
            "curl -H 'x-api-key: sk-canary'",
            "x-api-key: sk-canary",
            "x-api-key: canary",
            "x-api-key:canary",
            "xi-api-key: sk_canary",
            "token=Bearer sk-canary",
        ] {
            let error = refuse(text).expect_err(text);
            let said = format!("{error:?}").to_lowercase();
            assert!(!said.contains("canary") && !said.contains("my_own"), "{said}");
        }
    }
}
