//! The target of a request: the provider, and a plain path and query.

use http::Uri;

use crate::refusal::Refusal;
use crate::token;

/// A target that was checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The first segment of the path.
    pub provider: String,
    /// The rest of it, which begins with `/`.
    pub path: String,
    /// The query without anything that holds a credential.
    pub query: String,
    /// What it held of credentials, decoded.
    pub tokens: Vec<Vec<u8>>,
}

impl Target {
    /// Checks the target of a request. Only a path is accepted, in which nothing has two readings: no `.` and `..`, no
    /// empty segments, no backslashes, and nothing encoded that would be one of these, a `/`, or a control character.
    pub fn of(uri: &Uri) -> Result<Self, Refusal> {
        if uri.scheme().is_some() || uri.authority().is_some() {
            return Err(Refusal::Target);
        }
        let whole = uri.path().strip_prefix('/').ok_or(Refusal::Target)?;
        if !whole.split('/').all(is_plain) {
            return Err(Refusal::Target);
        }
        let (provider, rest) = whole.split_once('/').ok_or(Refusal::Provider)?;
        let mut target = Self {
            provider: provider.to_owned(),
            path: format!("/{rest}"),
            query: String::new(),
            tokens: Vec::new(),
        };
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            target.take(pair)?;
        }
        Ok(target)
    }

    fn take(&mut self, pair: &str) -> Result<(), Refusal> {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name).ok_or(Refusal::Target)?;
        let value = decoded(value).ok_or(Refusal::Target)?;
        if pair.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(Refusal::Target);
        }
        if token::is_parameter(&name) {
            self.tokens.push(value);
            return Ok(());
        }
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(pair);
        Ok(())
    }
}

/// Returns whether a segment of a path has one reading alone.
fn is_plain(segment: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$'()*+,=:@%".contains(&byte);
    let Some(decoded) = decoded_path(segment) else { return false };
    let is_control = |byte: &u8| byte.is_ascii_control() || b"/\\%?#;&".contains(byte);
    !segment.is_empty()
        && segment.bytes().all(is_usual)
        && !decoded.iter().any(is_control)
        && !decoded.iter().all(|byte| *byte == b'.')
        && std::str::from_utf8(&decoded).is_ok()
}

fn decoded_path(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
            let (high, low) = (digit()?, digit()?);
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

/// Decodes a part of a query, in which `+` is a space.
fn decoded(text: &str) -> Option<Vec<u8>> {
    decoded_path(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Result<Target, Refusal> {
        Target::of(&text.parse().unwrap())
    }

    #[test]
    fn the_provider_is_the_first_segment() {
        let target = target("/anthropic/v1/messages?beta=true").unwrap();
        assert_eq!(
            (&*target.provider, &*target.path, &*target.query),
            ("anthropic", "/v1/messages", "beta=true")
        );
        assert_eq!(Target::of(&"/anthropic".parse().unwrap()), Err(Refusal::Provider));
    }

    #[test]
    fn credentials_in_the_query_are_taken_out() {
        let target = target("/google/v1beta/models?key=made-up&alt=sse&k%65y=other&API_KEY=third").unwrap();
        assert_eq!(target.query, "alt=sse");
        assert_eq!(target.tokens, [b"made-up".to_vec(), b"other".to_vec(), b"third".to_vec()]);
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        for text in [
            "/anthropic/v1/../admin",
            "/anthropic/./v1",
            "/anthropic/v1/%2e%2e/admin",
            "/anthropic/v1/%2E./admin",
            "/anthropic/v1%2fmessages",
            "/anthropic/v1%5cmessages",
            "/anthropic/v1%252fmessages",
            "//anthropic/v1",
            "/anthropic//v1",
            "/anthropic/v1/",
            "/anthropic/v1/a%00b",
            "/anthropic/v1/a%0d%0ab",
            "/anthropic/v1/a%zz",
            "/anthropic/v1/a;b=c",
            "/anthropic/v1/a%3fb",
            "/anthropic/v1/%ff",
            "/anthropic/...",
            "http://h/anthropic/v1",
            "/anthropic/v1?a=%zz",
            "*",
            "host:443",
        ] {
            assert_eq!(target(text), Err(Refusal::Target), "{text}");
        }
        assert!(target("/bedrock/model/a.b-v1%3A0/converse").is_ok());
    }
}
