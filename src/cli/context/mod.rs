//! What every verb needs: the surroundings, the vault ([`access`]), and a way to speak ([`speech`]).

mod access;
mod ids;
mod speech;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use strongroom_backends::is_opaque;

use super::{Global, agent_of, watching};
use crate::client::state_after_change::follow;
use crate::env::Env;
use crate::error::{Code, Error, Result};
use crate::keychain::{self, Patience, Setup};
use crate::looks::instead;
use crate::ops::ambient::Ambient;
use crate::secret_format;
use crate::term::{out, secret_input};
use crate::unlock::key_sources::Named;
use crate::vault::anchor;
use crate::vault::home::{self, LOCK_TIMEOUT, LockWait};
use crate::vault::id::AgentName;

pub use speech::report;

/// The surroundings of a verb.
#[derive(Debug)]
pub struct Context {
    /// Variables, clock, terminal.
    pub env: Env,
    /// The options of every verb.
    pub global: Global,
    /// How long the keychain may be silent, over everything that this command asks of it.
    patience: OnceLock<Patience>,
    closed: bool,
}

impl Context {
    /// The surroundings for parsed options.
    #[must_use]
    pub fn new(env: Env, global: Global) -> Self {
        Self { env, global, patience: OnceLock::new(), closed: false }
    }

    /// Whether one JSON document is asked for.
    #[must_use]
    pub fn json(&self) -> bool {
        self.global.json
    }

    /// Whether a person can be asked.
    #[must_use]
    pub fn may_ask(&self) -> bool {
        !self.global.no_input && self.env.stdin_tty
    }

    /// Whether a person can be asked for the vault's passphrase: unlike the others, that question is
    /// asked beside what comes on standard input.
    #[must_use]
    pub fn may_ask_passphrase(&self) -> bool {
        self.may_ask() || (!self.global.no_input && self.env.stderr_tty && secret_input::reaches_terminal())
    }

    /// The vault's home.
    ///
    /// # Errors
    /// `CONFIG`.
    pub fn home(&self) -> Result<PathBuf> {
        home::locate(self.global.home.as_deref(), &self.env)
    }

    /// Whether a flag or a variable names the home.
    #[must_use]
    pub fn names_home(&self) -> bool {
        self.global.home.is_some() || self.env.path("STRONGROOM_HOME").is_some()
    }

    /// The sources of a key that were named by flags.
    #[must_use]
    pub fn named(&self) -> Named {
        Named {
            key_file: self.global.key_file.clone(),
            passphrase_file: self.global.passphrase_file.clone(),
            passphrase_fd: self.global.passphrase_fd,
            agent: self.agent().ok().map(|agent| agent.to_string()),
        }
    }

    /// What a use case that asks no one goes by.
    #[must_use]
    pub fn ambient(&self) -> Ambient {
        Ambient { env: self.env.clone(), named: self.named() }
    }

    /// The agent that is meant.
    ///
    /// # Errors
    /// `INVALID_AGENT`.
    pub fn agent(&self) -> Result<AgentName> {
        let (agent, by_flag) = agent_of(&self.global, &self.env)?;
        // Some keys are valid names. A name that is in use is one, however it looks.
        let is_secret = instead(agent.as_str()).is_some() || is_opaque(agent.as_str());
        if is_secret && !self.home()?.join(home::AGENTS).join(agent.as_str()).is_dir() {
            if by_flag {
                is_a_secret()?;
            }
            return Err(Error::new(
                Code::InvalidAgent,
                "what STRONGROOM_AGENT holds looks like a secret, not like an agent",
            )
            .with_remedy("unset it, or set it to the name of an agent"));
        }
        Ok(agent)
    }

    /// The agent that `--agent` names, if it does.
    ///
    /// # Errors
    /// `INVALID_AGENT`.
    pub fn agent_by_hand(&self) -> Result<Option<AgentName>> {
        agent_of(&self.global, &self.env).map(|(agent, by_hand)| by_hand.then_some(agent))
    }

    /// How this command may use the keychain: it asks a person where one is there to answer.
    #[must_use]
    pub fn keychain(&self) -> Setup {
        let announce: fn(&str) = |provider| {
            out::write_error(&format!(
                "{provider} is locked and asks you to unlock it (waiting for at most 60 s)\n"
            ));
        };
        let patience = self.patience.get_or_init(|| Patience::new(self.keychain_timeout())).clone();
        Setup::of(&self.env, patience, self.may_ask().then_some(announce))
    }

    /// What a vault is opened with here.
    #[must_use]
    pub fn setup(&self) -> home::Setup {
        home::Setup {
            keychain: self.keychain(),
            anchors: anchor::Setup::of(self.global.anchor.as_deref(), &self.env),
            follow,
        }
    }

    /// As [`Context::setup`], with a keychain that asks no one: for commands that only look.
    #[must_use]
    pub fn setup_unasked(&self) -> home::Setup {
        home::Setup { keychain: self.keychain().unasked(), ..self.setup() }
    }

    /// How long this command waits in all for a keychain that does not answer.
    #[must_use]
    pub fn keychain_timeout(&self) -> Duration {
        self.global.keychain_timeout.unwrap_or(keychain::LIMIT)
    }

    /// How long a lock is waited for.
    #[must_use]
    pub fn lock_limit(&self) -> Duration {
        self.global.lock_timeout.unwrap_or(LOCK_TIMEOUT)
    }

    /// How this command waits for locks.
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

/// The refusal of a secret on the command line.
///
/// # Errors
/// `USAGE`.
pub fn is_a_secret() -> Result<()> {
    Err(Error::new(
        Code::Usage,
        "an argument looks like a secret; other users of this machine can read a command line",
    )
    .with_remedy("revoke that secret; give the new one on standard input or at the prompt"))
}
