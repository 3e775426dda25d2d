//! Which OpenClaw is installed, and by which rules its failures count.

use super::Finding;
use crate::client::version::ClientVersion;
use crate::env::Env;
use crate::messages;

/// Tells which version is installed; nothing if none is found.
#[must_use]
pub fn check(env: &Env) -> Vec<Finding> {
    let told = |version: ClientVersion| {
        let rules = version.backoff().as_str();
        Finding::ok("client", messages::select::client_installed(&version.to_string(), rules))
    };
    ClientVersion::installed(env).map(told).into_iter().collect()
}
