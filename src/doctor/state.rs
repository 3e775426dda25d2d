//! The run-time state that clients reported: `auth-state.json` of every agent.

use super::Finding;
use crate::client::state::{self, FILE};
use crate::client::state_file::StateFile;
use crate::error::{Error, Result};
use crate::messages;
use crate::vault::home::Vault;

const CHECK: &str = "state";

/// Checks whether each agent's state can be read. Without it, selection knows no cooldown and no pin, and nothing can
/// be reported.
///
/// # Errors
/// Those of reading the directories.
pub fn check(vault: &Vault) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for agent in vault.each_agent()? {
        let agent = agent?;
        let name = agent.name();
        let read = agent.dir().read_if_any(FILE, state::MAX).map_err(Error::from);
        if let Err(error) = read.and_then(|bytes| StateFile::parse(bytes.as_deref())) {
            found.push(Finding::wrong(CHECK, messages::doctor::of_agent(name, &error)));
        }
    }
    Ok(found)
}
