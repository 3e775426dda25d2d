//! The proxy between a client and an upstream over TLS, both of them the test's.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(target_os = "linux")]
mod alone;
mod attacks;
mod client;
#[cfg(target_os = "linux")]
mod crowds;
mod failover;
mod hops;
mod http2;
mod keys;
#[cfg(target_os = "linux")]
mod leaks;
mod limits;
mod provider;
mod stand;
mod streams;
mod tunnels;
mod vault;
