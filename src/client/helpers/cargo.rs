//! cargo's credential provider protocol, version 1 (doc.rust-lang.org/cargo/reference/credential-provider-protocol.html).
//! The provider says hello; each request and each answer is one line of JSON. With `cargo:token-from-stdout` cargo reads the
//! token alone, and names the registry in a variable.

use std::io::Write;

use serde::Deserialize;

use super::{json_text, line_of, origin_of};
use crate::error::{Code, Error, Result};
use crate::json;
use crate::looks::masked;
use crate::messages::helper as messages;
use crate::secret::Buffer;
use crate::time::SECOND;
use crate::vault::record::Record;

/// What a provider says first.
pub const HELLO: &[u8] = b"{\"v\":[1]}\n";
/// The variable in which `cargo:token-from-stdout` names the registry.
pub const INDEX_VARIABLE: &str = "CARGO_REGISTRY_INDEX_URL";
/// The argument with which cargo starts a provider.
pub const PLUGIN: &str = "--cargo-plugin";
/// The name that cargo gives the index of crates.io, even if it uses the sparse one.
const CRATES_IO: [&str; 2] =
    ["https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"];
/// The origin to which a token for crates.io is sent.
/// The server that gets the tokens of crates.io.
pub const CRATES_IO_ORIGIN: &str = "https://crates.io";

/// What cargo wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A token.
    Get,
    /// To store or to remove one, or something that a newer cargo wants.
    Other,
}

/// A request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// What cargo wants.
    pub kind: Kind,
    /// The URL of the registry's index.
    pub index: String,
    /// The arguments after the program in cargo's configuration.
    pub args: Vec<String>,
}

/// Parses a request.
///
/// # Errors
/// `BAD_DATA`, `DUPLICATE_KEY`, `NEWER_FORMAT`.
pub fn parse(line: &Buffer) -> Result<Request> {
    #[derive(Deserialize)]
    struct In {
        v: u32,
        kind: String,
        registry: Registry,
        #[serde(default)]
        args: Vec<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Registry {
        index_url: String,
    }
    let read: In = json::parse(line.expose(), messages::REQUEST)?;
    if read.v != 1 {
        return Err(messages::newer_cargo());
    }
    let kind = if read.kind == "get" { Kind::Get } else { Kind::Other };
    Ok(Request { kind, index: read.registry.index_url, args: read.args })
}

/// The server that gets the token of a registry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Registry {
    /// To the server that also has the index.
    Own(String),
    /// To a server that an index in a git repository of this origin names. Other people may have repositories there.
    InRepository(String),
}

/// Returns the server that gets the token of a registry.
///
/// # Errors
/// `DENIED`, as [`origin_of`].
pub fn registry(index: &str) -> Result<Registry> {
    if CRATES_IO.contains(&index) {
        return Ok(Registry::Own(CRATES_IO_ORIGIN.to_owned()));
    }
    match index.strip_prefix("sparse+") {
        Some(url) => origin_of(url).map(Registry::Own),
        None => origin_of(index.strip_prefix("registry+").unwrap_or(index)).map(Registry::InRepository),
    }
}

/// Returns the token alone, for `cargo:token-from-stdout`.
///
/// # Errors
/// `BAD_DATA` for a secret that is not one line.
pub fn token(record: &Record) -> Result<Buffer> {
    super::bearer::answer(record)
}

/// Returns the answer to `get`. cargo may keep the token for the command that asked.
///
/// # Errors
/// `BAD_DATA` for a secret that is not one line.
pub fn answer(record: &Record) -> Result<Buffer> {
    let secret = line_of(record)?;
    let mut out = Buffer::with_capacity(256 + 2 * secret.len());
    out.extend(b"{\"Ok\":{\"kind\":\"get\",\"token\":");
    json_text(&mut out, secret);
    match record.credential.expires {
        Some(at) => {
            let _ = write!(out, ",\"cache\":\"expires\",\"expiration\":{}", at.div_euclid(SECOND));
        }
        None => out.extend(b",\"cache\":\"session\""),
    }
    out.extend(b",\"operation_independent\":true}}\n");
    Ok(out)
}

