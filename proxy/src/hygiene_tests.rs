use http::StatusCode;

use super::*;
use crate::routes::known;

fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

fn admitted(method: Method, list: &[(&'static str, &str)]) -> Result<bool, Refusal> {
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.headers_mut() = headers(list);
    admit(&request, &Hosts::Tcp(7000, Vec::new()))
}

#[test]
fn only_this_proxy_may_be_named() {
    for host in ["127.0.0.1:7000", "localhost:7000", "LocalHost:7000", "[::1]:7000"] {
        assert_eq!(admitted(Method::GET, &[("host", host)]), Ok(false), "{host}");
    }
    for host in
        ["example.com:7000", "127.0.0.1", "127.0.0.1:7001", "localhost.example.com:7000", "127.0.0.1:07000"]
    {
        assert_eq!(admitted(Method::GET, &[("host", host)]), Err(Refusal::Host), "{host}");
    }
    assert_eq!(admitted(Method::GET, &[]), Err(Refusal::Host));
    let twice = [("host", "localhost:7000"), ("host", "localhost:7000")];
    assert_eq!(admitted(Method::GET, &twice), Err(Refusal::Host));
}

#[test]
fn tunnels_traces_pages_and_upgrades_are_refused() {
    let host = ("host", "localhost:7000");
    assert_eq!(admitted(Method::TRACE, &[host]), Err(Refusal::Method));
    assert_eq!(admitted(Method::CONNECT, &[host]), Err(Refusal::Method));
    assert_eq!(admitted(Method::POST, &[host, ("origin", "null")]), Err(Refusal::Origin));
    assert_eq!(
        admitted(Method::POST, &[host, ("transfer-encoding", "gzip, chunked")]),
        Err(Refusal::Framing)
    );
    let h2c = [host, ("connection", "upgrade"), ("upgrade", "h2c")];
    assert_eq!(admitted(Method::GET, &h2c), Err(Refusal::Upgrade));
    let socket = [host, ("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")];
    assert_eq!(admitted(Method::GET, &socket), Ok(true));
    assert_eq!(admitted(Method::POST, &socket), Err(Refusal::Upgrade));
}

#[test]
fn only_listed_headers_reach_the_upstream() {
    let from = headers(&[
        ("host", "localhost"),
        ("connection", "x-stainless-os, close"),
        ("authorization", "Bearer made-up"),
        ("x-api-key", "made-up"),
        ("api-key", "made-up"),
        ("x-goog-api-key", "made-up"),
        ("cookie", "a=b"),
        ("proxy-authorization", "Basic made-up"),
        ("x-forwarded-for", "10.0.0.1"),
        ("accept-encoding", "gzip"),
        ("te", "trailers"),
        ("expect", "100-continue"),
        ("content-length", "3"),
        ("content-type", "application/json"),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "a"),
        ("anthropic-beta", "b"),
        ("x-stainless-os", "Linux"),
        ("x-stainless-lang", "js"),
    ]);
    let route = known().into_iter().find(|route| &*route.name == "anthropic").unwrap();
    let passed = request_headers(&from, &route, false);
    let passed: Vec<_> =
        passed.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    assert_eq!(
        passed,
        [
            "content-type: application/json",
            "anthropic-version: 2023-06-01",
            "anthropic-beta: a",
            "anthropic-beta: b",
            "x-stainless-lang: js",
            "accept-encoding: identity",
        ]
    );
}

#[test]
fn a_websocket_is_asked_for_without_extensions_and_keys() {
    let from = headers(&[
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ("sec-websocket-version", "13"),
        ("sec-websocket-extensions", "permessage-deflate"),
        ("sec-websocket-protocol", "realtime, openai-insecure-api-key.made-up"),
    ]);
    let route = known().into_iter().find(|route| &*route.name == "openai").unwrap();
    let passed = request_headers(&from, &route, true);
    assert_eq!(passed.get("sec-websocket-protocol").unwrap(), "realtime");
    assert!(!passed.contains_key("sec-websocket-extensions"));
    assert_eq!(passed.get("connection").unwrap(), "upgrade");
}

#[test]
fn answers_come_without_what_a_browser_would_obey_and_without_the_secret() {
    let key = Key::new("p:one", "made-up-key-1".into()).unwrap();
    let from = headers(&[
        ("content-type", "application/json"),
        ("content-length", "12"),
        ("set-cookie", "a=b"),
        ("alt-svc", "h3=\":443\""),
        ("access-control-allow-origin", "*"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("retry-after", "3"),
        ("x-echo", "Bearer made-up-key-1"),
    ]);
    let passed = answer_headers(&from, &key, false);
    let passed: Vec<_> =
        passed.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    assert_eq!(
        passed,
        [
            "content-type: application/json",
            "retry-after: 3",
            "x-echo: Bearer [masked:p:one]",
            "x-content-type-options: nosniff",
            "content-security-policy: default-src 'none'; sandbox",
        ]
    );
}

#[test]
fn a_refusal_says_when_to_ask_again() {
    let wait = std::time::Duration::from_millis(1500);
    let response = Refusal::Rate(wait).response();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "2");
}

#[test]
fn a_header_whose_name_quotes_the_secret_does_not_pass() {
    let key = Key::new("p", "sk-Made-Up-Key-1".to_owned().into()).unwrap();
    let mut headers = HeaderMap::new();
    for name in ["sk-made-up-key-1", "x-sk-made-up-key-1-y", "x-other"] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static("1"));
    }
    let shown = answer_headers(&headers, &key, false);
    let passed =
        shown.keys().map(HeaderName::as_str).filter(|name| name.contains("made") || *name == "x-other");
    assert_eq!(passed.collect::<Vec<_>>(), ["x-other"]);
}

#[test]
fn each_loopback_address_is_a_name_of_this_proxy() {
    let hosts = Hosts::Tcp(7787, vec!["own.example:1".to_owned()]);
    for host in ["127.0.0.1:7787", "127.0.0.2:7787", "[::1]:7787", "LocalHost:7787", "own.example:1"] {
        assert!(hosts.has(host), "{host}");
    }
    for host in ["127.0.0.1", "127.0.0.1:1", "192.0.2.1:7787", "[::]:7787", "127.0.0.1.example:7787"] {
        assert!(!hosts.has(host), "{host}");
    }
}
