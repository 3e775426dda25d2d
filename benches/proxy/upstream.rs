//! The upstream that all ways lead to: Chat Completions over TLS, answered at once.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto::ring};

/// The events of a stream, and the time between them.
pub const EVENTS: usize = 5;
const BETWEEN: Duration = Duration::from_millis(20);
/// The length of a long answer, in bytes.
pub const LONG: usize = 64 << 20;
/// The length of a piece of it.
const PIECE: usize = 64 << 10;

const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"An agent that holds no key cannot leak one."},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":10,"total_tokens":22}}"#;
const EVENT: &str = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"An agent\"},\"finish_reason\":null}]}\n\n";

/// What a request wants, which a word in its body says.
pub const STREAM: &str = "\"stream\":true";
pub const LENGTH: &str = "a long answer";

/// An upstream that listens.
pub struct Upstream {
    /// Its certificate, as DER.
    pub certificate: CertificateDer<'static>,
    /// The port that speaks HTTP/1.1 alone.
    pub port: u16,
    /// The port that speaks HTTP/2 too.
    pub http2: u16,
}

impl Upstream {
    /// Starts it, and writes its certificate to a PEM file.
    pub async fn start(pem: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(pem, made.cert.pem()).unwrap();
        let certificate = made.cert.der().clone();
        let key = made.signing_key.serialize_der();
        let port = listen(&certificate, &key, &["http/1.1"]).await;
        let http2 = listen(&certificate, &key, &["h2", "http/1.1"]).await;
        Self { certificate, port, http2 }
    }
}

async fn listen(certificate: &CertificateDer<'static>, key: &[u8], protocols: &[&str]) -> u16 {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec()));
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut config = builder.with_single_cert(vec![certificate.clone()], key).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let server = auto::Builder::new(TokioExecutor::new());
                // A connection that a proxy closes is no failure.
                let _ = server.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
            });
        }
    });
    port
}

async fn answer(request: Request<Incoming>) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    let has_key = request.headers().get("authorization").is_some_and(|value| value == KEY_HEADER);
    let mut body = request.into_body();
    let mut first = Bytes::new();
    while let Some(Ok(frame)) = body.frame().await {
        match frame.into_data() {
            Ok(data) if first.is_empty() => first = data,
            _ => {}
        }
    }
    let asks =
        |word: &str| first.len() < 4096 && first.windows(word.len()).any(|part| part == word.as_bytes());
    if !has_key {
        let refused = Full::from("{\"error\":{\"message\":\"no key\"}}").boxed();
        return Ok(Response::builder().status(403).body(refused).unwrap());
    }
    let kind = if asks(STREAM) { "text/event-stream" } else { "application/json" };
    let body = if asks(STREAM) {
        pieces(EVENTS, BETWEEN, Bytes::from_static(EVENT.as_bytes()), Some("data: [DONE]\n\n"))
    } else if asks(LENGTH) {
        pieces(LONG / PIECE, Duration::ZERO, text(), None)
    } else {
        Full::from(ANSWER).boxed()
    };
    Ok(Response::builder().header("content-type", kind).body(body).unwrap())
}

/// A key that is made up, and the header that carries it.
pub const KEY: &str = "sk-made-up-0123456789abcdefghij";
const KEY_HEADER: &str = "Bearer sk-made-up-0123456789abcdefghij";

/// A piece of a long answer: the same text again and again, with the characters that keys have.
fn text() -> Bytes {
    ANSWER.bytes().cycle().take(PIECE).collect()
}

fn pieces(
    count: usize,
    between: Duration,
    piece: Bytes,
    last: Option<&'static str>,
) -> BoxBody<Bytes, Infallible> {
    let (sender, receiver) = channel(4);
    tokio::spawn(async move {
        for number in 0..count {
            if number > 0 && !between.is_zero() {
                tokio::time::sleep(between).await;
            }
            if sender.send(piece.clone()).await.is_err() {
                return;
            }
        }
        if let Some(last) = last {
            let _ = sender.send(Bytes::from_static(last.as_bytes())).await;
        }
    });
    Pieces(receiver).boxed()
}

/// An answer whose pieces come one after the other.
struct Pieces(Receiver<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
