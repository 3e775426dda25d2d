//! Listeners, connections, and their end.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connect::Resolver;
use crate::credentials::{Credentials, Peer};
use crate::hygiene::Hosts;
use crate::limits::{Gates, Limits};
use crate::log::Record;
use crate::patient::Patient;
use crate::replay::Memory;
use crate::routes::Route;
use crate::service;
use crate::strict::Strict;
use crate::upstream::Upstreams;

/// How long to wait after a connection could not be accepted, as without a free descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a server is made of.
pub struct Config<C> {
    /// Who may ask, and which credential is used.
    pub credentials: C,
    /// What is open. The last one of a name counts.
    pub routes: Vec<Route>,
    /// How TLS is spoken to upstreams. See [`crate::tls`].
    pub tls: ClientConfig,
    /// Finds the addresses of upstreams. See [`crate::System`].
    pub resolver: Arc<dyn Resolver>,
    /// The names that requests by TCP may give in `Host`, with their ports, apart from loopback ones.
    pub hosts: Vec<String>,
    /// How much of everything there may be.
    pub limits: Limits,
    /// Hears of each request when it ends, also of those that are refused before their token is known. It must not block.
    pub log: Arc<dyn Fn(Record) + Send + Sync>,
}

/// A proxy.
pub struct Server<C>(Arc<Shared<C>>);

pub(crate) struct Shared<C> {
    pub credentials: C,
    pub routes: HashMap<Arc<str>, Route>,
    pub upstreams: Upstreams,
    pub memory: Arc<Memory>,
    pub gates: Arc<Gates>,
    pub limits: Limits,
    pub log: Arc<dyn Fn(Record) + Send + Sync>,
    hosts: Vec<String>,
}

/// One listener.
pub(crate) struct Listening {
    pub hosts: Hosts,
    /// How many more connections it may have: a listener that is full does not stop another one.
    pub connections: Arc<Semaphore>,
    /// The connections and tunnels.
    pub tasks: TaskTracker,
    /// Lets connections end after the request that runs.
    pub stop: CancellationToken,
    /// Ends connections and tunnels at once.
    pub kill: CancellationToken,
}

impl<C> fmt::Debug for Server<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({} routes)", self.0.routes.len())
    }
}

impl<C: Credentials> Server<C> {
    /// Returns a proxy.
    #[must_use]
    pub fn new(config: Config<C>) -> Self {
        let limits = config.limits;
        let routes = config.routes.into_iter().map(|route| (Arc::clone(&route.name), route)).collect();
        Self(Arc::new(Shared {
            credentials: config.credentials,
            routes,
            upstreams: Upstreams::new(config.tls, config.resolver, &limits),
            memory: Arc::new(Memory::new(&limits)),
            gates: Arc::default(),
            limits,
            log: config.log,
            hosts: config.hosts,
        }))
    }

    /// Serves connections until `stop` is cancelled, and then those requests that run, for a time.
    ///
    /// Requests that have not ended by then are broken off. Several listeners may be served at the same time.
    pub async fn serve<L: Listener>(&self, listener: L, stop: CancellationToken) {
        let hosts = listener.port().map_or(Hosts::Any, |port| Hosts::Tcp(port, self.0.hosts.clone()));
        let kill = CancellationToken::new();
        let listening = Arc::new(Listening {
            hosts,
            connections: Arc::new(Semaphore::new(self.0.limits.connections)),
            tasks: TaskTracker::new(),
            stop: stop.clone(),
            kill,
        });
        // Connections also end if this future is dropped.
        let _ends = listening.kill.clone().drop_guard();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.accept(&listener, &listening) => {}
        }
        drop(listener);
        listening.tasks.close();
        if tokio::time::timeout(self.0.limits.drain, listening.tasks.wait()).await.is_err() {
            listening.kill.cancel();
            listening.tasks.wait().await;
        }
    }

    async fn accept<L: Listener>(&self, listener: &L, listening: &Arc<Listening>) {
        loop {
            let Ok(permit) = Arc::clone(&listening.connections).acquire_owned().await else { return };
            let Ok((stream, peer)) = listener.accept().await else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let connection = connection(Arc::clone(&self.0), Arc::clone(listening), stream, peer);
            let kill = listening.kill.clone();
            listening.tasks.spawn(async move {
                let _permit = permit;
                tokio::select! {
                    () = connection => {}
                    () = kill.cancelled() => {}
                }
            });
        }
    }
}

async fn connection<C: Credentials, S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    shared: Arc<Shared<C>>,
    listening: Arc<Listening>,
    stream: S,
    peer: Peer,
) {
    let limits = shared.limits.clone();
    let (stop, log, begun) = (listening.stop.clone(), Arc::clone(&shared.log), Instant::now());
    let is_tunnel = Arc::new(AtomicBool::new(false));
    let is_known = Arc::new(AtomicBool::new(false));
    let patient = Patient::new(stream, limits.head_time, limits.idle, Arc::clone(&is_known));
    let stream = Strict::new(patient, Arc::clone(&is_tunnel));
    let service = service_fn(move |request| {
        let (shared, is_known) = (Arc::clone(&shared), Arc::clone(&is_known));
        let answer = service::answer(shared, Arc::clone(&listening), peer, is_known, request);
        let is_tunnel = Arc::clone(&is_tunnel);
        async move {
            let reply = answer.await;
            is_tunnel.fetch_or(reply.status() == StatusCode::SWITCHING_PROTOCOLS, Ordering::Relaxed);
            Ok::<_, Infallible>(reply)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head_bytes)
        .max_header_size(limits.head_bytes)
        .max_headers(limits.headers)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // The client is told, or gone, and what happened to a request is in the log. What was no request is written now.
    if let Err(error) = ended
        && error.is_parse()
    {
        let status = match &error {
            error if error.is_parse_too_large() => 431,
            // hyper closes the connection without an answer.
            error if error.is_parse_version_h2() => 0,
            _ => 400,
        };
        let (refusal, until_end) = (Some("head"), begun.elapsed());
        log(Record { status, refusal, until_end, complete: status > 0, ..Record::default() });
    }
}

/// A socket on which connections are accepted.
pub trait Listener: Send + Sync {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Returns the next connection, and where it came from.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Peer)>> + Send;

    /// Returns the port, or `None` if it is a Unix socket.
    fn port(&self) -> Option<u16>;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, address) = Self::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok((stream, Peer::Tcp(address)))
    }

    fn port(&self) -> Option<u16> {
        // A socket that has no address accepts nothing either.
        Some(self.local_addr().map_or(0, |address| address.port()))
    }
}

#[cfg(unix)]
impl Listener for tokio::net::UnixListener {
    type Stream = tokio::net::UnixStream;

    async fn accept(&self) -> io::Result<(Self::Stream, Peer)> {
        let (stream, _) = Self::accept(self).await?;
        let peer = stream.peer_cred()?;
        Ok((stream, Peer::Unix { uid: peer.uid(), pid: peer.pid() }))
    }

    fn port(&self) -> Option<u16> {
        None
    }
}
