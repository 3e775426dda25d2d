//! Provider keys from the environment, the client's `.env` files, its configuration and the login shell, imported with
//! the client's own precedence.

use std::collections::HashSet;

use super::{Parsed, Skipped, dotenv};
use crate::client::sources::{Found, Held, Rank, Variable, rank};
use crate::env_names::Pool;
use crate::error::Result;
use crate::messages::transfer::{self as say, reason};
use crate::secret::ExposeSecret;

/// The separators of keys in a `<P>_API_KEYS` list.
const SEPARATORS: [char; 2] = [',', ';'];

/// Parses what was found. The variable that wins becomes `<provider>:default`, each key of the provider's pool becomes
/// a profile of its own, and skipped variables are listed.
///
/// # Errors
/// `INTERNAL`, and if nothing was found, the error of a file that could not be read.
pub fn parse(found: &Found) -> Result<Parsed> {
    let mut parsed = Parsed::default();
    for sources in rank(&found.variables) {
        let mut seen = HashSet::new();
        for (at, variable) in sources.winner.into_iter().chain(sources.pool.iter().copied()).enumerate() {
            take_variable(&mut parsed, variable, at == 0, &mut seen)?;
        }
        for (variable, before) in &sources.shadowed {
            let reason = match (variable.origin.passed_over(), &variable.held) {
                (Some(why), _) | (None, &Held::Unusable(why)) => why.to_owned(),
                (None, _) => reason::shadowed_by(before),
            };
            parsed.skipped.push(Skipped { place: place(variable), reason });
        }
    }
    parsed.warnings.extend(found.untaken.iter().chain(&found.warnings).cloned());
    if parsed.candidates.is_empty() && parsed.skipped.is_empty() && parsed.invalid.is_empty() {
        // A file that was not read may contain some.
        if let Some(error) = &found.unread {
            return Err(error.clone());
        }
        parsed.warnings.push(say::no_provider_keys());
    }
    Ok(parsed)
}

/// Returns the keys in the value of a variable: several in a `<P>_API_KEYS` list.
#[must_use]
pub fn keys_of(rank: Rank, text: &str) -> Vec<&str> {
    match rank {
        Rank::Pool(Pool::List) => text
            .split(|c: char| SEPARATORS.contains(&c) || c.is_whitespace())
            .filter(|key| !key.is_empty())
            .collect(),
        _ => vec![text],
    }
}

/// Adds a key as a profile of a provider, if it is a secret. `variable` says of which type it is.
///
/// # Errors
/// `INTERNAL`.
pub fn take(parsed: &mut Parsed, provider: &str, profile: &str, variable: &str, key: &str) -> Result<()> {
    dotenv::take(parsed, provider, profile, variable, key, variable.to_owned())
}

fn take_variable<'v>(
    parsed: &mut Parsed,
    variable: &'v Variable,
    winner: bool,
    seen: &mut HashSet<&'v str>,
) -> Result<()> {
    if let Held::Reference(label) = &variable.held {
        parsed.skipped.push(Skipped { place: place(variable), reason: reason::reference_to(label) });
    }
    let Held::Text(text) = &variable.held else { return Ok(()) };
    for (at, key) in keys_of(variable.rank, text.expose_secret()).into_iter().enumerate() {
        // The client drops repeated keys from a pool too.
        if !seen.insert(key.trim()) {
            continue;
        }
        let profile = if winner && at == 0 { "default".to_owned() } else { pool_name(variable, at) };
        let place = place(variable);
        dotenv::take(parsed, &variable.provider, &profile, &variable.name, key, place)?;
    }
    Ok(())
}

/// Returns the profile name of a pool's key: `live`, `pool-2`, or `key-` and what follows `_API_KEY_` in lower case.
fn pool_name(variable: &Variable, at: usize) -> String {
    let named = variable.name.split_once("_API_KEY_").map(|(_, tail)| tail);
    match (variable.rank, named) {
        (Rank::Pool(Pool::Named), Some(tail)) => {
            let slug = |c: char| if c == '_' { '-' } else { c.to_ascii_lowercase() };
            let usable = tail.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').map(slug);
            format!("key-{}", usable.collect::<String>())
        }
        (Rank::Pool(Pool::Live), _) => "live".to_owned(),
        _ => format!("pool-{}", at + 1),
    }
}

fn place(variable: &Variable) -> String {
    format!("{} ({})", variable.name, variable.origin.told())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;

    #[test]
    fn winners_pools_and_skipped_variables_are_told_apart() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".openclaw")).unwrap();
        std::fs::write(
            home.path().join(".openclaw/.env"),
            "OPENAI_API_KEY=made-up-2\nGROQ_API_KEY=made-up-3\nXAI_API_KEY=${OTHER}\nPATH=/x\n",
        )
        .unwrap();
        let env = Env::default()
            .with_var("HOME", home.path())
            .with_var("OPENAI_API_KEY", "made-up-1")
            .with_var("OPENAI_API_KEYS", "made-up-4, made-up-1;made-up-5")
            .with_var("OPENAI_API_KEY_TEAM_B", "made-up-6");
        let parsed = parse(&Found::look(&env, None)).unwrap();
        let mut taken: Vec<_> =
            parsed.candidates.iter().map(|c| (c.id.as_str(), c.credential.secret.expose_secret())).collect();
        taken.sort_unstable();
        assert_eq!(
            taken,
            [
                ("groq:default", "made-up-3"),
                ("openai:default", "made-up-1"),
                ("openai:key-team-b", "made-up-6"),
                ("openai:pool-1", "made-up-4"),
                ("openai:pool-3", "made-up-5"),
            ]
        );
        let reasons: Vec<_> = parsed.skipped.iter().map(|s| s.reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "shadowed by OPENAI_API_KEY in the process environment",
                "contains a variable, `${…}`, which OpenClaw does not fill in"
            ]
        );
        assert!(parsed.skipped[1].place.starts_with("XAI_API_KEY ("), "{parsed:?}");
        assert!(!format!("{parsed:?}").contains("made-up"));
    }
}
