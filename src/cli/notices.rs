//! Puts the notices of use cases into words.

use crate::error::Code;
use crate::messages::cli::clients;
use crate::messages::cli::credentials::notices;
use crate::messages::connect;
use crate::ops::connect::{ClientReference, Differences};
use crate::ops::notice::Notice;
use crate::select::phrases;
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::index::exposed;
use crate::vault::keychain::sync;

/// Returns ids as a list.
pub(super) fn joined(ids: &[ProfileId]) -> String {
    ids.iter().map(ProfileId::as_str).collect::<Vec<_>>().join(", ")
}

/// Returns a notice as a sentence.
pub(super) fn sentence(notice: &Notice) -> String {
    match notice {
        Notice::NewHome(Ok(dir)) => notices::new_home(dir),
        Notice::NewHome(Err(error)) => notices::new_home_not_remembered(error.what(), error.remedy()),
        Notice::SetAside { agent, name } => notices::set_aside(agent, name),
        Notice::Unfinished(error) => notices::unfinished(error.what()),
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
            let newer = error.code() == Code::NewerFormat;
            let remedy = if newer { notices::USE_NEWER } else { error.remedy() };
            notices::cooldown_stays(profile.as_ref().map(ProfileId::as_str), error.what(), remedy)
        }
        Notice::EndsBefore(at) => notices::already_expired(*at),
        Notice::PlaintextReplaced(profile) => notices::plaintext_replaced(profile),
        Notice::SealedBesides { profile, fields } => {
            let fields: Vec<_> = fields.iter().map(|field| exposed::shown_name(field)).collect();
            notices::fields_encrypted(profile, &fields.join(", "))
        }
        Notice::TypeReplaced { profile, was } => notices::type_replaced(profile, was),
        Notice::ExpiryDropped { profile, was } => notices::expiry_dropped(profile, *was),
        Notice::ExpiryRenewed(Some(at)) => notices::expiry_renewed(*at),
        Notice::ExpiryRenewed(None) => notices::EXPIRY_REMOVED.to_owned(),
        Notice::HostsUnknown(profile) => notices::hosts_unknown(&profile.word()),
        Notice::SameSecret(profile) => notices::same_secret(profile),
        Notice::PinGone { session, profile } => notices::pin_removed(session, profile),
        Notice::NotKept { profile, error } => notices::not_kept(profile, error.what()),
        Notice::StateStays { profile, error } => notices::state_stays(profile, error.what()),
        Notice::NotMoved(error) => notices::not_moved(error.what()),
        Notice::CachedStoreStays { before, error } => notices::cached_store_stays(before, error.what()),
        Notice::ClientReload => connect::RELOAD.to_owned(),
        Notice::ClientPlan(Differences { added, gone }) => {
            let gone: Vec<_> = gone.iter().map(ClientReference::removal).collect();
            connect::not_in_database(&joined(added), &gone)
        }
        Notice::ClientOrder(read) => connect::order_taken(&read.agent, &read.provider, &joined(&read.ids)),
        Notice::ClientPlaintext(ids) => connect::plaintext(&ids.join(", ")),
        Notice::ClientBehind(error) => connect::not_in_step(error),
        Notice::ClientNames { client, old, command } => clients::names_old_id(client, old, command),
        Notice::DefaultStoreStays { before, error } => notices::default_store_stays(before, error.what()),
    }
}
