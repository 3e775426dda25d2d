//! `--rename OLD=NEW`: another id for an entry, for one too whose id is none here.

use std::cell::Cell;
use std::collections::HashMap;

use super::value::Problem;
use super::{Invalid, Parsed};
use crate::client::alias::ALIASES;
use crate::error::{Code, Error, Result, fail};
use crate::looks::{instead, may_be_repeated};
use crate::secret_format;
use crate::vault::id::{ProfileId, Provider, quoted_in_full};

/// The ids that entries of a source get in place of their own.
#[derive(Debug, Default)]
pub struct Renames(HashMap<String, (ProfileId, Cell<bool>)>);

impl Renames {
    /// Reads `OLD=NEW`, several times. OLD stands in the source, or in a message about it; NEW is a profile id.
    /// Because an id holds one colon, and its provider no `=`, that is plain even if OLD holds both.
    ///
    /// # Errors
    /// `USAGE`, `INVALID_ID`.
    pub fn parse(wishes: &[String]) -> Result<Self> {
        let mut renames = HashMap::new();
        for wish in wishes {
            let colon = wish.rfind(':').unwrap_or(wish.len());
            let Some((old, new)) = wish[..colon].rfind('=').map(|at| (&wish[..at], &wish[at + 1..])) else {
                return Err(Error::new(Code::Usage, "--rename takes OLD=NEW, and NEW is a profile id")
                    .with_remedy("write it as --rename 'openai:John Doe=openai:john'"));
            };
            if !new.contains(':') {
                return Err(Error::new(
                    Code::Usage,
                    "--rename takes OLD=NEW, and what was given for NEW is not a profile id",
                )
                .with_remedy("write it as --rename 'openai:John Doe=openai:john'"));
            }
            if secret_format::looks_secret(new) {
                return fail(Code::Usage, "NEW of --rename looks like a secret");
            }
            let new: ProfileId = new.parse()?;
            if renames.insert(old.to_owned(), (new, Cell::new(false))).is_some() {
                return fail(Code::Usage, "--rename names an entry twice");
            }
        }
        Ok(Self(renames))
    }

    /// The id that the entry of a name gets, if it is renamed. The name may stand there as a message shows it.
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

    /// Renames what was read under ids of its own, as that of variables is.
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

    /// Refuses a wish that no entry met.
    ///
    /// # Errors
    /// `USAGE`.
    pub(super) fn all_used(&self, what: &str) -> Result<()> {
        match self.0.iter().find(|(_, (_, used))| !used.get()) {
            None => Ok(()),
            Some((old, _)) => {
                let repeats = may_be_repeated(old) || (old.contains(':') && instead(old).is_none());
                let old = if repeats { quoted_in_full(old) } else { "OLD".to_owned() };
                Err(Error::new(
                    Code::Usage,
                    format!("--rename: {what} has no entry {old}; nothing was imported"),
                )
                .with_remedy("see what it has with --dry-run --skip-invalid"))
            }
        }
    }
}

/// Refuses an id whose provider is another than the credential's: it would be used for a provider that its name
/// does not say. Names of one provider agree, because the client uses their profiles for each other.
pub(super) fn agree(id: &ProfileId, provider: &Provider) -> std::result::Result<(), Problem> {
    let of_id = id.provider();
    // The client of 2026.9 calls the one by the other's name.
    let codex = |one: &Provider| matches!(one.as_str(), "openai" | "openai-codex");
    if ALIASES.shared(&of_id, provider) || (codex(&of_id) && codex(provider)) {
        return Ok(());
    }
    let reason = format!("is {provider}, and the id is one of {of_id}");
    Err(Problem::new(Code::InvalidId, reason).at("provider"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renames(wishes: &[&str]) -> Result<Renames> {
        Renames::parse(&wishes.iter().map(|wish| (*wish).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn what_stands_before_the_new_id_is_the_old_name() {
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
    fn id_and_provider_agree_also_by_names_that_mean_the_same() {
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
