//! Which rules count the failures of profiles.

use crate::client::version;
use crate::env::Env;
use crate::error::Result;
use crate::messages;
use crate::select::generation::{Chosen, ChosenBy, Generation};

/// Returns the rules that apply, and why: those that a flag names, or [`Generation::VARIABLE`], or else those of the
/// client on this machine.
///
/// # Errors
/// `CONFIG` if the variable names no version whose rules are known.
pub fn rules(env: &Env, flag: Option<Generation>) -> Result<Chosen> {
    if let Some(generation) = flag {
        return Ok(Chosen { generation, by: ChosenBy::Flag });
    }
    let Some(variable) = env.var(Generation::VARIABLE) else { return Ok(version::rules(env)) };
    let generation = variable.to_string_lossy().parse::<Generation>();
    let generation = generation
        .map_err(|error| messages::select::unknown_backoff(Generation::VARIABLE, error.remedy()))?;
    Ok(Chosen { generation, by: ChosenBy::Variable })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn a_flag_comes_before_the_variable_and_that_before_the_client() {
        let env = Env::default();
        let set = env.clone().with_var(Generation::VARIABLE, "2026.2.26");
        for (env, flag, generation, by) in [
            (&env, None, Generation::June, ChosenBy::Default),
            (&set, None, Generation::February, ChosenBy::Variable),
            (&set, Some(Generation::September), Generation::September, ChosenBy::Flag),
        ] {
            assert_eq!(rules(env, flag).unwrap(), Chosen { generation, by });
        }
        let error = rules(&env.with_var(Generation::VARIABLE, "newest"), None).unwrap_err();
        assert_eq!(error.code(), Code::Config);
    }
}
