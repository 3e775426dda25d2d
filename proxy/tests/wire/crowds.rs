//! Many connections at the same time, and what they leave.

use std::sync::Arc;
use std::time::Duration;

use strongroom_proxy::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::alone::{allow_descriptors, descriptors, is_alone, memory};
use crate::client::PATIENCE;
use crate::provider::Act;
use crate::stand::{Stand, limits, ok};
use crate::vault::Inner;

/// How long answers and uploads are, in bytes.
const LENGTH: usize = 32 << 20;
/// How long an upload is that passes, in bytes.
const SHORT: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_half_open_connections_end_and_take_bounded_memory() {
    if !is_alone("crowds::ten_thousand_half_open_connections_end_and_take_bounded_memory") {
        return;
    }
    // Each that is served has two, and each that waits has one.
    let allowed = usize::try_from(allow_descriptors(4_000)).unwrap();
    let connections = limits().connections.min(allowed / 4);
    let limits = Limits { head_time: Duration::from_millis(200), connections, ..limits() };
    let stand = Stand::with(Inner::default(), limits, |_| ok()).await;
    assert_eq!(stand.get("/anthropic/v1/models").await.status, 200);
    let (before, port) = (memory(), stand.port);
    // Those that are served, and those that wait for it in the kernel's queue.
    let open = Arc::new(Semaphore::new(2 * connections));
    let mut clients = JoinSet::new();
    for number in 0..10_000 {
        let open = Arc::clone(&open);
        clients.spawn(async move {
            let _open = open.acquire().await.unwrap();
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            if number % 2 == 0 {
                let _ = stream.write_all(b"GET /anthropic/v1/models HTTP/1.1\r\nHost: 127").await;
            }
            // Nothing comes but the end, which may be that the connection is reset.
            stream.read(&mut [0; 16]).await.unwrap_or_default()
        });
    }
    let (mut most, mut most_memory) = (0, before);
    for ended in 0..10_000 {
        let answered = tokio::time::timeout(PATIENCE, clients.join_next()).await.unwrap().unwrap().unwrap();
        assert_eq!(answered, 0);
        if ended % 100 == 0 {
            most = most.max(descriptors());
            most_memory = most_memory.max(memory());
        }
        if ended == 5_000 {
            assert_eq!(stand.get("/anthropic/v1/models").await.status, 200);
        }
    }
    let grown = most_memory - before;
    println!(
        "10,000 half-open connections: {most} descriptors, {grown} KiB more than {before} KiB, {connections} at once"
    );
    assert!(grown < 96 * 1024, "{grown} KiB");
}

/// What is read from an upstream and not taken by its client waits in the upstream's connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_no_one_reads_take_bounded_memory() {
    if !is_alone("crowds::answers_that_no_one_reads_take_bounded_memory") {
        return;
    }
    let stand = Stand::new(|_| Act::Long(LENGTH)).await;
    let fast = || async {
        let mut client = stand.connect().await;
        client.write(stand.head("GET /anthropic/v1/models", "Connection: close\r\n")).await;
        let mut count = 0;
        let mut piece = vec![0; 64 * 1024];
        loop {
            match client.stream.read(&mut piece).await.unwrap() {
                0 => return count,
                read => count += read,
            }
        }
    };
    assert!(fast().await > LENGTH);
    let before = memory();
    let mut slow = Vec::new();
    for _ in 0..64 {
        let mut client = stand.connect().await;
        client.write(stand.head("GET /anthropic/v1/models", "")).await;
        assert_eq!(client.head().await.0, 200);
        slow.push(client);
    }
    let mut most = before;
    for _ in 0..5 {
        assert!(fast().await > LENGTH);
        most = most.max(memory());
    }
    let grown = most - before;
    println!("64 answers of 32 MiB that no one reads: {grown} KiB more than {before} KiB");
    assert!(grown < 64 * 1024, "{grown} KiB");
}

/// Bodies are kept within the limits of all bodies, also if the upstream reads none of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_that_no_one_reads_take_the_memory_that_bodies_may() {
    if !is_alone("crowds::uploads_that_no_one_reads_take_the_memory_that_bodies_may") {
        return;
    }
    let limits = Limits { replay_each: 8 << 20, replay_total: 32 << 20, ..limits() };
    let stand = Stand::with(Inner::default(), limits, |seen| {
        if seen.header("anthropic-beta") == Some("stalls") { Act::Stall } else { ok() }
    })
    .await;
    let head = |kind: &str, length: usize| {
        let headers = format!("anthropic-beta: {kind}\r\nContent-Length: {length}\r\n");
        stand.head("POST /anthropic/v1/messages", &headers)
    };
    let piece = Arc::new(vec![b'x'; 64 * 1024]);
    let fast = || async {
        let mut client = stand.connect().await;
        client.write(head("works", SHORT)).await;
        for _ in 0..SHORT / piece.len() {
            client.stream.write_all(&piece).await.unwrap();
        }
        client.reply().await.status
    };
    assert_eq!(fast().await, 200);
    stand.provider.seen.lock().unwrap().clear();
    let before = memory();
    let mut slow = JoinSet::new();
    for _ in 0..64 {
        let mut client = stand.connect().await;
        client.write(head("stalls", LENGTH)).await;
        let piece = Arc::clone(&piece);
        slow.spawn(async move { while client.stream.write_all(&piece).await.is_ok() {} });
    }
    let mut most = before;
    for _ in 0..100 {
        assert_eq!(fast().await, 200);
        most = most.max(memory());
        // Those that came belong to the test's provider.
        stand.provider.seen.lock().unwrap().clear();
    }
    let grown = most - before;
    println!("64 uploads of 32 MiB that no one reads: {grown} KiB more than {before} KiB");
    assert!(grown < (32 + 64) * 1024, "{grown} KiB");
}
