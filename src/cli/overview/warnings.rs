//! The words about what `status` met on its way.

use crate::cli::client;
use crate::cli::index_warnings::{UNFINISHED, unlisted};
use crate::doctor::unlock::ONLY_KEYCHAIN;
use crate::ops::status::Warning;

/// One for people.
pub(super) fn told(warning: &Warning) -> String {
    match warning {
        Warning::Home(what) | Warning::Exposed(what) => what.clone(),
        Warning::Behind(what) => format!("{what}; it is read, and not written: see `strongroom doctor`"),
        Warning::KeychainAlone => {
            format!("{ONLY_KEYCHAIN}; keep the output of `strongroom recovery-key`")
        }
        Warning::Client(unread) => client::told(unread),
        Warning::Locked(error) => format!("records are unverified: {}", error.what()),
        Warning::KeychainUnread(error) => {
            format!("records in the keychain are unverified: {}", error.what())
        }
        Warning::RecordUnread(error) => format!("{}; {}", error.what(), error.remedy()),
        Warning::StateUnread(error) => client::told_state(error),
        Warning::Unlisted(agent, ids) => unlisted(agent.as_str(), ids),
        Warning::Unfinished => UNFINISHED.to_owned(),
        Warning::PinGone(session, profile) => {
            format!(
                "session {session} is pinned to {profile}, which is not there any more: the pin has no effect"
            )
        }
        Warning::ExposedMore(more) => {
            format!("there is more of that in the index ({more}): see `strongroom doctor`")
        }
        Warning::ShellUnread => {
            "the login shell, where the client looks too, was not looked into: add --sources".to_owned()
        }
    }
}
