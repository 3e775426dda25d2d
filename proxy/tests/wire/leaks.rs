//! What many requests leave: no task, no descriptor, no memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::task::JoinSet;

use crate::alone::{descriptors, is_alone, memory};
use crate::client::PATIENCE;
use crate::provider::Act;
use crate::stand::{Stand, answer, ok};
use crate::vault::TOKEN;

/// How many clients ask at the same time.
const CLIENTS: usize = 8;

/// The kinds of requests.
const KINDS: [&str; 9] =
    ["works", "closes", "fails", "breaks", "begins", "leaves", "refused", "half", "malformed"];

/// Returns how many requests are made. The usual number takes a few seconds.
fn requests() -> usize {
    std::env::var("STRONGROOM_WIRE_REQUESTS").map_or(18_000, |count| count.parse().unwrap())
}

async fn stand() -> Stand {
    Stand::new(|seen| match seen.header("anthropic-beta") {
        Some("fails") if seen.profile() == "one" => Act::Reply(answer("429 Too Many", "", "{}")),
        Some("breaks") => Act::CloseAfterBody,
        Some("leaves") => Act::Hang,
        Some("begins") => {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            Act::Begin(format!("{head}f\r\ndata: {{\"a\":1}}\n\n\r\n").into_bytes())
        }
        _ => ok(),
    })
    .await
}

/// Makes one request, on a connection of its own.
async fn ask(stand: &Stand, kind: &str) {
    let close = if kind == "works" { "" } else { "Connection: close\r\n" };
    let headers = format!("anthropic-beta: {kind}\r\n{close}Content-Length: 2\r\n");
    let head = stand.head("POST /anthropic/v1/messages", &headers);
    let mut client = stand.connect().await;
    match kind {
        "begins" => {
            client.write(head + "{}").await;
            client.until("data: ").await;
        }
        "leaves" => client.write(head + "{}").await,
        "half" => client.write(head + "{").await,
        "refused" => {
            client.write(head.replace(TOKEN, "made-up-token-that-is-unknown") + "{}").await;
            assert_eq!(client.reply().await.status, 401);
        }
        "malformed" => {
            client.write("GET /\n\n").await;
            assert_eq!(client.reply().await.status, 400);
        }
        _ => {
            client.write(head + "{}").await;
            assert_eq!(client.reply().await.status, if kind == "breaks" { 502 } else { 200 });
        }
    }
}

/// Makes as many requests of all kinds, and waits until the proxy has ended them.
async fn ask_all(stand: &Arc<Stand>, count: usize) {
    let before = stand.ended.load(Ordering::SeqCst);
    let mut clients = JoinSet::new();
    for first in 0..CLIENTS {
        let stand = Arc::clone(stand);
        clients.spawn(async move {
            for number in (first..count).step_by(CLIENTS) {
                ask(&stand, KINDS[number % KINDS.len()]).await;
                if number % 1000 == 0 {
                    stand.forget();
                }
            }
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    until(|| stand.ended.load(Ordering::SeqCst) >= before + count).await;
    assert_eq!(stand.ended.load(Ordering::SeqCst), before + count, "each request is logged once");
    stand.forget();
}

/// Waits until something is true.
async fn until(is_true: impl Fn() -> bool) {
    let waiting = async {
        while !is_true() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it does not become true");
}

#[tokio::test]
async fn requests_leave_no_task_no_descriptor_and_no_memory() {
    if !is_alone("leaks::requests_leave_no_task_no_descriptor_and_no_memory") {
        return;
    }
    let stand = Arc::new(stand().await);
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let count = requests();
    ask_all(&stand, count / 20).await;
    // The pool keeps some of the connections to the upstream, and the upstream a task for each.
    let most = (tasks() + 2 * CLIENTS, descriptors() + 2 * CLIENTS);
    let before = (tasks(), descriptors(), memory());
    let begun = Instant::now();
    ask_all(&stand, count).await;
    let took = begun.elapsed();
    until(|| tasks() <= most.0 && descriptors() <= most.1).await;
    let after = (tasks(), descriptors(), memory());
    println!("{count} requests in {took:.1?}: tasks, descriptors, KiB {before:?} before, {after:?} after");
    assert!(after.2 < before.2 + 16 * 1024, "{before:?} {after:?}");
}
