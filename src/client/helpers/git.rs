//! git's credential helper protocol: `key=value` lines up to a blank line, as gitcredentials(7) and git-credential(1)
//! describe them.

use std::collections::HashMap;
use std::io::Write;

use super::{is_one_line, line_of};
use crate::error::Result;
use crate::messages::helper as messages;
use crate::secret::{Buffer, SecretString};
use crate::time::SECOND;
use crate::vault::details::origin;
use crate::vault::record::Record;

/// What git asks for, or tells.
#[derive(Debug)]
pub struct Request {
    /// The origin of the repository.
    pub origin: String,
    /// The name of the account, if git knows it.
    pub username: Option<String>,
    /// The password that was refused or accepted, in `erase` and `store`.
    pub password: Option<SecretString>,
}

/// Parses a request.
///
/// git joins values to lines without escaping, so that a value with a line break is further lines
/// (CVE-2020-5260), and some programs end a line at CR too (CVE-2024-52006). A request in which that may have happened
/// is refused: with a key that stands twice, or with characters that no value has.
///
/// # Errors
/// `BAD_DATA`; `DENIED` if it names no destination that a record can have. Nothing is quoted.
pub fn parse(request: &Buffer) -> Result<Request> {
    let text = request.expose_str().ok_or_else(messages::bad_request)?;
    if text.contains(['\r', '\0']) {
        return Err(messages::bad_request());
    }
    let (text, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    // A blank line ends a request.
    if !rest.trim_matches('\n').is_empty() || text.starts_with('\n') {
        return Err(messages::bad_request());
    }
    let mut values = HashMap::new();
    for line in text.lines() {
        let (key, value) = line.split_once('=').ok_or_else(messages::bad_request)?;
        // A key that ends like this is a list.
        if !key.ends_with("[]") && values.insert(key, value).is_some() {
            return Err(messages::bad_request());
        }
    }
    let value = |key| values.get(key).copied().filter(|value| !value.is_empty());
    let (Some(protocol), Some(host)) = (value("protocol"), value("host")) else {
        return Err(messages::no_destination());
    };
    let origin = origin::parse(&format!("{protocol}://{host}")).map_err(|_| messages::no_destination())?;
    let username = value("username").map(str::to_owned);
    Ok(Request { origin, username, password: value("password").map(SecretString::from) })
}

/// Returns the answer to `get`.
///
/// # Errors
/// `BAD_DATA` for a record that cannot be written in lines.
pub fn answer(record: &Record) -> Result<Buffer> {
    let secret = line_of(record)?;
    let mut out = Buffer::with_capacity(256 + secret.len());
    if let Some(username) = &record.details.username {
        if !is_one_line(username) {
            return Err(messages::not_one_line(&record.profile));
        }
        let _ = writeln!(out, "username={username}");
    }
    out.extend(b"password=");
    out.extend(secret.as_bytes());
    out.push(b'\n');
    if let Some(expires) = record.credential.expires {
        // In seconds since 1970.
        let _ = writeln!(out, "password_expiry_utc={}", expires.div_euclid(SECOND));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::record;
    use super::*;
    use crate::error::Code;

    fn parsed(text: &str) -> Result<Request> {
        parse(&Buffer::from_vec(text.as_bytes().to_vec()))
    }

    #[test]
    fn a_request_names_an_origin_and_an_account() {
        let request = parsed(
            "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=Git.X.io:8443\npath=a/b.git\nusername=me\n\
             wwwauth[]=Basic realm=\"x\"\n\n",
        );
        let request = request.unwrap();
        assert_eq!(
            (request.origin.as_str(), request.username.as_deref()),
            ("https://git.x.io:8443", Some("me"))
        );
        let request = parsed("protocol=http\nhost=localhost").unwrap();
        assert_eq!((request.origin.as_str(), request.username), ("http://localhost", None));
    }

    #[test]
    fn a_request_in_which_a_value_may_have_broken_a_line_is_refused() {
        for text in [
            "protocol=https\nhost=evil.io\nhost=x.io\n",
            "protocol=https\nhost=evil.io\nusername=a\nprotocol=https\nhost=x.io\n",
            "protocol=https\nhost=x.io\rhost=evil.io\n",
            "protocol=https\r\nhost=x.io\r\n",
            "protocol=https\nhost=x.io\0evil.io\n",
            "protocol=https\nhost=x.io\n\nhost=evil.io\n",
            "\nprotocol=https\nhost=x.io\n",
            "protocol=https\nhost=x.io\nusername\n",
        ] {
            assert_eq!(parsed(text).unwrap_err().code(), Code::BadData, "{text:?}");
        }
        assert_eq!(
            parse(&Buffer::from_vec(b"protocol=https\nhost=\xff\n".to_vec())).unwrap_err().code(),
            Code::BadData
        );
    }

    #[test]
    fn a_request_without_a_destination_that_a_record_can_have_is_denied() {
        for text in [
            "",
            "protocol=https\n",
            "host=x.io\n",
            "protocol=\nhost=x.io\n",
            "protocol=https\nhost=\n",
            "protocol=cert\npath=/tmp/key\n",
            "protocol=ssh\nhost=x.io\n",
            "protocol=https\nhost=me@x.io\n",
            "protocol=https\nhost=x.io/\n",
            "protocol=https\nhost=x.io.\n",
            "protocol=https\nhost=*.x.io\n",
            "protocol=https://x.io/?\nhost=evil.io\n",
            "protocol=https\nhost=127.0.0.1:8443\n",
            "url=https://x.io\n",
        ] {
            assert_eq!(parsed(text).unwrap_err().code(), Code::Denied, "{text:?}");
        }
    }

    #[test]
    fn an_answer_is_lines_and_nothing_else() {
        let written = |record: &Record| answer(record).map(|out| out.expose_str().unwrap().to_owned());
        assert_eq!(written(&record("made-up", Some("me"), None)).unwrap(), "username=me\npassword=made-up\n");
        assert_eq!(
            written(&record("made-up", None, Some(1_999))).unwrap(),
            "password=made-up\npassword_expiry_utc=1\n"
        );
        for (secret, username) in
            [("a\nhost=x", None), ("a\r", None), ("a", Some("b\nc")), ("a", Some("b\0"))]
        {
            assert_eq!(written(&record(secret, username, None)).unwrap_err().code(), Code::BadData);
        }
    }
}
