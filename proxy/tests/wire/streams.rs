//! Bytes pass as they come, in both directions, and their end is passed on.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use strongroom_proxy::Limits;
use tokio::io::AsyncWriteExt;
use tokio::sync::Barrier;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::client::PATIENCE;
use crate::provider::{Act, Seen};
use crate::stand::{Stand, answer, limits, ok};
use crate::vault::{Inner, OTHER_TOKEN, TOKEN, secret};

const EVENTS: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Returns what answers the first request with the pieces that are sent.
fn pieces() -> (UnboundedSender<Vec<u8>>, impl Fn(&Seen) -> Act + Send + Sync) {
    let (sender, receiver) = unbounded_channel();
    let receiver: Mutex<Option<UnboundedReceiver<Vec<u8>>>> = Mutex::new(Some(receiver));
    (sender, move |_: &Seen| Act::Stream(receiver.lock().unwrap().take().unwrap()))
}

fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

#[tokio::test]
async fn an_event_passes_before_the_next_one_is_sent() {
    for first in [
        "event: message_start\ndata: {}\n\n",
        ": a comment\n\n",
        "data: {\"id\":\"1\"}\n\n",
        "event: ping\ndata: {}\n\n",
    ] {
        let (upstream, script) = pieces();
        let stand = Stand::new(script).await;
        let mut client = stand.connect().await;
        client.write(stand.posted("{}")).await;
        upstream.send(EVENTS.into()).unwrap();
        upstream.send(chunk(first)).unwrap();
        // The second one is sent only after the client has read the first one.
        client.until(first.trim_end_matches('\n')).await;
        for number in 0..3 {
            upstream.send(chunk(&format!("data: {number}\n\n"))).unwrap();
            client.until(&format!("data: {number}\n\n")).await;
        }
        upstream.send(b"0\r\n\r\n".to_vec()).unwrap();
        client.until("0\r\n\r\n").await;
        assert!(stand.records(1).await[0].complete);
    }
}

/// Also one that ends as the secret begins, which waits 10 ms if it does not end an event. Of several times, the median.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_not_held_back() {
    let (upstream, script) = pieces();
    let stand = Stand::new(script).await;
    let mut client = stand.connect().await;
    client.write(stand.posted("{}")).await;
    upstream.send([EVENTS.as_bytes(), &chunk("event: message_start\n\n")].concat()).unwrap();
    client.until("message_start\n\n").await;
    let key = secret("one");
    for text in ["text", &key[..6]] {
        let mut times = Vec::new();
        for number in 0..51 {
            let event = format!("data: {number} {text}\n\n");
            let sent = Instant::now();
            upstream.send(chunk(&event)).unwrap();
            client.until(&event).await;
            times.push(sent.elapsed());
        }
        times.sort();
        println!("an event took {:?} (median), {:?} (most), with TLS", times[25], times[50]);
        assert!(times[25] < Duration::from_millis(5), "{times:?}");
    }
}

