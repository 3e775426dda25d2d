//! A client's own `auth-profiles.json` as a mirror of the index: Strongroom's entries, and everything that the client
//! keeps beside them.

use super::entry::Entry;
use super::{Index, Raw};
use crate::vault::credential::CredentialType;

/// What a mirror did not take over.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Kept {
    /// Ids under which the client keeps a secret in plain text.
    pub plaintext: Vec<String>,
    /// Ids whose secret in plain text gave way to a reference, because the vault has the same one.
    pub replaced: Vec<String>,
    /// Ids under which the client keeps something else of its own: an OAuth sign-in, or a reference to another provider.
    pub others: Vec<String>,
}

/// How a client's file differs from a mirror, by ids.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Differences {
    /// Ids that it does not have.
    pub missing: Vec<String>,
    /// Ids that it has an older entry for.
    pub outdated: Vec<String>,
}

/// The member of an entry with the store and the generation.
const MARK: &str = "strongroom";

impl Index {
    /// Makes the client's file have the entries of this index. `has_same` tells of which ids with a secret in plain text
    /// the vault has the same secret; these get a reference. Entries of Strongroom's that this index does not have are
    /// removed; what the client keeps itself stays, also under an id of this index, and is returned.
    ///
    /// The client accepts no reference for an OAuth sign-in (observed in 2026.2.26, 2026.6.1 and 2026.9.6), so these are
    /// not mirrored.
    pub fn mirror_to(&self, there: &mut Self, has_same: &dyn Fn(&str) -> bool) -> Kept {
        let mut kept = Kept::default();
        let is_ours = |entry: &Entry<'_>| entry.mark.is_some() || entry.reference().is_some();
        let gone: Vec<String> = there
            .entries()
            .filter(|entry| is_ours(entry) && !entry.plaintext && !self.is_mirrored(entry.id))
            .map(|entry| entry.id.to_owned())
            .collect();
        for id in gone {
            there.profiles.shift_remove(&id);
        }
        for id in self.ids().filter(|id| self.is_mirrored(id)) {
            if let Some(entry) = there.entry(id) {
                if entry.plaintext && !has_same(id) {
                    kept.plaintext.push(id.to_owned());
                    continue;
                }
                if entry.plaintext {
                    kept.replaced.push(id.to_owned());
                } else if !is_ours(&entry) {
                    kept.others.push(id.to_owned());
                    continue;
                }
            }
            let Some(raw) = self.profiles.get(id) else { continue };
            there.profiles.insert(id.to_owned(), Raw::New(raw.text(&self.source).into()));
        }
        kept
    }

    /// Returns how a client's file differs from a mirror of this index. What the client keeps itself is no difference, and
    /// neither are entries that this index does not have.
    #[must_use]
    pub fn differences(&self, there: &Self) -> Differences {
        let mut found = Differences::default();
        for id in self.ids().filter(|id| self.is_mirrored(id)) {
            match there.entry(id) {
                None => found.missing.push(id.to_owned()),
                Some(entry) if entry.plaintext || (entry.mark.is_none() && entry.reference().is_none()) => {}
                Some(_) if self.is_same_in(there, id) => {}
                Some(_) => found.outdated.push(id.to_owned()),
            }
        }
        found
    }

    /// Returns whether another index has the same entry. A client that writes its file again may drop the mark.
    fn is_same_in(&self, there: &Self, id: &str) -> bool {
        let value = |index: &Self| {
            let raw = index.profiles.get(id)?;
            serde_json::from_str::<serde_json::Map<_, _>>(raw.text(&index.source)).ok()
        };
        let (Some(mut own), Some(other)) = (value(self), value(there)) else { return false };
        if !other.contains_key(MARK) {
            own.remove(MARK);
        }
        own == other
    }

    /// Removes Strongroom's entries from the client's file. Returns their ids.
    pub fn unmirror(&mut self) -> Vec<String> {
        let before: Vec<String> = self.ids().map(str::to_owned).collect();
        Self::default().mirror_to(self, &|_| false);
        before.into_iter().filter(|id| !self.contains(id)).collect()
    }

