//! The places of a request in which a credential may stand.

use http::HeaderMap;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};

use crate::refusal::Refusal;

/// The headers that hold a key as it is.
const KEY_HEADERS: &[&str] = &["x-api-key", "api-key", "x-goog-api-key"];
/// The parameters that hold a key or a token.
const PARAMETERS: &[&str] =
    &["key", "api_key", "api-key", "apikey", "x-api-key", "access_token", "token", "authorization"];
/// What stands before a key in a WebSocket's subprotocol, because a browser can set no header.
const IN_SUBPROTOCOL: &str = "openai-insecure-api-key.";

/// Returns whether a parameter of a query holds a credential.
pub(crate) fn is_parameter(name: &[u8]) -> bool {
    PARAMETERS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// Returns whether a WebSocket's subprotocol holds a credential.
pub(crate) fn is_subprotocol(name: &str) -> bool {
    ["api-key", "apikey", "bearer", "token", "authorization"].iter().any(|word| name.contains(word))
}

/// Returns the token of a request, which stands where the provider's key would.
///
/// # Errors
/// If it has no token, or several that differ: a client that sends a real key beside the token should hear of it.
pub(crate) fn find(headers: &HeaderMap, in_query: Vec<Vec<u8>>) -> Result<Vec<u8>, Refusal> {
    let mut tokens = in_query;
    for value in headers.get_all(AUTHORIZATION) {
        let (scheme, token) = value.as_bytes().split_at_checked(7).ok_or(Refusal::NoToken)?;
        if !scheme.eq_ignore_ascii_case(b"bearer ") {
            return Err(Refusal::NoToken);
        }
        tokens.push(token.trim_ascii().to_vec());
    }
    for name in KEY_HEADERS {
        tokens.extend(headers.get_all(*name).iter().map(|value| value.as_bytes().to_vec()));
    }
    for value in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        let names = value.to_str().unwrap_or_default().split(',');
        let keys = names.filter_map(|name| name.trim().strip_prefix(IN_SUBPROTOCOL));
        tokens.extend(keys.map(|token| token.as_bytes().to_vec()));
    }
    tokens.dedup();
    match tokens.len() {
        0 => Err(Refusal::NoToken),
        1 => tokens.pop().filter(|token| !token.is_empty()).ok_or(Refusal::NoToken),
        _ => Err(Refusal::SeveralTokens),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_token_stands_where_the_key_would() {
        for list in [
            &[("authorization", "Bearer made-up")][..],
            &[("authorization", "bearer made-up"), ("x-api-key", "made-up")],
            &[("x-api-key", "made-up")],
            &[("api-key", "made-up")],
            &[("x-goog-api-key", "made-up")],
            &[("sec-websocket-protocol", "realtime, openai-insecure-api-key.made-up")],
        ] {
            assert_eq!(find(&headers(list), Vec::new()).unwrap(), b"made-up", "{list:?}");
        }
        assert_eq!(find(&headers(&[]), vec![b"made-up".to_vec()]).unwrap(), b"made-up");
    }

    #[test]
    fn no_token_or_several_are_refused() {
        for (list, refusal) in [
            (&[][..], Refusal::NoToken),
            (&[("authorization", "Basic bWFkZS11cA==")], Refusal::NoToken),
            (&[("x-api-key", "")], Refusal::NoToken),
            (&[("x-api-key", "one"), ("x-api-key", "two")], Refusal::SeveralTokens),
            (&[("x-api-key", "one"), ("authorization", "Bearer two")], Refusal::SeveralTokens),
        ] {
            assert_eq!(find(&headers(list), Vec::new()), Err(refusal), "{list:?}");
        }
    }
}
