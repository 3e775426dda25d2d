//! The warnings of `status`.

use crate::cli::client;
use crate::doctor::unlock::ONLY_KEYCHAIN;
use crate::messages::cli::reading;
use crate::ops::status::Warning;

/// Returns a warning as a sentence.
pub(super) fn sentence(warning: &Warning) -> String {
    match warning {
        Warning::Home(what) | Warning::Exposed(what) => what.clone(),
        Warning::RolledBack(what) => reading::older_than_remembered(what),
        Warning::KeychainAlone => reading::keychain_alone(ONLY_KEYCHAIN),
        Warning::Client(unread) => client::told(unread),
        Warning::Locked(error) => reading::not_verified(error.what()),
        Warning::KeychainUnread(error) => reading::keychain_not_verified(error.what()),
        Warning::ClientPlaintext(names) => reading::client_plaintext(names),
        Warning::RecordUnread(error) | Warning::ClientStore(error) => {
            format!("{}; {}", error.what(), error.remedy())
        }
        Warning::StateUnread(error) => client::told_state(error),
        Warning::Unlisted(agent, ids) => reading::unlisted(agent.as_str(), ids),
        Warning::Unfinished => reading::UNFINISHED.to_owned(),
        Warning::PinGone(session, profile) => reading::pin_without_profile(session, profile),
        Warning::ExposedMore(more) => reading::more_exposed(*more),
        Warning::ShellUnread => reading::SHELL_NOT_READ.to_owned(),
    }
}
