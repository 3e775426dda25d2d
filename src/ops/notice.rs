//! What a person should know of work that went on all the same.

use std::path::PathBuf;

use crate::error::Error;
use crate::vault::id::AgentName;

/// Something that a person should know and that stopped nothing. Its words are the command line's.
#[derive(Clone, Debug)]
pub enum Notice {
    /// This machine had not seen the home before: from now on the directory remembers its state, or cannot.
    NewHome(Result<PathBuf, Error>),
    /// A transaction did not fit what is there.
    SetAside {
        /// The agent whose transaction it was.
        agent: AgentName,
        /// The name under which it was set aside.
        name: String,
    },
    /// A change is committed and is not put in place yet, because of this.
    Unfinished(Error),
    /// A change is saved and not in the keychain yet, because of this.
    KeychainBehind(Error),
}
