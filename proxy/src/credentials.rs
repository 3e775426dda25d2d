//! What the proxy asks and tells: who may ask, which credential is next, how it went.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::blame::Outcome;
use crate::key::{Key, Placement};
use crate::origin::Origin;
use crate::routes::Route;

/// Who may ask, and which credential is used.
///
/// The proxy asks once for each request, and once more for the one hop. Nothing is cached here: what it answers is
/// true at that moment.
pub trait Credentials: Send + Sync + 'static {
    /// Returns the access that a token belongs to. The token is compared in constant time.
    ///
    /// `provider` is what the request names. It may be any text.
    fn authorize(
        &self,
        token: &[u8],
        peer: &Peer,
        provider: &str,
    ) -> impl Future<Output = Result<Access, Refused>> + Send;

    /// Returns the credential that is used next, apart from those that were tried for this request.
    fn next(
        &self,
        access: &Access,
        route: &Route,
        session: Option<&str>,
        tried: &[ProfileTag],
    ) -> impl Future<Output = Result<Lease, NoneLeft>> + Send;

    /// Returns the same profile's credential if it is a newer one than the tag's, after the upstream refused that.
    fn newer(
        &self,
        access: &Access,
        route: &Route,
        tag: &ProfileTag,
    ) -> impl Future<Output = Option<Lease>> + Send;

    /// Hears how a request with a profile went. `model` is the one that the request named, if it is known.
    fn report(
        &self,
        access: &Access,
        tag: &ProfileTag,
        outcome: Outcome,
        model: Option<&str>,
    ) -> impl Future<Output = ()> + Send;
}

/// The source of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// TCP, from this address.
    Tcp(SocketAddr),
    /// A Unix socket, from a process of this user.
    Unix {
        /// The user's number.
        uid: u32,
        /// The process's number, if the system tells it.
        pid: Option<i32>,
    },
}

/// One who may ask.
#[derive(Clone, Debug)]
pub struct Access {
    /// Its name, which is written to the log.
    pub id: Arc<str>,
    /// How many of its requests may run at the same time.
    pub at_once: usize,
    /// How many requests it may make in a minute, or `None` without a limit.
    pub per_minute: Option<u32>,
    /// Cancelled if the access is removed or expires: its open streams end then. It is the same one for each request.
    pub ended: CancellationToken,
}

/// Why someone may not ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No access has this token.
    #[error("the token is not known")]
    UnknownToken,
    /// The access has expired.
    #[error("the token has expired")]
    Expired,
    /// The access is not for this provider.
    #[error("the token is not for this provider")]
    OtherProvider,
    /// The access is not for this user or address.
    #[error("the token may not be used from there")]
    OtherPeer,
    /// The vault is locked.
    #[error("the vault is locked")]
    Locked,
    /// The vault cannot be read, or must not be trusted.
    #[error("the vault cannot be read")]
    Unreadable,
}

/// Which version of which profile a credential is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProfileTag {
    /// The profile's name, which is written to the log.
    pub id: Arc<str>,
    /// The version of its credential.
    pub generation: u64,
}

/// A credential for one request.
#[derive(Clone)]
pub struct Lease {
    /// The exact place that it may be sent to.
    pub origin: Origin,
    /// Where in the request it stands.
    pub placement: Placement,
    /// The credential. Keep one for each version of a profile, because its forms are prepared for masking when it is made.
    pub key: Arc<Key>,
    /// Which version of which profile it is.
    pub tag: ProfileTag,
    /// Whether the session is pinned to this profile: no other one is asked.
    pub pinned: bool,
    /// Whether no other access uses the profile, so that objects stored at the provider are this access's own.
    pub sole: bool,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({} generation {} for {})", self.tag.id, self.tag.generation, self.origin)
    }
}

/// Why there is no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoneLeft {
    /// The access has no profile of this provider.
    #[error("there is no profile of this provider")]
    NoProfile,
    /// Each profile is cooling down.
    #[error("each profile is cooling down")]
    CoolingDown {
        /// How long until the first one may be used again.
        retry_after: Duration,
    },
    /// Each profile has expired or is disabled.
    #[error("each profile has expired, is disabled, or is not the one that the session is pinned to")]
    Unusable,
    /// The vault is locked.
    #[error("the vault is locked")]
    Locked,
    /// The vault cannot be read, or must not be trusted.
    #[error("the vault cannot be read")]
    Unreadable,
}
