//! The words of the notices that use cases give.

use strongroom_backends::shown;

use crate::error::Code;
use crate::ops::notice::Notice;
use crate::select::phrases;
use crate::time::rfc3339;
use crate::vault::id::AgentName;
use crate::vault::index::exposed;
use crate::vault::keychain::sync;

/// A notice as a sentence.
pub(super) fn sentence(notice: &Notice) -> String {
    match notice {
        Notice::NewHome(memory) => {
            let next = match memory {
                Err(error) => {
                    format!("and it cannot remember its state: {}; {}", error.what(), error.remedy())
                }
                Ok(dir) => format!("from now on {} remembers its state", shown(dir)),
            };
            format!(
                "this machine has not seen this home before, so it cannot tell whether it is the latest; {next}"
            )
        }
        Notice::SetAside { agent, name } => format!(
            "a transaction of agent {agent} did not fit what is there and was set aside as {name}; run `strongroom verify`"
        ),
        Notice::Unfinished(error) => format!(
            "the change is committed and is read from now on, but could not be put in place ({}); the next change finishes it",
            error.what()
        ),
        Notice::KeychainBehind(error) => sync::told(error),
        Notice::Advice(text) => text.clone(),
        Notice::CooldownCleared { profile, agent, was } => {
            let whose = if *agent == AgentName::default() {
                profile.to_string()
            } else {
                format!("{profile} (agent {agent})")
            };
            phrases::lifted(&whose, was)
        }
        Notice::CooldownsStay { profile, error } => {
            let whose = profile.as_ref().map_or_else(
                || "profiles may still wait for what their old secrets failed of".to_owned(),
                |id| format!("{id} may still wait for what its old secret failed of"),
            );
            // The change was made: the usual remedy says the contrary.
            let newer = error.code() == Code::NewerFormat;
            let remedy = if newer { "use a newer strongroom" } else { error.remedy() };
            format!("{whose}: {}; {remedy}", error.what())
        }
        Notice::EndsBefore(at) => format!("it ended at {}, and counts as expired", rfc3339(*at)),
        Notice::PlaintextReplaced(profile) => {
            format!("the index held a secret of {profile} in plain text, which this paste replaced")
        }
        Notice::SealedBesides { profile, fields } => {
            let fields: Vec<_> = fields.iter().map(|field| exposed::shown_name(field)).collect();
            format!(
                "another program wrote {} into the index entry of {profile}; it is now stored encrypted with the profile",
                fields.join(", ")
            )
        }
        Notice::TypeReplaced { profile, was } => {
            format!("{profile} was of type {was}, which this replaced")
        }
        Notice::ExpiryDropped { profile, was } => format!(
            "{profile} was to expire at {}; the new one has no expiry, so that nothing warns before it ends (say when with --expires-in or --expires-at)",
            rfc3339(*was)
        ),
        Notice::ExpiryRenewed(Some(at)) => format!(
            "the old expiry was past; with the same lifetime the new one is {} (set it with --expires-in)",
            rfc3339(*at)
        ),
        Notice::ExpiryRenewed(None) => {
            "the old expiry was past and is dropped (set one with --expires-in)".to_owned()
        }
        Notice::SameSecret(profile) => {
            format!("this is the secret that {profile} had before; what it earned stays")
        }
        Notice::PinGone { session, profile } => {
            format!("session {session} was pinned to {profile}: its pin is gone, too")
        }
        Notice::StateStays { profile, error } => {
            format!("cooldowns and pins still name {profile}: {}", error.what())
        }
        Notice::NotMoved(error) => format!("not moved: {}", error.what()),
        Notice::CachedStoreStays { before, error } => format!(
            "sessions that `strongroom unlock --agent` opened still store new profiles in the {before} store ({})",
            error.what()
        ),
        Notice::DefaultStoreStays { before, error } => format!(
            "new profiles still go to the {before} store ({}); run the same command again to change that",
            error.what()
        ),
    }
}
