//! Ranks a provider's variables as the client does.
//!
//! The client first fills its environment: each name from the strongest place that sets it, even to nothing. Only then
//! does it go through a provider's names, so a strong name in a weak place beats a weak name in a strong place. The key
//! of the provider's entry in the configuration comes after the provider's own variables, or before everything if the
//! entry says so.

use std::collections::BTreeMap;

use super::{Held, Origin, Rank, Variable};

/// A provider's sources outside the vault.
pub struct ProviderSources<'v> {
    /// The provider.
    pub provider: &'v str,
    /// The variable that the client uses, if there is no profile.
    pub winner: Option<&'v Variable>,
    /// The variables of the pool, which the client also uses at a rate limit.
    pub pool: Vec<&'v Variable>,
    /// The variables that it passes over, and the reason for each.
    pub shadowed: Vec<(&'v Variable, String)>,
    /// The variable that a service uses, which has neither the environment nor the working directory of this process.
    pub service: Option<&'v Variable>,
}

/// Ranks what was found, provider by provider.
#[must_use]
pub fn rank(variables: &[Variable]) -> Vec<ProviderSources<'_>> {
    let mut by_provider: BTreeMap<&str, Vec<&Variable>> = BTreeMap::new();
    for variable in variables {
        by_provider.entry(&variable.provider).or_default().push(variable);
    }
    by_provider
        .into_iter()
        .map(|(provider, found)| of_provider(provider, &found))
        .filter(|sources| sources.winner.is_some() || !sources.shadowed.is_empty())
        .collect()
}

