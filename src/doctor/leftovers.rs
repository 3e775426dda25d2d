//! Whether the keychain items of homes that no longer exist may be removed.

use std::path::{Path, PathBuf};

use super::keychain::lacks_own_items;
use crate::error::Result;
use crate::vault::home::{Session, Vault};
use crate::vault::keychain::leftovers::Leftover;

/// Why items are kept: a home that exists may read them.
#[derive(Debug)]
pub enum KeptFor {
    /// The vault in another home; only a command of that home can tell.
    Home(PathBuf),
    /// An interrupted command of this home, by its name.
    CutShort(&'static str),
    /// This vault in the home that it was moved to: it has no items of its own yet.
    Moved(PathBuf),
}

/// Returns why items must be kept, or nothing if they may be removed. `here` is this home; its vault is opened only if
/// it may read the items.
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
