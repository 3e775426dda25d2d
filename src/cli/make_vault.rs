//! Creates a vault, and reports what was chosen and why.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::Context;
use super::new_method::{NewKey, Unlock, new_method};
use crate::error::{Code, Result};
use crate::keychain::{Keychain, KeychainState};
use crate::messages::cli::keys::vaults as messages;
use crate::term::secret_input;
use crate::unlock::payload::Payload;
use crate::unlock::{MethodSecret, Opened, keychain_key, unlock_files};
use crate::vault::home::{Session, Vault};
use crate::vault::keys::init::{self, NewVault};
use crate::vault::settings::Settings;
use crate::vault::store::Store as Place;

/// Where profiles are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Store {
    /// The desktop's keychain if it can be used, otherwise encrypted files
    #[default]
    Auto,
    /// Encrypted files in the home
    File,
    /// The desktop's keychain
    Keychain,
}

/// Create a vault
///
/// Profiles are stored in the desktop's keychain if it can be used, otherwise in encrypted files. The command reports
/// what it chose, and why.
#[derive(Debug, Args)]
pub struct Init {
    /// Where to store profiles; auto: the keychain if it can be used, otherwise files
    #[arg(long, value_enum, default_value_t, value_name = "auto|file|keychain", hide_possible_values = true)]
    pub(super) store: Store,
    /// How to unlock it: key-file, passphrase, keychain; auto: the keychain if it stores profiles, else a key file
    #[arg(long, value_enum, default_value_t, value_name = "BY", hide_possible_values = true)]
    pub(super) unlock: Unlock,
    /// Accept a passphrase of fewer than 12 bytes
    #[arg(long)]
    pub(super) weak: bool,
}

/// A vault that was created.
pub(super) struct Made {
    home: PathBuf,
    pub(super) payload: Payload,
    /// What unlocks it, so that no one is asked for it again.
    secret: MethodSecret,
    store: Place,
    unlock: String,
    why: Option<String>,
}

/// Creates a vault in a home that has no vault.
///
/// # Errors
/// `EXISTS`, and those of creating it.
pub(super) fn make(context: &Context, args: &Init) -> Result<Made> {
    let home = context.home()?;
    // Before a key is made, so that a refusal leaves no files.
    match Vault::open_damaged(&home, &context.setup(), context.lock_limit()) {
        Ok((vault, _)) => init::refuse_taken(&vault, &context.waits("init"))?,
        Err(error) if error.code() == Code::NoVault => {
            init::check_place(&home).map_err(|error| context.of_variable(error))?;
        }
        Err(error) if error.code() == Code::NewerFormat => {
            return Err(messages::newer_vault(&home));
        }
        Err(error) => return Err(context.of_variable(error)),
    }
    let chosen = choose(context, args, &home)?;
    let (payload, secret, unlock) = match chosen.unlock {
        Unlock::Keychain | Unlock::Auto => by_keychain(context, &home, chosen.store)?,
        by => {
            // Nothing may be encrypted with a key that no file holds.
            let method = loop {
                let method = new_method(context, by, &home, args.weak)?;
                if method.new_key.as_ref().map(NewKey::write).transpose()? != Some(false) {
                    break method;
                }
            };
            let payload = Payload::generate(method.name)?;
            let settings = Settings { default_store: chosen.store, ..Settings::default() };
            let made_of = NewVault { payload, secret: &method.secret, settings };
            let payload = init::init(&home, made_of, &context.setup(), &context.waits("init"))?;
            (payload, method.secret, method.told)
        }
    };
    Ok(Made { home, payload, secret, store: chosen.store, unlock, why: chosen.why })
}

impl Made {
    /// Opens the vault with the secret that it was created with.
    ///
    /// # Errors
    /// Those of reading and opening the unlock file.
    pub(super) fn open(self, context: &Context, vault: &Vault) -> Result<Session> {
        let unlocked =
            unlock_files::open(&vault.slots()?, self.secret, "the secret that it was created with")?;
        vault.session(Opened::By(unlocked), &context.env)
    }

