//! Values in place of a secret: masks, references, markers and placeholders.

use crate::env_names;
use crate::looks::Shape;
use crate::messages::secrets as messages;
use crate::vault::id::Provider;

/// Values that programs write in place of a secret.
const MARKERS: [&str; 8] = [
    "secretref-managed",
    "minimax-oauth",
    "oauth:chutes",
    "ollama-local",
    "opencode-oauth-dummy-key",
    "<authenticated>",
    "__openclaw_redacted__",
    "redacted",
];
const MARKER_PREFIXES: [&str; 5] =
    ["oc-sent-v1-", "oc-sent-v2.", "openshell:resolve:env:", "secretref-env:", "ENC[AES256_GCM,"];
/// How references of secret managers begin.
const REFERENCES: [&str; 7] =
    ["op://", "bw://", "vault:", "ref+", "keyring:", "strongroom://", "arn:aws:secretsmanager:"];
/// Values in examples, compared as a whole and without regard to case.
const PLACEHOLDERS: [&str; 22] = [
    "changeme",
    "change-me",
    "change_me",
    "changethis",
    "change_this",
    "replaceme",
    "replace-me",
    "replace_me",
    "fillme",
    "fill_me_in",
    "placeholder",
    "todo",
    "fixme",
    "tbd",
    "dummy",
    "fake",
    "test",
    "example",
    "sample",
    "mykey",
    "my-api-key",
    "my_api_key",
];
const BULLETS: [char; 5] = ['•', '●', '∙', '⋅', '█'];

/// Returns why a value is not a secret but something in its place, or `None` if it may be one.
#[must_use]
pub fn is_mask(value: &str) -> Option<&'static str> {
    let value = value.trim();
    let has = |needle: &str| contains_ignoring_case(value, needle);
    let begins =
        |prefix: &str| value.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    if value.is_empty() {
        return None;
    }
    if MARKERS.iter().any(|marker| value.eq_ignore_ascii_case(marker))
        || MARKER_PREFIXES.iter().any(|prefix| begins(prefix))
    {
        return Some(messages::MARKER);
    }
    if has("[redacted") || has("<redacted") {
        return Some(messages::REDACTED);
    }
    if value.contains("***") || value.contains('…') || value.contains(BULLETS) || only_mask_letters(value) {
        return Some(messages::MASKED);
    }
    if value.ends_with("...") || (begins("sk-") && value.contains("...")) || has("xxxxxxxx") {
        return Some(messages::SHORTENED);
    }
    if REFERENCES.iter().any(|scheme| begins(scheme)) || is_variable(value) {
        return Some(messages::REFERENCE);
    }
    if value.len() > 4 && value.starts_with("__") && value.ends_with("__") && value.bytes().all(is_name_byte)
    {
        return Some(messages::FILLED_IN);
    }
    if is_placeholder(value) {
        return Some(messages::PLACEHOLDER);
    }
    None
}

/// Returns whether a value is the marker by which this provider works without a secret.
#[must_use]
pub fn is_local_marker(provider: &Provider, value: &str) -> bool {
    provider.as_str() == "ollama" && value.trim() == "ollama-local"
}

