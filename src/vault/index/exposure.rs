//! What of an index looks like a secret, for people.

use super::{FILE, Index, exposed};
use crate::looks::looks_known;
use crate::messages::vault::index as messages;
use crate::vault::id::quoted;

impl Index {
    /// What looks like a secret, each as a sentence that names its place, with the id of its entry if it is in
    /// one. Nothing of it is quoted but names.
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

    /// The members of an entry that look like secrets, as paths.
    pub(super) fn exposed_in(&self, id: &str) -> Vec<String> {
        self.profiles.get(id).map(|raw| exposed::below(raw.text(&self.source))).unwrap_or_default()
    }

    /// The members beside the profiles that look like secrets, as paths.
    #[must_use]
    pub fn exposed_beside(&self) -> Vec<String> {
        let top =
            self.top.iter().filter(|(name, _)| !matches!(name.as_str(), "version" | "profiles" | "order"));
        let all = top.chain(&self.order).map(|(name, raw)| (name.as_str(), raw.text(&self.source)));
        all.flat_map(|(name, raw)| exposed::of(name, raw)).collect()
    }
}
