//! Requests to upstreams, over connections that each access has for itself.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio_util::sync::CancellationToken;

use crate::connect::{Connector, PrivateAddress, Reach, Resolver};
use crate::credentials::Access;
use crate::limits::Limits;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::replay::{Attempt, Replay};

/// How long an idle connection is kept. Providers close them after a minute or more.
const POOL_IDLE: Duration = Duration::from_secs(45);
/// The idle connections that an access keeps to one upstream. 100 streams that end together do not close them.
const POOL_SIZE: usize = 128;
/// The most bytes of headers in an answer.
const HEAD_MAX: u32 = 64 * 1024;
/// How much is read from a connection by HTTP/1.1 before its client has taken it, in bytes. The head is in it.
const READ_MAX: usize = 64 * 1024;
/// How much of an answer is read from a connection by HTTP/2 before its client has taken it, in bytes. In 100 ms, which is
/// a long way, that is 2.5 MB/s.
const STREAM_MAX: u32 = 256 * 1024;
/// The same of all answers on a connection. A window that adapts itself is as large for one as for all, so that one client
/// that reads nothing held all the others.
const CONNECTION_MAX: u32 = 16 << 20;

/// The connections of all accesses.
pub(crate) struct Upstreams {
    tls: ClientConfig,
    resolver: Arc<dyn Resolver>,
    connect: Duration,
    idle: Duration,
    clients: Mutex<HashMap<Pool, Pooled>>,
}

/// Connections that are shared: by the requests of one access, of one kind, to upstreams of one kind.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Pool {
    access: Arc<str>,
    reach: Reach,
    is_socket: bool,
}

struct Pooled {
    client: Client<Connector, Attempt>,
    ended: CancellationToken,
}

impl Upstreams {
    pub fn new(tls: ClientConfig, resolver: Arc<dyn Resolver>, limits: &Limits) -> Self {
        let clients = Mutex::default();
        Self { tls, resolver, connect: limits.connect, idle: limits.idle, clients }
    }

    /// Sends a request, and returns the beginning of the answer.
    pub async fn send(
        &self,
        access: &Access,
        origin: &Origin,
        request: Request<Attempt>,
        body: &Replay,
        is_socket: bool,
    ) -> Result<Response<Incoming>, SendError> {
        let mut answer = std::pin::pin!(self.client(access, origin, is_socket).request(request));
        let mut sent = body.sent();
        loop {
            if let Ok(answer) = tokio::time::timeout(self.idle, &mut answer).await {
                return answer.map_err(|error| SendError::of(&error, body));
            }
            // A long upload is no silence.
            if std::mem::replace(&mut sent, body.sent()) == sent {
                return Err(SendError { refusal: Refusal::Silence, may_send_again: false });
            }
        }
    }

    fn client(&self, access: &Access, origin: &Origin, is_socket: bool) -> Client<Connector, Attempt> {
        let reach = if origin.is_by_hand() { Reach::Any } else { Reach::Public };
        let pool = Pool { access: Arc::clone(&access.id), reach, is_socket };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pooled) = clients.get(&pool).filter(|pooled| !pooled.ended.is_cancelled()) {
            return pooled.client.clone();
        }
        clients.retain(|_, pooled| !pooled.ended.is_cancelled());
        let connector = Connector::new(&self.tls, &self.resolver, reach, !is_socket, self.connect);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(if is_socket { 0 } else { POOL_SIZE })
            .http1_max_buf_size(READ_MAX)
            .http2_max_header_list_size(HEAD_MAX)
            .http2_initial_stream_window_size(STREAM_MAX)
            .http2_initial_connection_window_size(CONNECTION_MAX)
            .retry_canceled_requests(false)
            .build(connector);
        clients.insert(pool, Pooled { client: client.clone(), ended: access.ended.clone() });
        client
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SendError {
    /// What the client is told.
    pub refusal: Refusal,
    /// Whether it was a connection that broke, so that another one may work.
    pub may_send_again: bool,
}

impl SendError {
    fn of(error: &ClientError, body: &Replay) -> Self {
        let refusal = if body.failed().is_some() {
            Refusal::Body
        } else if error.is_connect() {
            unconnected(error)
        } else if caused_by(error, |cause| {
            cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse)
        }) {
            Refusal::Answer
        } else {
            Refusal::Connection
        };
        Self { refusal, may_send_again: refusal == Refusal::Connection }
    }

    /// Returns the failure of an answer that broke off before its first byte.
    pub fn broken() -> Self {
        Self { refusal: Refusal::Connection, may_send_again: true }
    }
}

fn unconnected(error: &ClientError) -> Refusal {
    let is_certificate = |cause: &(dyn Error + 'static)| {
        matches!(cause.downcast_ref::<rustls::Error>(), Some(rustls::Error::InvalidCertificate(_)))
    };
    if caused_by(error, <dyn Error>::is::<PrivateAddress>) {
        Refusal::Address
    } else if caused_by(error, is_certificate) {
        Refusal::Certificate
    } else {
        Refusal::Unreachable
    }
}

/// Returns whether an error, or one that it was caused by, is like this. `io::Error` hides what it was made of from
/// `source`, which returns the cause of that.
fn caused_by(error: &(dyn Error + 'static), is_like: impl Fn(&(dyn Error + 'static)) -> bool) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        let within = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if is_like(cause) || within.is_some_and(|within| is_like(within)) {
            return true;
        }
        next = match within {
            Some(within) => Some(within),
            None => cause.source(),
        };
    }
    false
}
