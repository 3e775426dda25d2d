//! `init`: makes a vault, and says what was chosen and why.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use strongroom_backends::{StoreError, key_file, shown};

use super::Context;
use crate::error::{Code, Error, Result};
use crate::keychain::{Keychain, State};
use crate::looks;
use crate::secret::Buffer;
use crate::term::secret_input;
use crate::unlock::payload::Payload;
use crate::unlock::read::{self, Stream};
use crate::unlock::seek::{self, Named};
use crate::unlock::{MethodSecret, Opened, key_text, keychain_key, new_passphrase, slots};
use crate::vault::home::{Session, Vault};
use crate::vault::keys::init;
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

/// What unlocks the vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Unlock {
    /// The keychain where records rest in it, else a key file
    #[default]
    Auto,
    /// A key file outside the home
    KeyFile,
    /// A passphrase
    Passphrase,
    /// A key in the desktop's keychain
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

/// A new way to unlock: the method's name, its secret, and what to tell about it.
pub struct NewMethod {
    /// The method's name.
    pub name: &'static str,
    /// Its secret.
    pub secret: MethodSecret,
    /// What was done, for people.
    pub told: String,
    /// A new key, which has to be written before it is used.
    pub new_key: Option<NewKey>,
}

/// A new key and the file that is to hold it, which is not there yet.
pub struct NewKey {
    path: PathBuf,
    text: Buffer,
}

impl NewKey {
    /// Writes it, durably. False where somebody else made that file meanwhile: then this key is in none.
    ///
    /// # Errors
    /// `NO_SPACE`, `IO`.
    pub(super) fn write(&self) -> Result<bool> {
        match key_file::create(&self.path, self.text.expose()) {
            Err(StoreError::Exists(_)) => Ok(false),
            Err(error @ (StoreError::Denied { .. } | StoreError::ReadOnly(_))) => {
                let error = Error::from(error);
                let remedy =
                    format!("name another place for the key file with --key-file; or {}", error.remedy());
                Err(error.with_remedy(remedy))
            }
            written => Ok(written.map(|()| true)?),
        }
    }
}

/// A vault that was made.
pub(super) struct Made {
    home: PathBuf,
    payload: Payload,
    /// What opens it, so that nobody is asked for it again.
    secret: MethodSecret,
    store: Place,
    unlock: String,
    why: Option<String>,
}