    /// Describes the vault to programs.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "home": self.home.to_string_lossy(),
            "vaultId": self.payload.vault.as_str(),
            "store": self.store.as_str(),
            "unlock": self.payload.method,
            "why": self.why,
        })
    }

    /// Describes the vault to people.
    pub(super) fn say(&self, context: &mut Context) -> Result<()> {
        let store = match self.store {
            Place::File => messages::IN_FILES,
            Place::Keychain => messages::IN_KEYCHAIN,
        };
        context.print(&messages::created(&self.home, store, &self.unlock))?;
        if let Some(why) = &self.why {
            context.say(why);
        }
        Ok(())
    }
}

struct Chosen {
    store: Place,
    unlock: Unlock,
    /// Why this store was chosen, or why the keychain was not.
    why: Option<String>,
}

/// Chooses where profiles are stored and what unlocks the vault, among what can be used here.
fn choose(context: &Context, args: &Init, home: &Path) -> Result<Chosen> {
    let named = context.named();
    let by_hand = named.is_any();
    let (store, mut why) = match args.store {
        Store::File => (Place::File, None),
        Store::Keychain => (Place::Keychain, None),
        Store::Auto => probe(context, home)?,
    };
    let unlock = match args.unlock {
        Unlock::Auto if store == Place::Keychain && !by_hand => Unlock::Keychain,
        Unlock::Auto if by_hand && named.key_file.is_none() => Unlock::Passphrase,
        Unlock::Auto if args.store == Store::Auto && context.may_ask() && !by_hand => {
            if let Some(why) = why.take() {
                context.say(&why);
            }
            ask_unlock()?
        }
        Unlock::Auto => Unlock::KeyFile,
        named => named,
    };
    if store == Place::Keychain || unlock == Unlock::Keychain {
        Keychain::new(&context.keychain(), home).ready()?;
    }
    Ok(Chosen { store, unlock, why })
}

/// Returns the store to use, and why the keychain was chosen or not.
fn probe(context: &Context, home: &Path) -> Result<(Place, Option<String>)> {
    let file = |why: &str| (Place::File, Some(messages::chose_files(why)));
    Ok(match Keychain::new(&context.keychain(), home).probe() {
        Ok((KeychainState::Ready, provider)) => (Place::Keychain, Some(messages::chose_keychain(&provider))),
        Ok((KeychainState::Locked, provider)) if context.may_ask() => {
            if secret_input::confirm(&messages::use_locked(&provider))? {
                (Place::Keychain, None)
            } else {
                file(messages::DECLINED)
            }
        }
        Ok((KeychainState::Locked, provider)) => file(&messages::is_locked(&provider)),
        Ok((KeychainState::NoCollection, provider)) => file(&messages::no_collection(&provider)),
        Err(error) => file(error.what()),
    })
}

/// Asks for the choice that is left if no keychain can be used.
fn ask_unlock() -> Result<Unlock> {
    Ok(if secret_input::confirm(messages::USE_PASSPHRASE)? { Unlock::Passphrase } else { Unlock::KeyFile })
}

/// Creates a vault whose key is in the keychain: first the item, which is read back, then the vault.
fn by_keychain(context: &Context, home: &Path, store: Place) -> Result<(Payload, MethodSecret, String)> {
    let payload = Payload::generate(unlock_files::KEYCHAIN)?;
    init::prepare(home)?;
    let keychain = Keychain::new(&context.keychain(), home);
    let key = keychain_key::create(&keychain, payload.vault.as_str())?;
    let item = keychain.unlock_key(payload.vault.as_str(), unlock_files::KEYCHAIN);
    let secret = MethodSecret::Key(key);
    let settings = Settings { default_store: store, ..Settings::default() };
    let made_of = NewVault { payload, secret: &secret, settings };
    let made = init::init(home, made_of, &context.setup(), &context.waits("init"));
    if made.is_err() {
        // Nothing is encrypted with it yet.
        let _ = keychain.remove(&item);
    }
    let payload = made?;
    if let Ok((vault, _)) = Vault::open_damaged(home, &context.setup(), context.lock_limit()) {
        keychain_key::note_unseen(vault.home())?;
    }
    Ok((payload, secret, messages::key_in_keychain(keychain.provider())))
}
