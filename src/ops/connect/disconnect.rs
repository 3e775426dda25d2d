//! Ends a connection: the configuration is restored, and the vault's entries leave the client's own files.

use super::unconnected::{Becomes, Unconnected};
use super::{ClientFile, ClientReference, Link, link, mirror, references};
use crate::client::edit::{EMPTY, Left, diff, write_config};
use crate::error::Result;
use crate::messages::connect as messages;
use crate::ops::open::Open;
use crate::vault::id::AgentName;

/// What disconnecting would do. Nothing has been written.
#[derive(Debug)]
pub struct Disconnecting {
    /// The connection.
    pub link: Link,
    /// What changes in the configuration, as a unified diff; empty if nothing does.
    pub diff: String,
    /// Whether the configuration becomes what it was before connecting, byte for byte.
    pub identical: bool,
    /// The agent of commands that name none, if it becomes another one.
    pub new_agent: Option<AgentName>,
    /// What stays in the configuration.
    pub left: Vec<Left>,
    /// The references that stay in the client's own databases.
    pub references: Vec<ClientReference>,
    config: ClientFile,
    becomes: Becomes,
}

impl Disconnecting {
    /// Plans it. Writes nothing.
    ///
    /// # Errors
    /// `NOT_FOUND` if nothing is connected; those of reading.
    pub fn plan(open: &Open<'_>) -> Result<Self> {
        let settings = open.vault.settings(open.session.keys())?;
        let link = link(&settings)?.ok_or_else(messages::not_connected)?;
        let agent = settings.default_agent.clone().unwrap_or_default();
        let new_agent = (agent != settings.agent()).then_some(agent);
        let config = ClientFile::read(&link.config)?;
        let now = config.text()?;
        let undone = match now {
            Some(now) => Unconnected::of(now, &link)?,
            None => Unconnected { becomes: Becomes::Same, identical: true, left: Vec::new() },
        };
        let diff = match (now, undone.text(now).unwrap_or(EMPTY)) {
            (Some(now), after) if now != after => diff(now, after)?,
            _ => String::new(),
        };
        let Unconnected { becomes, identical, left } = undone;
        let references = references::of(open, &link);
        Ok(Self { link, diff, identical, new_agent, left, references, config, becomes })
    }

    /// Returns whether the configuration goes, because connecting made it.
    #[must_use]
    pub fn removes_file(&self) -> bool {
        matches!(self.becomes, Becomes::Nothing)
    }
}

/// Disconnects as planned. The connection is forgotten last, so that a killed command can be repeated.
///
/// # Errors
/// `CHANGED` if the configuration was changed since; those of locking and writing.
pub fn disconnect(open: &mut Open<'_>, planned: &Disconnecting) -> Result<()> {
    if !planned.link.sqlite {
        for (agent, path) in planned.link.agents()? {
            mirror::remove(open, path, planned.link.made.contains(agent.as_str()))?;
        }
    }
    let ClientFile { path, .. } = &planned.config;
    match &planned.becomes {
        Becomes::Text(text) => write_config(path, planned.config.digest().as_ref(), text.expose())?,
        Becomes::Nothing => {
            std::fs::remove_file(path).map_err(|error| messages::mirror_not_made(path, error.kind()))?;
        }
        Becomes::Same => {}
    }
    link::keep(open, "disconnect", None)
}
