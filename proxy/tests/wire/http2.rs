//! An upstream that speaks HTTP/2.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use strongroom_proxy::Origin;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::provider::{Provider, acceptor, certificate};
use crate::stand::{Stand, limits};
use crate::vault::{Inner, Vault, profiles, secret};

/// Tells when it is dropped.
struct Told(Arc<Notify>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// How long the answer to `long` is, in bytes: more than what is read ahead.
const LONG: usize = 8 << 20;

/// Returns a proxy to an upstream that speaks HTTP/2, and the keys that came there. It answers 429 to the first profile.
async fn stand() -> (Stand, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let provider = Provider {
        port: listener.local_addr().unwrap().port(),
        seen: Arc::default(),
        connections: Arc::default(),
        gone: Arc::default(),
    };
    let keys: Arc<Mutex<Vec<String>>> = Arc::default();
    let (connections, noted) = (Arc::clone(&provider.connections), Arc::clone(&keys));
    let ends = Arc::clone(&provider.gone);
    tokio::spawn(async move {
        let acceptor = acceptor(&["h2"]);
        while let Ok((stream, _)) = listener.accept().await {
            let stream = acceptor.accept(stream).await.unwrap();
            connections.fetch_add(1, Ordering::SeqCst);
            let (noted, ends) = (Arc::clone(&noted), Arc::clone(&ends));
            let service = service_fn(move |request| answer(request, Arc::clone(&noted), Arc::clone(&ends)));
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    let inner = Inner { profiles: profiles(&["one", "two"]), ..Inner::default() };
    *inner.origin.lock().unwrap() = Origin::by_hand(&format!("https://localhost:{}", provider.port)).unwrap();
    let stand = Stand::between(provider, Vault::new(inner), limits(), Some(certificate().0.clone()));
    (stand, keys)
}

async fn answer(
    request: Request<Incoming>,
    keys: Arc<Mutex<Vec<String>>>,
    ends: Arc<Notify>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.version(), Version::HTTP_2);
    let key = request.headers()["x-api-key"].to_str().unwrap().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    keys.lock().unwrap().push(key.clone());
    if body == "hang" {
        let _told = Told(ends);
        std::future::pending::<()>().await;
    }
    let body = if body == "long" { Bytes::from(vec![b'x'; LONG]) } else { body };
    let mut response = Response::new(Full::new(body));
    if key == secret("one") {
        *response.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
    }
    Ok(response)
}

/// A client that does not read what it asked for keeps no other one waiting on the same connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_no_one_reads_does_not_hold_the_others() {
    let (stand, _) = stand().await;
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut client = stand.connect().await;
        client.write(stand.posted("long")).await;
        assert_eq!(client.head().await.0, 200);
        slow.push(client);
    }
    for _ in 0..3 {
        let reply = stand.post("long").await;
        assert_eq!((reply.status, reply.body.len()), (200, LONG));
    }
    assert_eq!(stand.provider.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_is_spoken_over_one_connection_and_fails_over() {
    let (stand, keys) = stand().await;
    let body = "x".repeat(300_000);
    for _ in 0..3 {
        let reply = stand.post(&body).await;
        assert_eq!((reply.status, reply.body.len()), (200, body.len()));
    }
    assert_eq!(stand.provider.connections.load(Ordering::SeqCst), 1);
    assert_eq!(keys.lock().unwrap().len(), 6);
    assert_eq!(stand.vault.reports()[..2], ["one rate", "two ok"]);
    // A client that goes away resets its stream, and the connection stays.
    let mut client = stand.connect().await;
    client.write(stand.posted("hang")).await;
    while keys.lock().unwrap().len() < 7 {
        tokio::task::yield_now().await;
    }
    drop(client);
    stand.gone().await;
    assert_eq!(stand.post(&body).await.status, 200);
    assert_eq!(stand.provider.connections.load(Ordering::SeqCst), 1);
}
