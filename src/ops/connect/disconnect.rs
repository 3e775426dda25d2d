//! Ends a connection: the configuration is restored, and the vault's entries leave the client's own files.

use std::path::PathBuf;

use super::{Config, Link, link, mirror};
use crate::client::edit::{EMPTY, Left, Restored, diff, restore, write_config};
use crate::error::Result;
use crate::messages::connect as messages;
use crate::ops::open::Open;
use crate::secret::Buffer;

/// What disconnecting would do. Nothing has been written.
#[derive(Debug)]
pub struct Disconnecting {
    /// The connection.
    pub link: Link,
    /// What changes in the configuration, as a unified diff; empty if nothing does.
    pub diff: String,
    /// Whether the configuration becomes what it was before connecting, byte for byte.
    pub identical: bool,
    /// What stays in the configuration.
    pub left: Vec<Left>,
    config: Config,
    becomes: Becomes,
}

/// What becomes of the configuration.
#[derive(Debug)]
enum Becomes {
    /// It stays as it is.
    Same,
    /// This text.
    Text(Buffer),
    /// It did not exist before connecting.
    Nothing,
}

impl Disconnecting {
    /// Plans it. Writes nothing.
    ///
    /// # Errors
    /// `NOT_FOUND` if nothing is connected; those of reading.
    pub fn plan(open: &Open<'_>) -> Result<Self> {
        let link = link(&open.vault.settings(open.session.keys())?)?.ok_or_else(messages::not_connected)?;
        let config = Config::read(&link.config)?;
        let now = config.text()?;
        let (becomes, identical, left) = match now {
            None => (Becomes::Same, true, Vec::new()),
            Some(now) => match restore(now, &link.undo)? {
                Restored::Identical(text) => (Becomes::Text(text), true, Vec::new()),
                Restored::NoFile => (Becomes::Nothing, true, Vec::new()),
                Restored::Partly { text, left } => (Becomes::Text(text), false, left),
                Restored::Nothing { left } => (Becomes::Same, false, left),
            },
        };
        let after = match &becomes {
            Becomes::Text(text) => text.expose_str().unwrap_or_default(),
            Becomes::Nothing => EMPTY,
            Becomes::Same => now.unwrap_or_default(),
        };
        let diff = match now {
            Some(now) if now != after => diff(now, after)?,
            _ => String::new(),
        };
        Ok(Self { link, diff, identical, left, config, becomes })
    }
}

impl Disconnecting {
    /// Returns whether the configuration goes, because connecting made it.
    #[must_use]
    pub fn removes_file(&self) -> bool {
        matches!(self.becomes, Becomes::Nothing)
    }
}

/// Disconnects as planned. Returns the client's own files from which entries were taken. The connection is forgotten last,
/// so that a killed command can be repeated.
///
/// # Errors
/// `CHANGED` if the configuration was changed since; those of locking and writing.
pub fn disconnect(open: &mut Open<'_>, planned: &Disconnecting) -> Result<Vec<PathBuf>> {
    let mut changed = Vec::new();
    if !planned.link.sqlite {
        for (agent, path) in planned.link.agents()? {
            let mirrored = mirror::remove(open, &agent, path, planned.link.made.contains(agent.as_str()))?;
            changed.extend(mirrored.changes.then_some(mirrored.path));
        }
    }
    let Config { path, .. } = &planned.config;
    match &planned.becomes {
        Becomes::Text(text) => write_config(path, planned.config.digest().as_ref(), text.expose())?,
        Becomes::Nothing => {
            std::fs::remove_file(path).map_err(|error| messages::mirror_not_made(path, error.kind()))?;
        }
        Becomes::Same => {}
    }
    link::keep(open, "disconnect", None)?;
    Ok(changed)
}
