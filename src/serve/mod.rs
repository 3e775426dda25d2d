//! The vault's own selection on the wire: serves an agent's profiles through the proxy.
//!
//! [`Credentials`](strongroom_proxy::Credentials) is what the proxy asks; `credentials` answers it from what `current` knows of an
//! open vault.
//! `source` holds the key of one agent, `snapshot` what was read with it, `choice` says which profile is next, and
//! `reports` writes what came of requests where `status` and the client read it.

mod choice;
mod credentials;
mod current;
mod listeners;
mod log;
mod reports;
mod server;
mod sessions;
mod snapshot;
mod source;
mod upstreams;
mod waits;
mod watch;

pub use choice::route_for;
pub use server::{Options, Prepared, Voice, prepare};
pub use source::Setups;
pub use upstreams::{Upstream, certificates, upstream};
pub use watch::Stop;
