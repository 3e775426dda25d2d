//! Finds what looks like a secret in an index: from the name of its member, or from its own format.
//!
//! An index holds no secret of Strongroom's. What another program puts there is reported and never shown.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::json::scan::Members;
use crate::looks::{looks_known, looks_secret};
use crate::vault::id::quoted;

/// The ends of names of members that hold a secret: in lower case, without `_` and `-`, in the singular.
const ENDS: [&str; 26] = [
    "accesskey",
    "apikey",
    "assertion",
    "authheader",
    "authorization",
    "basicauth",
    "bearer",
    "cookie",
    "credential",
    "encryptionkey",
    "jwt",
    "masterkey",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "privatekeypem",
    "secret",
    "secretkey",
    "sessionid",
    "sessionkey",
    "signingkey",
    "sshkey",
    "subscriptionkey",
    "token",
    "tokenvalue",
];
/// Whole names of such members. As ends of names, they would match too much.
const WHOLE: [&str; 10] =
    ["access", "auth", "key", "keyref", "pass", "pat", "pwd", "refresh", "tokens", "tokenref"];
/// Values of such members that are no secrets: types, states, and markers of the client.
const WORDS: [&str; 25] = [
    "admin",
    "api-key",
    "api_key",
    "apikey",
    "aws-sdk",
    "basic",
    "bearer",
    "default",
    "disabled",
    "enabled",
    "false",
    "full",
    "minimax-oauth",
    "none",
    "null",
    "oauth",
    "ollama-local",
    "public",
    "read",
    "required",
    "secretref-managed",
    "setup-token",
    "token",
    "true",
    "write",
];
/// The beginnings of names that count tokens, such as `maxTokens`.
const COUNTED: [&str; 9] =
    ["max", "min", "total", "input", "output", "prompt", "completion", "cached", "reasoning"];
/// The most members that are named.
const NAMED_MAX: usize = 8;

/// Returns the members below a value that look like secrets, as paths with dots; at most [`NAMED_MAX`].
#[must_use]
pub fn below(raw: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(raw, &mut Vec::new(), false, &mut found);
    found
}

/// Returns the same as [`below`] for a named member, including the member itself.
#[must_use]
pub fn of(name: &str, raw: &str) -> Vec<String> {
    let path = &mut vec![Cow::Borrowed(name)];
    let mut found = Vec::new();
    if looks_secret(name) {
        found.push(shown(path));
    } else {
        walk(raw, path, says_secret(name), &mut found);
    }
    found
}

/// Returns whether a member looks like a secret, or holds one.
#[must_use]
pub fn holds_one(name: &str, raw: &str) -> bool {
    !of(name, raw).is_empty()
}

/// Returns whether a text looks like a secret that must not be in an index.
#[must_use]
pub fn is_one(text: &str) -> bool {
    looks_secret(text) || holds_password(text)
}

/// Returns whether a text is a URL with a password (`scheme://user:password@host`), or a private key in PEM.
fn holds_password(text: &str) -> bool {
    if text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----") {
        return true;
    }
    let Some((_, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

fn walk<'a>(raw: &'a str, path: &mut Vec<Cow<'a, str>>, named: bool, found: &mut Vec<String>) {
    if found.len() >= NAMED_MAX {
        return;
    }
    match raw.as_bytes().first() {
        Some(b'{') => {
            let refers = is_reference(raw);
            for (name, raw) in Members::of(raw).into_iter().flatten() {
                let (says, shaped) = (says_secret(&name), looks_secret(&name));
                path.push(name);
                if shaped {
                    found.push(shown(path));
                } else if refers {
                    // An e-mail address in an id can look random, so only known formats count here.
                    let text: Cow<'_, str> = serde_json::from_str(raw).unwrap_or_default();
                    if looks_known(&text) {
                        found.push(shown(path));
                    }
                } else {
                    walk(raw, path, named || says, found);
                }
                path.pop();
            }
        }
        Some(b'[') => {
            for item in serde_json::from_str::<Vec<&RawValue>>(raw).unwrap_or_default() {
                walk(item.get(), path, named, found);
            }
        }
        Some(b'"') => {
            let text: Cow<'_, str> = serde_json::from_str(raw).unwrap_or_default();
            if (named && !stands_elsewhere(&text)) || is_one(&text) {
                let path = shown(path);
                if found.last() != Some(&path) {
                    found.push(path);
                }
            }
        }
        _ => {}
    }
}

/// Returns whether a text is no secret but a common word, a mask, or a reference.
fn stands_elsewhere(text: &str) -> bool {
    let text = text.trim();
    if WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return true;
    }
    let masked = text.contains("***") || !text.contains(|c: char| c.is_alphanumeric());
    masked || text.starts_with('$') || text.starts_with("op://")
}

