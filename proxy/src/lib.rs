//! A reverse proxy that sets the credential on the wire, so that an agent holds a token of the proxy and never a key.
//!
//! [`Server`] takes requests to `/<provider>/…`, on loopback or a Unix socket. Three names are needed to use it:
//! [`Credentials`] says who may ask, which credential is next and hears how it went; [`Route`] says what of a
//! provider's interface is open; [`Config`] holds the limits. Nothing here knows a vault.
//!
//! What a request says never decides where it goes: the origin comes with the [`Lease`]. The framing is made again,
//! headers pass by a list, and each place in which a credential may stand is cleared before the real one is set.
//! An answer streams as it comes, and the secret in it is masked.

mod address;
mod answer;
mod blame;
mod connect;
mod credentials;
mod hop;
mod hygiene;
mod idle;
mod key;
mod limits;
mod linger;
mod log;
mod look;
mod origin;
mod patient;
mod refusal;
mod replay;
mod routes;
mod server;
mod service;
mod sse;
mod strict;
mod target;
mod token;
mod tunnel;
mod upstream;

pub use address::is_public;
pub use blame::{Failure, Outcome};
pub use connect::{Addresses, Resolver, System, TlsError, pem_certificates, tls};
pub use credentials::{Access, Credentials, Lease, NoneLeft, Peer, ProfileTag, Refused};
pub use key::{Key, KeyError, Placement};
pub use limits::Limits;
pub use log::{Body, Record};
pub use origin::{Origin, OriginError, Scheme};
pub use routes::{Api, Credential, Endpoint, Kind, Route, compatible, known};
pub use server::{Config, Listener, Server};
