//! Connections to clients in the settings, under their MAC.

use serde::Serialize;
use serde_json::Value;

use super::open::Open;
use crate::error::Result;
use crate::messages::connect as messages;
use crate::vault::settings::Settings;

/// Keeps the connection of a client in the settings, or removes it. Its member `config` is the file that is named in the
/// log.
///
/// # Errors
/// `CONFIG` if a path is not text; those of writing the settings.
pub(super) fn keep(
    open: &mut Open<'_>,
    command: &str,
    client: &'static str,
    connection: Option<&impl Serialize>,
) -> Result<()> {
    let value = connection.map(serde_json::to_value).transpose().map_err(|_| messages::link_not_text())?;
    let waits = open.waits(command);
    let told = |settings: &Settings| {
        let config = settings.connections.get(client).and_then(|connection| connection.get("config"));
        config.and_then(Value::as_str).map(str::to_owned)
    };
    open.vault.change_settings(&mut open.session, client, &waits, |settings| {
        let before = told(settings);
        match &value {
            Some(value) => settings.connections.insert(client.to_owned(), value.clone()),
            None => settings.connections.remove(client),
        };
        Ok((before, told(settings)))
    })?;
    Ok(())
}
