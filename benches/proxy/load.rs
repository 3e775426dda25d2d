//! Streams of requests over connections that are kept, and how long each took.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::upstream::{KEY, LENGTH, LONG, STREAM};

/// One way to the upstream.
#[derive(Clone)]
pub struct Way {
    pub name: &'static str,
    pub address: SocketAddr,
    /// How TLS is spoken, if the way begins with it.
    pub tls: Option<TlsConnector>,
    pub path: &'static str,
    /// The value of `Authorization`, if the way does not set it.
    pub authorization: Option<String>,
    /// The processes that it consists of.
    pub pids: Vec<u32>,
    /// Whether it passes any bytes on. LiteLLM reads answers, and sends its own; nono refuses bodies of more than 16 MiB.
    pub passes_all: bool,
    /// Whether it closes each connection after an answer, so that each request needs another one.
    pub closes: bool,
}

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A short question, and an answer in one piece.
    Short,
    /// A short question, and an answer as events.
    Events,
    /// A short question, and a long answer.
    Download,
    /// A long question, and a short answer.
    Upload,
}

/// The length of a long question, in bytes: that of some images.
const IMAGES: usize = 20 << 20;

/// How much is asked at the same time.
#[derive(Clone, Copy)]
pub struct Load {
    pub kind: Kind,
    pub streams: usize,
    /// The time between an answer and the next request of a stream.
    pub pause: Duration,
    /// How long it is measured.
    pub time: Duration,
}

/// What was measured.
pub struct Measured {
    /// The milliseconds from a request until the answer, or its first event, sorted.
    pub times: Vec<f64>,
    /// Requests a second.
    pub rate: f64,
    /// Processor time of the way's processes for 1,000 requests, in seconds.
    pub cpu: f64,
    /// Memory of the way's processes at the end, in MB.
    pub memory: f64,
}

impl Measured {
    /// Returns the time that this part of the requests did not exceed, in milliseconds.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn percentile(&self, part: f64) -> f64 {
        self.times[((self.times.len() - 1) as f64 * part).round() as usize]
    }

    /// Returns MB a second of the long questions or answers.
    #[allow(clippy::cast_precision_loss)]
    pub fn throughput(&self, kind: Kind) -> f64 {
        let bytes = if kind == Kind::Upload { IMAGES } else { LONG };
        self.rate * bytes as f64 / 1e6
    }
}

impl Load {
    /// Sends requests, and measures them after each stream has sent one that does not count.
    #[allow(clippy::cast_precision_loss)]
    pub async fn measure(self, way: &Way) -> Measured {
        let body = Bytes::from(match self.kind {
            Kind::Short => question("Say something", ""),
            Kind::Events => question("Say something", &format!(",{STREAM}")),
            Kind::Download => question(LENGTH, ""),
            Kind::Upload => question(&"A".repeat(IMAGES), ""),
        });
        let ready = Arc::new(Barrier::new(self.streams + 1));
        let streams: Vec<_> = (0..self.streams)
            .map(|number| {
                let (way, body, ready) = (way.clone(), body.clone(), Arc::clone(&ready));
                tokio::spawn(async move {
                    let mut stream = Stream { sender: way.connect().await, way, body, kind: self.kind };
                    stream.request().await;
                    ready.wait().await;
                    // Not all at once.
                    let part = number as f64 / self.streams as f64;
                    tokio::time::sleep(self.pause.mul_f64(part)).await;
                    stream.until(Instant::now() + self.time, self.pause).await
                })
            })
            .collect();
        ready.wait().await;
        let (begun, cpu) = (Instant::now(), crate::process::cpu(&way.pids));
        let mut times = Vec::new();
        for stream in streams {
            times.extend(stream.await.unwrap());
        }
        let requests = times.len() as f64;
        times.sort_by(f64::total_cmp);
        Measured {
            rate: requests / begun.elapsed().as_secs_f64(),
            cpu: (crate::process::cpu(&way.pids) - cpu) / requests * 1000.0,
            memory: crate::process::memory(&way.pids),
            times,
        }
    }
}

fn question(text: &str, more: &str) -> String {
    format!("{{\"model\":\"gpt-4o-mini\"{more},\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]}}")
}

impl Way {
    async fn connect(&self) -> SendRequest<Full<Bytes>> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let Some(tls) = &self.tls else {
            let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            return sender;
        };
        let stream = tls.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }
}

/// One connection.
struct Stream {
    sender: SendRequest<Full<Bytes>>,
    way: Way,
    body: Bytes,
    kind: Kind,
}

impl Stream {
    async fn until(&mut self, end: Instant, pause: Duration) -> Vec<f64> {
        let mut times = Vec::new();
        loop {
            times.push(self.request().await);
            if Instant::now() >= end {
                return times;
            }
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Sends one request, and reads the answer. Returns the milliseconds until the answer, or its first event.
    async fn request(&mut self) -> f64 {
        let own = format!("Bearer {KEY}");
        let authorization = self.way.authorization.as_deref().unwrap_or(&own);
        let request = Request::post(self.way.path)
            .header("host", format!("localhost:{}", self.way.address.port()))
            .header("authorization", authorization)
            .header("content-type", "application/json")
            .body(Full::new(self.body.clone()))
            .unwrap();
        if !self.way.closes {
            self.sender.ready().await.unwrap();
        }
        let begun = Instant::now();
        if self.way.closes {
            self.sender = self.way.connect().await;
        }
        let answer = self.sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{} answers", self.way.name);
        let mut body = answer.into_body();
        let mut first = None;
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            first.get_or_insert_with(|| begun.elapsed());
            let frame = frame.unwrap_or_else(|error| panic!("{}: {:?}: {error:?}", self.way.name, self.kind));
            length += frame.data_ref().map_or(0, Bytes::len);
        }
        let least = if self.kind == Kind::Download { LONG } else { 1 };
        assert!(length >= least, "{} passes the whole answer", self.way.name);
        let took = if self.kind == Kind::Events { first.unwrap() } else { begun.elapsed() };
        took.as_secs_f64() * 1000.0
    }
}
