//! Docker's credential helper protocol, as docker/docker-credential-helpers speaks it: `get` reads the URL of a server on
//! standard input and answers one JSON object; a failure is a line on standard output, and exit status 1.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{json_members, origin_of, username_of};
use crate::error::Result;
use crate::json;
use crate::messages::helper as messages;
use crate::secret::{Buffer, ExposeSecret, SecretString};
use crate::vault::record::Record;

/// What Docker takes for a missing credential, and no other text (`errCredentialsNotFoundMessage`).
pub const NOT_FOUND: &str = "credentials not found in native keychain\n";

/// Returns the URL in a request of `get` or `erase`, as it stands there.
///
/// # Errors
/// `BAD_DATA`.
pub fn parse(request: &Buffer) -> Result<&str> {
    let url = request.expose_str().ok_or_else(messages::bad_request)?;
    let url = url.strip_suffix('\n').map_or(url, |url| url.strip_suffix('\r').unwrap_or(url));
    if super::is_one_line(url) { Ok(url) } else { Err(messages::bad_request()) }
}

/// Returns the origin of a server's URL. Docker names most registries without a scheme, and uses https for them.
///
/// # Errors
/// As [`origin_of`].
pub fn origin(url: &str) -> Result<String> {
    if url.contains("://") { origin_of(url) } else { origin_of(&format!("https://{url}")) }
}

/// What Docker wants to store.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Stored {
    /// The URL of the server.
    #[serde(rename = "ServerURL")]
    pub server: String,
    /// The name of the account.
    pub username: String,
    /// The password or token.
    #[serde(deserialize_with = "crate::secret::deserialize")]
    pub secret: SecretString,
}

/// Parses a request of `store`.
///
/// # Errors
/// `BAD_DATA`, `DUPLICATE_KEY`.
pub fn parse_stored(request: &Buffer) -> Result<Stored> {
    json::parse(request.expose(), messages::REQUEST)
}

/// Returns the answer to `get`. `url` is what Docker asked for.
///
/// # Errors
/// `CONFIG` if the record has no user name, `BAD_DATA` for a secret that is not one line.
pub fn answer(url: &str, record: &Record) -> Result<Buffer> {
    let (username, secret) = (username_of(record)?, super::line_of(record)?);
    let mut out = Buffer::with_capacity(256 + url.len() + 2 * secret.len());
    out.push(b'{');
    json_members(&mut out, &[("ServerURL", url), ("Username", username), ("Secret", secret)]);
    out.extend(b"}\n");
    Ok(out)
}

/// Returns the answer to `list`: the user name for each server.
#[must_use]
pub fn list(records: &[Record]) -> Buffer {
    let mut servers = BTreeMap::new();
    for record in records {
        if let Some(username) = &record.details.username {
            for host in record.details.hosts.iter().flatten() {
                servers.entry(host.as_str()).or_insert(username.as_str());
            }
        }
    }
    let mut out = Buffer::default();
    out.push(b'{');
    json_members(&mut out, &servers.into_iter().collect::<Vec<_>>());
    out.extend(b"}\n");
    out
}

/// Returns whether a record holds what Docker wants to store.
#[must_use]
pub fn holds(record: &Record, stored: &Stored) -> bool {
    record.details.username.as_deref() == Some(stored.username.as_str())
        && record.credential.secret.expose_secret() == stored.secret.expose_secret()
}

#[cfg(test)]
mod tests {
    use super::super::record;
    use super::*;
    use crate::error::Code;

    fn buffer(text: &str) -> Buffer {
        Buffer::from_vec(text.as_bytes().to_vec())
    }

    #[test]
    fn a_server_is_named_with_or_without_a_scheme() {
        for (url, found) in [
            ("https://index.docker.io/v1/", "https://index.docker.io"),
            ("ghcr.io", "https://ghcr.io"),
            ("localhost:5000", "https://localhost:5000"),
            ("http://localhost:5000", "http://localhost:5000"),
            ("registry.x.io/team/app", "https://registry.x.io"),
        ] {
            assert_eq!(origin(url).unwrap(), found, "{url}");
        }
        for url in ["", "me@ghcr.io", "ghcr.io.", "127.0.0.1:5000", "ghcr.io\\@x.io", "ftp://ghcr.io"] {
            assert_eq!(origin(url).unwrap_err().code(), Code::Denied, "{url}");
        }
        assert_eq!(parse(&buffer("ghcr.io\n")).unwrap(), "ghcr.io");
        for text in ["ghcr.io\nx.io\n", "ghcr.io\0", "ghcr.io\r\rx"] {
            assert_eq!(parse(&buffer(text)).unwrap_err().code(), Code::BadData);
        }
    }

    #[test]
    fn an_answer_repeats_the_url_and_names_the_account() {
        let record = record("ma\"de-up", Some("me"), None);
        let out = answer("ghcr.io", &record).unwrap();
        let expected = "{\"ServerURL\":\"ghcr.io\",\"Username\":\"me\",\"Secret\":\"ma\\\"de-up\"}\n";
        assert_eq!(out.expose_str().unwrap(), expected);
        assert_eq!(
            answer("ghcr.io", &super::super::record("x", None, None)).unwrap_err().code(),
            Code::Config
        );
        assert_eq!(list(&[record]).expose_str().unwrap(), "{}\n");
    }

    #[test]
    fn what_is_already_there_need_not_be_stored() {
        let text = r#"{"ServerURL":"ghcr.io","Username":"me","Secret":"made-up"}"#;
        let stored = parse_stored(&buffer(text)).unwrap();
        assert!(holds(&record("made-up", Some("me"), None), &stored));
        assert!(!holds(&record("made-up", None, None), &stored));
        assert!(!holds(&record("other", Some("me"), None), &stored));
        assert_eq!(parse_stored(&buffer("{\"canary\":1}")).unwrap_err().code(), Code::BadData);
    }
}
