//! An upstream over TLS that does what a test says, byte for byte.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{Barrier, Notify};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::client::{find, header};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub head: String,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// Returns the name of the profile whose key it has.
    pub fn profile(&self) -> String {
        let key = self.header("x-api-key").or_else(|| self.header("authorization")).unwrap_or_default();
        key.trim_start_matches("Bearer ").split('-').nth(3).unwrap_or("none").to_owned()
    }
}

/// What is done with a request.
pub enum Act {
    /// Answers after the body, and reads the next request.
    Reply(Vec<u8>),
    /// Answers after the body, and closes the connection without having said so.
    ReplyAndClose(Vec<u8>),
    /// Answers after the body, when as many requests have come as the barrier waits for.
    Together(Arc<Barrier>, Vec<u8>),
    /// Answers after the head, and reads the body afterwards.
    ReplyFirst(Vec<u8>),
    /// Closes the connection after the head and half of the body, whose length the header `x-stainless-test-length` says.
    CloseWithin,
    /// Closes the connection after the body.
    CloseAfterBody,
    /// Does nothing after the body, until the proxy closes the connection.
    Hang,
    /// Reads nothing after the head, and keeps the connection.
    Stall,
    /// Answers after the body with as many bytes.
    Long(usize),
    /// Answers after the body, and does nothing more until the proxy closes the connection.
    Begin(Vec<u8>),
    /// Sends pieces as they come, until there are no more or the proxy closes the connection.
    Stream(UnboundedReceiver<Vec<u8>>),
    /// Passes the bytes of the body on as they come, and answers after it.
    Tap(UnboundedSender<Vec<u8>>, Vec<u8>),
    /// Switches protocols, and sends back what comes after a text.
    Switch(Vec<u8>),
}

pub type Script = Arc<dyn Fn(&Seen) -> Act + Send + Sync>;

pub struct Provider {
    pub port: u16,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    pub connections: Arc<AtomicUsize>,
    /// Is told if the proxy closes a connection on which an answer is due.
    pub gone: Arc<Notify>,
}

/// A certificate for `localhost`, and its key.
pub fn certificate() -> &'static (Vec<u8>, Vec<u8>) {
    static CERTIFICATE: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    CERTIFICATE.get_or_init(|| {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.der().to_vec(), made.signing_key.serialize_der())
    })
}

/// Returns what accepts TLS, with protocols to choose from.
pub fn acceptor(protocols: &[&str]) -> TlsAcceptor {
    let (certificate, key) = certificate();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.clone()));
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut config = builder.with_single_cert(vec![CertificateDer::from(certificate.clone())], key).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

impl Provider {
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let provider = Self {
            port: listener.local_addr().unwrap().port(),
            seen: Arc::default(),
            connections: Arc::default(),
            gone: Arc::default(),
        };
        let (seen, connections, gone) =
            (Arc::clone(&provider.seen), Arc::clone(&provider.connections), Arc::clone(&provider.gone));
        tokio::spawn(async move {
            let acceptor = acceptor(&["http/1.1"]);
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let (seen, gone, script) = (Arc::clone(&seen), Arc::clone(&gone), Arc::clone(&script));
                let (acceptor, connections) = (acceptor.clone(), Arc::clone(&connections));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    connections.fetch_add(1, Ordering::SeqCst);
                    let mut connection = Connection { stream, buffer: Vec::new(), seen, gone };
                    while connection.serve(&script).await.is_some() {}
                });
            }
        });
        provider
    }

    /// Returns the profiles whose keys came, in their order.
    pub fn asked(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(Seen::profile).collect()
    }

    pub fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

struct Connection {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
    seen: Arc<Mutex<Vec<Seen>>>,
    gone: Arc<Notify>,
}

impl Connection {
    async fn more(&mut self) -> Option<usize> {
        let mut piece = vec![0; 65536];
        let count = self.stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        self.buffer.extend_from_slice(&piece[..count]);
        Some(count)
    }

