//! The client's configuration, as far as a use case goes by it.

use crate::client::config::ClientConfig;
use crate::env::Env;
use crate::error::Error;

/// Why a choice goes without the configuration, or parts of it.
#[derive(Clone, Debug)]
pub enum Unread {
    /// It cannot be read.
    All(Error),
    /// Parts of it stand in other files; it says which.
    Parts(String),
}

/// Reads the client's configuration, if there is one, and tells what of it was not read.
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