    /// Returns whether it says nothing but its version.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        let names = ["version", "profiles", "order"];
        let has_others = self.top.keys().any(|name| !names.contains(&name.as_str()));
        self.profiles.is_empty() && self.order.is_empty() && !has_others
    }

    /// Returns whether an entry is one of Strongroom's that the client can use.
    fn is_mirrored(&self, id: &str) -> bool {
        self.entry(id).is_some_and(|entry| {
            entry.mark.is_some() && entry.kind.is_some_and(|kind| kind != CredentialType::OAuth)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(id: &str, kind: &str, generation: u64) -> String {
        let field = if kind == "api_key" { "keyRef" } else { "tokenRef" };
        format!(
            r#""{id}":{{"type":"{kind}","provider":"groq","{field}":{{"source":"exec","provider":"strongroom","id":"main/{id}"}},"strongroom":{{"store":"file","generation":{generation}}}}}"#
        )
    }

    fn index(entries: &[String], more: &str) -> Index {
        Index::parse(format!(r#"{{"version":1,"profiles":{{{}}}{more}}}"#, entries.join(",")).as_bytes())
            .unwrap()
    }

    fn text(index: &Index) -> String {
        String::from_utf8(index.to_bytes()).unwrap().split_whitespace().collect()
    }

    #[test]
    fn a_mirror_has_the_entries_and_keeps_what_the_client_has_beside_them() {
        let here = index(&[ours("groq:new", "api_key", 5), ours("groq:both", "token", 6)], "");
        let foreign = [
            r#""x:key":{"type":"api_key","provider":"x","key":"made-up-key"}"#.to_owned(),
            ours("groq:both", "token", 1),
            ours("groq:gone", "api_key", 2),
            r#""x:env":{"type":"api_key","provider":"x","keyRef":{"source":"env","provider":"default","id":"X"}}"#
                .to_owned(),
        ];
        let mut there = index(&foreign, r#","lastGood":{"x":"x:key"},"big":12345678901234567890.10"#);
        assert_eq!(here.mirror_to(&mut there, &|_| false), Kept::default());
        let ids: Vec<_> = there.ids().collect();
        assert_eq!(ids, ["x:key", "groq:both", "x:env", "groq:new"]);
        let text = text(&there);
        assert!(text.contains(r#""generation":6"#) && text.contains("12345678901234567890.10"), "{text}");
        assert!(text.contains(r#""lastGood":{"x":"x:key"}"#), "{text}");

        let again = there.to_bytes();
        assert_eq!(here.mirror_to(&mut there, &|_| false), Kept::default());
        assert_eq!(there.to_bytes(), again, "a second mirror changes nothing");
        assert_eq!(there.unmirror(), ["groq:both", "groq:new"]);
        assert_eq!(there.ids().collect::<Vec<_>>(), ["x:key", "x:env"]);
    }

    #[test]
    fn what_the_client_keeps_under_an_id_of_the_vault_stays() {
        let here =
            index(&[ours("x:key", "api_key", 5), ours("x:env", "api_key", 6), ours("x:me", "token", 7)], "");
        let mut there = index(
            &[
                r#""x:key":{"type":"api_key","provider":"x","key":"made-up-key"}"#.to_owned(),
                r#""x:env":{"type":"api_key","provider":"x","keyRef":{"source":"env","provider":"default","id":"X"}}"#
                    .to_owned(),
                r#""x:me":{"type":"oauth","provider":"x","access":"made-up","refresh":"made-up"}"#.to_owned(),
            ],
            "",
        );
        let before = text(&there);
        let kept = here.mirror_to(&mut there, &|_| false);
        assert_eq!(kept.plaintext, ["x:key", "x:me"]);
        assert_eq!(kept.others, ["x:env"]);
        assert_eq!(text(&there), before);
    }

    #[test]
    fn a_secret_that_the_vault_has_gives_way_to_a_reference() {
        let here = index(&[ours("x:key", "api_key", 5), ours("x:other", "api_key", 6)], "");
        let plain = |id: &str| format!(r#""{id}":{{"type":"api_key","provider":"x","key":"made-up-key"}}"#);
        let mut there = index(&[plain("x:key"), plain("x:other")], "");
        let kept = here.mirror_to(&mut there, &|id| id == "x:key");
        assert_eq!((kept.replaced, kept.plaintext), (vec!["x:key".to_owned()], vec!["x:other".to_owned()]));
        assert_eq!(text(&there).matches("made-up-key").count(), 1);
    }

    #[test]
    fn what_differs_from_a_mirror_is_told_by_ids() {
        let here = index(&[ours("x:key", "api_key", 5), ours("x:two", "token", 6)], "");
        let differ = |entries: &[String]| {
            let Differences { missing, outdated } = here.differences(&index(entries, ""));
            (missing, outdated)
        };
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let (key, two) = (ours("x:key", "api_key", 5), ours("x:two", "token", 6));
        assert_eq!(differ(&[key.clone(), two.clone()]), (ids(&[]), ids(&[])));
        assert_eq!(differ(&[]), (ids(&["x:key", "x:two"]), ids(&[])));
        assert_eq!(differ(&[ours("x:key", "api_key", 4)]), (ids(&["x:two"]), ids(&["x:key"])));
        let unmarked = two.split(r#","strongroom""#).next().unwrap().to_owned() + "}";
        assert_eq!(differ(&[key.clone(), unmarked.clone()]), (ids(&[]), ids(&[])));
        let expires = unmarked.replace(r#""provider":"groq","#, r#""provider":"groq","expires":1,"#);
        assert_eq!(differ(&[key.clone(), expires]), (ids(&[]), ids(&["x:two"])));
        let plain = r#""x:two":{"type":"token","provider":"groq","token":"made-up-token"}"#.to_owned();
        assert_eq!(differ(&[key, plain, ours("x:gone", "token", 1)]), (ids(&[]), ids(&[])));
        assert_eq!(Index::default().differences(&here), Differences::default());
    }

    #[test]
    fn an_oauth_sign_in_is_not_mirrored() {
        let sign_in =
            r#""x:me":{"type":"oauth","provider":"x","strongroom":{"store":"file","generation":1}}"#;
        let mut there = Index::default();
        index(&[sign_in.to_owned()], "").mirror_to(&mut there, &|_| false);
        assert!(there.is_empty());
    }
}
