//! What a person should know of work that went on all the same.

use std::path::PathBuf;

use crate::error::Error;
use crate::select::pin::SessionName;
use crate::select::verdict::Verdict;
use crate::vault::credential::CredentialType;
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::store::Store;

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
    /// What is known of the form of a secret that was stored.
    Advice(String),
    /// The profile's cooldown or disablement ended, because its secret is new.
    CooldownCleared {
        /// The profile.
        profile: ProfileId,
        /// Whose profile it is.
        agent: AgentName,
        /// What it was waiting for.
        was: Verdict,
    },
    /// A profile, or one of several, may still wait because of its old secret: the state could not be read.
    CooldownsStay {
        /// The profile, if it is one.
        profile: Option<ProfileId>,
        /// Why the state could not be read.
        error: Error,
    },
    /// A credential ended at this instant, in Unix milliseconds, before it was stored.
    EndsBefore(i64),
    /// The index held the profile's secret in plain text, which was replaced.
    PlaintextReplaced(ProfileId),
    /// Another program's fields in an index entry were sealed with the record.
    SealedBesides {
        /// Whose entry it was.
        profile: ProfileId,
        /// The fields' names.
        fields: Vec<String>,
    },
    /// The profile was of another type.
    TypeReplaced {
        /// The profile.
        profile: ProfileId,
        /// The type that it was of.
        was: CredentialType,
    },
    /// The profile was to expire, and what replaces it is not.
    ExpiryDropped {
        /// The profile.
        profile: ProfileId,
        /// When it was to expire, in Unix milliseconds.
        was: i64,
    },
    /// The old expiry was past: this is the new one, in Unix milliseconds, if there is one.
    ExpiryRenewed(Option<i64>),
    /// The profile had this secret before.
    SameSecret(ProfileId),
    /// A person had pinned a session to a profile that was removed.
    PinGone {
        /// The session.
        session: SessionName,
        /// The profile.
        profile: ProfileId,
    },
    /// Cooldowns and pins could not be read, and still name a profile that is not there any more.
    StateStays {
        /// The profile.
        profile: ProfileId,
        /// Why they could not be read.
        error: Error,
    },
    /// The keychain lost a profile that was to be moved.
    NotMoved(Error),
    /// Sessions that were unlocked for one agent still store new profiles in the store before.
    CachedStoreStays {
        /// The store before.
        before: Store,
        /// Why they could not be ended.
        error: Error,
    },
    /// New profiles still go to the store before.
    DefaultStoreStays {
        /// The store before.
        before: Store,
        /// Why that could not be changed.
        error: Error,
    },
}
