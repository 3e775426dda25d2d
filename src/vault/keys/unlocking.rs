//! Unlocking a vault, and keeping a session up to date while keys and methods change.

use crate::env::Env;
use crate::error::{Code, Result};
use crate::messages::vault::home::vault_file_differs;
use crate::messages::vault::keys as messages;
use crate::seal::keys::Keys;
use crate::unlock::key_sources::{self, Ask, KeySources, LOOKS, Named};
use crate::unlock::unlock_files::{self, Slot};
use crate::unlock::{Opened, cache};
use crate::vault::home::{LockWait, Session, Vault, VaultFile};
use crate::vault::log::Event;
use crate::vault::settings::Settings;
use crate::vault::store::Store;
use crate::vault::vault_ledger::{Edit, VaultLedger};

impl Vault {
    /// Returns the vault's id, as `vault.json` has it.
    #[must_use]
    pub fn claimed_id(&self) -> Option<&str> {
        self.file.as_ref().map(|file| file.vault_id.as_str())
    }

    /// Returns the places where the vault's key may be.
    #[must_use]
    pub fn key_sources<'a>(&'a self, named: &'a Named, env: &'a Env, ask: Ask<'a>) -> KeySources<'a> {
        let (keychain, vault) = (&self.keychain, self.claimed_id());
        KeySources { named, env, home: self.home.path(), keychain, vault, ask }
    }

    /// Returns the cache that is enough: that of the whole vault, or of an agent.
    #[must_use]
    pub fn in_cache<'a>(&'a self, agent: Option<&'a str>) -> cache::Asked<'a> {
        cache::Asked { home: self.home.path(), vault: self.claimed_id(), agent }
    }

    /// Unlocks the vault, from the cache where that is there.
    ///
    /// # Errors
    /// `LOCKED`, `WRONG_KEY`, and those of the sources named by hand; `TAMPERED` when `vault.json`
    /// says something else than the unlock file.
    pub fn unlock(&self, named: &Named, env: &Env, ask: Ask<'_>) -> Result<Session> {
        let sources = self.key_sources(named, env, ask);
        let opened = self.seeking(named, env, &|slots| sources.open(slots))?;
        self.session(opened, env)
    }

