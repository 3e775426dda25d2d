//! The places of a request in which a credential may stand.

use http::HeaderMap;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};

use crate::refusal::Refusal;

/// The headers that hold a key as it is.
const KEY_HEADERS: &[&str] = &["x-api-key", "api-key", "x-goog-api-key", "xi-api-key"];
/// The schemes of `Authorization` that hold a key as it is. The second one is Deepgram's.
const SCHEMES: &[&str] = &["bearer", "token"];
/// The parameters that hold a key or a token.
const PARAMETERS: &[&str] = &[
    "key",
    "api_key",
    "api-key",
    "apikey",
    "x-api-key",
    "xi-api-key",
    "access_token",
    "single_use_token",
    "token",
    "authorization",
];
/// What stands before a key in a WebSocket's subprotocol, because a browser can set no header.
const IN_SUBPROTOCOL: &str = "openai-insecure-api-key.";

/// Returns whether a parameter of a query holds a credential.
pub(crate) fn is_parameter(name: &[u8]) -> bool {
    PARAMETERS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// Returns the credentials in a WebSocket's subprotocols, and the other ones.
///
/// A credential stands after a text, or after the name of a scheme: `token, KEY` is Deepgram's.
pub(crate) fn subprotocols(headers: &HeaderMap) -> (Vec<&str>, Vec<&str>) {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let mut names = values.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !name.is_empty());
    let (mut keys, mut others) = (Vec::new(), Vec::new());
    while let Some(name) = names.next() {
        if SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(name)) {
            keys.extend(names.next());
        } else if let Some(key) = name.strip_prefix(IN_SUBPROTOCOL) {
            keys.push(key);
        } else if !["api-key", "apikey", "bearer", "token", "authorization"]
            .iter()
            .any(|word| name.contains(word))
        {
            others.push(name);
        }
    }
    (keys, others)
}

/// Returns the token of a request, which stands where the provider's key would.
///
/// # Errors
/// If it has no token, or several that differ: a client that sends a real key beside the token should hear of it.
pub(crate) fn find(headers: &HeaderMap, in_query: Vec<Vec<u8>>) -> Result<Vec<u8>, Refusal> {
    let mut tokens = in_query;
    for value in headers.get_all(AUTHORIZATION) {
        let bytes = value.as_bytes();
        let end = bytes.iter().position(|byte| *byte == b' ').ok_or(Refusal::NoToken)?;
        let (scheme, token) = bytes.split_at(end);
        if !SCHEMES.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(scheme)) {
            return Err(Refusal::NoToken);
        }
        tokens.push(token.trim_ascii().to_vec());
    }
    for name in KEY_HEADERS {
        tokens.extend(headers.get_all(*name).iter().map(|value| value.as_bytes().to_vec()));
    }
    tokens.extend(subprotocols(headers).0.into_iter().map(|key| key.as_bytes().to_vec()));
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
            &[("xi-api-key", "made-up")],
            &[("authorization", "Token made-up")],
            &[("sec-websocket-protocol", "token, made-up")],
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
            (&[("authorization", "Bearer")], Refusal::NoToken),
            (&[("authorization", "Bearertoken")], Refusal::NoToken),
            (&[("x-api-key", "")], Refusal::NoToken),
            (&[("x-api-key", "one"), ("x-api-key", "two")], Refusal::SeveralTokens),
            (&[("x-api-key", "one"), ("authorization", "Bearer two")], Refusal::SeveralTokens),
        ] {
            assert_eq!(find(&headers(list), Vec::new()), Err(refusal), "{list:?}");
        }
    }

    #[test]
    fn subprotocols_that_hold_no_credential_are_left() {
        let list =
            [("sec-websocket-protocol", "realtime, Token, made-up"), ("sec-websocket-protocol", "Bearer")];
        assert_eq!(subprotocols(&headers(&list)), (vec!["made-up"], vec!["realtime"]));
    }
}
