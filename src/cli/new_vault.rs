//! What `onboard` asks before it creates a vault: where to store profiles, and how to unlock the vault.

use std::path::Path;

use super::Context;
use super::make_vault::{Init, Store};
use super::menu;
use super::new_method::Unlock;
use crate::error::Result;
use crate::keychain::{Keychain, KeychainState};
use crate::messages::cli::keys::vaults as messages;

/// Returns the flags of `init`, with a person's answers for those that were not given.
///
/// # Errors
/// Those of asking.
pub(super) fn ask(context: &Context, flags: &Init) -> Result<Init> {
    let store = match flags.store {
        Store::Auto => ask_store(context, &context.home()?)?,
        named => named,
    };
    let unlock = match flags.unlock {
        // A key or a passphrase that was named answers the question.
        Unlock::Auto if !context.named().is_any() => ask_unlock(store)?,
        named => named,
    };
    Ok(Init { store, unlock, weak: flags.weak })
}

fn ask_store(context: &Context, home: &Path) -> Result<Store> {
    let files = ("file", messages::choice_files(home));
    let (choices, stores) = match Keychain::new(&context.keychain(), home).probe() {
        Ok((KeychainState::Ready, provider)) => {
            ([("keychain", messages::choice_keychain(&provider)), files], [Store::Keychain, Store::File])
        }
        Ok((KeychainState::Locked, provider)) => {
            ([files, ("keychain", messages::choice_locked(&provider))], [Store::File, Store::Keychain])
        }
        Ok((KeychainState::NoCollection, provider)) => {
            context.say(&messages::chose_files(&messages::no_collection(&provider)));
            return Ok(Store::File);
        }
        Err(error) => {
            context.say(&messages::chose_files(error.what()));
            return Ok(Store::File);
        }
    };
    let index = menu::pick(messages::STORES, messages::STORE, &choices)?;
    Ok(stores.get(index).copied().unwrap_or_default())
}

fn ask_unlock(store: Store) -> Result<Unlock> {
    let mut choices = vec![
        ("key-file", messages::CHOICE_KEY_FILE.to_owned()),
        ("passphrase", messages::CHOICE_PASSPHRASE.to_owned()),
    ];
    let mut unlocks = vec![Unlock::KeyFile, Unlock::Passphrase];
    if store == Store::Keychain {
        choices.insert(0, ("keychain", messages::CHOICE_KEYCHAIN.to_owned()));
        unlocks.insert(0, Unlock::Keychain);
    }
    let index = menu::pick(messages::UNLOCKS, messages::UNLOCK, &choices)?;
    Ok(unlocks.get(index).copied().unwrap_or_default())
}
