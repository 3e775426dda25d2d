//! OpenClaw's exec secret protocol, version 1, as observed on OpenClaw 2026.2.26 to 2026.9.6.
//!
//! One request on standard input, `{"protocolVersion":1,"provider":"…","ids":[…]}`; one response
//! on standard output, `{"protocolVersion":1,"values":{…},"errors":{"<id>":{"code","message"}}}`.
//! A non-zero exit would fail every id, so the response contains all errors and the exit status is 0.

use std::io::Write;

use indexmap::IndexSet;
use serde::Deserialize;
use serde_json::Value;

use crate::error::Result;
use crate::json;
use crate::looks::masked;
use crate::messages::client as messages;
use crate::secret::{Buffer, ExposeSecret, SecretString};
use crate::term::escape::is_unsafe;

/// The protocol's version.
pub const VERSION: u64 = 1;
/// The largest request, in bytes. OpenClaw sends at most 256 KiB.
pub const REQUEST_MAX: usize = 1024 * 1024;
/// The most ids in a request.
pub const IDS_MAX: usize = 512;
/// The key of an error of the request itself.
pub const REQUEST: &str = "request";

#[derive(Deserialize)]
struct Request {
    #[serde(rename = "protocolVersion")]
    version: u64,
    ids: Vec<Value>,
}

/// Returns the ids that a request asks for, each once, in order.
///
/// # Errors
/// `BAD_DATA`, `DUPLICATE_KEY`, `NEWER_FORMAT`, `TOO_LARGE`.
pub fn parse(request: &[u8]) -> Result<IndexSet<String>> {
    let request: Request = json::parse(request, "the request")?;
    if request.version != VERSION {
        return Err(messages::other_protocol(VERSION));
    }
    if request.ids.len() > IDS_MAX {
        return Err(messages::too_many_ids(IDS_MAX));
    }
    request
        .ids
        .into_iter()
        .map(|id| match id {
            Value::String(id) => Ok(id),
            _ => Err(messages::id_not_text()),
        })
        .collect()
}

/// Returns the response to a request. It is wiped when dropped.
#[must_use]
pub fn response(answers: &[(String, Result<SecretString>)]) -> Buffer {
    let secrets: usize = answers.iter().flat_map(|(_, a)| a).map(|s| s.expose_secret().len() + 16).sum();
    let ids: usize = answers.iter().map(|(id, _)| id.len() + 200).sum();
    let mut out = Buffer::with_capacity(256 + secrets + ids);
    out.extend(b"{\"protocolVersion\":1,\"values\":{");
    let mut first = true;
    for (id, answer) in answers {
        if let Ok(secret) = answer {
            member(&mut out, &mut first, id);
            text(&mut out, secret.expose_secret());
        }
    }
    out.extend(b"},\"errors\":{");
    first = true;
    for (id, answer) in answers {
        if let Err(error) = answer {
            member(&mut out, &mut first, id);
            out.extend(b"{\"code\":");
            text(&mut out, error.code().name());
            out.extend(b",\"message\":");
            text(&mut out, &masked(error.what()));
            out.push(b'}');
        }
    }
    out.extend(b"}}\n");
    out
}

fn member(out: &mut Buffer, first: &mut bool, name: &str) {
    if !std::mem::take(first) {
        out.push(b',');
    }
    text(out, name);
    out.push(b':');
}

/// Writes a JSON string, in which characters that must not reach a terminal are escaped: a person may look at the
/// response, and ids come from the client. The text is not copied, because it can be a secret.
fn text(out: &mut Buffer, text: &str) {
    if !text.contains(is_unsafe) {
        // Writing text into a buffer cannot fail.
        let _ = serde_json::to_writer(out, text);
        return;
    }
    out.push(b'"');
    for c in text.chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            if matches!(c, '"' | '\\') {
                out.push(b'\\');
            }
            out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, fail};

    fn parsed(text: &str) -> Result<Vec<String>> {
        parse(text.as_bytes()).map(|ids| ids.into_iter().collect())
    }

    #[test]
    fn a_request_of_every_version_seen_is_read() {
        let request = r#"{"protocolVersion":1,"provider":"vault","ids":["a/b:c","a/b:c","x"]}"#;
        assert_eq!(parsed(request).unwrap(), ["a/b:c", "x"]);
        assert!(parsed(r#"{"protocolVersion":1,"ids":[],"more":{"later":true}}"#).unwrap().is_empty());
    }

    #[test]
    fn other_requests_are_refused_without_quoting_them() {
        let many = format!(r#"{{"protocolVersion":1,"ids":[{}]}}"#, vec![r#""a""#; 513].join(","));
        for (text, code) in [
            ("", Code::BadData),
            ("canary", Code::BadData),
            (r#"{"protocolVersion":2,"ids":["canary"]}"#, Code::NewerFormat),
            (r#"{"protocolVersion":1,"ids":["canary"],"ids":[]}"#, Code::DuplicateKey),
            (r#"{"protocolVersion":1,"ids":[{"canary":1}]}"#, Code::BadData),
            (r#"{"protocolVersion":1,"ids":"canary"}"#, Code::BadData),
            (&many, Code::TooLarge),
        ] {
            let error = parsed(text).unwrap_err();
            assert_eq!(error.code(), code);
            assert!(!error.what().contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_response_is_json_whatever_the_ids_hold() {
        let (secret, id) = ("s\"\\\u{1b}ü\u{9b}\u{e0041}", "ba\"d\n\\\u{202e}\u{2028}\u{7f}");
        let answers = vec![
            ("good".to_owned(), Ok(SecretString::from(secret))),
            (id.to_owned(), fail(Code::NotFound, "not \u{200b}there")),
        ];
        let out = response(&answers);
        let read: Value = serde_json::from_slice(out.expose()).unwrap();
        assert_eq!(read["values"]["good"], secret);
        assert_eq!(read["errors"][id]["code"], "NOT_FOUND");
        assert_eq!(read["errors"][id]["message"], "not \u{200b}there");
        let text = std::str::from_utf8(out.expose()).unwrap();
        assert!(!text.trim_end().contains(is_unsafe), "{text}");
        assert!(text.contains('ü'), "{text}");
    }
}
