//! The end of a connection: the configuration becomes what it was, and what was made for the client goes.

use super::proxied::KeptProxy;
use super::{Kept, diff, kept, proxied, take_helper};
use crate::client::connectable::{Client, undo_all};
use crate::client::edit::write_config;
use crate::error::Result;
use crate::messages::other_clients as messages;
use crate::ops::client_file::ClientFile;
use crate::ops::connections;
use crate::ops::open::Open;
use crate::secret::Buffer;
use crate::vault::id::AgentName;

/// What disconnecting would do. Nothing has been written.
#[derive(Debug)]
pub struct Disconnecting {
    /// The client.
    pub client: Client,
    /// The connection.
    pub kept: Kept,
    /// What changes in the configuration; empty if nothing does.
    pub diff: String,
    /// Whether it becomes what it was before, byte for byte.
    pub identical: bool,
    /// Whether the file goes, because connecting made it.
    pub removes_file: bool,
    /// What was changed since, and stays.
    pub left: Vec<String>,
    file: ClientFile,
    text: Option<Buffer>,
}

impl Disconnecting {
    /// Plans it. Writes nothing.
    ///
    /// # Errors
    /// `NOT_FOUND` if the client is not connected; those of reading.
    pub fn plan(open: &Open<'_>, client: Client) -> Result<Self> {
        let kept = kept(&open.vault.settings(open.session.keys())?, client)?;
        let kept = kept.ok_or_else(|| messages::not_connected(client.as_str()))?;
        let file = ClientFile::read(&kept.config)?;
        if let Some(proxy) = kept.proxy.clone().filter(|_| client == Client::EnvFile) {
            return Ok(Self::of_env_file(kept, file, &proxy));
        }
        let in_file = |error| messages::in_file(&file.path, &error);
        let Some(now) = file.text().map_err(in_file)? else {
            let (diff, left) = (String::new(), Vec::new());
            return Ok(Self {
                client,
                kept,
                diff,
                identical: false,
                removes_file: false,
                left,
                file,
                text: None,
            });
        };
        let undone = undo_all(kept.undos(), now).map_err(in_file)?;
        let after = undone.text.as_ref().and_then(Buffer::expose_str);
        let diff = diff((&kept.parts, Some(now)), (&[], after));
        let mut left = undone.left;
        left.extend(kept.proxy.as_ref().and_then(|proxy| proxy.token_file.left()));
        Ok(Self {
            client,
            diff,
            identical: undone.identical,
            removes_file: undone.text.is_none(),
            left,
            kept,
            file,
            text: undone.text,
        })
    }

    /// The file of variables has the token, and goes as a whole.
    fn of_env_file(kept: Kept, file: ClientFile, proxy: &KeptProxy) -> Self {
        let is_own = proxy.token_file.is_own();
        Self {
            client: Client::EnvFile,
            diff: if is_own { proxy.shown('-') } else { String::new() },
            identical: is_own,
            removes_file: is_own,
            left: proxy.token_file.left().into_iter().collect(),
            kept,
            file,
            text: None,
        }
    }
}

/// Disconnects as planned. The connection is forgotten last, so that a killed command can be repeated.
///
/// # Errors
/// `CHANGED` if the configuration was changed since; those of locking and writing.
pub fn disconnect(open: &mut Open<'_>, planned: &Disconnecting) -> Result<()> {
    let Kept { config, launcher, made_directory, .. } = &planned.kept;
    match &planned.text {
        Some(text) => {
            planned.file.write(text)?;
        }
        None if planned.removes_file => remove(&planned.file)?,
        None => {}
    }
    if let Some(directory) = made_directory.as_ref().filter(|_| !config.exists()) {
        // It stays if something else is in it.
        let _ = std::fs::remove_dir(directory);
    }
    if let Some(launcher) = launcher {
        launcher.remove()?;
    }
    open.agent = planned.kept.agent.parse::<AgentName>()?;
    for id in &planned.kept.helper_of {
        take_helper(open, &id.parse()?, planned.client.helper())?;
    }
    if let Some(proxy) = &planned.kept.proxy {
        proxied::remove(open, proxy)?;
    }
    connections::keep(open, "disconnect", planned.client.key(), None::<&Kept>)
}

/// Removes a file that connecting made, if it is still the one that was read.
fn remove(file: &ClientFile) -> Result<()> {
    let now = ClientFile::read(&file.path)?;
    if now.digest() != file.digest() {
        return write_config(&file.path, file.digest().as_ref(), b"");
    }
    std::fs::remove_file(&file.path).map_err(|error| messages::not_removed(&file.path, error.kind()))
}
