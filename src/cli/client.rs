//! What the client's configuration says, for verbs that choose as the client would.

use super::Context;
use crate::client::config::ClientConfig;
use crate::client::selection;
use crate::select::policy::Policy;

/// What the client's configuration says of selection; an empty one where it cannot be read.
pub(super) fn selection(context: &Context, tell: impl FnOnce(&str)) -> Policy {
    config(context, tell).map_or_else(selection::none, |config| config.selection)
}

/// The client's configuration, where there is one; what is wrong with it is told.
pub(super) fn config(context: &Context, tell: impl FnOnce(&str)) -> Option<ClientConfig> {
    match ClientConfig::of(&context.env) {
        Ok(config) => {
            if let Some(unread) = config.as_ref().and_then(|config| config.unread(&context.env)) {
                tell(&format!("{unread}; selection goes on without them"));
            }
            config
        }
        Err(error) => {
            tell(&format!("{}; selection goes on without it; {}", error.what(), error.remedy()));
            None
        }
    }
}
