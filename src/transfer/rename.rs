//! `--rename OLD=NEW`: another id for an entry, even for one whose own id is not valid here.

use std::cell::Cell;
use std::collections::HashMap;

use super::value::Problem;
use super::{Invalid, Parsed};
use crate::client::alias::ALIASES;
use crate::error::{Code, Result};
use crate::looks::{instead, may_be_repeated};
use crate::messages::transfer::{self as say, reason};
use crate::secret_format;
use crate::vault::id::{ProfileId, Provider, quoted_in_full};

/// The new ids of entries.
#[derive(Debug, Default)]
pub struct Renames(HashMap<String, (ProfileId, Cell<bool>)>);

impl Renames {
    /// Parses several `OLD=NEW`. OLD is as in the source or as in a message about it; NEW is a profile id. A profile id
    /// has one colon and its provider has no `=`, so that this is unambiguous even if OLD contains both.
    ///
    /// # Errors
    /// `USAGE`, `INVALID_ID`.
    pub fn parse(wishes: &[String]) -> Result<Self> {
        let mut renames = HashMap::new();
        for wish in wishes {
            let colon = wish.rfind(':').unwrap_or(wish.len());
            let Some((old, new)) = wish[..colon].rfind('=').map(|at| (&wish[..at], &wish[at + 1..])) else {
                return Err(say::rename_without_id());
            };
            if !new.contains(':') {
                return Err(say::rename_to_no_id());
            }
            if secret_format::looks_secret(new) {
                return Err(say::rename_to_secret());
            }
            let new: ProfileId = new.parse()?;
            if renames.insert(old.to_owned(), (new, Cell::new(false))).is_some() {
                return Err(say::renamed_twice());
            }
        }
        Ok(Self(renames))
    }

    /// Returns the new id of an entry, if it is renamed. OLD may be the name as a message shows it.
    pub(super) fn of(&self, name: &str) -> Option<ProfileId> {
        if self.0.is_empty() {
            return None;
        }
        let shown = quoted_in_full(name);
        let found = self.0.get(name).or_else(|| self.0.get(&shown[1..shown.len() - 1]));
        found.map(|(new, used)| {
            used.set(true);
            new.clone()
        })
    }

    /// Renames candidates whose ids are not in the source, such as those from variables.
    pub(super) fn apply(&self, parsed: &mut Parsed) {
        if self.0.is_empty() {
            return;
        }
        for mut candidate in std::mem::take(&mut parsed.candidates) {
            if let Some(new) = self.of(candidate.id.as_str()) {
                if let Err(problem) = agree(&new, &candidate.credential.provider) {
                    parsed.invalid.push(Invalid::new(candidate.place, problem));
                    continue;
                }
                candidate.id = new;
            }
            parsed.candidates.push(candidate);
        }
    }

    /// Refuses a rename that matched no entry.
    ///
    /// # Errors
    /// `USAGE`.
    pub(super) fn all_used(&self, what: &str) -> Result<()> {
        match self.0.iter().find(|(_, (_, used))| !used.get()) {
            None => Ok(()),
            Some((old, _)) => {
                let repeats = may_be_repeated(old) || (old.contains(':') && instead(old).is_none());
                let old = if repeats { quoted_in_full(old) } else { "OLD".to_owned() };
                Err(say::no_entry_to_rename(what, &old))
            }
        }
    }
}

/// Refuses an id whose provider is not the credential's, because it would be used for a provider that its name does not
/// state. Several names of one provider agree, because the client uses their profiles for each other.
pub(super) fn agree(id: &ProfileId, provider: &Provider) -> std::result::Result<(), Problem> {
    let of_id = id.provider();
    // OpenClaw 2026.9 uses either name for the other.
    let codex = |one: &Provider| matches!(one.as_str(), "openai" | "openai-codex");
    if ALIASES.shared(&of_id, provider) || (codex(&of_id) && codex(provider)) {
        return Ok(());
    }
    Err(Problem::new(Code::InvalidId, reason::other_provider(provider, of_id)).at("provider"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renames(wishes: &[&str]) -> Result<Renames> {
        Renames::parse(&wishes.iter().map(|wish| (*wish).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn everything_before_the_new_id_is_the_old_name() {
        for (wish, old, new) in [
            ("openai-codex:John Doe=openai-codex:john", "openai-codex:John Doe", "openai-codex:john"),
            ("a=b:c=d=e:f=g", "a=b:c=d", "e:f=g"),
            ("=a:b", "", "a:b"),
            ("x:\u{1b}[2J=a:b", "x:\u{1b}[2J", "a:b"),
            (r"x:\u{1b}[2J=a:b", "x:\u{1b}[2J", "a:b"),
        ] {
            let renames = renames(&[wish]).unwrap();
            assert!(renames.all_used("it").is_err());
            assert_eq!(renames.of(old).map(|id| id.to_string()).as_deref(), Some(new), "{wish}");
            assert!(renames.all_used("it").is_ok());
        }
        for wish in ["", "a", "a:b", "a:b=", "a:b=c", "a:b=c d:e", "a:b=C:d", "a=sk-ant-oat01-canary:b"] {
            let error = renames(&[wish]).unwrap_err();
            assert!(matches!(error.code(), Code::Usage | Code::InvalidId), "{wish}");
        }
        assert!(renames(&["a:b=c:d", "a:b=c:e"]).is_err());
    }

    #[test]
    fn id_and_provider_also_agree_if_their_names_mean_the_same() {
        for (id, provider, good) in [
            ("openai:a", "openai", true),
            ("openai-codex:a", "openai", true),
            ("anthropic:claude-cli", "claude-cli", true),
            ("openrouter:free", "anthropic", false),
            ("openai:a", "anthropic", false),
        ] {
            let (id, provider) = (id.parse().unwrap(), provider.parse().unwrap());
            assert_eq!(agree(&id, &provider).is_ok(), good, "{id} {provider}");
        }
    }
}
