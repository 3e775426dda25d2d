//! The client's configuration, as use cases read it.

use crate::client::config::ClientConfig;
use crate::env::Env;
use crate::error::Error;

/// What of the configuration was not read.
#[derive(Clone, Debug)]
pub enum Unread {
    /// All of it, because of this error.
    All(Error),
    /// Parts of it, which are in other files: a phrase that names them.
    Parts(String),
}

/// Reads the client's configuration, if there is one. Returns also what of it was not read.
#[must_use]
pub fn read(env: &Env) -> (Option<ClientConfig>, Option<Unread>) {
    match ClientConfig::of(env) {
        Ok(config) => {
            let unread = config.as_ref().and_then(|config| config.unread(env));
            (config, unread.map(Unread::Parts))
        }
        Err(error) => (None, Some(Unread::All(error))),
    }
}
