//! How clients other than OpenClaw ask for a credential: one file a protocol. Each parses what the client asks for, and
//! writes exactly what it expects. Which profile is used is decided elsewhere.

pub mod aws;
pub mod bearer;
pub mod cargo;
pub mod docker;
pub mod git;
pub mod hermes;
pub mod kubectl;
pub mod mcp_headers;

use crate::error::Result;
use crate::messages::helper as messages;
use crate::secret::{Buffer, ExposeSecret};
use crate::vault::details::origin;
use crate::vault::record::Record;

/// The largest request, in bytes. git's own attributes are at most 64 KiB a line.
pub const REQUEST_MAX: usize = 256 * 1024;

/// Returns the origin of a URL, in the spelling of a record's hosts: what stands before the first slash after the
/// scheme.
///
/// # Errors
/// `DENIED` for a URL that two programs may read differently, or whose host cannot be in a record. It is not quoted.
pub fn origin_of(url: &str) -> Result<String> {
    let end = url.find("://").and_then(|at| Some(at + 3 + url.get(at + 3..)?.find('/')?));
    origin::parse(url.get(..end.unwrap_or(url.len())).unwrap_or_default())
        .map_err(|_| messages::no_destination())
}

/// Returns whether a text can be a value of a protocol in which a line is a value.
#[must_use]
pub fn is_one_line(text: &str) -> bool {
    !text.contains(['\n', '\r', '\0'])
}

/// Returns the secret of a record, if it can be a value of a protocol in which a line is a value.
///
/// # Errors
/// `BAD_DATA`.
pub fn line_of(record: &Record) -> Result<&str> {
    let secret = record.credential.secret.expose_secret();
    if is_one_line(secret) { Ok(secret) } else { Err(messages::not_one_line(&record.profile)) }
}

/// Returns the user name of a record, which a protocol needs.
///
/// # Errors
/// `CONFIG` if it has none.
pub fn username_of(record: &Record) -> Result<&str> {
    let id = &record.profile;
    record.details.username.as_deref().ok_or_else(|| messages::no_username(id, &id.word()))
}

/// Appends a JSON string. It is not copied, because it can be a secret.
fn json_text(out: &mut Buffer, text: &str) {
    // Writing text into a buffer cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends the members of a JSON object whose values are texts, without its braces.
fn json_members(out: &mut Buffer, members: &[(&str, &str)]) {
    for (at, (name, value)) in members.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        json_text(out, name);
        out.push(b':');
        json_text(out, value);
    }
}

#[cfg(test)]
fn record(secret: &str, username: Option<&str>, expires: Option<i64>) -> Record {
    use crate::secret::SecretString;
    use crate::vault::credential::{Credential, CredentialType};
    use crate::vault::id::ProfileId;
    use crate::vault::record::Details;
    let profile: ProfileId = "made-up:one".parse().unwrap();
    let credential = Credential::new(CredentialType::Token, profile.provider(), SecretString::from(secret));
    Record {
        credential: Credential { expires, ..credential },
        details: Details { username: username.map(str::to_owned), ..Details::default() },
        profile,
        generation: 1,
        created: 1,
        updated: 1,
        rotated: None,
        replaces: None,
        by: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn a_url_has_the_origin_that_its_client_connects_to() {
        for (url, origin) in [
            ("https://x.io", "https://x.io"),
            ("https://x.io/", "https://x.io"),
            ("HTTPS://X.io:443/v1/", "https://x.io"),
            ("https://x.io:8443/a/b?c#d", "https://x.io:8443"),
            ("https://evil.io/https://x.io", "https://evil.io"),
            ("https://x.io/@evil.io", "https://x.io"),
            ("https://x.io/../..//evil.io", "https://x.io"),
            ("http://localhost:5000/v2/", "http://localhost:5000"),
        ] {
            assert_eq!(origin_of(url).unwrap(), origin, "{url}");
        }
        for url in [
            "",
            "x.io",
            "https://",
            "https:///x.io",
            "https:x.io",
            "https://x.io@evil.io/",
            "https://x.io:443@evil.io/",
            "https://x.io\\@evil.io/",
            "https://x.io\\.evil.io/",
            "https://x.io?@evil.io/",
            "https://x.io#@evil.io/",
            "https://x.io./",
            "https://x.io%2eevil.io/",
            "https://x.io\t/",
            "https://x.io\n/",
            "https://\u{445}.io/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "ssh://x.io/",
            "file:///x.io/",
        ] {
            let error = origin_of(url).unwrap_err();
            assert_eq!(error.code(), Code::Denied, "{url:?}");
            assert!(!error.what().contains("x.io"), "{error}");
        }
    }

    #[test]
    fn a_secret_that_breaks_lines_is_no_line() {
        for secret in ["a\nb", "a\rb", "a\0b", "\n"] {
            assert_eq!(line_of(&record(secret, None, None)).unwrap_err().code(), Code::BadData);
        }
        assert_eq!(line_of(&record("a b=c", None, None)).unwrap(), "a b=c");
    }
}
