//! Makes a vault, and says what was chosen and why.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use strongroom_backends::shown;

use super::Context;
use super::new_method::{NewKey, Unlock, new_method};
use crate::error::{Code, Error, Result};
use crate::keychain::{Keychain, KeychainState};
use crate::term::secret_input;
use crate::unlock::payload::Payload;
use crate::unlock::{MethodSecret, Opened, keychain_key, unlock_files};
use crate::vault::home::{Session, Vault};
use crate::vault::keys::init::{self, NewVault};
use crate::vault::settings::Settings;
use crate::vault::store::Store as Place;

/// Where records rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Store {
    /// The desktop's keychain where there is one that can be used, else sealed files
    #[default]
    Auto,
    /// Sealed files in the home
    File,
    /// The desktop's keychain
    Keychain,
}

/// Make a vault.
///
/// Records rest in the desktop's keychain where there is one that can be used, else in sealed
/// files. What was chosen is said, and why.
#[derive(Debug, Args)]
pub struct Init {
    /// Where records rest; auto: the keychain where one can be used, else files
    #[arg(long, value_enum, default_value_t, value_name = "auto|file|keychain", hide_possible_values = true)]
    pub(super) store: Store,
    /// What unlocks it: key-file, passphrase, keychain; auto: the keychain beside records, else a key file
    #[arg(long, value_enum, default_value_t, value_name = "BY", hide_possible_values = true)]
    pub(super) unlock: Unlock,
    /// Take a passphrase of under 12 bytes too
    #[arg(long)]
    pub(super) weak: bool,
}

/// A vault that was made.
pub(super) struct Made {
    home: PathBuf,
    pub(super) payload: Payload,
    /// What opens it, so that no one is asked for it again.
    secret: MethodSecret,
    store: Place,
    unlock: String,
    why: Option<String>,
}

/// Makes a vault where there is none.
///
/// # Errors
/// `EXISTS`, and those of making it.
pub(super) fn make(context: &Context, args: &Init) -> Result<Made> {
    let home = context.home()?;
    // Before a key is made: what would be refused leaves nothing behind.
    match Vault::open_damaged(&home, &context.setup(), context.lock_limit()) {
        Ok((vault, _)) => init::refuse_taken(&vault, &context.waits("init"))?,
        Err(error) if error.code() == Code::NoVault => {
            init::check_place(&home).map_err(|error| context.of_variable(error))?;
        }
        Err(error) if error.code() == Code::NewerFormat => {
            let what = format!("there is a vault in {} already, made by a newer strongroom", shown(&home));
            return Err(Error::new(Code::Exists, what).with_remedy("name another home with --home"));
        }
        Err(error) => return Err(context.of_variable(error)),
    }
    let chosen = choose(context, args, &home)?;
    let (payload, secret, unlock) = match chosen.unlock {
        Unlock::Keychain | Unlock::Auto => by_keychain(context, &home, chosen.store)?,
        by => {
            // Nothing is sealed under a key that is in no file.
            let method = loop {
                let method = new_method(context, by, &home, args.weak)?;
                if method.new_key.as_ref().map(NewKey::write).transpose()? != Some(false) {
                    break method;
                }
            };
            let payload = Payload::generate(method.name)?;
            let settings = Settings { default_store: chosen.store };
            let made_of = NewVault { payload, secret: &method.secret, settings };
            let payload = init::init(&home, made_of, &context.setup(), &context.waits("init"))?;
            (payload, method.secret, method.told)
        }
    };
    Ok(Made { home, payload, secret, store: chosen.store, unlock, why: chosen.why })
}

impl Made {
    /// Opens the vault with the secret it was made with.
    ///
    /// # Errors
    /// Those of reading and opening the unlock file.
    pub(super) fn open(self, context: &Context, vault: &Vault) -> Result<Session> {
        let unlocked = unlock_files::open(&vault.slots()?, self.secret, "what the vault was made with")?;
        vault.session(Opened::By(unlocked), &context.env)
    }

    /// For programs.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "home": self.home.to_string_lossy(),
            "vaultId": self.payload.vault.as_str(),
            "store": self.store.as_str(),
            "unlock": self.payload.method,
            "why": self.why,
        })
    }

    /// For people.
    pub(super) fn say(&self, context: &mut Context) -> Result<()> {
        let store = match self.store {
            Place::File => "sealed files (no keychain or service is needed to read them)",
            Place::Keychain => "the desktop's keychain, sealed there too",
        };
        let (home, unlock) = (shown(&self.home), &self.unlock);
        context.print(&format!("Made a vault in {home}.\n  Store:  {store}\n  Unlock: {unlock}"))?;
        if let Some(why) = &self.why {
            context.say(why);
        }
        Ok(())
    }
}

struct Chosen {
    store: Place,
    unlock: Unlock,
    /// Why the store is not the one that was hoped for, or is the one it is.
    why: Option<String>,
}

/// Chooses where records rest and what unlocks them, of what can be used here.
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

/// Whether the keychain can be used, and why it was chosen or not.
fn probe(context: &Context, home: &Path) -> Result<(Place, Option<String>)> {
    let file = |why: &str| (Place::File, Some(only_files(why)));
    Ok(match Keychain::new(&context.keychain(), home).probe() {
        Ok((KeychainState::Ready, provider)) => (
            Place::Keychain,
            Some(format!(
                "{provider} is there and unlocked, so records rest in it (--store file keeps them in sealed files)."
            )),
        ),
        Ok((KeychainState::Locked, provider)) if context.may_ask() => {
            if secret_input::confirm(&format!("{provider} is locked. Unlock it, and keep records in it?"))? {
                (Place::Keychain, None)
            } else {
                file("you said no to the keychain")
            }
        }
        Ok((KeychainState::Locked, provider)) => file(&format!("{provider} is locked")),
        Ok((KeychainState::NoCollection, provider)) => file(&format!("{provider} has no default collection")),
        Err(error) => file(error.what()),
    })
}

/// Where no keychain is, the choice that is left.
fn ask_unlock() -> Result<Unlock> {
    const QUESTION: &str =
        "They are unlocked by a key file, which works without a terminal. Use a passphrase instead?";
    Ok(if secret_input::confirm(QUESTION)? { Unlock::Passphrase } else { Unlock::KeyFile })
}

/// Why there is no keychain to choose.
pub(super) fn only_files(why: &str) -> String {
    format!(
        "Records rest in sealed files, for {why}. To use a keychain later: strongroom store move --to keychain."
    )
}

/// Makes a vault whose key lies in the keychain: first the item, read back, then the vault.
fn by_keychain(context: &Context, home: &Path, store: Place) -> Result<(Payload, MethodSecret, String)> {
    let payload = Payload::generate(unlock_files::KEYCHAIN)?;
    init::prepare(home)?;
    let keychain = Keychain::new(&context.keychain(), home);
    let key = keychain_key::create(&keychain, payload.vault.as_str())?;
    let item = keychain.unlock_key(payload.vault.as_str(), unlock_files::KEYCHAIN);
    let secret = MethodSecret::Key(key);
    let made_of = NewVault { payload, secret: &secret, settings: Settings { default_store: store } };
    let made = init::init(home, made_of, &context.setup(), &context.waits("init"));
    if made.is_err() {
        // Nothing is sealed under it yet.
        let _ = keychain.remove(&item);
    }
    let payload = made?;
    if let Ok((vault, _)) = Vault::open_damaged(home, &context.setup(), context.lock_limit()) {
        keychain_key::note_unseen(vault.home())?;
    }
    Ok((payload, secret, format!("a key in the keychain ({})", keychain.provider())))
}
