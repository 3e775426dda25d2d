//! Unlocks a vault, and keeps a session up to date while keys and methods change.

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
use crate::vault::settings::{Key, Settings};
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

    /// Returns what to look for in the cache: the keys of the whole vault, or of an agent.
    #[must_use]
    pub fn in_cache<'a>(&'a self, agent: Option<&'a str>) -> cache::Asked<'a> {
        cache::Asked { home: self.home.path(), vault: self.claimed_id(), agent }
    }

    /// Unlocks the vault, from the cache if it has the keys.
    ///
    /// # Errors
    /// `LOCKED`, `WRONG_KEY`, and those of named sources; `TAMPERED` if `vault.json` does not match the unlock file.
    pub fn unlock(&self, named: &Named, env: &Env, ask: Ask<'_>) -> Result<Session> {
        let sources = self.key_sources(named, env, ask);
        let opened = self.seeking(named, env, &|slots| sources.open(slots))?;
        self.session(opened, env)
    }

    /// Calls `open` again while the unlock files or the key file change: during a change of keys, one of them may be
    /// old and the other new.
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

    /// Unlocks the vault by a method, without the cache: for what an agent with a shell must not get from a cache.
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

    /// Returns the session of an opened vault.
    ///
    /// # Errors
    /// `TAMPERED` if `vault.json` does not match, or if the vault's ledger does not list the unlock file.
    pub fn session(&self, opened: Opened, env: &Env) -> Result<Session> {
        let mut session = Session::of(opened, env)?;
        if self.file.as_ref().is_some_and(|file| *file != VaultFile::of(&session.keys.vault)) {
            return Err(vault_file_differs());
        }
        self.admit(&mut session)?;
        Ok(session)
    }

    /// Makes sure that the vault's ledger lists the unlock file of a session. A ledger that does not verify with these
    /// keys proves nothing; then nothing can be written, and each record that is read verifies by itself.
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
            // The methods may have changed since the file was opened.
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

    /// Unlocks again because the keys were changed: with the secret that the session holds, or, if it came from the
    /// cache, with a key that needs no prompt.
    ///
    /// # Errors
    /// `WRONG_KEY` if the secret no longer unlocks the vault, `LOCKED` if there is no key but the cached one.
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
            // Named sources come before the cache, so none was named.
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

    /// Unlocks again if the keys were changed. The caller holds the vault's lock, so that they do not change once more.
    pub(in crate::vault) fn keep_current(&self, session: &mut Session) -> Result<()> {
        if session.is_current(&self.home)? { Ok(()) } else { self.refresh(session) }
    }

    /// Returns the store of new profiles: the default one if the settings were altered. The keys of one agent cannot
    /// verify the settings; then the store counts that was set when they were cached.
    #[must_use]
    pub fn default_store(&self, session: &Session) -> Store {
        match (self.settings(&session.keys), &session.opened) {
            (Ok(settings), _) => settings.default_store,
            (Err(_), Opened::Cached(cache)) => cache.store.parse().unwrap_or_default(),
            (Err(_), Opened::By(_)) => Store::default(),
        }
    }

    /// Changes a setting; without a value, to the default. Returns the settings before, or `None` if it had that value.
    ///
    /// # Errors
    /// Those of [`Settings::put`]; `LOCKED` without the keys of the whole vault, `TAMPERED` if the settings were altered;
    /// those of locking and writing.
    pub fn set(
        &self,
        session: &mut Session,
        key: Key,
        value: Option<&str>,
        waits: &LockWait,
    ) -> Result<Option<Settings>> {
        self.change_settings(session, key.as_str(), waits, |settings| {
            let old = settings.value(key);
            settings.put(key, value)?;
            Ok((old, settings.value(key)))
        })
    }

    /// Changes the settings. `change` returns what the log says of the value before and after; `name` is that of the
    /// setting. Returns the settings before, or `None` if nothing changed.
    ///
    /// # Errors
    /// Those of `change`; `LOCKED` without the keys of the whole vault, `TAMPERED` if the settings were altered; those of
    /// locking and writing.
    pub fn change_settings(
        &self,
        session: &mut Session,
        name: &str,
        waits: &LockWait,
        change: impl Fn(&mut Settings) -> Result<(Option<String>, Option<String>)>,
    ) -> Result<Option<Settings>> {
        let before = self.settings(&session.keys)?;
        let mut after = before.clone();
        change(&mut after)?;
        if after == before {
            return Ok(None);
        }
        let _lock = self.keys_alone(session, waits)?;
        let ring = session.keys.own()?;
        let own = self.own(&ring, false)?;
        let before = Settings::read(&self.home, &ring, &own.settings)?;
        let mut after = before.clone();
        let (old, new) = change(&mut after)?;
        let event =
            Event { op: "settings".to_owned(), setting: Some(name.to_owned()), old, new, ..Event::default() };
        let edit = Edit {
            settings: Some(after.to_bytes(&ring)?),
            events: vec![event],
            now: waits.now,
            ..Edit::default()
        };
        self.commit_own(&ring, &own, &edit)?;
        Ok(Some(before))
    }

    /// Reads the settings.
    ///
    /// # Errors
    /// `TAMPERED` if they, or the ledger, were altered; `NEWER_FORMAT`; `LOCKED` without the keys of the whole vault.
    pub fn settings(&self, keys: &Keys) -> Result<Settings> {
        let ring = keys.own()?;
        let own = VaultLedger::expect(&self.home, &ring)?;
        Settings::read(&self.home, &ring, &own.settings)
    }
}
