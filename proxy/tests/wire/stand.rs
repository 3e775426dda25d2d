//! A proxy between a test's client and its upstream.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use rustls::ClientConfig;
use strongroom_proxy::{Config, Limits, Origin, Record, Server, System, known, tls};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, PATIENCE, Reply};
use crate::provider::{Act, Provider, Seen, certificate};
use crate::vault::{Inner, TOKEN, Vault};

pub struct Stand {
    pub port: u16,
    pub vault: Vault,
    pub provider: Provider,
    pub stop: CancellationToken,
    pub served: JoinHandle<()>,
    records: Arc<Mutex<Vec<Record>>>,
    /// How many requests have ended.
    pub ended: Arc<AtomicUsize>,
    logged: Arc<Notify>,
}

/// Returns an answer with a length.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

pub fn ok() -> Act {
    Act::Reply(answer("200 OK", "Content-Type: application/json\r\n", "{\"ok\":true}"))
}

pub fn limits() -> Limits {
    Limits { idle: PATIENCE, ..Limits::default() }
}

/// Returns TLS that trusts an authority. Reading those of the system takes 20 ms, so that the usual one is kept.
fn trusting(authority: Option<Vec<u8>>) -> ClientConfig {
    static USUAL: OnceLock<ClientConfig> = OnceLock::new();
    if authority.as_ref() == Some(&certificate().0) {
        return USUAL.get_or_init(|| tls(authority).unwrap()).clone();
    }
    tls(authority).unwrap()
}

/// Returns a listener with a long queue. What does not fit in it the kernel drops, and its client is not told.
fn listen() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    socket.listen(4096).unwrap()
}

fn server(
    credentials: Vault,
    limits: Limits,
    authority: Option<Vec<u8>>,
    log: impl Fn(Record) + Send + Sync + 'static,
) -> Server<Vault> {
    Server::new(Config {
        credentials,
        routes: known(),
        tls: trusting(authority),
        resolver: Arc::new(System),
        hosts: Vec::new(),
        limits,
        log: Arc::new(log),
    })
}

impl Stand {
    pub async fn new(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::with(Inner::default(), limits(), script).await
    }

    pub async fn with(
        inner: Inner,
        limits: Limits,
        script: impl Fn(&Seen) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::with_authority(inner, limits, script, certificate().0.clone()).await
    }

    /// Returns a proxy that trusts another authority than its upstream's.
    pub async fn trusting_another(
        inner: Inner,
        limits: Limits,
        script: impl Fn(&Seen) -> Act + Send + Sync + 'static,
    ) -> Self {
        let another = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self::with_authority(inner, limits, script, another.cert.der().to_vec()).await
    }

    async fn with_authority(
        inner: Inner,
        limits: Limits,
        script: impl Fn(&Seen) -> Act + Send + Sync + 'static,
        authority: Vec<u8>,
    ) -> Self {
        let provider = Provider::start(Arc::new(script)).await;
        let origin = Origin::by_hand(&format!("https://localhost:{}", provider.port)).unwrap();
        *inner.origin.lock().unwrap() = origin;
        Self::between(provider, Vault::new(inner), limits, Some(authority))
    }

    pub fn between(provider: Provider, vault: Vault, limits: Limits, authority: Option<Vec<u8>>) -> Self {
        let records: Arc<Mutex<Vec<Record>>> = Arc::default();
        let (ended, logged) = (Arc::<AtomicUsize>::default(), Arc::new(Notify::new()));
        let (kept, counted, told) = (Arc::clone(&records), Arc::clone(&ended), Arc::clone(&logged));
        let log = move |record| {
            counted.fetch_add(1, Ordering::SeqCst);
            kept.lock().unwrap().push(record);
            told.notify_one();
        };
        let proxy = server(vault.clone(), limits, authority, log);
        let listener = listen();
        let port = listener.local_addr().unwrap().port();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let served = tokio::spawn(async move { proxy.serve(listener, stopped).await });
        Self { port, vault, provider, stop, served, records, ended, logged }
    }

    /// Returns another proxy with the same vault.
    pub fn another(&self) -> Server<Vault> {
        server(self.vault.clone(), limits(), Some(certificate().0.clone()), |_| {})
    }

    pub async fn connect(&self) -> Client {
        Client::connect(self.port).await
    }

    /// Returns the head of a request with the agent's token.
    pub fn head(&self, line: &str, headers: &str) -> String {
        format!("{line} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nx-api-key: {TOKEN}\r\n{headers}\r\n", self.port)
    }

    /// Sends bytes on a connection of their own, and returns the answer.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> Reply {
        let mut client = self.connect().await;
        client.write(bytes).await;
        client.reply().await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.raw(self.head(&format!("GET {path}"), "")).await
    }

    /// Posts a body to Anthropic's messages.
    pub async fn post(&self, body: &str) -> Reply {
        self.raw(self.posted(body)).await
    }

    pub fn posted(&self, body: &str) -> Vec<u8> {
        let headers = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        (self.head("POST /anthropic/v1/messages", &headers) + body).into_bytes()
    }

    /// Waits until as many requests have ended, and returns what was logged of them.
    pub async fn records(&self, count: usize) -> Vec<Record> {
        let waiting = async {
            loop {
                let records = self.records.lock().unwrap().clone();
                if records.len() >= count {
                    return records;
                }
                self.logged.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("a request does not end")
    }

    /// Forgets what the test has kept of the requests until now.
    pub fn forget(&self) {
        self.records.lock().unwrap().clear();
        self.provider.seen.lock().unwrap().clear();
        self.vault.forget();
    }

    /// Waits until the proxy has closed a connection on which the upstream owed an answer.
    pub async fn gone(&self) {
        tokio::time::timeout(PATIENCE, self.provider.gone.notified()).await.expect("not cancelled");
    }
}
