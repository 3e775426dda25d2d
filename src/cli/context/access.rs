//! Opens, unlocks and locks the vault for a command.

use strongroom_backends::fs::lock;

use super::Context;
use super::speech::warn;
use crate::cli::{key_file, notices};
use crate::error::{Code, Error, Result};
use crate::messages::cli::{arguments, keys};
use crate::ops::notice::Notice;
use crate::ops::open::Open;
use crate::seal::keys::VaultId;
use crate::secret_format;
use crate::term::{out, secret_input};
use crate::unlock::cache;
use crate::unlock::key_sources::{Ask, Named};
use crate::vault::home::{self, Session, Vault};

impl Context {
    /// Opens the vault, and prints its notices on standard error.
    ///
    /// # Errors
    /// Those of opening it.
    pub fn vault(&self) -> Result<Vault> {
        self.vault_with(&self.setup())
    }

    /// As [`Context::vault`], with a keychain that asks no one.
    ///
    /// # Errors
    /// Those of opening it.
    pub fn vault_unasked(&self) -> Result<Vault> {
        self.vault_with(&self.setup_unasked())
    }

    fn vault_with(&self, setup: &home::Setup) -> Result<Vault> {
        let vault =
            Vault::open(&self.home()?, setup, self.lock_limit()).map_err(|error| self.of_variable(error))?;
        for notice in vault.notices() {
            self.warn(notice);
        }
        self.detail(|| arguments::using(vault.home().path(), self.agent().ok().as_ref()));
        Ok(vault)
    }

    /// Adds the value of `HOME` to an error of the home, if `HOME` names the home and is not the user's own directory.
    #[must_use]
    pub fn of_variable(&self, error: Error) -> Error {
        let home = self.env.path("HOME").filter(|home| !secret_format::looks_secret(&home.to_string_lossy()));
        let Some(home) =
            home.filter(|home| !self.names_home() && home.metadata().map_or(true, |h| !is_mine(&h)))
        else {
            return error;
        };
        if !matches!(error.code(), Code::UnsafeHome | Code::Io | Code::NoVault) {
            return error;
        }
        arguments::home_of_variable(&error, &strongroom_backends::shown(&home))
    }

    /// Unlocks the vault: from the cache if there is one, and with a prompt if a person can be asked.
    ///
    /// # Errors
    /// Those of unlocking.
    pub fn session(&self, vault: &Vault) -> Result<Session> {
        self.asking(vault, |ask| vault.unlock(&self.named(), &self.env, ask))
    }

    /// Returns the vault, unlocked as by [`Context::session`].
    ///
    /// # Errors
    /// Those of unlocking.
    pub fn open<'v>(&self, vault: &'v Vault) -> Result<Open<'v>> {
        self.agent()?;
        self.open_by(vault, self.session(vault)?)
    }

    /// Returns the vault, unlocked as by [`Context::session_afresh`] if `afresh`: a command that makes a loss final, or
    /// lets a secret go to more places, needs more than keys that a program with a shell could find in the cache.
    ///
    /// # Errors
    /// Those of unlocking.
    pub fn open_for<'v>(&self, vault: &'v Vault, afresh: bool) -> Result<Open<'v>> {
        if !afresh {
            return self.open(vault);
        }
        self.agent()?;
        self.open_by(vault, self.session_afresh(vault)?)
    }

    /// Returns the vault that a session unlocked.
    ///
    /// # Errors
    /// `INVALID_AGENT`; those of [`Context::verify_agent`].
    pub fn open_by<'v>(&self, vault: &'v Vault, session: Session) -> Result<Open<'v>> {
        self.verify_agent(vault, &session)?;
        let (env, json) = (self.env.clone(), self.json());
        Ok(Open {
            vault,
            session,
            agent: self.agent()?,
            waits: self.waits(""),
            env: env.clone(),
            hears: Box::new(move |notice| match notice {
                // It is what to do next, and nothing is wrong.
                Notice::ClientReload if json => {}
                Notice::ClientReload => out::write_error(&format!("{}\n", notices::sentence(notice))),
                _ => warn(&env, &notices::sentence(notice)),
            }),
        })
    }

    /// Unlocks the vault with an unlock method, never from the cache.
    ///
    /// # Errors
    /// Those of unlocking.
    pub fn session_afresh(&self, vault: &Vault) -> Result<Session> {
        self.session_afresh_by(vault, &self.named())
    }

    /// As [`Context::session_afresh`], with other sources than the flags name.
    ///
    /// # Errors
    /// Those of unlocking.
    pub fn session_afresh_by(&self, vault: &Vault, named: &Named) -> Result<Session> {
        self.asking(vault, |ask| vault.unlock_afresh(named, &self.env, ask))
    }

    fn asking(&self, vault: &Vault, unlock: impl Fn(Ask<'_>) -> Result<Session>) -> Result<Session> {
        let prompt = |text: &str| secret_input::read_passphrase(text);
        let session = unlock(if self.may_ask_passphrase() { Some(&prompt) } else { None })?;
        if let Some(path) = session.unlocked().ok().and_then(|unlocked| unlocked.key_file.as_deref()) {
            key_file::opened_with(vault, path, &self.waits("unlock"));
        }
        if let Ok(unlocked) = session.unlocked() {
            self.detail(|| arguments::unlocked_with(&unlocked.from));
        }
        // While a lock is held, the change may still be running.
        if let Some(pending) = session.pending()
            && !lock::is_held(vault.home()).unwrap_or(false)
            && session.is_current(vault.home())?
        {
            let verb = pending.verb();
            self.warn(&keys::interrupted(verb));
        }
        Ok(session)
    }

    /// Removes every cache of the vault after a change of its unlock methods or keys, because none can be used then.
    /// A failure is a warning.
    pub fn forget_caches(&self, vault: &VaultId) {
        if let Err(error) = cache::forget_vault(vault) {
            self.warn(&keys::caches_left(error.what()));
        }
    }

    /// Unlocks the vault without asking anyone.
    ///
    /// # Errors
    /// Those of unlocking.
    pub fn session_unasked(&self, vault: &Vault) -> Result<Session> {
        self.ambient().session(vault)
    }
}

fn is_mine(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw()
}
