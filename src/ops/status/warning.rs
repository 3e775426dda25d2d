//! Warnings of `status`.

use crate::error::Error;
use crate::ops::client_config::Unread;
use crate::select::pin::SessionName;
use crate::vault::id::{AgentName, ProfileId};

/// Something that does not stop the report. The command line puts it into words.
#[derive(Clone, Debug)]
pub enum Warning {
    /// A notice from opening the vault.
    Home(String),
    /// The home is older than this machine remembers; a sentence.
    RolledBack(String),
    /// The keychain is the only unlock method, and no later command has read the key back.
    KeychainAlone,
    /// The client's configuration was not read, or not all of it.
    Client(Unread),
    /// The records were not decrypted, because of this error.
    Locked(Error),
    /// The records in the keychain were not read.
    KeychainUnread(Error),
    /// A record cannot be read.
    RecordUnread(Error),
    /// The run-time state cannot be read.
    StateUnread(Error),
    /// Records that the index does not name.
    Unlisted(AgentName, Vec<String>),
    /// A committed change is not applied yet.
    Unfinished,
    /// The session is pinned to a profile that does not exist.
    PinGone(SessionName, ProfileId),
    /// The index holds what looks like a secret; a sentence that says where.
    Exposed(String),
    /// The number of further such secrets.
    ExposedMore(usize),
    /// A store of the client, or its state, was not read.
    ClientStore(Error),
    /// The client keeps these profiles in plain text, in stores of the agent or in shared ones.
    ClientPlaintext(Vec<String>),
    /// The login shell, which the client also reads, was not read.
    ShellUnread,
}
