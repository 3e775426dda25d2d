//! What a record may have in addition to the credential: which texts are accepted, and what the next record keeps.

pub mod origin;
pub mod provider_hosts;

use super::credential::Credential;
use super::record::{Details, Record};
use crate::looks::{instead, is_drawn, looks_secret};
use crate::messages::vault::details as messages;

/// The longest user name, in bytes.
pub const USERNAME_MAX: usize = 256;
/// The longest note, in bytes.
pub const NOTE_MAX: usize = 1024;
/// The longest display name, in bytes.
pub const DISPLAY_NAME_MAX: usize = 256;
/// The most hosts that a record may have.
pub const HOSTS_MAX: usize = 16;

/// The helpers whose protocol names no destination, or that a record may be given to by name.
pub const HELPERS: [&str; 9] =
    ["claude-api-key", "claude-mcp-headers", "codex", "hermes", "git", "aws", "docker", "kubectl", "cargo"];

/// Why a text is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// It looks like a secret.
    Secret,
    /// It does not have the form that it should have, as this says.
    Form(&'static str),
}

/// The result of a check.
pub type Checked<T> = Result<T, Wrong>;

/// Checks the name of an account. An AWS access key id is one.
///
/// # Errors
/// [`Wrong`].
pub fn username(text: &str) -> Checked<()> {
    one_line(text, USERNAME_MAX)?;
    if is_access_key_id(text) { Ok(()) } else { not_secret(text) }
}

/// Checks a name for people.
///
/// # Errors
/// [`Wrong`].
pub fn display_name(text: &str) -> Checked<()> {
    one_line(text, DISPLAY_NAME_MAX)?;
    not_secret(text)
}

/// Checks a note, which may have several lines.
///
/// # Errors
/// [`Wrong`].
pub fn note(text: &str) -> Checked<()> {
    text.split('\n').try_for_each(plain)?;
    sized(text, NOTE_MAX)?;
    not_secret(text)
}

/// Checks the name of a helper.
///
/// # Errors
/// [`Wrong`].
pub fn helper(text: &str) -> Checked<()> {
    if HELPERS.contains(&text) {
        return Ok(());
    }
    not_secret(text)?;
    Err(Wrong::Form(messages::UNKNOWN_HELPER))
}

fn one_line(text: &str, max: usize) -> Checked<()> {
    plain(text)?;
    sized(text, max)
}

fn plain(text: &str) -> Checked<()> {
    let steers = |c: char| c.is_control() || crate::term::escape::is_unsafe(c);
    if text.contains(steers) { Err(Wrong::Form(messages::CONTROL_CHARACTER)) } else { Ok(()) }
}

fn sized(text: &str, max: usize) -> Checked<()> {
    if text.trim().is_empty() {
        return Err(Wrong::Form(messages::EMPTY));
    }
    if text.len() > max { Err(Wrong::Form(messages::TOO_LONG)) } else { Ok(()) }
}

/// Refuses a text with a word in it that looks like a secret. An assignment and several lines are no secrets here.
fn not_secret(text: &str) -> Checked<()> {
    let is_secret = |word: &str| {
        instead(word).is_some_and(|what| what != "an assignment")
            || word.split([':', '@', '/', '=']).any(is_drawn)
    };
    if looks_secret(text) || text.contains("-----BEGIN") || text.split_whitespace().any(is_secret) {
        return Err(Wrong::Secret);
    }
    Ok(())
}

