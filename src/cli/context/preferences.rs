//! What a person prefers: the settings, as far as commands depend on them.

use strongroom_backends::fs::home;

use super::{Context, agent_of};
use crate::error::{Code, Result};
use crate::looks::may_be_repeated;
use crate::messages::vault::settings as messages;
use crate::term::style::Color;
use crate::vault::home::{Session, Vault};
use crate::vault::id::AgentName;
use crate::vault::settings::{self, Key, Settings};

/// A setting as it applies to this command.
#[derive(Debug)]
pub struct Applied {
    /// The value.
    pub value: String,
    /// Its source: `default`, `settings`, `connection openclaw`, `flag --agent`, `environment NO_COLOR`, …
    pub source: String,
}

impl Context {
    /// Reads the settings, unverified, and shows times and colour as they say. A home that is missing or not safe says
    /// nothing here; the command reports it.
    pub fn read_settings(&mut self) {
        let Ok(path) = self.home() else { return };
        let Ok(opened) = home::open(&path) else { return };
        self.claimed = settings::unverified(&opened.dir);
        if self.from_outside(Key::Color).is_none() {
            self.env.color = self.claimed.color.and_then(Color::wanted);
        }
        if self.from_outside(Key::TimeZone).is_none()
            && let Some(zone) = self.claimed.time_zone.clone()
        {
            zone.show();
        }
    }

    /// Returns what `settings.json` says, unverified.
    #[must_use]
    pub fn claimed(&self) -> &Settings {
        &self.claimed
    }

    /// Returns the agent of commands that name none. Until it is verified, it is the one that the file claims: what a
    /// command reads or writes without a key, anyone who can write the file could read or write too.
    pub(super) fn default_agent(&self) -> AgentName {
        self.verified_agent.get().cloned().unwrap_or_else(|| self.claimed.agent())
    }

    /// Verifies the default agent before a secret goes there or comes from there, unless the command names an agent.
    ///
    /// # Errors
    /// `TAMPERED` or `LOCKED` if the settings name another agent than main and cannot be verified.
    pub fn verify_agent(&self, vault: &Vault, session: &Session) -> Result<()> {
        if agent_of(&self.global, &self.env)?.is_some() || self.verified_agent.get().is_some() {
            return Ok(());
        }
        let claimed = self.claimed.agent();
        let verified = match vault.settings(session.keys()) {
            Ok(settings) => settings.agent(),
            Err(error) if claimed != AgentName::default() => {
                return Err(match error.code() {
                    Code::Locked => messages::agent_unverifiable(claimed.as_str()),
                    _ => messages::agent_unverified(error.what()),
                });
            }
            // Someone may have taken a default agent out of the file.
            Err(error) => {
                if error.code() != Code::Locked {
                    self.warn(error.what());
                }
                AgentName::default()
            }
        };
        let _ = self.verified_agent.set(verified);
        Ok(())
    }

    /// Returns how a setting applies, if the vault's settings are these.
    #[must_use]
    pub fn applied(&self, key: Key, settings: &Settings) -> Applied {
        if let Some(outside) = self.from_outside(key) {
            return outside;
        }
        if let Some(value) = settings.value(key) {
            return Applied { value, source: "settings".to_owned() };
        }
        let (value, client) = settings.default_of(key);
        let source = client.map_or_else(|| "default".to_owned(), |client| format!("connection {client}"));
        Applied { value, source }
    }

    /// Returns what the command line or the environment says instead of a setting.
    #[must_use]
    pub fn from_outside(&self, key: Key) -> Option<Applied> {
        let variable = |name: &str| {
            let value = self.env.var(name)?.to_string_lossy();
            let value = if may_be_repeated(&value) { value.into_owned() } else { "…".to_owned() };
            Some(Applied { value, source: format!("environment {name}") })
        };
        match key {
            Key::DefaultStore | Key::HistoryDays => None,
            Key::DefaultAgent => match &self.global.agent {
                Some(agent) => Some(Applied { value: agent.clone(), source: "flag --agent".to_owned() }),
                None => variable("STRONGROOM_AGENT"),
            },
            Key::TimeZone => variable("TZ"),
            Key::Color => match self.global.color {
                Some(color) => {
                    Some(Applied { value: color.as_str().to_owned(), source: "flag --color".to_owned() })
                }
                None => {
                    variable("NO_COLOR").map(|set| Applied { value: Color::Never.as_str().to_owned(), ..set })
                }
            },
        }
    }
}
