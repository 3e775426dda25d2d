//! The key reaches its origin alone, and what the origin answers does not bring it back.

use std::net::SocketAddr;
use std::sync::Arc;

use strongroom_proxy::{Addresses, Config, Origin, Placement, Resolver, Server, known, tls};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::provider::{Act, certificate};
use crate::stand::{Stand, answer, limits, ok};
use crate::vault::{Inner, TOKEN, Vault, secret};

#[tokio::test]
async fn the_key_stands_once_and_the_token_never_at_the_upstream() {
    let stand = Stand::new(|_| ok()).await;
    let headers = format!(
        "Connection: x-api-key, authorization\r\nAuthorization: Bearer {TOKEN}\r\napi-key: {TOKEN}\r\n\
         Cookie: a={TOKEN}\r\nProxy-Authorization: Basic made-up\r\nX-Goog-Api-Key: {TOKEN}\r\nAccept-Encoding: gzip\r\n"
    );
    let line = format!("GET /anthropic/v1/models?limit=2&key={TOKEN}&%6Bey={TOKEN}");
    assert_eq!(stand.raw(stand.head(&line, &headers)).await.status, 200);
    let head = stand.provider.last().head;
    assert!(head.starts_with("GET /v1/models?limit=2 HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains(TOKEN), "{head}");
    let mut lines: Vec<_> = head.lines().skip(1).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    lines.sort();
    let host = format!("host: localhost:{}", stand.provider.port);
    assert_eq!(lines, ["accept-encoding: identity", &host, &format!("x-api-key: {}", secret("one"))]);
}

#[tokio::test]
async fn each_provider_gets_the_key_in_its_place() {
    let stand = Stand::new(|_| ok()).await;
    for (path, header) in [
        ("/openai/v1/models", "authorization: Bearer "),
        ("/google/v1beta/models", "x-goog-api-key: "),
        ("/azure/openai/models", "api-key: "),
        ("/deepgram/v1/models", "authorization: Token "),
        ("/elevenlabs/v1/models", "xi-api-key: "),
        ("/opencode/zen/v1/models", "authorization: Bearer "),
        ("/groq/openai/v1/models", "authorization: Bearer "),
    ] {
        assert_eq!(stand.get(path).await.status, 200);
        let head = stand.provider.last().head;
        assert!(head.contains(&format!("\r\n{header}{}\r\n", secret("one"))), "{head}");
        assert_eq!(head.matches(&secret("one")).count(), 1);
    }
}

#[tokio::test]
async fn a_key_in_the_query_takes_the_place_of_the_token() {
    let inner = Inner { placement: Some(Placement::Query("key")), ..Inner::default() };
    let stand = Stand::with(inner, limits(), |_| ok()).await;
    let path = format!("/google/v1beta/models?key={TOKEN}&pageSize=2");
    let request = stand.head(&format!("GET {path}"), "").replace(&format!("x-api-key: {TOKEN}\r\n"), "");
    assert_eq!(stand.raw(request).await.status, 200);
    let head = stand.provider.last().head;
    assert!(
        head.starts_with(&format!("GET /v1beta/models?pageSize=2&key={} HTTP/1.1", secret("one"))),
        "{head}"
    );
    assert!(!head.contains(TOKEN), "{head}");
}

#[tokio::test]
async fn an_upstream_that_quotes_the_key_is_masked() {
    let key = secret("one");
    for headers in ["Content-Type: application/json\r\n", "Content-Type: text/event-stream\r\n"] {
        let headers = format!("{headers}X-Echo: Bearer {key}\r\n");
        let encoded: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
        let body = format!("data: {key} and {encoded}\n\n");
        let stand = Stand::new(move |_| Act::Reply(answer("200 OK", &headers, &body))).await;
        let reply = stand.get("/anthropic/v1/models").await;
        assert_eq!(reply.text(), "data: [masked:p:one] and [masked:p:one]\n\n");
        assert_eq!(reply.header("x-echo"), Some("Bearer [masked:p:one]"));
    }
    // In an error too, and in the phrase after the status.
    let key = secret("one");
    let status = format!("500 {key}");
    let stand = Stand::new(move |_| Act::Reply(answer(&status, "", &key))).await;
    let reply = stand.get("/anthropic/v1/models").await;
    assert_eq!(reply.text(), "[masked:p:one]");
    assert!(!reply.head.contains(&secret("one")), "{}", reply.head);
}

#[tokio::test]
async fn an_answer_in_pieces_that_spell_the_key_is_masked() {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let receiver = std::sync::Mutex::new(Some(receiver));
    let stand = Stand::new(move |_| Act::Stream(receiver.lock().unwrap().take().unwrap())).await;
    let key = secret("one");
    sender
        .send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", key.len() + 4).into_bytes())
        .unwrap();
    sender.send(b"a ".to_vec()).unwrap();
    for byte in key.bytes() {
        sender.send(vec![byte]).unwrap();
    }
    sender.send(b" z".to_vec()).unwrap();
    assert_eq!(stand.get("/anthropic/v1/models").await.text(), "a [masked:p:one] z");
}

#[tokio::test]
async fn an_answer_that_is_encoded_is_refused() {
    for coding in ["gzip", "br", "identity, gzip", "x"] {
        let headers = format!("Content-Encoding: {coding}\r\n");
        let stand = Stand::new(move |_| Act::Reply(answer("200 OK", &headers, "made-up"))).await;
        let reply = stand.get("/anthropic/v1/models").await;
        assert_eq!((reply.status, &*reply.code()), (502, "encoded"));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_not_passed_on() {
    for status in ["301 Moved", "303 See", "307 Elsewhere", "308 Moved", "304 Not"] {
        let stand =
            Stand::new(move |_| Act::Reply(answer(status, "Location: https://other.example.com/\r\n", "")))
                .await;
        let reply = stand.get("/anthropic/v1/models").await;
        assert_eq!((reply.status, &*reply.code()), (502, "redirect"));
        assert!(!reply.head.contains("other.example.com"));
    }
}

#[tokio::test]
async fn an_answer_keeps_nothing_that_a_browser_would_obey() {
    let stand = Stand::new(|_| {
        let headers = "Set-Cookie: a=b\r\nAlt-Svc: h3=\":443\"\r\nAccess-Control-Allow-Origin: *\r\n\
            Connection: x-hop\r\nX-Hop: 1\r\nRequest-Id: r-1\r\n";
        Act::Reply(answer("200 OK", headers, "{}"))
    })
    .await;
    let reply = stand.get("/anthropic/v1/models").await;
    for name in ["set-cookie", "alt-svc", "access-control-allow-origin", "x-hop"] {
        assert_eq!(reply.header(name), None, "{name}");
    }
    assert_eq!(reply.header("request-id"), Some("r-1"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("content-security-policy"), Some("default-src 'none'; sandbox"));
}

#[tokio::test]
async fn subscription_tokens_are_refused_with_the_reason() {
    let mut inner = Inner::default();
    let key = strongroom_proxy::Key::new("p:one", "sk-ant-oat01-made-up-0000".to_owned().into()).unwrap();
    inner.profiles[0].key = Arc::new(key);
    let stand = Stand::with(inner, limits(), |_| ok()).await;
    let reply = stand.post("{}").await;
    assert_eq!((reply.status, &*reply.code()), (403, "credential"));
    assert!(reply.text().contains("subscription"), "{}", reply.text());
    assert_eq!(stand.provider.asked(), [""; 0]);
}

/// A name server that answers what an attacker wants.
struct Fixed(Vec<SocketAddr>);

impl Resolver for Fixed {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Addresses<'a> {
        let addresses = self.0.clone();
        Box::pin(async move { Ok(addresses) })
    }
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    for (host, by_hand) in
        [("api.example.com", false), ("127.0.0.1", false), ("[::1]", false), ("localhost", true)]
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let inner = Inner::default();
        // Without TLS, even what was named by hand only reaches a loopback address.
        let origin = if by_hand {
            Origin::by_hand(&format!("http://{host}:{port}")).unwrap()
        } else {
            Origin::https(host, port).unwrap()
        };
        let address =
            if by_hand { "10.255.255.1:9".parse().unwrap() } else { listener.local_addr().unwrap() };
        *inner.origin.lock().unwrap() = origin;
        let server = Server::new(Config {
            credentials: Vault::new(inner),
            routes: known(),
            tls: tls([certificate().0.clone()]).unwrap(),
            resolver: Arc::new(Fixed(vec![address])),
            hosts: vec!["proxy.example.com:7000".into()],
            limits: limits(),
            log: Arc::new(|_| {}),
        });
        let own = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let at = own.local_addr().unwrap().port();
        tokio::spawn(async move { server.serve(own, CancellationToken::new()).await });
        let mut client = Client::connect(at).await;
        let host_header = "proxy.example.com:7000";
        client
            .write(format!(
                "GET /anthropic/v1/models HTTP/1.1\r\nHost: {host_header}\r\nx-api-key: {TOKEN}\r\n\r\n"
            ))
            .await;
        let reply = client.reply().await;
        assert_eq!((reply.status, &*reply.code()), (502, "address"), "{host}");
        let connected = tokio::select! {
            biased;
            _ = listener.accept() => true,
            () = std::future::ready(()) => false,
        };
        assert!(!connected, "{host}");
    }
}

#[tokio::test]
async fn the_log_holds_no_body_and_no_query() {
    let stand = Stand::new(|_| ok()).await;
    let headers = "Content-Length: 14\r\nX-Claude-Code-Session-Id: session-1\r\n";
    let request = stand.head("POST /anthropic/v1/messages?a=made-up-query", headers) + "{\"made-up\":12}";
    assert_eq!(stand.raw(request).await.status, 200);
    let record = stand.records(1).await.remove(0);
    let text = format!("{record:?}");
    for part in ["made-up", &secret("one"), TOKEN] {
        assert!(!text.contains(part), "{text}");
    }
    assert_eq!(record.access.as_deref(), Some("agent"));
    assert_eq!((record.provider.as_deref(), record.profile.as_deref()), (Some("anthropic"), Some("one")));
    assert_eq!(record.session.as_deref(), Some("session-1"));
    assert_eq!(*stand.vault.sessions.lock().unwrap(), [Some("session-1".to_owned())]);
    assert!(record.complete && record.until_answer <= record.until_end);
}
