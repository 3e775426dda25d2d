//! Providers that share their profiles, as the client has it.

use crate::select::state::Orders;
use crate::vault::id::{ProfileId, Provider};

/// What `resolveProviderIdForAuth` of OpenClaw 2026.6.1 makes of provider names: the
/// `providerAuthAliases` and deprecated choices of the plugins that come with it, whether they are
/// enabled or not. `tests/real/selection.sh` holds it against the client. Plugins that a user
/// installs can name more; those are not known here.
pub const ALIASES: [(&str, &str); 21] = [
    ("byteplus-plan", "byteplus"),
    ("claude-cli", "anthropic"),
    ("gmi-cloud", "gmi"),
    ("gmicloud", "gmi"),
    ("minimax-api", "minimax"),
    ("minimax-api-key-cn", "minimax"),
    ("minimax-api-lightning", "minimax"),
    ("minimax-cloud", "minimax"),
    ("minimax-cn", "minimax"),
    ("minimax-portal-cn", "minimax-portal"),
    ("modelstudio-api-key", "qwen"),
    ("modelstudio-api-key-cn", "qwen"),
    ("modelstudio-standard-api-key", "qwen"),
    ("modelstudio-standard-api-key-cn", "qwen"),
    ("moonshot-ai", "moonshot"),
    ("moonshotai", "moonshot"),
    ("novita-ai", "novita"),
    ("novitaai", "novita"),
    ("qwen-cli", "qwen-oauth"),
    ("qwen-portal", "qwen-oauth"),
    ("volcengine-plan", "volcengine"),
];

/// The provider whose profiles serve a provider: itself, but for an alias.
#[must_use]
pub fn served_by(provider: &Provider) -> &str {
    let name = provider.as_str();
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, target)| target)
}

/// Whether profiles of one provider serve the other, too.
#[must_use]
pub fn shared(one: &Provider, other: &Provider) -> bool {
    one == other || served_by(one) == served_by(other)
}

/// The order that is set for a provider in the index or in the state: under the name that it is an
/// alias of, else under its own. An empty one counts as none.
#[must_use]
pub fn stored<'o>(orders: &'o Orders, provider: &Provider) -> Option<&'o [ProfileId]> {
    stored_as(orders, provider).map(|(_, ids)| ids)
}

/// The same with the name under which it is set.
#[must_use]
pub fn stored_as<'o>(orders: &'o Orders, provider: &Provider) -> Option<(&'o Provider, &'o [ProfileId])> {
    let filled = |key| orders.get_key_value(&key).filter(|(_, ids)| !ids.is_empty());
    keys(provider).find_map(filled).map(|(key, ids)| (key, ids.as_slice()))
}

/// The same of the client's configuration, where an empty order counts: no profile is used.
#[must_use]
pub fn configured<'o>(orders: &'o Orders, provider: &Provider) -> Option<&'o [ProfileId]> {
    keys(provider).find_map(|key| orders.get(&key)).map(Vec::as_slice)
}

/// The names under which an order for a provider is sought, in turn.
pub fn keys(provider: &Provider) -> impl Iterator<Item = Provider> {
    served_by(provider).parse().ok().into_iter().chain([provider.clone()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(text: &str) -> Provider {
        text.parse().unwrap()
    }

    fn orders(of: &[(&str, &[&str])]) -> Orders {
        let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect();
        of.iter().map(|(provider, list)| (self::provider(provider), ids(list))).collect()
    }

    #[test]
    fn aliases_are_providers_and_lead_to_no_alias() {
        for (alias, target) in ALIASES {
            assert_eq!(served_by(&provider(alias)), target);
            assert_eq!(served_by(&provider(target)), target);
            assert!(
                shared(&provider(alias), &provider(target)) && !shared(&provider(alias), &provider("groq"))
            );
        }
        assert!(ALIASES.is_sorted());
    }

    #[test]
    fn an_order_is_sought_under_the_target_first() {
        let both = orders(&[("volcengine", &["volcengine:x"]), ("volcengine-plan", &["volcengine-plan:y"])]);
        for (asked, found) in [("volcengine", "volcengine:x"), ("volcengine-plan", "volcengine:x")] {
            assert_eq!(stored(&both, &provider(asked)).unwrap()[0].as_str(), found);
        }
        let own = orders(&[("volcengine", &[]), ("volcengine-plan", &["volcengine-plan:y"])]);
        let plan = provider("volcengine-plan");
        assert_eq!(stored(&own, &plan).unwrap()[0].as_str(), "volcengine-plan:y");
        assert_eq!(stored(&own, &provider("volcengine")), None);
        assert_eq!(configured(&own, &plan), Some(&[][..]));
        assert_eq!(configured(&own, &provider("groq")), None);
    }
}
