//! What can be said about a secret without showing it.

use crate::looks::{Role, Shape};
use crate::vault::credential::CredentialType;
use crate::vault::id::Provider;

/// The shortest setup-token that OpenClaw takes.
const SETUP_TOKEN_MIN: usize = 80;
/// From this length on the last four characters give nothing away.
const TAIL_FROM: usize = 24;

/// What is unusual about a secret. Shows at most its known prefix, its last four characters and
/// its length.
#[must_use]
pub fn advise(provider: &Provider, kind: CredentialType, secret: &str) -> Vec<String> {
    let seen = seen(secret);
    let mut advice = Vec::new();
    if !secret.is_ascii() {
        advice.push(format!("it holds characters outside ASCII, which keys do not ({seen})"));
    }
    let Some(shape) = Shape::of(secret) else {
        if provider.as_str() == "anthropic" && kind != CredentialType::OAuth {
            advice.push(format!("it does not begin with sk-ant-, as Anthropic's secrets do ({seen})"));
        } else if secret.chars().count() < 8 {
            advice.push(format!("it is unusually short ({seen})"));
        }
        return advice;
    };
    if secret[shape.prefix.len()..].contains(shape.prefix) {
        advice.push(format!("its prefix stands in it twice: was it pasted twice? ({seen})"));
    } else if let Some(line) = length_advice(shape, secret, &seen) {
        advice.push(line);
    }
    if !shape.belongs_to(provider.as_str()) && shape.role != Role::Other {
        advice.push(format!("it looks like {}, not like one for {provider} ({seen})", shape.what));
    }
    match (shape.role, kind) {
        (Role::Refresh, _) => advice
            .push(format!("it looks like {}, which renews a token and is none itself ({seen})", shape.what)),
        (Role::Other, _) => {
            advice.push(format!("it looks like {}, which no model provider takes ({seen})", shape.what));
        }
        (Role::Token, CredentialType::ApiKey) => advice.push(format!(
            "it looks like {}: store it with paste-token, not as an API key ({seen})",
            shape.what
        )),
        (Role::Key, CredentialType::Token) => advice.push(format!(
            "it looks like {}: store it with paste-api-key, not as a token ({seen})",
            shape.what
        )),
        _ => {}
    }
    advice
}

fn length_advice(shape: &Shape, secret: &str, seen: &str) -> Option<String> {
    let usual = shape.length?;
    let length = secret.chars().count();
    if shape.role == Role::Token && length < SETUP_TOKEN_MIN {
        return Some(format!("it looks cut off: {} is usually {usual} characters long ({seen})", shape.what));
    }
    (length != usual)
        .then(|| format!("its length is unusual: {} usually has {usual} characters ({seen})", shape.what))
}

/// A secret as far as it may be shown: its known prefix, of a long one the last four characters, and
/// its length.
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
            ["it looks cut off: a setup-token is usually 108 characters long \
              (sk-ant-oat01-…wxyz, 79 characters)"]
        );
        let advice = advise(&anthropic(), Token, &of_length("sk-ant-oat01-", 90));
        assert!(advice[0].starts_with("its length is unusual"), "{advice:?}");
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
    fn what_no_provider_takes_is_told_once() {
        for secret in
            ["AGE-SECRET-KEY-1MADEUPMADEUPMADEUP", "sk-ant-sid01-made-up-made-up", "AKIAMADEUPMADEUP0000"]
        {
            let advice = advise(&"groq".parse().unwrap(), ApiKey, secret);
            assert!(
                matches!(advice.as_slice(), [one] if one.contains("no model provider takes")),
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
