//! What an attacker who speaks to the proxy does not get.

use strongroom_proxy::Record;

use crate::client::find;
use crate::stand::{Stand, ok};
use crate::vault::{OTHER_TOKEN, TOKEN, secret};

/// Asserts that a request is refused, and that nothing reached the upstream.
async fn refused(stand: &Stand, request: impl AsRef<[u8]>, status: u16) {
    let shown = String::from_utf8_lossy(request.as_ref()).into_owned();
    let reply = stand.raw(request).await;
    assert_eq!(reply.status, status, "{shown}\n{reply:?}");
    assert_eq!(stand.provider.asked(), [""; 0], "{shown}");
    for name in ["one", "two"] {
        assert_eq!(find(reply.text().as_bytes(), secret(name).as_bytes()), None);
    }
}

#[tokio::test]
async fn framing_with_two_readings_is_refused() {
    let stand = Stand::new(|_| ok()).await;
    for headers in [
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4, 5\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: 0x4\r\n",
        "Content-Length: -1\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "x-folded: a\r\n b\r\n",
        "x-nul: a\0b\r\n",
        "x-return: a\rb\r\n",
        "anthropic-version: a\r\r\nx-api-key: b\r\n",
    ] {
        refused(&stand, stand.head("POST /anthropic/v1/messages", headers) + "4\r\nabcd\r\n0\r\n\r\n", 400)
            .await;
    }
    let old = stand.head("POST /anthropic/v1/messages", "Transfer-Encoding: chunked\r\n");
    refused(&stand, old.replace("HTTP/1.1", "HTTP/1.0") + "0\r\n\r\n", 400).await;
}

/// What may be read as two requests is refused whole: the first one too.
#[tokio::test]
async fn what_hides_a_second_request_is_refused_and_so_is_what_follows_it() {
    let stand = Stand::new(|_| ok()).await;
    let hidden = "GET /v1/organizations/api_keys HTTP/1.1\r\nHost: api.anthropic.com\r\n\r\n";
    let cases = [
        ("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", "0\r\n\r\n"),
        ("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"),
        ("X: y\nContent-Length: 2\r\n", "{}"),
        ("Content-Length: 2\r\nX: y\n", "{}"),
    ];
    for (headers, body) in cases {
        let request = stand.head("POST /anthropic/v1/messages", headers) + body + hidden;
        // At once, and byte by byte, so that each byte comes in a piece of its own.
        for size in [request.len(), 1] {
            let mut client = stand.connect().await;
            for piece in request.as_bytes().chunks(size) {
                client.write(piece).await;
                tokio::task::yield_now().await;
            }
            let answer = String::from_utf8(client.rest().await).unwrap();
            assert!(
                answer.is_empty() && size == 1 || answer.starts_with("HTTP/1.1 400 "),
                "{headers} {answer}"
            );
            assert_eq!(answer.matches("HTTP/1.1 ").count(), usize::from(!answer.is_empty()), "{headers}");
        }
    }
    assert_eq!(stand.provider.asked(), [""; 0]);
    let records = stand.records(2 * cases.len()).await;
    let is_head =
        |record: &Record| (record.status, record.refusal) == (400, Some("head")) && record.sent == 0;
    assert!(records.iter().all(is_head), "{records:?}");
}

/// The same, on a connection on which a request was answered.
#[tokio::test]
async fn a_connection_that_was_used_is_read_as_strictly() {
    let stand = Stand::new(|_| ok()).await;
    for (headers, body) in [
        ("Content-Length: 12\r\n", "a\nb\r\n\r\nc\n\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", "3\r\na\nb\r\n1;x=y\r\n\n\r\n0\r\nx: y\r\n\r\n"),
    ] {
        let mut client = stand.connect().await;
        let good = stand.head("POST /anthropic/v1/messages", headers) + body;
        for _ in 0..3 {
            client.write(&good).await;
            assert_eq!(client.reply().await.status, 200, "{headers}");
        }
        let bad = "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n";
        client.write(good + &stand.head("POST /anthropic/v1/messages", bad) + "0\r\n\r\n").await;
        assert_eq!(client.reply().await.status, 200, "{headers}");
        assert_eq!(client.reply().await.status, 400, "{headers}");
        assert_eq!(client.rest().await, b"");
    }
    assert_eq!(stand.provider.asked().len(), 8);
}

#[tokio::test]
async fn a_line_feed_alone_in_trailers_is_refused() {
    let stand = Stand::new(|_| ok()).await;
    let head = stand.head("POST /anthropic/v1/messages", "Transfer-Encoding: chunked\r\n");
    let reply = stand.raw(head + "2\r\n{}\r\n0\r\nx: y\nz: a\r\n\r\n").await;
    assert_eq!((reply.status, &*reply.code()), (400, "body"));
    assert_eq!(stand.vault.reports(), [""; 0]);
}

