//! What a document should say, as a tree of the members that were named.

use indexmap::IndexMap;
use indexmap::map::Entry;
use serde_json::Value;

use super::Change;

/// What a member should be.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Wanted {
    /// It has this value.
    Value(Value),
    /// It has the value that this text says in JSON5.
    Text(String),
    /// It does not exist.
    Absent,
    /// It is an object in which these members are changed, and the others stay.
    Object(Members),
}

/// Members and what they should be, in the order in which they are added.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Members(IndexMap<String, Wanted>);

impl Members {
    /// Returns the tree of a list of changes. Returns `None` if they contradict each other or name nothing.
    pub fn of(changes: &[Change]) -> Option<Self> {
        let mut all = Self::default();
        for change in changes {
            let (path, wanted) = match change {
                Change::Set { path, value } => (path, Wanted::Value(value.clone())),
                Change::Remove { path } => (path, Wanted::Absent),
            };
            all.put(path, wanted)?;
        }
        Some(all)
    }

    /// Sets what a member should be. Returns `None` if the path is empty, or above or below that of another member.
    pub fn put(&mut self, path: &[String], wanted: Wanted) -> Option<()> {
        let (name, below) = path.split_first()?;
        match (self.0.entry(name.clone()), below.is_empty()) {
            (Entry::Vacant(entry), true) => {
                entry.insert(wanted);
            }
            (Entry::Occupied(mut entry), true) if !matches!(entry.get(), Wanted::Object(_)) => {
                entry.insert(wanted);
            }
            (Entry::Vacant(entry), false) => {
                let mut inner = Self::default();
                inner.put(below, wanted)?;
                entry.insert(Wanted::Object(inner));
            }
            (Entry::Occupied(mut entry), false) => {
                let Wanted::Object(inner) = entry.get_mut() else { return None };
                inner.put(below, wanted)?;
            }
            (Entry::Occupied(_), true) => return None,
        }
        Some(())
    }

    /// Returns what a member should be, if it was named.
    pub fn get(&self, name: &str) -> Option<&Wanted> {
        self.0.get(name)
    }

    /// Returns what the member at a path should be, if it was named.
    pub fn at(&self, path: &[String]) -> Option<&Wanted> {
        let (name, below) = path.split_first()?;
        match (self.get(name)?, below) {
            (wanted, []) => Some(wanted),
            (Wanted::Object(inner), _) => inner.at(below),
            _ => None,
        }
    }

    /// Replaces everything that was wanted at and below a path.
    pub fn put_over(&mut self, path: &[String], wanted: Wanted) {
        let Some((name, below)) = path.split_first() else { return };
        match self.0.get_mut(name) {
            Some(Wanted::Object(inner)) if !below.is_empty() => inner.put_over(below, wanted),
            _ => {
                self.0.insert(name.clone(), wanted);
            }
        }
    }

    /// Returns the members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Wanted)> {
        self.0.iter().map(|(name, wanted)| (name.as_str(), wanted))
    }

    /// Returns whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether every member should be absent, so that an object which does not exist need not be made.
    pub fn are_absent(&self) -> bool {
        self.0.values().all(Wanted::is_absent)
    }
}

impl FromIterator<(String, Wanted)> for Members {
    fn from_iter<I: IntoIterator<Item = (String, Wanted)>>(members: I) -> Self {
        Self(members.into_iter().collect())
    }
}

impl Wanted {
    /// Returns whether nothing should be there.
    pub fn is_absent(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Object(members) => members.are_absent(),
            Self::Value(_) | Self::Text(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_contradict_each_other_make_no_tree() {
        let set = |path: &[&str]| Change::set(path, 1);
        for changes in [
            vec![set(&[])],
            vec![set(&["a"]), set(&["a", "b"])],
            vec![set(&["a", "b"]), Change::remove(&["a"])],
        ] {
            assert_eq!(Members::of(&changes), None, "{changes:?}");
        }
        let both = Members::of(&[set(&["a", "b"]), set(&["a", "c"]), Change::remove(&["a", "b"])]).unwrap();
        assert_eq!(both.at(&["a".to_owned(), "b".to_owned()]), Some(&Wanted::Absent));
    }
}