/// Returns the answer that no token is given. After most of them cargo asks the next provider of its configuration.
#[must_use]
pub fn refusal(error: &Error) -> Buffer {
    let kind = match error.code() {
        Code::NotFound => "not-found",
        Code::Denied => "url-not-supported",
        _ => {
            let mut out = Buffer::default();
            out.extend(b"{\"Err\":{\"kind\":\"other\",\"message\":");
            json_text(&mut out, &masked(&format!("strongroom: {}", error.what())));
            out.extend(b",\"caused-by\":[]}}\n");
            return out;
        }
    };
    Buffer::from_vec(format!("{{\"Err\":{{\"kind\":\"{kind}\"}}}}\n").into_bytes())
}

/// Returns the answer to everything that is not `get`: profiles are stored and removed by a person.
#[must_use]
pub fn unsupported() -> Buffer {
    Buffer::from_vec(b"{\"Err\":{\"kind\":\"operation-not-supported\"}}\n".to_vec())
}

#[cfg(test)]
mod tests {
    use super::super::record;
    use super::*;

    fn buffer(text: &str) -> Buffer {
        Buffer::from_vec(text.as_bytes().to_vec())
    }

    #[test]
    fn a_request_of_cargo_is_read() {
        let text = r#"{"v":1,"registry":{"index-url":"sparse+https://x.io/index/","name":"x","headers":["WWW-Authenticate: cargo"]},"kind":"get","operation":"publish","name":"a","vers":"0.1.0","cksum":"00","args":["helper","cargo"]}"#;
        let request = parse(&buffer(text)).unwrap();
        assert_eq!((request.kind, request.index.as_str()), (Kind::Get, "sparse+https://x.io/index/"));
        assert_eq!(request.args, ["helper", "cargo"]);
        let text = text.replace("\"get\"", "\"login\"");
        assert_eq!(parse(&buffer(&text)).unwrap().kind, Kind::Other);
        assert_eq!(
            parse(&buffer(&text.replace("\"v\":1", "\"v\":2"))).unwrap_err().code(),
            Code::NewerFormat
        );
        assert_eq!(parse(&buffer("{}")).unwrap_err().code(), Code::BadData);
    }

    #[test]
    fn the_token_of_an_index_in_a_repository_goes_where_the_repository_says() {
        let own = |origin: &str| Registry::Own(origin.to_owned());
        let inside = |origin: &str| Registry::InRepository(origin.to_owned());
        for (index, found) in [
            ("https://github.com/rust-lang/crates.io-index", own("https://crates.io")),
            ("sparse+https://index.crates.io/", own("https://crates.io")),
            ("sparse+https://x.io:8443/index/", own("https://x.io:8443")),
            ("https://github.com/evil/index", inside("https://github.com")),
            ("https://github.com/rust-lang/crates.io-index/", inside("https://github.com")),
            ("registry+https://x.io/index", inside("https://x.io")),
        ] {
            assert_eq!(registry(index).unwrap(), found, "{index}");
        }
        for index in ["", "sparse+", "ssh://git@x.io/index", "file:///index", "sparse+sparse+https://x.io/"] {
            assert_eq!(registry(index).unwrap_err().code(), Code::Denied, "{index}");
        }
    }

    #[test]
    fn answers_are_one_line_each() {
        let text = |out: Buffer| out.expose_str().unwrap().to_owned();
        assert_eq!(
            text(answer(&record("made-up", None, None)).unwrap()),
            "{\"Ok\":{\"kind\":\"get\",\"token\":\"made-up\",\"cache\":\"session\",\"operation_independent\":true}}\n"
        );
        assert_eq!(
            text(answer(&record("made-up", None, Some(2_500))).unwrap()),
            "{\"Ok\":{\"kind\":\"get\",\"token\":\"made-up\",\"cache\":\"expires\",\"expiration\":2,\"operation_independent\":true}}\n"
        );
        assert_eq!(text(refusal(&Error::new(Code::NotFound, "x"))), "{\"Err\":{\"kind\":\"not-found\"}}\n");
        assert_eq!(
            text(refusal(&Error::new(Code::Locked, "x\n"))),
            "{\"Err\":{\"kind\":\"other\",\"message\":\"strongroom: x\\n\",\"caused-by\":[]}}\n"
        );
        assert!(answer(&record("a\nb", None, None)).is_err());
    }
}