    /// Serves one request. Returns `None` if the connection ends.
    async fn serve(&mut self, script: &Script) -> Option<()> {
        let end = loop {
            match find(&self.buffer, b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.more().await?,
            };
        };
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        let mut seen = Seen { head: String::from_utf8(head).unwrap(), body: Vec::new() };
        let act = script(&seen);
        if matches!(act, Act::CloseWithin) {
            let length: usize = seen.header("x-stainless-test-length").unwrap().parse().unwrap();
            self.seen.lock().unwrap().push(seen);
            while self.buffer.len() < length / 2 {
                self.more().await?;
            }
            return None;
        }
        if matches!(act, Act::Stall) {
            self.seen.lock().unwrap().push(seen);
            return std::future::pending().await;
        }
        if let Act::ReplyFirst(bytes) = &act {
            self.write(bytes).await?;
        }
        let tap = if let Act::Tap(tap, _) = &act { Some(tap) } else { None };
        if matches!(act, Act::ReplyFirst(_)) {
            self.seen.lock().unwrap().push(seen.clone());
            self.body(&mut seen, tap).await?;
        } else {
            let came = self.body(&mut seen, tap).await;
            self.seen.lock().unwrap().push(seen.clone());
            came?;
        }
        match act {
            Act::Reply(bytes) | Act::Tap(_, bytes) => self.write(&bytes).await,
            Act::Together(others, bytes) => {
                others.wait().await;
                self.write(&bytes).await
            }
            Act::ReplyAndClose(bytes) => {
                self.write(&bytes).await?;
                None
            }
            Act::Hang | Act::Begin(_) => {
                if let Act::Begin(bytes) = &act {
                    self.write(bytes).await?;
                }
                while self.more().await.is_some() {}
                self.gone.notify_one();
                None
            }
            Act::Long(length) => {
                self.write(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").as_bytes()).await?;
                let piece = vec![b'x'; 16 * 1024];
                for at in (0..length).step_by(piece.len()) {
                    self.write(&piece[..piece.len().min(length - at)]).await?;
                }
                Some(())
            }
            Act::Stream(pieces) => self.send_pieces(pieces).await,
            Act::Switch(first) => {
                let answer =
                    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                    Sec-WebSocket-Accept: made-up\r\nSec-WebSocket-Protocol: realtime\r\n\r\n";
                self.write(answer).await?;
                self.write(&first).await?;
                loop {
                    let came = std::mem::take(&mut self.buffer);
                    self.write(&came).await?;
                    if self.more().await.is_none() {
                        self.gone.notify_one();
                        return None;
                    }
                }
            }
            Act::ReplyFirst(_) => Some(()),
            Act::CloseWithin | Act::CloseAfterBody | Act::Stall => None,
        }
    }

    async fn send_pieces(&mut self, mut pieces: UnboundedReceiver<Vec<u8>>) -> Option<()> {
        loop {
            tokio::select! {
                piece = pieces.recv() => self.write(&piece?).await?,
                more = self.more() => if more.is_none() {
                    self.gone.notify_one();
                    return None;
                }
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Option<()> {
        self.stream.write_all(bytes).await.ok()?;
        self.stream.flush().await.ok()
    }

    /// Reads the body, in the framing that the head says.
    async fn body(&mut self, seen: &mut Seen, tap: Option<&UnboundedSender<Vec<u8>>>) -> Option<()> {
        let show = |data: &[u8]| tap.map(|tap| tap.send(data.to_vec()));
        if seen.header("transfer-encoding") == Some("chunked") {
            loop {
                let end = loop {
                    match find(&self.buffer, b"\r\n") {
                        Some(at) => break at,
                        None => self.more().await?,
                    };
                };
                let size =
                    usize::from_str_radix(std::str::from_utf8(&self.buffer[..end]).unwrap(), 16).unwrap();
                while self.buffer.len() < end + 2 + size + 2 {
                    self.more().await?;
                }
                let data = &self.buffer[end + 2..end + 2 + size];
                show(data);
                seen.body.extend_from_slice(data);
                self.buffer.drain(..end + 2 + size + 2);
                if size == 0 {
                    return Some(());
                }
            }
        }
        let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
        while seen.body.len() < length {
            if self.buffer.is_empty() {
                self.more().await?;
            }
            let count = self.buffer.len().min(length - seen.body.len());
            show(&self.buffer[..count]);
            seen.body.extend(self.buffer.drain(..count));
        }
        Some(())
    }
}
