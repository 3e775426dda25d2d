//! What `status` meets and goes on with.

use crate::error::Error;
use crate::ops::client_config::Unread;
use crate::select::pin::SessionName;
use crate::vault::id::{AgentName, ProfileId};

/// Something that was met on the way and does not stop the report. Its words are the command line's.
#[derive(Clone, Debug)]
pub enum Warning {
    /// What opening the vault told.
    Home(String),
    /// The home is older than this machine remembers; it says what is.
    Behind(String),
    /// The keychain alone opens the vault, and no later command has read the key back.
    KeychainAlone,
    /// The client's configuration was not read, or not all of it.
    Client(Unread),
    /// The records were not opened.
    Locked(Error),
    /// Those in the keychain were not.
    KeychainUnread(Error),
    /// A record cannot be read.
    RecordUnread(Error),
    /// The run-time state cannot be read.
    StateUnread(Error),
    /// Records that the index does not name.
    Unlisted(AgentName, Vec<String>),
    /// A committed change is not put in place yet.
    Unfinished,
    /// The session is pinned to a profile that is not there.
    PinGone(SessionName, ProfileId),
    /// The index holds what looks like a secret; it says where.
    Exposed(String),
    /// There is so much more of that.
    ExposedMore(usize),
    /// The login shell, in which the client looks too, was not looked into.
    ShellUnread,
}