fn of_provider<'v>(provider: &'v str, found: &[&'v Variable]) -> ProviderSources<'v> {
    let (mut bound, mut shadowed) = bind(found);
    let winner = (!bound.is_empty()).then(|| bound.remove(0));
    let mut pool = Vec::new();
    for variable in bound {
        match (variable.rank, winner) {
            (Rank::Pool(_), _) => pool.push(variable),
            (_, Some(winner)) => shadowed.push((variable, winner.name.clone())),
            (_, None) => {}
        }
    }
    let served: Vec<_> = found.iter().copied().filter(|v| v.origin.reaches_services()).collect();
    let service = bind(&served).0.first().copied();
    ProviderSources { provider, winner, pool, shadowed, service }
}

/// Returns the variable that counts for each name, the strongest name first, and the others with the reason why they do
/// not count.
fn bind<'v>(found: &[&'v Variable]) -> (Vec<&'v Variable>, Vec<(&'v Variable, String)>) {
    let mut by_name: BTreeMap<(Rank, &str), Vec<&'v Variable>> = BTreeMap::new();
    for variable in found {
        by_name.entry((variable.rank, &variable.name)).or_default().push(variable);
    }
    let (mut bound, mut shadowed) = (Vec::new(), Vec::new());
    for mut same in by_name.into_values() {
        same.sort_by(|a, b| a.origin.cmp(&b.origin));
        let mut taken: Option<&Variable> = None;
        let mut set: Option<&Variable> = None;
        for variable in same {
            if let Some(why) = variable.origin.passed_over() {
                shadowed.push((variable, why.to_owned()));
                continue;
            }
            let counts = match (&variable.origin, taken, set) {
                (_, Some(_), _) => false,
                // The configuration sets variables that are empty, the shell only those that are not set.
                (Origin::Config(_), None, _) => true,
                (_, None, set) => set.is_none(),
            };
            if counts && matches!(variable.held, Held::Text(_) | Held::Reference(_)) {
                taken = Some(variable);
                bound.push(variable);
            } else if !matches!(variable.held, Held::Empty) {
                let why = match (&variable.held, taken.or(set)) {
                    (Held::Unusable(why), None) => (*why).to_owned(),
                    (_, Some(before)) if matches!(before.held, Held::Empty) => {
                        format!("an empty {} in {}", before.name, before.origin.told())
                    }
                    (_, Some(before)) => format!("{} in {}", before.name, before.origin.told()),
                    (_, None) => String::new(),
                };
                shadowed.push((variable, why));
            }
            set = set.or(Some(variable));
        }
    }
    (bound, shadowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env_names;
    use crate::secret::SecretString;

    fn found(variables: &[(&str, char, &str)]) -> Vec<Variable> {
        let origin = |letter| match letter {
            'p' => Origin::Process,
            'w' => Origin::WorkingDirectory("/w/.env".into()),
            'f' => Origin::File("/o/.env".into()),
            'o' => Origin::LeftBehind("/c/.env".into()),
            'c' => Origin::Config("/o/openclaw.json".into()),
            'e' => Origin::Entry("/o/openclaw.json".into()),
            _ => Origin::Shell,
        };
        variables
            .iter()
            .map(|(name, letter, value)| {
                let (provider, rank) = if matches!(*name, "entry" | "first") {
                    ("anthropic", Rank::Entry)
                } else if let Some((provider, pool)) = env_names::pool_of(name) {
                    (provider, Rank::Pool(pool))
                } else {
                    let provider = env_names::provider_of(name).unwrap();
                    let names = env_names::names_of(provider);
                    (provider, Rank::Own(names.iter().position(|known| known == name).unwrap()))
                };
                let rank = match *name {
                    "entry" => Rank::Entry,
                    "first" => Rank::Preferred,
                    _ => rank,
                };
                let held = match *value {
                    "" => Held::Empty,
                    "$" => Held::Unusable("refers elsewhere"),
                    "&" => Held::Reference("exec:v:x".to_owned()),
                    value => Held::Text(SecretString::from(value)),
                };
                Variable {
                    provider: provider.into(),
                    name: (*name).to_owned(),
                    rank,
                    origin: origin(*letter),
                    held,
                }
            })
            .collect()
    }

    fn told(variable: Option<&Variable>) -> String {
        variable.map_or_else(String::new, |v| format!("{} {}", v.name, v.origin.kind()))
    }

    #[test]
    fn the_winner_is_the_clients() {
        let (key, token) = ("ANTHROPIC_API_KEY", "ANTHROPIC_OAUTH_TOKEN");
        for (variables, winner, service) in [
            (
                &[(key, 'p', "a"), (key, 'w', "b"), (key, 'f', "c"), (key, 'c', "d"), (key, 's', "e")][..],
                "ANTHROPIC_API_KEY process",
                "ANTHROPIC_API_KEY dotenv",
            ),
            // The author of the repository could have planted it.
            (&[(key, 'w', "b"), (key, 'f', "c")], "ANTHROPIC_API_KEY dotenv", "ANTHROPIC_API_KEY dotenv"),
            (&[(token, 'w', "b"), (key, 'o', "x")], "", ""),
            (
                &[("ANTHROPIC_API_KEY_2", 'w', "b"), (key, 's', "e")],
                "ANTHROPIC_API_KEY login_shell",
                "ANTHROPIC_API_KEY login_shell",
            ),
            (
                &[(key, 'f', "c"), (key, 'o', "x"), (key, 'c', "d")],
                "ANTHROPIC_API_KEY dotenv",
                "ANTHROPIC_API_KEY dotenv",
            ),
            (&[(key, 'o', "x"), (key, 'c', "d")], "ANTHROPIC_API_KEY config", "ANTHROPIC_API_KEY config"),
            (&[(key, 'o', "x")], "", ""),
            (&[(key, 'c', "d"), (key, 's', "e")], "ANTHROPIC_API_KEY config", "ANTHROPIC_API_KEY config"),
            (&[(key, 's', "e")], "ANTHROPIC_API_KEY login_shell", "ANTHROPIC_API_KEY login_shell"),
            (&[(key, 'p', "a")], "ANTHROPIC_API_KEY process", ""),
            // A stronger name in a weaker place.
            (
                &[(key, 'p', "a"), (token, 's', "e")],
                "ANTHROPIC_OAUTH_TOKEN login_shell",
                "ANTHROPIC_OAUTH_TOKEN login_shell",
            ),
            // Set to nothing: files and the shell are passed over, the configuration is not.
            (&[(key, 'p', ""), (key, 'f', "c")], "", "ANTHROPIC_API_KEY dotenv"),
            (&[(key, 'p', ""), (key, 's', "e")], "", "ANTHROPIC_API_KEY login_shell"),
            (
                &[(key, 'p', ""), (key, 'f', "c"), (key, 'c', "d")],
                "ANTHROPIC_API_KEY config",
                "ANTHROPIC_API_KEY dotenv",
            ),
            (&[(key, 'f', "$"), (key, 'o', "x")], "", ""),
            // The entry of the provider: after its variables, before its pool.
            (
                &[("entry", 'e', "a"), (key, 's', "b")],
                "ANTHROPIC_API_KEY login_shell",
                "ANTHROPIC_API_KEY login_shell",
            ),
            (&[("entry", 'e', "a"), (key, 'p', "b")], "ANTHROPIC_API_KEY process", "entry config_provider"),
            (
                &[("ANTHROPIC_API_KEY_2", 'p', "b"), ("entry", 'e', "&")],
                "entry config_provider",
                "entry config_provider",
            ),
            (&[("entry", 'e', "$")], "", ""),
            (&[("first", 'e', "&"), (key, 'p', "b")], "first config_provider", "first config_provider"),
            (&[("first", 'e', "$"), (key, 'p', "b")], "ANTHROPIC_API_KEY process", ""),
            // The pool comes after the provider's own names.
            (
                &[("ANTHROPIC_API_KEY_2", 'p', "a"), (key, 'f', "c")],
                "ANTHROPIC_API_KEY dotenv",
                "ANTHROPIC_API_KEY dotenv",
            ),
            (
                &[("ANTHROPIC_API_KEY_2", 'p', "a"), ("OPENCLAW_LIVE_ANTHROPIC_KEY", 'p', "b")],
                "OPENCLAW_LIVE_ANTHROPIC_KEY process",
                "",
            ),
        ] {
            let variables = found(variables);
            let ranked = rank(&variables);
            let said: Vec<_> = variables.iter().map(|v| told(Some(v))).collect();
            assert_eq!(ranked.len(), 1, "{said:?}");
            assert_eq!(told(ranked[0].winner), winner, "{said:?}");
            assert_eq!(told(ranked[0].service), service, "{said:?}");
        }
    }

    #[test]
    fn what_is_passed_over_names_what_stands_before_it() {
        let variables = found(&[
            ("GROQ_API_KEY", 'p', ""),
            ("GROQ_API_KEY", 'f', "a"),
            ("CODEX_API_KEY", 'f', "a"),
            ("OPENAI_API_KEY", 'p', "b"),
            ("OPENAI_API_KEY", 'c', "c"),
            ("OPENAI_API_KEY_2", 'p', "d"),
            ("XAI_API_KEY", 'p', ""),
        ]);
        let ranked = rank(&variables);
        assert_eq!(ranked.iter().map(|sources| sources.provider).collect::<Vec<_>>(), ["groq", "openai"]);
        let before = |at: usize| -> Vec<_> {
            ranked[at].shadowed.iter().map(|(v, why)| format!("{}: {why}", told(Some(v)))).collect()
        };
        assert_eq!(before(0), ["GROQ_API_KEY dotenv: an empty GROQ_API_KEY in the process environment"]);
        assert_eq!(
            before(1),
            [
                "OPENAI_API_KEY config: OPENAI_API_KEY in the process environment",
                "OPENAI_API_KEY process: CODEX_API_KEY"
            ]
        );
        assert_eq!(ranked[1].pool.len(), 1);
    }
}
