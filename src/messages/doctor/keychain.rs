//! Messages about a vault's items in the keychain.

use std::fmt::Display;

use super::{Problem, REPAIR};
use crate::error::Error;
use crate::term::count::counted;

const PRUNE: &str =
    "list them with `strongroom store prune --dry-run`; `strongroom store prune` removes them";

/// The keychain cannot be used, and this vault does not need it.
pub fn not_needed(error: &Error) -> String {
    format!("{}; this vault does not use it", error.what())
}

/// The keychain can be used.
pub fn is_ready(provider: impl Display) -> String {
    format!("{provider} can be read and written")
}

/// A test item was given back.
pub const TRIED: &str = "a test item was written and read back over another connection (whether items survive a restart of the keychain cannot be tested: new profiles also stay in the vault, encrypted, until a later command finds them in the keychain)";

/// The items could not be listed.
pub fn not_listed(error: &Error) -> String {
    format!("could not list the items: {}", error.what())
}

/// Another vault was in this home.
pub fn of_another_vault(number: usize) -> Problem {
    let items = counted(number as u64, "item");
    Problem::new(
        format!("the keychain holds {items} of another vault that used this home; left alone"),
        PRUNE,
    )
}

/// Several items of one profile.
pub fn several_items(agent: impl Display, number: usize, profile: &str) -> String {
    format!(
        "agent {agent}: the keychain holds {number} items for {profile}; only the one that this vault wrote is used"
    )
}

/// An item that the ledger does not name.
pub fn unknown_item(agent: impl Display, profile: &str) -> String {
    format!(
        "agent {agent}: the keychain holds an item for {profile} that is not in the ledger; it is never used"
    )
}

/// Profiles that are in the keychain as they should be.
pub fn profiles(number: u64) -> String {
    format!("the keychain holds {} of this vault", counted(number, "profile"))
}

/// An item of a profile that was moved or removed.
pub fn orphan(agent: impl Display, profile: impl Display) -> Problem {
    Problem::new(
        format!("agent {agent}: the keychain still holds an item for {profile}, which was moved or removed"),
        REPAIR,
    )
}

/// Another home has items of the same vault.
pub fn another_home(home: &str) -> String {
    format!("the keychain also holds items of this vault for the home {home}: one of the two homes is a copy")
}

/// The home was moved, and has items of its own. `places` are joined.
pub fn earlier_homes(places: &str) -> Problem {
    Problem::new(format!("the keychain still holds items from where this home was before: {places}"), PRUNE)
}

/// The home was moved, and its items name the earlier one. `places` are joined.
pub fn moved(places: &str) -> Problem {
    Problem::new(
        format!("this home was moved: its items name a home that no longer exists ({places})"),
        "run `strongroom doctor --repair` to write them for this home",
    )
}

/// Homes that no longer exist left items.
pub fn leftovers(items: usize, homes: usize) -> Problem {
    let (items, homes) = (counted(items as u64, "item"), counted(homes as u64, "removed home"));
    Problem::new(format!("the keychain holds {items} of {homes}"), PRUNE)
}
