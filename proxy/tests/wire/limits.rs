//! Slow and greedy clients.

use std::time::Duration;

use strongroom_proxy::Limits;
use tokio::io::AsyncReadExt;

use crate::client::Client;
use crate::provider::Act;
use crate::stand::{Stand, answer, limits, ok};
use crate::vault::Inner;

const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let stand = Stand::new(|_| ok()).await;
    let large = format!("x-large: {}\r\n", "a".repeat(80 * 1024));
    let many = "x-many: a\r\n".repeat(120);
    for headers in [large, many] {
        let reply = stand.raw(stand.head("GET /anthropic/v1/models", &headers)).await;
        assert_eq!(reply.status, 431);
    }
    let long = format!("GET /anthropic/v1/models?a={}", "a".repeat(65 * 1024));
    let status = stand.raw(stand.head(&long, "")).await.status;
    assert!([414, 431].contains(&status), "{status}");
    assert_eq!(stand.provider.asked(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_send_no_request_do_not_keep_others_out() {
    let limits = Limits { head_time: SHORT, connections: 16, ..limits() };
    let stand = Stand::with(Inner::default(), limits, |_| ok()).await;
    let mut open = Vec::new();
    for number in 0..100 {
        let mut client = Client::connect(stand.port).await;
        if number % 2 == 0 {
            client.write("GET /anthropic/v1/models HTTP/1.1\r\nHost: 127").await;
        }
        open.push(client);
    }
    assert_eq!(stand.get("/anthropic/v1/models").await.status, 200);
    for mut client in open {
        client.rest().await;
    }
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_given_up() {
    let limits = Limits { head_time: SHORT, ..limits() };
    let stand = Stand::with(Inner::default(), limits, |_| ok()).await;
    let mut client = stand.connect().await;
    client.write("GET /anthropic/v1/models HTTP/1.1\r\nx: ").await;
    let mut answer = Vec::new();
    // A byte whenever nothing came for a time, which is less than the head has.
    while tokio::time::timeout(SHORT / 10, client.stream.read_to_end(&mut answer)).await.is_err() {
        client.write("a").await;
    }
    assert_eq!(answer, b"");
    assert_eq!(stand.provider.asked(), [""; 0]);
}

#[tokio::test]
async fn an_upstream_whose_head_is_too_large_is_not_passed_on() {
    for headers in [format!("x-large: {}\r\n", "a".repeat(200 * 1024)), "x-many: a\r\n".repeat(200)] {
        let stand = Stand::new(move |_| Act::Reply(answer("200 OK", &headers, "{}"))).await;
        let reply = stand.get("/anthropic/v1/models").await;
        assert_eq!((reply.status, &*reply.code()), (502, "answer"));
        assert_eq!(stand.vault.reports(), [""; 0]);
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let limits = Limits { idle: SHORT, ..limits() };
    let stand = Stand::with(Inner::default(), limits, |_| ok()).await;
    let reply = stand.raw(stand.head("POST /anthropic/v1/messages", "Content-Length: 10\r\n") + "half").await;
    assert_eq!((reply.status, &*reply.code()), (400, "body"));
    assert_eq!(stand.vault.reports(), [""; 0]);
}

#[tokio::test]
async fn a_body_that_is_not_framed_as_it_says_is_refused() {
    let stand = Stand::new(|_| ok()).await;
    for body in ["zz\r\n", "4\r\nabcde\r\n", "-1\r\n\r\n", "ffffffffffffffffff\r\n"] {
        let head = stand.head("POST /anthropic/v1/messages", "Transfer-Encoding: chunked\r\n");
        let reply = stand.raw(head + body).await;
        assert_eq!(reply.status, 400, "{body}");
    }
    assert_eq!(stand.vault.reports(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_nothing_is_given_up() {
    let limits = Limits { idle: 10 * SHORT, ..limits() };
    let large = "x".repeat(32 << 20);
    let stand =
        Stand::with(Inner::default(), limits, move |_| Act::Reply(answer("200 OK", "", &large))).await;
    let mut client = stand.connect().await;
    client.write(stand.head("GET /anthropic/v1/models", "")).await;
    client.until("\r\n\r\n").await;
    let record = stand.records(1).await.remove(0);
    assert_eq!((record.status, record.complete), (200, false));
}

#[tokio::test]
async fn requests_of_an_access_at_once_are_limited() {
    let inner = Inner { at_once: 1, ..Inner::default() };
    let stand =
        Stand::with(inner, limits(), |seen| if seen.body.is_empty() { Act::Hang } else { ok() }).await;
    let mut first = stand.connect().await;
    first.write(stand.posted("")).await;
    while stand.provider.seen.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let reply = stand.get("/anthropic/v1/models").await;
    assert_eq!((reply.status, &*reply.code(), reply.header("retry-after")), (429, "at_once", Some("1")));
    drop(first);
    stand.records(2).await;
    let mut third = stand.connect().await;
    third.write(stand.posted("")).await;
    while stand.provider.seen.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
}
