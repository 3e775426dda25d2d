//! The models that the client's configuration chooses, and their providers.

use std::collections::HashMap;

use jsonc_parser::ast::{Object, Value};

use super::slash;
use crate::json::json5::{array, member, string};
use crate::vault::id::Provider;

/// A `model` of the configuration: the primary model and its fallbacks.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ModelChoice {
    primary: Option<String>,
    /// `None` if the choice does not mention them.
    fallbacks: Option<Vec<String>>,
}

impl ModelChoice {
    /// No choice.
    pub(super) const NONE: &'static Self = &Self { primary: None, fallbacks: None };

    /// Reads the member `name` of an object.
    pub(super) fn read(of: &Object<'_>, name: &str) -> Self {
        match member(of, name) {
            Some(Value::StringLit(primary)) => Self::of(Some(primary.value.as_ref()), None),
            Some(Value::Object(model)) => {
                let texts = array(model, "fallbacks").iter().filter_map(Value::as_string_lit);
                let fallbacks = member(model, "fallbacks").and_then(Value::as_array);
                let fallbacks = fallbacks.map(|_| texts.map(|text| text.value.to_string()).collect());
                Self::of(string(model, "primary"), fallbacks)
            }
            _ => Self::default(),
        }
    }

    fn of(primary: Option<&str>, fallbacks: Option<Vec<String>>) -> Self {
        let primary = primary.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        Self { primary, fallbacks }
    }

    /// Returns the models of an agent with this choice, which falls back to the defaults. An agent with its own primary
    /// model and without fallbacks has no fallbacks.
    pub fn over<'c>(&'c self, defaults: &'c Self) -> impl Iterator<Item = &'c str> {
        let primary = self.primary.as_ref().or(defaults.primary.as_ref());
        let fallbacks = match (&self.fallbacks, &self.primary) {
            (Some(fallbacks), _) => fallbacks.as_slice(),
            (None, Some(_)) => &[],
            (None, None) => defaults.fallbacks.as_deref().unwrap_or_default(),
        };
        primary.into_iter().chain(fallbacks).map(String::as_str)
    }
}

/// Returns the provider of a model in a configuration, which is an alias or `<provider>/<model>`. Returns nothing for a
/// model without a provider, which the client guesses. Aliases are in lower case.
pub(super) fn provider_of(model: &str, aliases: &HashMap<String, String>) -> Option<Provider> {
    let (model, _) = slash::split(model.trim());
    let alias = aliases.get(&model.to_ascii_lowercase());
    let (provider, name) = alias.map_or(model, String::as_str).split_once('/')?;
    if name.trim().is_empty() {
        return None;
    }
    Provider::named(provider)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::json5::with_root;

    fn choice(text: &str) -> ModelChoice {
        with_root(&format!("{{ model: {text} }}"), "it", |root| ModelChoice::read(root, "model")).unwrap()
    }

    #[test]
    fn an_agents_own_choice_stands_over_the_defaults() {
        let defaults = choice("{ primary: 'a/1', fallbacks: ['b/2', 3] }");
        for (own, expected) in [
            ("null", &["a/1", "b/2"][..]),
            ("''", &["a/1", "b/2"]),
            ("{}", &["a/1", "b/2"]),
            ("'c/3'", &["c/3"]),
            ("{ primary: 'c/3' }", &["c/3"]),
            ("{ primary: 'c/3', fallbacks: ['d/4'] }", &["c/3", "d/4"]),
            ("{ fallbacks: ['d/4'] }", &["a/1", "d/4"]),
            ("{ fallbacks: [] }", &["a/1"]),
        ] {
            assert_eq!(choice(own).over(&defaults).collect::<Vec<_>>(), expected, "{own}");
        }
    }

    #[test]
    fn a_models_provider_is_read_from_its_name_or_its_alias() {
        let aliases = [("fast", "groq/llama"), ("bare", "llama")];
        let aliases = aliases.map(|(alias, of)| (alias.to_owned(), of.to_owned())).into();
        for (model, expected) in [
            ("openai/gpt-5", Some("openai")),
            (" OpenAI/gpt-5 ", Some("openai")),
            ("openrouter/meta/llama", Some("openrouter")),
            ("anthropic/claude@anthropic:work", Some("anthropic")),
            ("Fast", Some("groq")),
            ("fast@groq:work", Some("groq")),
            ("bare", None),
            ("gpt-5", None),
            ("openai/", None),
            ("/gpt-5", None),
            ("", None),
        ] {
            let provider = provider_of(model, &aliases);
            assert_eq!(provider.as_ref().map(Provider::as_str), expected, "{model}");
        }
    }
}
