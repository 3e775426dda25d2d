//! What every command needs: its environment, the vault ([`access`]), and output ([`speech`]).

mod access;
mod ids;
mod preferences;
mod speech;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use strongroom_backends::is_opaque;

use super::{Global, agent_of, watching};
use crate::client::state_after_change::follow;
use crate::env::Env;
use crate::error::Result;
use crate::keychain::{self, Patience, Setup};
use crate::looks::instead;
use crate::messages::cli::arguments as messages;
use crate::ops::ambient::Ambient;
use crate::secret_format;
use crate::term::{out, secret_input};
use crate::unlock::key_sources::Named;
use crate::vault::anchor;
use crate::vault::home::{self, LOCK_TIMEOUT, LockWait};
use crate::vault::id::AgentName;
use crate::vault::settings::Settings;

pub use speech::{document, report, warn};

/// The environment of a command.
#[derive(Debug)]
pub struct Context {
    /// Variables, clock, terminal.
    pub env: Env,
    /// The options of every command.
    pub global: Global,
    /// What `settings.json` says, unverified.
    claimed: Settings,
    /// The default agent that was verified; main if the settings and their connections name none.
    verified_agent: OnceLock<AgentName>,
    /// How long the keychain may be silent in all, over every call of this command.
    patience: OnceLock<Patience>,
    /// Whether standard output is closed, so that nothing more is written.
    closed: bool,
}

impl Context {
    /// Returns the environment for parsed options.
    #[must_use]
    pub fn new(env: Env, global: Global) -> Self {
        Self {
            env,
            global,
            claimed: Settings::default(),
            verified_agent: OnceLock::new(),
            patience: OnceLock::new(),
            closed: false,
        }
    }

    /// Returns whether the command prints one JSON document.
    #[must_use]
    pub fn json(&self) -> bool {
        self.global.json
    }

    /// Returns whether a person can be asked.
    #[must_use]
    pub fn may_ask(&self) -> bool {
        !self.global.no_input && self.env.stdin_tty
    }

    /// Returns whether a person can be asked for the vault's passphrase. Unlike other questions, this one is asked on
    /// the terminal even if standard input is something else.
    #[must_use]
    pub fn may_ask_passphrase(&self) -> bool {
        self.may_ask() || (!self.global.no_input && self.env.stderr_tty && secret_input::reaches_terminal())
    }

    /// Returns the vault's home.
    ///
    /// # Errors
    /// `CONFIG`.
    pub fn home(&self) -> Result<PathBuf> {
        home::locate(self.global.home.as_deref(), &self.env)
    }

    /// Returns whether a flag or a variable names the home.
    #[must_use]
    pub fn names_home(&self) -> bool {
        self.global.home.is_some() || self.env.path("STRONGROOM_HOME").is_some()
    }

    /// Returns the sources of a key that flags name.
    #[must_use]
    pub fn named(&self) -> Named {
        Named {
            key_file: self.global.key_file.clone(),
            passphrase_file: self.global.passphrase_file.clone(),
            passphrase_fd: self.global.passphrase_fd,
            agent: self.agent().ok().map(|agent| agent.to_string()),
        }
    }

    /// Returns the environment for operations that ask no one.
    #[must_use]
    pub fn ambient(&self) -> Ambient {
        Ambient { env: self.env.clone(), named: self.named() }
    }

    /// Returns the agent that the command is for.
    ///
    /// # Errors
    /// `INVALID_AGENT`.
    pub fn agent(&self) -> Result<AgentName> {
        self.agent_and_origin().map(|(agent, _)| agent)
    }

    /// Returns the agent that `--agent` names, or none without that flag.
    ///
    /// # Errors
    /// `INVALID_AGENT`, `NOT_A_SECRET`.
    pub fn agent_by_hand(&self) -> Result<Option<AgentName>> {
        self.agent_and_origin().map(|(agent, by_flag)| by_flag.then_some(agent))
    }

    /// Returns the agent, and whether `--agent` names it.
    fn agent_and_origin(&self) -> Result<(AgentName, bool)> {
        let named = agent_of(&self.global, &self.env)?;
        let (agent, by_flag) = named.unwrap_or_else(|| (self.default_agent(), false));
        // Some keys are valid names. A name in use is a name, even if it looks like a key.
        let is_secret = instead(agent.as_str()).is_some() || is_opaque(agent.as_str());
        if is_secret && !self.home()?.join(home::AGENTS).join(agent.as_str()).is_dir() {
            if by_flag {
                is_a_secret()?;
            }
            return Err(messages::agent_is_a_secret());
        }
        Ok((agent, by_flag))
    }

    /// Returns how this command may use the keychain. It asks a person only if there is one.
    #[must_use]
    pub fn keychain(&self) -> Setup {
        let announce: fn(&str) = |provider| {
            out::write_error(&messages::keychain_asks(provider));
        };
        let patience = self.patience.get_or_init(|| Patience::new(self.keychain_timeout())).clone();
        Setup::of(&self.env, patience, self.may_ask().then_some(announce))
    }

    /// Returns what opening a vault needs.
    #[must_use]
    pub fn setup(&self) -> home::Setup {
        home::Setup {
            keychain: self.keychain(),
            anchors: anchor::Setup::of(self.global.anchor.as_deref(), &self.env),
            follow,
        }
    }

    /// As [`Context::setup`], with a keychain that asks no one: for commands that only read.
    #[must_use]
    pub fn setup_unasked(&self) -> home::Setup {
        home::Setup { keychain: self.keychain().unasked(), ..self.setup() }
    }

    /// Returns what makes [`Context::setup_unasked`] again, each time with a keychain that was not asked yet.
    #[must_use]
    pub fn setups(&self) -> Arc<dyn Fn() -> home::Setup + Send + Sync> {
        let (setup, env, limit) = (self.setup_unasked(), self.env.clone(), self.keychain_timeout());
        Arc::new(move || home::Setup {
            keychain: Setup::of(&env, Patience::new(limit), None),
            ..setup.clone()
        })
    }

    /// Returns how long this command waits in all for a keychain that does not answer.
    #[must_use]
    pub fn keychain_timeout(&self) -> Duration {
        self.global.keychain_timeout.unwrap_or(keychain::LIMIT)
    }

    /// Returns how long this command waits for a lock.
    #[must_use]
    pub fn lock_limit(&self) -> Duration {
        self.global.lock_timeout.unwrap_or(LOCK_TIMEOUT)
    }

    /// Returns how this command waits for locks, and who watches it.
    #[must_use]
    pub fn waits(&self, command: &str) -> LockWait {
        let watched = watching::watched(&self.env);
        LockWait { limit: self.lock_limit(), command: command.to_owned(), now: self.env.now(), watched }
    }
}

/// Refuses a command-line argument that looks like a secret, without quoting it.
///
/// # Errors
/// `USAGE`.
pub fn not_a_secret(text: &str) -> Result<()> {
    if secret_format::looks_secret(text) { is_a_secret() } else { Ok(()) }
}

/// Refuses a secret on the command line.
///
/// # Errors
/// `USAGE`.
pub fn is_a_secret() -> Result<()> {
    Err(messages::is_a_secret())
}
