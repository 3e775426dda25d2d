//! Warnings about a secret, which do not show it.

use crate::looks::{Role, Shape};
use crate::messages::secrets as messages;
use crate::vault::credential::CredentialType;
use crate::vault::id::Provider;

/// The shortest setup-token that OpenClaw accepts, in characters.
const SETUP_TOKEN_MIN: usize = 80;
/// The shortest secret whose last four characters may be shown, in characters.
const TAIL_FROM: usize = 24;

/// Returns what is unusual about a secret. Shows at most its known prefix, its last four characters and its length.
#[must_use]
pub fn advise(provider: &Provider, kind: CredentialType, secret: &str) -> Vec<String> {
    let seen = seen(secret);
    let mut advice = Vec::new();
    if !secret.is_ascii() {
        advice.push(messages::not_ascii(&seen));
    }
    let Some(shape) = Shape::of(secret) else {
        if provider.as_str() == "anthropic" && kind != CredentialType::OAuth {
            advice.push(messages::not_anthropic(&seen));
        } else if secret.chars().count() < 8 {
            advice.push(messages::short(&seen));
        }
        return advice;
    };
    if secret[shape.prefix.len()..].contains(shape.prefix) {
        advice.push(messages::twice(&seen));
    } else if let Some(line) = length_advice(shape, secret, &seen) {
        advice.push(line);
    }
    if !shape.belongs_to(provider.as_str()) && shape.role != Role::Other {
        advice.push(messages::of_another(shape.what, provider, &seen));
    }
    match (shape.role, kind) {
        (Role::Refresh, _) => advice.push(messages::only_renews(shape.what, &seen)),
        (Role::Other, _) => advice.push(messages::of_no_provider(shape.what, &seen)),
        (Role::Token, CredentialType::ApiKey) => advice.push(messages::not_a_key(shape.what, &seen)),
        (Role::Key, CredentialType::Token) => advice.push(messages::not_a_token(shape.what, &seen)),
        _ => {}
    }
    advice
}

fn length_advice(shape: &Shape, secret: &str, seen: &str) -> Option<String> {
    let usual = shape.length?;
    let length = secret.chars().count();
    if shape.role == Role::Token && length < SETUP_TOKEN_MIN {
        return Some(messages::cut_off(shape.what, usual, seen));
    }
    (length != usual).then(|| messages::unusual_length(shape.what, usual, seen))
}

/// Returns what may be shown of a secret: its known prefix, the last four characters of a long one, and its length.
#[must_use]
pub fn seen(secret: &str) -> String {
    let prefix = Shape::of(secret).map_or("", |shape| shape.prefix);
    let length = secret.chars().count();
    let tail = match secret.len().checked_sub(4).and_then(|at| secret.get(at..)) {
        Some(tail) if length >= TAIL_FROM && tail.bytes().all(|b| b.is_ascii_graphic()) => tail,
        _ => "",
    };
    match (prefix, tail) {
        ("", "") => format!("{length} characters"),
        _ => format!("{prefix}…{tail}, {length} characters"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CredentialType::{ApiKey, Token};

    fn anthropic() -> Provider {
        "anthropic".parse().unwrap()
    }

    fn of_length(prefix: &str, length: usize) -> String {
        format!("{prefix}{}wxyz", "b".repeat(length - prefix.len() - 4))
    }

    #[test]
    fn a_usual_secret_needs_no_advice() {
        for (provider, kind, secret) in [
            ("anthropic", Token, of_length("sk-ant-oat01-", 108)),
            ("anthropic", ApiKey, of_length("sk-ant-api03-", 108)),
            ("openai", ApiKey, of_length("sk-proj-", 164)),
            ("google-vertex", ApiKey, of_length("AIza", 39)),
            ("anthropic-work", Token, of_length("sk-ant-oat01-", 108)),
            ("mistral", ApiKey, "b".repeat(32)),
        ] {
            let none: [String; 0] = [];
            assert_eq!(advise(&provider.parse().unwrap(), kind, &secret), none, "{provider}");
        }
    }

    #[test]
    fn a_short_setup_token_looks_cut_off() {
        let advice = advise(&anthropic(), Token, &of_length("sk-ant-oat01-", 79));
        assert_eq!(
            advice,
            [
                "the secret looks cut off: a setup-token usually has 108 characters (sk-ant-oat01-…wxyz, 79 characters)"
            ]
        );
        let advice = advise(&anthropic(), Token, &of_length("sk-ant-oat01-", 90));
        assert!(advice[0].starts_with("the secret has an unusual length"), "{advice:?}");
    }

    #[test]
    fn kinds_and_providers_that_do_not_fit_are_named() {
        for (provider, kind, secret, said) in [
            ("anthropic", ApiKey, of_length("sk-ant-oat01-", 108), "paste-token"),
            ("anthropic", Token, of_length("sk-ant-api03-", 108), "paste-api-key"),
            ("anthropic", Token, of_length("sk-ant-ort01-", 108), "refresh token"),
            ("anthropic", Token, of_length("sk-ant-sid01-", 108), "session key"),
            ("openai", ApiKey, of_length("gsk_", 56), "a Groq key, not like one for openai"),
            ("anthropic", Token, of_length("abc", 108), "does not begin with sk-ant-"),
            ("openai", ApiKey, "abc".to_owned(), "unusually short"),
            ("openai", ApiKey, "sk-proj-é".repeat(3), "outside ASCII"),
            ("anthropic", Token, of_length("sk-ant-oat01-", 108).repeat(2), "pasted twice"),
        ] {
            let advice = advise(&provider.parse().unwrap(), kind, &secret);
            assert!(advice.iter().any(|line| line.contains(said)), "{said}: {advice:?}");
        }
    }

    #[test]
    fn what_no_provider_accepts_is_told_once() {
        for secret in
            ["AGE-SECRET-KEY-1MADEUPMADEUPMADEUP", "sk-ant-sid01-made-up-made-up", "AKIAMADEUPMADEUP0000"]
        {
            let advice = advise(&"groq".parse().unwrap(), ApiKey, secret);
            assert!(
                matches!(advice.as_slice(), [one] if one.contains("no model provider accepts")),
                "{advice:?}"
            );
        }
    }

    #[test]
    fn a_short_secret_shows_no_tail() {
        let advice = advise(&anthropic(), Token, "sk-ant-oat01-wxyz");
        assert!(advice[0].contains("(sk-ant-oat01-…, 17 characters)"), "{advice:?}");
        assert!(!advice[0].contains("wxyz"), "{advice:?}");
    }
}