/// Returns whether a text is the id of an AWS access key, which is not secret.
fn is_access_key_id(text: &str) -> bool {
    text.len() == 20
        && (text.starts_with("AKIA") || text.starts_with("ASIA"))
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

impl Details {
    /// Returns what the next record of a profile keeps. A record for another provider, or of another type, keeps neither
    /// hosts nor helpers; what was revoked or restored concerns one record alone. A record without hosts gets those of
    /// its provider, so that a later version of this program sends its secret to no others.
    #[must_use]
    pub fn carried(before: Option<&Record>, next: &Credential) -> Self {
        Self::kept(before.map(|record| (&record.credential, &record.details)), next)
    }

    /// Returns what [`Details::carried`] does, from the parts of the record before.
    #[must_use]
    pub fn kept(before: Option<(&Credential, &Self)>, next: &Credential) -> Self {
        let mut details = before.map(|(_, details)| details.clone()).unwrap_or_default();
        (details.revoked, details.restores) = (None, None);
        let is_other = |was: &Credential| was.provider != next.provider || was.kind != next.kind;
        if before.is_some_and(|(was, _)| is_other(was)) {
            (details.hosts, details.helpers) = (None, None);
        }
        details.with_own_hosts(next)
    }

    /// Returns these details with the hosts, user name, helpers and note of others, if those have them.
    #[must_use]
    pub fn overlaid(self, others: &Self) -> Self {
        Self {
            hosts: others.hosts.clone().or(self.hosts),
            username: others.username.clone().or(self.username),
            helpers: others.helpers.clone().or(self.helpers),
            note: others.note.clone().or(self.note),
            ..self
        }
    }

    /// Returns what people read of it, each part with its name and in lines.
    pub fn lines(&self) -> impl Iterator<Item = (&'static str, Vec<&str>)> {
        [
            (messages::USERNAME, self.username.iter().map(String::as_str).collect()),
            (messages::HOSTS, self.hosts.iter().flatten().map(String::as_str).collect()),
            (messages::HELPERS, self.helpers.iter().flatten().map(String::as_str).collect()),
            (messages::NOTE, self.note.iter().flat_map(|note| note.lines()).collect::<Vec<_>>()),
        ]
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
    }

    /// Returns how many bytes the details take in a record.
    #[must_use]
    pub fn size(&self) -> usize {
        serde_json::to_vec(self).map_or(0, |json| json.len())
    }

    /// Returns these details with the hosts of the provider unless they name hosts already.
    #[must_use]
    pub fn with_own_hosts(mut self, credential: &Credential) -> Self {
        let own = || provider_hosts::of(credential.provider.as_str());
        self.hosts = self.hosts.or_else(|| Some(own()?.iter().map(|host| (*host).to_owned()).collect()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretString;
    use crate::vault::credential::CredentialType;

    #[test]
    fn texts_are_checked_and_secrets_are_told_apart() {
        for text in
            ["me@x.io", "AKIAIOSFODNN7EXAMPLE", "x-access-token", "00000000-0000-0000-0000-000000000000"]
        {
            assert_eq!(username(text), Ok(()), "{text}");
        }
        for text in ["", "  ", "a\nb", "a\u{1b}[2J", "a\u{202e}b", "a\u{7f}"] {
            assert!(matches!(username(text), Err(Wrong::Form(_))), "{text:?}");
        }
        assert!(username(&"no-".repeat(85)).is_ok() && username(&"no-".repeat(86)).is_err());
        for text in [
            "sk-ant-api03-canary-canary-canary",
            "AKIAIOSFODNN7EXAMPLE0",
            "https://user:canary@x.io",
            "AGE-SECRET-KEY-1CANARY",
            "key is ghp_canarycanarycanarycanarycanary00",
            "Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0Fe",
        ] {
            assert_eq!(username(text), Err(Wrong::Secret), "{text}");
            assert_eq!(note(&format!("the one of\n{text}")), Err(Wrong::Secret), "{text}");
        }
        for text in
            ["plan=pro", "Bought by Ann,\nrenew in May", "see https://console.x.io/keys", "ticket OPS-4711"]
        {
            assert_eq!(note(text), Ok(()), "{text}");
        }
        assert!(note(&"a ".repeat(513)).is_err() && note("a\tb").is_err() && note("a\r\nb").is_err());
        assert_eq!(helper("git"), Ok(()));
        assert!(helper("GIT").is_err() && helper("git ").is_err() && helper("").is_err());
    }

    #[test]
    fn another_provider_or_type_keeps_neither_hosts_nor_helpers() {
        let credential = |kind, provider: &str| {
            Credential::new(kind, provider.parse().unwrap(), SecretString::from("made-up"))
        };
        let profile: crate::vault::id::ProfileId = "made-up:a".parse().unwrap();
        let details = Details {
            hosts: Some(vec!["https://x.io".into()]),
            username: Some("me".into()),
            helpers: Some(vec!["git".into()]),
            note: Some("mine".into()),
            revoked: Some(true),
            restores: Some(4),
        };
        let before = Record {
            profile,
            generation: 5,
            created: 1,
            updated: 1,
            rotated: None,
            replaces: None,
            by: None,
            credential: credential(CredentialType::Token, "made-up"),
            details: details.clone(),
        };
        let same = Details::carried(Some(&before), &before.credential);
        assert_eq!(same, Details { revoked: None, restores: None, ..details.clone() });
        let other = Details::carried(Some(&before), &credential(CredentialType::ApiKey, "made-up"));
        assert_eq!((other.hosts, other.helpers), (None, None));
        assert_eq!((other.note, other.username), (details.note, details.username));
        let other = Details::carried(Some(&before), &credential(CredentialType::Token, "groq"));
        assert_eq!(other.hosts, Some(vec!["https://api.groq.com".into()]));
    }
}
