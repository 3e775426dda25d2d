//! Reads profile ids as people type them.

use super::{Context, not_a_secret};
use crate::error::{Error, Result};
use crate::looks::{has_handle, masked};
use crate::messages::cli::arguments as messages;
use crate::vault::home::Vault;
use crate::vault::id::ProfileId;

impl Context {
    /// Reads a profile id from the command line.
    ///
    /// # Errors
    /// `INVALID_ID`; `USAGE` for a secret given by mistake, which is not quoted.
    pub fn profile_id(&self, text: &str) -> Result<ProfileId> {
        if has_handle(text) {
            return by_handle(self, text);
        }
        let id: ProfileId = text.parse().map_err(|error: Error| {
            // The client puts a provider into lower case, but takes the rest of an id as it is typed.
            let lowered = ProfileId::named(text).map(|id| messages::lower_case(&id.word()));
            let error = lowered.into_iter().fold(error, Error::with_remedy);
            not_a_secret(text).err().unwrap_or(error)
        })?;
        not_a_secret(id.name())?;
        Ok(id)
    }
}

/// Returns the profile whose id is shown as a handle because it looks like a secret.
///
/// # Errors
/// `NOT_FOUND`, those of reading the index.
fn by_handle(context: &Context, text: &str) -> Result<ProfileId> {
    let vault = Vault::open(&context.home()?, &context.setup(), context.lock_limit())?;
    let agent = vault.agent(&context.agent()?)?;
    let (index, records) = match &agent {
        Some(agent) => (agent.index()?, agent.record_ids()?.0),
        None => Default::default(),
    };
    let listed = index.ids().filter_map(|id| id.parse().ok());
    listed
        .chain(records)
        .find(|id: &ProfileId| masked(id.as_str()) == text)
        .ok_or_else(messages::no_such_handle)
}