/// Returns whether a member with this name holds a secret.
#[must_use]
pub fn says_secret(name: &str) -> bool {
    let plain = |c: &char| !matches!(c, '_' | '-' | ' ' | '.');
    let name: String = name.chars().filter(plain).map(|c| c.to_ascii_lowercase()).collect();
    let one = name.strip_suffix('s').unwrap_or(&name);
    let ends = |name: &str| ENDS.iter().any(|end| name.ends_with(end));
    // `maxTokens` is a number.
    WHOLE.contains(&name.as_str())
        || ends(&name)
        || (ends(one) && !COUNTED.iter().any(|of| one.starts_with(of)))
}

/// Returns whether a value refers to a secret elsewhere: `{"source": …, "id": …}`.
fn is_reference(raw: &str) -> bool {
    let names: Vec<_> = Members::of(raw).into_iter().flatten().map(|(name, _)| name).collect();
    names.iter().any(|name| name == "source") && names.iter().any(|name| name == "id")
}

/// Returns the name of a member as it may be shown: `…` if the name itself looks like a secret.
#[must_use]
pub fn shown_name(name: &str) -> String {
    if looks_secret(name) {
        "…".to_owned()
    } else if name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'$')) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

fn shown(path: &[Cow<'_, str>]) -> String {
    path.iter().map(|name| shown_name(name)).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_hold_secrets_are_named_by_their_path() {
        for (raw, paths) in [
            (r#"{"access_token":"made-up"}"#, &["access_token"][..]),
            (r#"{"refresh_token":"made-up","client_secret":"made-up"}"#, &["refresh_token", "client_secret"]),
            (
                r#"{"headers":{"Authorization":"Bearer made-up","x-api-key":"made-up"}}"#,
                &["headers.Authorization", "headers.x-api-key"],
            ),
            (r#"{"cookie":"a=b","Set-Cookie":["c=d","e=f"]}"#, &["cookie", "Set-Cookie"]),
            (r#"{"tokens":{"id":"made-up","type":"made-up"}}"#, &["tokens.id", "tokens.type"]),
            (r#"{"a":[{"sessionKey":"made-up"}]}"#, &["a.sessionKey"]),
            (r#"{"note":"sk-ant-oat01-made-up-made-up"}"#, &["note"]),
            (r#"{"sk-ant-oat01-made-up-made-up":1}"#, &["…"]),
            (r#"{"baseUrl":"https://me:made-up@example.com/v1"}"#, &["baseUrl"]),
            (r#"{"apiKeys":["made-up"],"privateKeys":{"a":"made-up"}}"#, &["apiKeys", "privateKeys.a"]),
            (r#"{"pem":"-----BEGIN RSA PRIVATE KEY-----\nmade-up"}"#, &["pem"]),
            (r#"{"note":"('sk-ant-oat01-made-up-made-up')"}"#, &["note"]),
            (
                r#"{"keyRef":"made-up","tokenRef":{"source":"exec","id":"sk-ant-oat01-made-up"}}"#,
                &["keyRef", "tokenRef.id"],
            ),
            (r#"{"PASSWORD":"made-up","awsSecretAccessKey":"made-up"}"#, &["PASSWORD", "awsSecretAccessKey"]),
            (r#"{"a\u001bb":{"key":"made-up"}}"#, &[r#""a\u{1b}b".key"#]),
        ] {
            assert_eq!(below(raw), paths, "{raw}");
            assert!(!below(raw).concat().contains("made-up"));
        }
    }

    #[test]
    fn references_masks_numbers_and_other_members_are_none() {
        for raw in [
            r#"{"keyRef":{"source":"exec","provider":"strongroom","id":"main/anthropic:default"}}"#,
            r#"{"key":{"source":"env","provider":"default","id":"OPENAI_API_KEY"}}"#,
            r#"{"token":"","key":null,"refresh":0,"password":false}"#,
            r#"{"key":"***","token":"${TOKEN}","secret":"op://vault/item"}"#,
            r#"{"maxTokens":"4096","tokenCount":"1","keyboard":"de","tokenEndpoint":"https://example.com"}"#,
            r#"{"auth":"oauth","metadata":{"access":"full","cookie":"disabled"},"key":"secretref-managed"}"#,
            r#"{"totalTokens":"1","outputTokens":"2"}"#,
            r#"{"tokenRef":{"source":"exec","provider":"strongroom","id":"main/anthropic:Maximilian.Mustermann_40example-company.com"}}"#,
            r#"{"displayName":"Me","email":"me@example.com","expires":1826725287117}"#,
            r#"{"usageStats":{"anthropic:default":{"lastUsed":1,"disabledReason":"billing"}}}"#,
        ] {
            assert_eq!(below(raw), [""; 0], "{raw}");
        }
    }

    #[test]
    fn of_many_only_some_are_named() {
        let many: Vec<String> =
            (0..100).map(|n| format!("\"token{n}_key\":{{\"token\":\"made-up\"}}")).collect();
        assert_eq!(below(&format!("{{{}}}", many.join(","))).len(), NAMED_MAX);
    }
}