    /// Looks again for the key as long as unlock files or the key file change meanwhile: beside a change of
    /// keys, one may be the old one and the other the new one.
    ///
    /// # Errors
    /// Those of `open`, and of reading the unlock files.
    pub fn seeking<T>(&self, named: &Named, env: &Env, open: &dyn Fn(&[Slot]) -> Result<T>) -> Result<T> {
        let look = || -> Result<_> { Ok((key_sources::key_file_stamp(named, env), self.slots()?)) };
        let (mut stamp, mut slots) = look()?;
        let mut tries = 0;
        loop {
            match open(&slots) {
                Err(error) if matches!(error.code(), Code::WrongKey | Code::Locked) && tries < LOOKS => {
                    let (stamp_now, slots_now) = look()?;
                    if stamp == stamp_now && unlock_files::same(&slots, &slots_now) {
                        return Err(error);
                    }
                    (stamp, slots) = (stamp_now, slots_now);
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    /// Unlocks the vault by a method, whatever is cached: for what an agent with a shell should not
    /// get from a cache.
    ///
    /// # Errors
    /// As [`Vault::unlock`].
    pub fn unlock_afresh(&self, named: &Named, env: &Env, ask: Ask<'_>) -> Result<Session> {
        let unlocked = self.seeking(named, env, &|slots| {
            self.key_sources(named, env, ask).unlock(slots).map_err(|error| {
                let asked = self.in_cache(named.agent.as_deref());
                if error.code() != Code::Locked || cache::read(&asked, slots, env.now()).is_none() {
                    return error;
                }
                messages::cache_not_enough(&error)
            })
        })?;
        self.session(Opened::By(unlocked), env)
    }

    /// The session of an opened vault.
    ///
    /// # Errors
    /// `TAMPERED` if `vault.json` says something else, or the vault's ledger does not list the unlock
    /// file.
    pub fn session(&self, opened: Opened, env: &Env) -> Result<Session> {
        let mut session = Session::of(opened, env)?;
        if self.file.as_ref().is_some_and(|file| *file != VaultFile::of(&session.keys.vault)) {
            return Err(vault_file_differs());
        }
        self.admit(&mut session)?;
        Ok(session)
    }

    /// Makes sure that the unlock file of a session is one that the vault's ledger lists. A ledger that
    /// these keys did not make says nothing: nothing is written then, and what is read is judged by
    /// itself.
    fn admit(&self, session: &mut Session) -> Result<()> {
        let mut tries = 0;
        loop {
            let Ok(ring) = session.keys.own() else { return Ok(()) };
            let Ok(Some(own)) = VaultLedger::read(&self.home, &ring) else { return Ok(()) };
            let (method, digest) = session.by();
            let listed = own.methods.get(method).is_some_and(|listed| *listed == digest);
            if listed && own.fits(&ring) {
                return Ok(());
            }
            // The methods were changed since the file was opened.
            if tries < LOOKS && (!listed && !session.is_current(&self.home)?) {
                tries += 1;
                self.reopen(session)?;
                continue;
            }
            return Err(if listed {
                messages::cached_recipient_differs()
            } else {
                messages::method_not_listed(method)
            });
        }
    }

    /// Unlocks again, for somebody changed the keys: with the secret that a session holds, or, where
    /// it came from the cache, by what can be had without asking.
    ///
    /// # Errors
    /// `WRONG_KEY` when the secret opens the vault no longer, `LOCKED` when the cache was all there is.
    pub fn refresh(&self, session: &mut Session) -> Result<()> {
        self.reopen(session)?;
        self.admit(session)
    }

    fn reopen(&self, session: &mut Session) -> Result<()> {
        let env = session.env.clone();
        let opened = match &mut session.opened {
            Opened::By(unlocked) => {
                Opened::By(key_sources::again(&|| self.slots(), unlocked, self.home.path())?)
            }
            // What is named by hand comes before the cache, so nothing was.
            Opened::Cached(_) => {
                let again = self.keychain.again();
                let agent = session.keys.only_agent().map(str::to_owned);
                let named = Named { agent, ..Named::default() };
                let sources = KeySources { keychain: &again, ..self.key_sources(&named, &env, None) };
                sources.open(&self.slots()?).map_err(|error| {
                    if error.code() == Code::Locked { messages::keys_changed() } else { error }
                })?
            }
        };
        *session = Session::of(opened, &env)?;
        Ok(())
    }

    /// Unlocks again where the keys were changed. Under the vault's lock, so that they are not changed once more.
    pub(in crate::vault) fn keep_current(&self, session: &mut Session) -> Result<()> {
        if session.is_current(&self.home)? { Ok(()) } else { self.refresh(session) }
    }

    /// The store of new profiles. Settings that are not as the vault made them give the default; without the
    /// keys of the whole vault they cannot be verified, and what was the default when it was unlocked holds.
    #[must_use]
    pub fn default_store(&self, session: &Session) -> Store {
        match (self.settings(&session.keys), &session.opened) {
            (Ok(settings), _) => settings.default_store,
            (Err(_), Opened::Cached(cache)) => cache.store.parse().unwrap_or_default(),
            (Err(_), Opened::By(_)) => Store::default(),
        }
    }

    /// Makes a store the one of new profiles. Whether it was another before.
    ///
    /// # Errors
    /// `LOCKED` without the keys of the whole vault, `TAMPERED` if the settings are not as the vault made
    /// them; those of locking and writing.
    pub fn set_default_store(&self, session: &mut Session, to: Store, waits: &LockWait) -> Result<bool> {
        if self.settings(&session.keys)?.default_store == to {
            return Ok(false);
        }
        let _lock = self.keys_alone(session, waits)?;
        let ring = session.keys.own()?;
        let own = self.own(&ring, false)?;
        let mut settings = Settings::read(&self.home, &ring, &own.settings)?;
        settings.default_store = to;
        let edit = Edit {
            settings: Some(settings.to_bytes(&ring)?),
            events: vec![Event { op: "settings".to_owned(), ..Event::default() }],
            now: waits.now,
            ..Edit::default()
        };
        self.commit_own(&ring, &own, &edit)?;
        Ok(true)
    }

    /// The settings.
    ///
    /// # Errors
    /// `TAMPERED` if they, or the ledger, are not as the vault made them.
    pub fn settings(&self, keys: &Keys) -> Result<Settings> {
        let ring = keys.own()?;
        let own = VaultLedger::expect(&self.home, &ring)?;
        Settings::read(&self.home, &ring, &own.settings)
    }
}
