//! What `onboard` asks a person before it makes a vault: where records rest, and what unlocks them.

use std::path::Path;

use strongroom_backends::shown;

use super::Context;
use super::make_vault::{Init, Store, only_files};
use super::menu;
use super::new_method::Unlock;
use crate::error::Result;
use crate::keychain::{Keychain, KeychainState};

const FILES: &str = "sealed files, which need no desktop: right for servers and services";
const KEY_FILE: &str = "a key file, which works without a terminal: right for gateways and scripts";
const PASSPHRASE: &str = "a passphrase, asked for each time or kept for a while by `strongroom unlock`";

/// The flags of `init`, with answers in the place of what they leave open.
///
/// # Errors
/// Those of asking.
pub(super) fn ask(context: &Context, flags: &Init) -> Result<Init> {
    let store = match flags.store {
        Store::Auto => ask_store(context, &context.home()?)?,
        named => named,
    };
    let unlock = match flags.unlock {
        // A key or a passphrase that was named says it.
        Unlock::Auto if !context.named().is_any() => ask_unlock(store)?,
        named => named,
    };
    Ok(Init { store, unlock, weak: flags.weak })
}

fn ask_store(context: &Context, home: &Path) -> Result<Store> {
    let files = ("file", format!("{FILES} ({})", shown(home)));
    let (choices, stores) = match Keychain::new(&context.keychain(), home).probe() {
        Ok((KeychainState::Ready, provider)) => (
            [("keychain", format!("{provider}, which is there and unlocked")), files],
            [Store::Keychain, Store::File],
        ),
        Ok((KeychainState::Locked, provider)) => (
            [files, ("keychain", format!("{provider}, which is locked and will ask you to unlock it"))],
            [Store::File, Store::Keychain],
        ),
        Ok((KeychainState::NoCollection, provider)) => {
            context.say(&only_files(&format!("{provider} has no default collection")));
            return Ok(Store::File);
        }
        Err(error) => {
            context.say(&only_files(error.what()));
            return Ok(Store::File);
        }
    };
    let index = menu::pick("Where records rest", "Store", &choices)?;
    Ok(stores.get(index).copied().unwrap_or_default())
}

fn ask_unlock(store: Store) -> Result<Unlock> {
    let mut choices = vec![("key-file", KEY_FILE.to_owned()), ("passphrase", PASSPHRASE.to_owned())];
    let mut unlocks = vec![Unlock::KeyFile, Unlock::Passphrase];
    if store == Store::Keychain {
        choices.insert(0, ("keychain", "a key in the keychain, there while you are logged in".to_owned()));
        unlocks.insert(0, Unlock::Keychain);
    }
    let index = menu::pick("What unlocks the vault", "Unlock by", &choices)?;
    Ok(unlocks.get(index).copied().unwrap_or_default())
}