#[tokio::test]
async fn an_upload_passes_as_it_comes() {
    let (tap, mut came) = unbounded_channel();
    let stand = Stand::new(move |_| Act::Tap(tap.clone(), answer("200 OK", "", "{}"))).await;
    let mut client = stand.connect().await;
    client.write(stand.head("POST /anthropic/v1/messages", "Transfer-Encoding: chunked\r\n")).await;
    for piece in ["one ", "two ", "three"] {
        client.write(chunk(piece)).await;
        let mut got = Vec::new();
        while got.len() < piece.len() {
            got.extend(tokio::time::timeout(PATIENCE, came.recv()).await.unwrap().unwrap());
        }
        assert_eq!(got, piece.as_bytes());
    }
    client.write("0\r\n\r\n").await;
    assert_eq!(client.reply().await.status, 200);
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_continue_if_it_may() {
    let stand = Stand::new(|_| ok()).await;
    let head = stand.head("POST /anthropic/v1/messages", "Expect: 100-continue\r\nContent-Length: 2\r\n");
    let mut client = stand.connect().await;
    client.write(&head).await;
    assert_eq!(client.head().await.0, 100);
    client.write("{}").await;
    assert_eq!(client.reply().await.status, 200);
    let seen = stand.provider.last();
    assert_eq!((seen.header("expect"), &seen.body[..]), (None, &b"{}"[..]));
    let mut client = stand.connect().await;
    client.write(head.replace(TOKEN, "made-up-token-that-is-unknown")).await;
    assert_eq!(client.head().await.0, 401);
}

#[tokio::test]
async fn trailers_pass_and_the_secret_in_them_is_masked() {
    let key = secret("one");
    let stand = Stand::new(move |_| {
        let head = "HTTP/1.1 200 OK\r\nTrailer: x-checksum\r\nTransfer-Encoding: chunked\r\n\r\n";
        let end = format!("0\r\nx-checksum: 7 {key}\r\n\r\n");
        Act::Reply(format!("{head}2\r\n{{}}\r\n{end}").into_bytes())
    })
    .await;
    let mut client = stand.connect().await;
    client.write(stand.head("GET /anthropic/v1/models", "TE: trailers\r\nConnection: TE, close\r\n")).await;
    let answer = String::from_utf8(client.rest().await).unwrap();
    assert!(answer.ends_with("2\r\n{}\r\n0\r\nx-checksum: 7 [masked:p:one]\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_the_request() {
    let stand = Stand::new(|_| Act::Hang).await;
    let mut client = stand.connect().await;
    client.write(stand.posted("{}")).await;
    while stand.provider.seen.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(client);
    stand.gone().await;
    let record = stand.records(1).await.remove(0);
    assert_eq!((record.status, record.complete), (0, false));
    assert_eq!(stand.vault.reports(), [""; 0]);
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_cancels_the_stream() {
    let (upstream, script) = pieces();
    let stand = Stand::new(script).await;
    let mut client = stand.connect().await;
    client.write(stand.posted("{}")).await;
    upstream.send(EVENTS.into()).unwrap();
    upstream.send(chunk("event: message_start\n\n")).unwrap();
    client.until("message_start").await;
    drop(client);
    stand.gone().await;
    let record = stand.records(1).await.remove(0);
    assert_eq!((record.status, record.complete), (200, false));
}

/// What a client no longer waits for is not computed on. Of several times, the median, because the machine has other work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_upstream_hears_within_50_ms_that_a_client_went_away() {
    for begins in [false, true] {
        let event = "event: message_start\ndata: {}\n\n";
        let begun = [EVENTS.as_bytes(), &chunk(event)].concat();
        let stand = Stand::new(move |_| if begins { Act::Begin(begun.clone()) } else { Act::Hang }).await;
        let mut times = Vec::new();
        for number in 1..=21 {
            let mut client = stand.connect().await;
            client.write(stand.posted("{}")).await;
            if begins {
                client.until("message_start").await;
            }
            while stand.provider.seen.lock().unwrap().len() < number {
                tokio::task::yield_now().await;
            }
            let left = Instant::now();
            drop(client);
            stand.gone().await;
            times.push(left.elapsed());
        }
        times.sort();
        println!("cancelled after {:?} (median), {:?} (most)", times[10], times[20]);
        assert!(times[10] < Duration::from_millis(50), "{times:?}");
    }
}

#[tokio::test]
async fn an_access_that_is_removed_ends_its_streams() {
    let (upstream, script) = pieces();
    let stand = Stand::new(script).await;
    let mut client = stand.connect().await;
    client.write(stand.posted("{}")).await;
    upstream.send(EVENTS.into()).unwrap();
    upstream.send(chunk("event: message_start\n\n")).unwrap();
    client.until("message_start").await;
    stand.vault.ended.cancel();
    let rest = client.rest().await;
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{}", String::from_utf8_lossy(&rest));
    stand.gone().await;
}

#[tokio::test]
async fn an_upstream_that_falls_silent_is_given_up() {
    let (upstream, script) = pieces();
    let limits = Limits { idle: Duration::from_secs(2), ..limits() };
    let stand = Stand::with(Inner::default(), limits, script).await;
    let mut client = stand.connect().await;
    client.write(stand.posted("{}")).await;
    upstream.send(EVENTS.into()).unwrap();
    upstream.send(chunk("event: message_start\n\n")).unwrap();
    client.until("message_start").await;
    let rest = client.rest().await;
    assert!(!rest.ends_with(b"0\r\n\r\n"));
    stand.gone().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_megabytes_pass_in_both_directions() {
    let large: String = (0..20_000_000 / 16).map(|number| format!("{number:015} ")).collect();
    let reply = large.clone();
    let stand = Stand::new(move |_| Act::Reply(answer("200 OK", "", &reply))).await;
    let got = stand.post(&large).await;
    assert!(got.body == large.as_bytes(), "{} bytes", got.body.len());
    assert!(stand.provider.last().body == large.as_bytes());
    assert!(got.complete);
}

#[tokio::test]
async fn connections_are_shared_within_an_access_alone() {
    let stand = Stand::new(|_| ok()).await;
    let connections = || stand.provider.connections.load(Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(stand.get("/openai/v1/models").await.status, 200);
        stand.records(1).await;
    }
    assert_eq!(connections(), 1);
    let other = stand.head("GET /openai/v1/models", "").replace(TOKEN, OTHER_TOKEN);
    assert_eq!(stand.raw(other).await.status, 200);
    assert_eq!(connections(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_connections_are_used_again_by_the_next_hundred_requests() {
    let together = Arc::new(Barrier::new(100));
    let stand = Stand::new(move |_| Act::Together(Arc::clone(&together), answer("200 OK", "", "{}"))).await;
    let stand = Arc::new(stand);
    for round in 1..=3 {
        let mut clients = JoinSet::new();
        for _ in 0..100 {
            let stand = Arc::clone(&stand);
            clients.spawn(async move { stand.get("/anthropic/v1/models").await.status });
        }
        while let Some(status) = clients.join_next().await {
            assert_eq!(status.unwrap(), 200);
        }
        stand.records(100 * round).await;
        let connections = stand.provider.connections.load(Ordering::SeqCst);
        println!("{connections} connections after {round} rounds");
        assert!((100..=110).contains(&connections), "{connections}");
    }
}

#[tokio::test]
async fn a_head_has_no_body_and_keeps_its_length() {
    let stand = Stand::new(|_| Act::Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n".to_vec())).await;
    let mut client = stand.connect().await;
    client.write(stand.head("HEAD /anthropic/api/hello", "")).await;
    let (status, head) = client.head().await;
    assert_eq!((status, crate::client::header(&head, "content-length")), (200, Some("7")));
    client.write(stand.head("HEAD /anthropic/api/hello", "Connection: close\r\n")).await;
    assert!(client.rest().await.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn a_server_that_stops_lets_its_requests_end() {
    let (upstream, script) = pieces();
    let stand = Stand::new(script).await;
    let mut client = stand.connect().await;
    let mut idle = stand.connect().await;
    client.write(stand.posted("{}")).await;
    upstream.send(EVENTS.into()).unwrap();
    upstream.send(chunk("event: message_start\n\n")).unwrap();
    client.until("message_start").await;
    stand.stop.cancel();
    assert_eq!(idle.rest().await, b"");
    upstream.send(chunk("data: last\n\n")).unwrap();
    upstream.send(b"0\r\n\r\n".to_vec()).unwrap();
    client.until("data: last\n\n\r\n0\r\n\r\n").await;
    tokio::time::timeout(PATIENCE, stand.served).await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", stand.port)).await.is_err());
}

#[tokio::test]
async fn a_server_that_stops_breaks_off_what_does_not_end() {
    let limits = Limits { drain: Duration::from_millis(100), ..limits() };
    let stand = Stand::with(Inner::default(), limits, |_| Act::Hang).await;
    let mut client = stand.connect().await;
    client.write(stand.posted("{}")).await;
    while stand.provider.seen.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    stand.stop.cancel();
    assert_eq!(client.rest().await, b"");
    tokio::time::timeout(PATIENCE, stand.served).await.unwrap().unwrap();
}

/// Many clients give up if they cannot write, and never read the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let stand = Stand::new(|_| Act::ReplyFirst(answer("413 Too Large", "", "{}"))).await;
    let large = "x".repeat(8 << 20);
    for _ in 0..20 {
        let request = String::from_utf8(stand.posted(&large)).unwrap();
        let refused = request.replacen(TOKEN, "made-up-token-that-is-unknown", 1);
        for (request, status) in [(refused, 401), (request, 413)] {
            let mut client = stand.connect().await;
            client.stream.write_all(request.as_bytes()).await.unwrap();
            assert_eq!(client.reply().await.status, status);
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_says_who_asks() {
    use strongroom_proxy::{Listener, Peer};
    use tokio::io::AsyncReadExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("proxy.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let mut client = tokio::net::UnixStream::connect(&path).await.unwrap();
    let (_, peer) = Listener::accept(&listener).await.unwrap();
    let own = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&path).unwrap());
    assert!(matches!(peer, Peer::Unix { uid, .. } if uid == own), "{peer:?}");
    assert_eq!(listener.port(), None);
    drop(client);

    let stand = Stand::new(|_| ok()).await;
    let proxy = stand.another();
    let stop = stand.stop.clone();
    let served = tokio::spawn(async move { proxy.serve(listener, stop).await });
    client = tokio::net::UnixStream::connect(&path).await.unwrap();
    let request = stand.head("GET /anthropic/v1/models", "Connection: close\r\n");
    client.write_all(request.replace("127.0.0.1", "any.example.com").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    stand.stop.cancel();
    served.await.unwrap();
}