pub(super) fn run(context: &mut Context, args: &Init) -> Result<u8> {
    let made = make(context, args)?;
    if context.json() {
        context.print_json(&made.json())?;
        return Ok(0);
    }
    made.say(context)?;
    context.say("Next: store a credential with `strongroom paste-token --provider anthropic`,");
    context.say(if made.payload.method == slots::KEYCHAIN {
        "and keep the output of `strongroom recovery-key` somewhere safe: if the keychain loses the key, nothing else opens the vault."
    } else {
        "and keep the output of `strongroom recovery-key` somewhere safe: it opens everything if the key is lost."
    });
    Ok(0)
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
            let (settings, setup) = (Settings { default_store: chosen.store }, context.setup());
            let waits = context.waits("init");
            let payload = init::init(&home, payload, &method.secret, &settings, &setup, &waits)?;
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
        let unlocked = slots::open(&vault.slots()?, self.secret, "what the vault was made with")?;
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
        Ok((State::Ready, provider)) => (
            Place::Keychain,
            Some(format!(
                "{provider} is there and unlocked, so records rest in it (--store file keeps them in sealed files)."
            )),
        ),
        Ok((State::Locked, provider)) if context.may_ask() => {
            if secret_input::confirm(&format!("{provider} is locked. Unlock it, and keep records in it?"))? {
                (Place::Keychain, None)
            } else {
                file("you said no to the keychain")
            }
        }
        Ok((State::Locked, provider)) => file(&format!("{provider} is locked")),
        Ok((State::NoCollection, provider)) => file(&format!("{provider} has no default collection")),
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
    let payload = Payload::generate(slots::KEYCHAIN)?;
    init::prepare(home)?;
    let keychain = Keychain::new(&context.keychain(), home);
    let key = keychain_key::create(&keychain, payload.vault.as_str())?;
    let item = keychain.unlock_key(payload.vault.as_str(), slots::KEYCHAIN);
    let secret = MethodSecret::Key(key);
    let settings = Settings { default_store: store };
    let made = init::init(home, payload, &secret, &settings, &context.setup(), &context.waits("init"));
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

/// Makes the secret of a first method. A new key is in no file yet: [`NewKey::write`] does that.
pub(super) fn new_method(context: &Context, unlock: Unlock, home: &Path, weak: bool) -> Result<NewMethod> {
    match unlock {
        Unlock::KeyFile => new_key_file(context, home),
        Unlock::Passphrase => {
            let variable = context.env.path("STRONGROOM_PASSPHRASE_FILE");
            let secret = read_new_passphrase(context, &context.named(), variable, weak)?;
            Ok(NewMethod {
                name: slots::PASSPHRASE,
                secret,
                told: "a passphrase (Argon2id, 64 MiB; nothing recovers it but the recovery key)".to_owned(),
                new_key: None,
            })
        }
        Unlock::Keychain | Unlock::Auto => {
            Err(Error::new(Code::Usage, "this has to be unlocked by a key file or a passphrase first")
                .with_remedy(
                    "use --unlock key-file or passphrase; then: strongroom unlock-method add keychain",
                ))
        }
    }
}

fn new_key_file(context: &Context, home: &Path) -> Result<NewMethod> {
    let named = context.named();
    if named.passphrase_file.is_some() || named.passphrase_fd.is_some() {
        return Err(Error::new(
            Code::Usage,
            "a passphrase was given for a vault that is unlocked by a key file",
        )
        .with_remedy("add --unlock passphrase, or leave the passphrase out"));
    }
    let path = seek::key_file_path(&named, &context.env).ok_or_else(|| {
        Error::new(Code::Config, "no place for the key file is known").with_remedy("name one with --key-file")
    })?;
    let by_variable = named.key_file.is_none();
    looks::refuse_as_path(&path, if by_variable { "STRONGROOM_KEY_FILE" } else { "--key-file" })?;
    let is_stream = Stream::of(&path).is_some();
    let (secret, how, new_key) = if is_stream || key_file::exists(&path) {
        (read::key_of_file(&path, home, key_file::Trust::Own)?, "the key that was already in", None)
    } else {
        read::refuse_inside(&path, home)?;
        read::refuse_unsafe_place(&path)?;
        let key = key_text::generate()?;
        let new = NewKey { path: path.clone(), text: key_text::write(&key) };
        (MethodSecret::Key(key), "a new key in", Some(new))
    };
    Ok(NewMethod {
        name: slots::KEY_FILE,
        secret,
        told: if is_stream {
            format!("the key that was given on {} (works without a terminal)", read::named(&path))
        } else {
            format!("{how} {} (works without a terminal; back it up apart from the vault)", shown(&path))
        },
        new_key,
    })
}

/// A new passphrase, from a file, a descriptor, or asked for twice.
///
/// # Errors
/// `BAD_DATA` for one that no prompt could match, and for a short one unless `weak`; those of reading.
pub(super) fn read_new_passphrase(
    context: &Context,
    named: &Named,
    otherwise: Option<PathBuf>,
    weak: bool,
) -> Result<MethodSecret> {
    let passphrase = if let Some(number) = named.passphrase_fd {
        let passphrase = read::passphrase_of_fd(number)?;
        new_passphrase::check(&passphrase, Some(&format!("file descriptor {number}")), weak)?;
        passphrase
    } else if let Some(path) = named.passphrase_file.clone().or(otherwise) {
        let passphrase = read::passphrase_of_file(&path, key_file::Trust::Own)?;
        new_passphrase::check(&passphrase, Some(&read::named(&path)), weak)?;
        passphrase
    } else if context.may_ask() {
        secret_input::new_passphrase("New passphrase: ", |typed| new_passphrase::check(typed, None, weak))?
    } else {
        return Err(Error::new(Code::NoInput, "no passphrase was given, and nobody can be asked")
            .with_remedy("give it by --passphrase-file or --passphrase-fd"));
    };
    Ok(MethodSecret::Passphrase(passphrase))
}
