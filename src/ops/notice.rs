//! Notices: what a person should know about work that was done anyway.

use std::path::PathBuf;

use super::connect::{Differences, ReadBack};
use crate::error::Error;
use crate::select::pin::SessionName;
use crate::select::verdict::Verdict;
use crate::vault::credential::CredentialType;
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::store::Store;

/// Something that a person should know and that stopped nothing. The command line puts it into words.
#[derive(Clone, Debug)]
pub enum Notice {
    /// This machine has not seen the home before. The value is the directory that remembers its state from now on,
    /// or why none can.
    NewHome(Result<PathBuf, Error>),
    /// A transaction could not be applied and was set aside.
    SetAside {
        /// The agent whose transaction it was.
        agent: AgentName,
        /// The name under which it was set aside.
        name: String,
    },
    /// A change is committed but not applied yet, because of this error.
    Unfinished(Error),
    /// A change is saved but not in the keychain yet, because of this error.
    KeychainBehind(Error),
    /// Advice about the format of the stored secret.
    Advice(String),
    /// A profile is no longer cooling down or disabled, because it has a new secret.
    CooldownCleared {
        /// The profile.
        profile: ProfileId,
        /// The profile's agent.
        agent: AgentName,
        /// The cooldown or disablement.
        was: Verdict,
    },
    /// The cooldown of a profile, or of one of several, could not be cleared.
    CooldownsStay {
        /// The profile; `None` if it is one of several.
        profile: Option<ProfileId>,
        /// Why the state could not be read.
        error: Error,
    },
    /// The credential had expired before it was stored: at this instant, in Unix milliseconds.
    EndsBefore(i64),
    /// The index held a secret of the profile in plain text, which was replaced.
    PlaintextReplaced(ProfileId),
    /// Fields that another program added to an index entry were encrypted with the record.
    SealedBesides {
        /// The profile of the entry.
        profile: ProfileId,
        /// The fields' names.
        fields: Vec<String>,
    },
    /// The profile had another type before.
    TypeReplaced {
        /// The profile.
        profile: ProfileId,
        /// The type before.
        was: CredentialType,
    },
    /// The profile had an expiry, and the credential that replaces it has none.
    ExpiryDropped {
        /// The profile.
        profile: ProfileId,
        /// The expiry before, in Unix milliseconds.
        was: i64,
    },
    /// The old expiry had passed. The value is the new one, in Unix milliseconds, if there is one.
    ExpiryRenewed(Option<i64>),
    /// The hosts of the profile's provider differ by customer or region, and none is named.
    HostsUnknown(ProfileId),
    /// The new secret of the profile is the old one.
    SameSecret(ProfileId),
    /// The user had pinned a session to a profile that was removed.
    PinGone {
        /// The session.
        session: SessionName,
        /// The profile.
        profile: ProfileId,
    },
    /// A profile is removed or replaced without an earlier version of it being kept, because it cannot be decrypted.
    NotKept {
        /// The profile.
        profile: ProfileId,
        /// Why it cannot be decrypted.
        error: Error,
    },
    /// Cooldowns and pins could not be read, and may still name a profile that no longer exists.
    StateStays {
        /// The profile.
        profile: ProfileId,
        /// Why they could not be read.
        error: Error,
    },
    /// The keychain lost a profile that was to be moved.
    NotMoved(Error),
    /// Sessions that were unlocked for one agent still store new profiles in the previous store.
    CachedStoreStays {
        /// The previous store.
        before: Store,
        /// Why these sessions could not be ended.
        error: Error,
    },
    /// A connected client has to read its secrets again.
    ClientReload,
    /// A connected client's own database does not refer to the profiles that the vault has.
    ClientPlan(Differences),
    /// An order that a connected client stores itself is now the vault's too.
    ClientOrder(ReadBack),
    /// A connected client keeps a secret of its own under these ids.
    ClientPlaintext(Vec<String>),
    /// A connected client could not be kept in step, because of this error.
    ClientBehind(Error),
    /// A connected client still asks for a profile by the id that it had before.
    ClientNames {
        /// The client's name on the command line.
        client: &'static str,
        /// The id that the profile had.
        old: ProfileId,
        /// The command that connects it with the new id.
        command: String,
    },
    /// New profiles still go to the previous store.
    DefaultStoreStays {
        /// The previous store.
        before: Store,
        /// Why the default could not be changed.
        error: Error,
    },
}
