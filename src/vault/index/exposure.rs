//! Reports what looks like a secret in an index.

use super::{FILE, Index, exposed};
use crate::looks::looks_known;
use crate::messages::vault::index as messages;
use crate::vault::id::quoted;

impl Index {
    /// Returns what looks like a secret: for each place a sentence, and the id of the entry if it is in one. The
    /// sentences quote only names.
    #[must_use]
    pub fn exposed(&self) -> Vec<(Option<String>, String)> {
        let entry = |id: &str| {
            let is_secret = looks_known(id);
            let shown = (!is_secret).then(|| quoted(id));
            let mut named = self.exposed_in(id);
            if is_secret {
                named.insert(0, messages::its_id());
            }
            let sentence = || messages::secret_in_entry(shown.as_deref(), &named);
            (!named.is_empty()).then(|| (Some(id.to_owned()), sentence()))
        };
        let beside = self.exposed_beside();
        let beside = (!beside.is_empty()).then(|| (None, messages::secret_in(FILE, &beside)));
        self.ids().filter_map(entry).chain(beside).collect()
    }

    /// Returns the members of an entry that look like secrets, as paths.
    pub(super) fn exposed_in(&self, id: &str) -> Vec<String> {
        self.profiles.get(id).map(|raw| exposed::below(raw.text(&self.source))).unwrap_or_default()
    }

    /// Returns the members outside the profiles that look like secrets, as paths.
    #[must_use]
    pub fn exposed_beside(&self) -> Vec<String> {
        let top =
            self.top.iter().filter(|(name, _)| !matches!(name.as_str(), "version" | "profiles" | "order"));
        let all = top.chain(&self.order).map(|(name, raw)| (name.as_str(), raw.text(&self.source)));
        all.flat_map(|(name, raw)| exposed::of(name, raw)).collect()
    }
}
