//! Whether what homes that are gone left in the keychain may be removed.

use std::path::{Path, PathBuf};

use super::keychain::lacks_own_items;
use crate::error::Result;
use crate::vault::home::{Session, Vault};
use crate::vault::keychain::leftovers::Leftover;

/// Why items stay: a home that is there may read them.
#[derive(Debug)]
pub enum KeptFor {
    /// The vault in another home, which alone can tell.
    Home(PathBuf),
    /// A command of this home that was cut short, by its name.
    CutShort(&'static str),
    /// This vault, in the home to which it was moved: it has no items of its own yet.
    Moved(PathBuf),
}

/// Returns why items may not be removed, if so. `here` is this home; its vault is opened only if it may read them.
///
/// # Errors
/// Those of opening the vault, of the keychain, and of reading the home.
pub fn kept_for(
    left: &Leftover,
    here: &Path,
    open: impl Fn() -> Result<(Vault, Session)>,
) -> Result<Option<KeptFor>> {
    let here = here.canonicalize().ok();
    for reader in &left.readers {
        if here.is_none() || reader.canonicalize().ok() != here {
            return Ok(Some(KeptFor::Home(reader.clone())));
        }
        let (vault, session) = open()?;
        if let Some(pending) = session.pending() {
            return Ok(Some(KeptFor::CutShort(pending.verb())));
        }
        if lacks_own_items(&vault, &session)? {
            return Ok(Some(KeptFor::Moved(reader.clone())));
        }
    }
    Ok(None)
}
