//! Profile ids, as they are typed.

use super::{Context, not_a_secret};
use crate::error::{Code, Error, Result};
use crate::looks::{has_handle, masked};
use crate::vault::home::Vault;
use crate::vault::id::ProfileId;

impl Context {
    /// A profile id from the command line.
    ///
    /// # Errors
    /// `INVALID_ID`; a secret given by mistake is not quoted.
    pub fn profile_id(&self, text: &str) -> Result<ProfileId> {
        if has_handle(text) {
            return by_handle(self, text);
        }
        let id: ProfileId = text.parse().map_err(|error: Error| {
            // The client lowers a provider, and takes an id as it is typed.
            let lowered =
                ProfileId::named(text).map(|id| format!("use the provider in lower case: {}", id.word()));
            let error = lowered.into_iter().fold(error, Error::with_remedy);
            not_a_secret(text).err().unwrap_or(error)
        })?;
        not_a_secret(id.name())?;
        Ok(id)
    }
}

/// The profile whose id is shown by a handle, because it looks like a secret.
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
    listed.chain(records).find(|id: &ProfileId| masked(id.as_str()) == text).ok_or_else(|| {
        Error::new(Code::NotFound, "no profile is shown by that handle")
            .with_remedy("run `strongroom list` to see what is there")
    })
}
