//! Which headers pass, in both directions.

use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue,
    SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{Method, Request, Uri};
use std::net::IpAddr;

use crate::key::Key;
use crate::refusal::Refusal;
use crate::routes::{Route, is_like};
use crate::token;

/// The headers of requests that pass to each provider. Everything else is listed by the provider, or does not pass:
/// so do cookies, what hops, and each header in which a credential may stand.
const REQUEST: &[&str] = &[
    "accept",
    "accept-language",
    "content-language",
    "content-type",
    "idempotency-key",
    "user-agent",
    "x-request-id",
    "x-stainless-*",
];

/// The headers of answers that do not pass.
const NOT_IN_ANSWERS: &[&str] = &[
    "access-control-*",
    "alt-svc",
    "clear-site-data",
    "connection",
    "content-security-policy*",
    "cross-origin-*",
    "keep-alive",
    "link",
    "nel",
    "permissions-policy",
    "proxy-*",
    "public-key-pins*",
    "refresh",
    "report-to",
    "reporting-endpoints",
    "service-worker-allowed",
    "set-cookie*",
    "sourcemap",
    "strict-transport-security",
    "te",
    "timing-allow-origin",
    "transfer-encoding",
    "upgrade",
    "x-content-type-options",
    "x-frame-options",
];

/// The names that a request may give this proxy.
#[derive(Clone, Debug)]
pub(crate) enum Hosts {
    /// Loopback names with this port, and these names.
    Tcp(u16, Vec<String>),
    /// Any: no web page can reach a Unix socket.
    Any,
}

impl Hosts {
    fn has(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Tcp(port, more) => {
                let is_loopback = |name: &str| {
                    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
                    name.eq_ignore_ascii_case("localhost")
                        || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
                };
                let parts = host.rsplit_once(':');
                parts.is_some_and(|(name, given)| given == port.to_string() && is_loopback(name))
                    || more.iter().any(|name| name.eq_ignore_ascii_case(host))
            }
        }
    }
}

/// Refuses requests that no client of a provider makes. Returns whether it asks for a WebSocket.
pub(crate) fn admit<B>(request: &Request<B>, hosts: &Hosts) -> Result<bool, Refusal> {
    let headers = request.headers();
    if [Method::CONNECT, Method::TRACE].contains(request.method()) {
        return Err(Refusal::Method);
    }
    let mut named = headers.get_all(HOST).iter();
    let host = named.next().and_then(|host| host.to_str().ok()).ok_or(Refusal::Host)?;
    if named.next().is_some() || !hosts.has(host) {
        return Err(Refusal::Host);
    }
    if headers.contains_key("origin") || headers.contains_key("sec-fetch-site") {
        return Err(Refusal::Origin);
    }
    // Nothing but `chunked` is an encoding that is read here.
    let mut encodings = headers.get_all("transfer-encoding").iter();
    if encodings.next().is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        || encodings.next().is_some()
    {
        return Err(Refusal::Framing);
    }
    let Some(upgrade) = headers.get(UPGRADE) else { return Ok(false) };
    let is_socket = upgrade.as_bytes().eq_ignore_ascii_case(b"websocket")
        && headers.get_all(UPGRADE).iter().count() == 1
        && names_of(headers, &CONNECTION).any(|name| name.eq_ignore_ascii_case("upgrade"))
        && request.method() == Method::GET;
    if is_socket { Ok(true) } else { Err(Refusal::Upgrade) }
}

/// Returns the headers that are sent to the upstream, without the credential.
pub(crate) fn request_headers(from: &HeaderMap, route: &Route, is_socket: bool) -> HeaderMap {
    let named: Vec<&str> = names_of(from, &CONNECTION).collect();
    let mut headers = HeaderMap::with_capacity(from.len() + 4);
    for (name, value) in from {
        let passes =
            REQUEST.iter().any(|pattern| is_like(pattern, name.as_str())) || route.passes(name.as_str());
        if passes && !named.iter().any(|hop| hop.eq_ignore_ascii_case(name.as_str())) {
            headers.append(name.clone(), value.clone());
        }
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if is_socket {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        // Without extensions, so that frames are not compressed and a secret in them is seen.
        for name in ["sec-websocket-key", "sec-websocket-version"] {
            if let Some(value) = from.get(name) {
                headers.insert(HeaderName::from_static(name), value.clone());
            }
        }
        let offered = token::subprotocols(from).1.join(", ");
        if let Some(value) = HeaderValue::from_str(&offered).ok().filter(|value| !value.is_empty()) {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, value);
        }
    }
    headers
}

/// Returns the headers that the client gets. The secret in them is masked.
///
/// The length does not pass, because masking changes it, except with `keeps_length`.
pub(crate) fn answer_headers(from: &HeaderMap, key: &Key, keeps_length: bool) -> HeaderMap {
    let named: Vec<&str> = names_of(from, &CONNECTION).collect();
    let mut headers = HeaderMap::with_capacity(from.len() + 2);
    let mut masker = key.masker();
    let mut shown = Vec::new();
    for (name, value) in from {
        let is_dropped = NOT_IN_ANSWERS.iter().any(|pattern| is_like(pattern, name.as_str()))
            || named.iter().any(|hop| hop.eq_ignore_ascii_case(name.as_str()))
            || (name == CONTENT_LENGTH && !keeps_length)
            || key.is_in_name(name.as_str());
        if is_dropped {
            continue;
        }
        shown.clear();
        masker.push(value.as_bytes(), &mut shown);
        if masker.held() > 0 {
            masker.finish(&mut shown);
        }
        // Nearly always it is the same, and shares its memory.
        if shown == value.as_bytes() {
            headers.append(name, value.clone());
        } else if let Ok(value) = HeaderValue::from_bytes(&shown) {
            headers.append(name, value);
        }
    }
    harden(&mut headers);
    headers
}

/// Returns the trailers that the client gets.
pub(crate) fn answer_trailers(from: &HeaderMap, key: &Key) -> HeaderMap {
    let mut trailers = answer_headers(from, key, false);
    for name in
        ["content-security-policy", "x-content-type-options", "content-type", "content-encoding", "host"]
    {
        trailers.remove(name);
    }
    trailers
}

/// Sets what keeps a browser from running an answer as a page.
pub(crate) fn harden(headers: &mut HeaderMap) {
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("content-security-policy", HeaderValue::from_static("default-src 'none'; sandbox"));
}

/// Returns a target at an origin, with parameters added to its query.
pub(crate) fn uri(origin: &str, path: &str, query: &str, added: &str) -> Option<Uri> {
    let mut text = format!("{origin}{path}");
    for (index, part) in [query, added].into_iter().filter(|part| !part.is_empty()).enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(part);
    }
    text.parse().ok()
}

/// Returns the items of a header that holds a list.
fn names_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
#[path = "hygiene_tests.rs"]
mod tests;
