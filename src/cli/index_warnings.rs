//! The words about an index that is behind its records.

use crate::term::count::counted;

/// That a committed change is not put in place.
pub(super) const UNFINISHED: &str = "a committed change is not yet put in place; the next change finishes it";

/// The warning about records that an index does not name.
pub(super) fn unlisted(agent: &str, ids: &[String]) -> String {
    let some = ids.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let more = if ids.len() > 5 { ", …" } else { "" };
    format!(
        "{} of agent {agent} {} not listed in the index ({some}{more}); nothing is lost: `strongroom doctor --repair` lists {}",
        counted(ids.len() as u64, "record"),
        if ids.len() == 1 { "is" } else { "are" },
        if ids.len() == 1 { "it" } else { "them" }
    )
}