/// Searches without a lower-case copy of the text, which would not be wiped.
fn contains_ignoring_case(text: &str, needle: &str) -> bool {
    text.as_bytes().windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Returns whether a value is `****`, `xxxx`, `....`, `----` or a mixture, also after a key's prefix. A single `x` is
/// not.
fn only_mask_letters(value: &str) -> bool {
    let masks = |c| matches!(c, '*' | 'x' | 'X' | '.' | '-' | '_' | '·' | '?');
    let rest =
        Shape::of(value).and_then(|shape| value.get(shape.prefix.len()..)).or(value.strip_prefix("sk-"));
    let all = !value.eq_ignore_ascii_case("x") && value.chars().all(masks);
    all || rest.is_some_and(|rest| rest.len() > 2 && rest.chars().all(masks))
}

/// Returns whether a value is `${…}`, `$NAME`, or the bare name of a known variable.
fn is_variable(value: &str) -> bool {
    if value.starts_with("${") && value.ends_with('}') {
        return true;
    }
    if value.starts_with("$(") && value.ends_with(')') {
        return true;
    }
    let name = value.strip_prefix('$').unwrap_or(value);
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    env_names::known(name).is_some() || (name.len() < value.len() && is_name(name))
}

/// Returns whether a value is like `<your key>`, `{{ key }}`, `your-api-key-here`, `changeme` or `REPLACE_ME`.
fn is_placeholder(value: &str) -> bool {
    let within =
        |open: &str, close: &str| value.len() > 2 && value.starts_with(open) && value.ends_with(close);
    if within("<", ">") || within("{{", "}}") || within("%", "%") {
        return true;
    }
    if PLACEHOLDERS.iter().any(|placeholder| value.eq_ignore_ascii_case(placeholder)) {
        return true;
    }
    let words = || value.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let is = |word: &str, one_of: &[&str]| one_of.iter().any(|other| word.eq_ignore_ascii_case(other));
    let names_key = words()
        .any(|word| is(word, &["key", "keys", "apikey", "api", "token", "secret", "password", "value"]));
    let asks = words().any(|word| is(word, &["your", "yours"]))
        || words()
            .next()
            .is_some_and(|word| is(word, &["change", "replace", "insert", "enter", "paste", "put", "add"]))
        || words().next_back().is_some_and(|word| is(word, &["here", "goes"]));
    names_key && asks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_markers_and_references_are_found() {
        for value in [
            "***",
            "sk-ant-***-abcd",
            "sk-ant-api03-ab…yz",
            "[REDACTED]",
            "sk-[redacted]",
            "__OPENCLAW_REDACTED__",
            "oc-sent-v1-abc",
            "oc-sent-v2.abc",
            "secretref-managed",
            "minimax-oauth",
            "oauth:chutes",
            "ollama-local",
            "op://vault/item/field",
            "${ANTHROPIC_API_KEY}",
            "$ANTHROPIC_API_KEY",
            "ANTHROPIC_API_KEY",
            "$(pass show x)",
            "__anthropic_key__",
            "openshell:resolve:env:OPENAI_API_KEY",
            "ENC[AES256_GCM,data:abc,type:str]",
            "opencode-oauth-dummy-key",
            "<authenticated>",
            "••••••••",
            "xxxxxxxxxxxx",
            "sk-xxxxxxxxxxxxxxxx",
            "sk-...",
            "sk-ant...wxyz",
            "your-api-key-here",
            "YOUR_TOKEN",
            "<your key>",
            "sk-your-key-here",
            "your_openai_api_key",
            "insert your key here",
            "ENTER_API_KEY",
            "api-key-here",
            "{{ OPENAI_KEY }}",
            "%OPENAI_KEY%",
            "REPLACE_ME",
            "TODO",
            "dummy",
            "test",
            "...",
            "xxx",
            "sk-xxx",
            "sk-proj-XXXX",
            "gsk_...",
            "AIza...",
            "  ***  ",
        ] {
            assert!(is_mask(value).is_some(), "{value}");
        }
    }

    #[test]
    fn what_may_be_a_secret_is_let_through() {
        for value in [
            "",
            "sk-ant-oat01-abcdefghijklmnopqrstuvwxyz",
            "eyJhbGciOiJkaXIifQ..iv.text.tag",
            "pa$$word",
            "a",
            "0123456789abcdef0123456789abcdef",
            "__init",
            "yourself",
            "x",
            "sk-x",
            "put-together-0123",
            "made-up-key",
            "testing",
            "sk-test-0123456789",
            "correct horse battery staple",
            "ключ",
        ] {
            assert_eq!(is_mask(value), None, "{value}");
        }
    }

    #[test]
    fn only_ollama_works_with_its_marker() {
        assert!(is_local_marker(&"ollama".parse().unwrap(), "ollama-local"));
        assert!(!is_local_marker(&"openai".parse().unwrap(), "ollama-local"));
    }
}
