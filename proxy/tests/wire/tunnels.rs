//! WebSockets.

use crate::provider::Act;
use crate::stand::{Stand, answer, limits, ok};
use crate::vault::{Inner, TOKEN, secret};

fn asked(stand: &Stand) -> String {
    let headers = format!(
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\
         Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{TOKEN}\r\n"
    );
    stand.head("GET /openai/v1/realtime?model=m-1", &headers)
}

#[tokio::test]
async fn a_websocket_passes_bytes_and_its_end() {
    let stand = Stand::new(|_| Act::Switch(b"first ".to_vec())).await;
    let mut client = stand.connect().await;
    client.write(asked(&stand)).await;
    let (status, head) = client.head().await;
    assert_eq!(status, 101, "{head}");
    assert_eq!(crate::client::header(&head, "sec-websocket-accept"), Some("made-up"));
    client.until("first ").await;
    // A tunnel has no lines.
    for text in ["\u{1}one", "\n\n", "\u{2}two\n"] {
        client.write(text).await;
        client.until(text).await;
    }
    let seen = stand.provider.last();
    assert_eq!(seen.header("authorization"), Some(&*format!("Bearer {}", secret("one"))));
    assert_eq!(seen.header("sec-websocket-protocol"), Some("realtime"));
    assert_eq!(seen.header("sec-websocket-extensions"), None);
    assert!(!seen.head.contains(TOKEN));
    drop(client);
    stand.gone().await;
    let record = stand.records(1).await.remove(0);
    assert_eq!(record.status, 101);
    assert_eq!(stand.vault.reports(), ["one ok"]);
}

/// As Deepgram's and OpenAI's clients in a browser send it.
#[tokio::test]
async fn a_token_in_a_subprotocol_is_not_passed_on() {
    let stand = Stand::new(|_| Act::Switch(b"first ".to_vec())).await;
    for offered in [format!("token, {TOKEN}"), format!("chat, Bearer, {TOKEN}")] {
        let request = asked(&stand).replace("/openai/v1/realtime?model=m-1", "/deepgram/v1/listen");
        let request = request.replace(&format!("realtime, openai-insecure-api-key.{TOKEN}"), &offered);
        let request = request.replace(&format!("x-api-key: {TOKEN}\r\n"), "");
        let mut client = stand.connect().await;
        client.write(request).await;
        assert_eq!(client.head().await.0, 101, "{offered}");
        let seen = stand.provider.last();
        assert_eq!(seen.header("authorization"), Some(&*format!("Token {}", secret("one"))));
        assert!(!seen.head.contains(TOKEN), "{}", seen.head);
    }
}

#[tokio::test]
async fn a_websocket_ends_before_the_secret() {
    let stand = Stand::new(|_| Act::Switch(format!("key {} end", secret("one")).into_bytes())).await;
    let mut client = stand.connect().await;
    client.write(asked(&stand)).await;
    client.until("\r\n\r\n").await;
    let rest = String::from_utf8(client.rest().await).unwrap();
    assert!(!rest.contains(&secret("one")[..17]), "{rest}");
    assert!(!stand.records(1).await[0].complete);
}

#[tokio::test]
async fn a_websocket_that_is_refused_hops_and_a_removed_access_ends_it() {
    let stand = Stand::with(Inner::default(), limits(), |seen| {
        if seen.profile() == "one" {
            Act::Reply(answer("429 Too Many", "", ""))
        } else {
            Act::Switch(Vec::new())
        }
    })
    .await;
    let mut client = stand.connect().await;
    client.write(asked(&stand)).await;
    assert_eq!(client.head().await.0, 101);
    assert_eq!(stand.provider.asked(), ["one", "two"]);
    stand.vault.ended.cancel();
    assert_eq!(client.rest().await, b"");
    stand.gone().await;
}

#[tokio::test]
async fn an_upstream_that_does_not_switch_is_answered_as_it_answers() {
    let stand = Stand::new(|_| ok()).await;
    let reply = stand.raw(asked(&stand)).await;
    assert_eq!((reply.status, &*reply.text()), (200, "{\"ok\":true}"));
    let stand = Stand::new(|_| Act::Switch(Vec::new())).await;
    let reply = stand.get("/openai/v1/models").await;
    assert_eq!(reply.status, 502, "{reply:?}");
}