/// What is no request is in the log, once, with the status that it was answered with.
#[tokio::test]
async fn what_is_no_request_is_logged() {
    let stand = Stand::new(|_| ok()).await;
    let large = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(80 * 1024));
    for (count, (text, status)) in [
        ("GET\r\n\r\n", 400),
        (&large, 431),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0),
        ("\x16\x03\x01\x02\n", 400),
    ]
    .into_iter()
    .enumerate()
    {
        let mut client = stand.connect().await;
        client.write(text).await;
        client.rest().await;
        let record = stand.records(count + 1).await.pop().unwrap();
        assert_eq!((record.status, record.refusal), (status, Some("head")), "{text:.40}");
        assert_eq!((record.access, record.sent), (None, 0));
    }
}

#[tokio::test]
async fn targets_that_are_no_plain_paths_are_refused() {
    let stand = Stand::new(|_| ok()).await;
    for target in [
        "/anthropic/v1/../v1/messages",
        "/anthropic/v1/%2e%2e/v1/messages",
        "/anthropic/v1%2fmessages",
        "/anthropic/v1%5cmessages",
        "/anthropic//v1/messages",
        "/anthropic/v1/messages/",
        "/anthropic/v1/messages%0d%0ax-api-key:%20y",
        "http://api.anthropic.com/anthropic/v1/messages",
        "https://other.example.com/v1/messages",
        "*",
    ] {
        refused(&stand, stand.head(&format!("POST {target}"), "Content-Length: 0\r\n"), 400).await;
    }
}

#[tokio::test]
async fn methods_and_upgrades_that_no_client_needs_are_refused() {
    let stand = Stand::new(|_| ok()).await;
    refused(&stand, stand.head("TRACE /anthropic/v1/messages", ""), 405).await;
    refused(&stand, stand.head("CONNECT api.anthropic.com:443", ""), 405).await;
    refused(&stand, stand.head("DELETE /anthropic/v1/messages", ""), 403).await;
    let h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
    refused(&stand, stand.head("GET /anthropic/v1/models", h2c), 400).await;
    let socket = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    refused(&stand, stand.head("GET /anthropic/v1/models", socket), 400).await;
    refused(&stand, stand.head("GET /openai/v1/realtime", ""), 400).await;
    let mut client = stand.connect().await;
    client.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4") || answer.starts_with(b"HTTP/1.1 505"));
    assert_eq!(stand.provider.asked(), [""; 0]);
}

#[tokio::test]
async fn what_mints_keys_and_what_is_stored_is_closed() {
    let stand = Stand::new(|_| ok()).await;
    for line in [
        "POST /anthropic/v1/organizations/api_keys",
        "POST /openai/v1/organization/admin_api_keys",
        "POST /openai/v1/realtime/client_secrets",
        "POST /openrouter/api/v1/keys",
        "GET /openai/v1/files/f-1/content",
        "POST /deepgram/v1/auth/grant",
        "POST /deepgram/v1/projects/p/keys",
        "POST /elevenlabs/v1/single-use-token/realtime_scribe",
        "GET /elevenlabs/v1/voices",
    ] {
        refused(&stand, stand.head(line, "Content-Length: 0\r\n"), 403).await;
    }
}

#[tokio::test]
async fn pages_and_other_names_are_refused() {
    let stand = Stand::new(|_| ok()).await;
    let request = stand.head("GET /anthropic/v1/models", "");
    let own = format!("127.0.0.1:{}", stand.port);
    refused(&stand, request.replace(&own, "other.example.com"), 421).await;
    refused(&stand, request.replace(&own, "127.0.0.1"), 421).await;
    refused(&stand, request.replace(&format!("Host: {own}\r\n"), ""), 421).await;
    refused(&stand, request.replace("\r\n\r\n", &format!("\r\nHost: {own}\r\n\r\n")), 421).await;
    refused(&stand, stand.head("GET /anthropic/v1/models", "Origin: https://other.example.com\r\n"), 403)
        .await;
    refused(&stand, stand.head("GET /anthropic/v1/models", "Origin: null\r\n"), 403).await;
}

#[tokio::test]
async fn tokens_of_others_are_refused_and_tell_nothing() {
    let stand = Stand::new(|_| ok()).await;
    let request = stand.head("GET /anthropic/v1/models", "");
    refused(&stand, request.replace(TOKEN, "made-up-token-that-is-unknown"), 401).await;
    refused(&stand, request.replace(TOKEN, OTHER_TOKEN), 403).await;
    refused(&stand, request.replace(&format!("x-api-key: {TOKEN}\r\n"), ""), 401).await;
    refused(&stand, stand.head("GET /anthropic/v1/models", "Authorization: Bearer another\r\n"), 401).await;
    // Without a token that is known, a path that is open and one that is not look the same.
    for path in ["/anthropic/v1/models", "/anthropic/v1/none", "/none/v1"] {
        let request = stand.head(&format!("GET {path}"), "").replace(TOKEN, "made-up-token-that-is-unknown");
        assert_eq!(stand.raw(request).await.code(), "unknown_token");
    }
    let records = stand.records(7).await;
    assert!(records.iter().all(|record| record.sent == 0 && record.profile.is_none()));
}
