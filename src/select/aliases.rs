//! Providers that share their profiles.

use super::state::Orders;
use crate::vault::id::{ProfileId, Provider};

/// Pairs of a provider's other name and the provider whose profiles serve it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Aliases(&'static [(&'static str, &'static str)]);

impl Aliases {
    /// The aliases of a table.
    #[must_use]
    pub const fn of(table: &'static [(&'static str, &'static str)]) -> Self {
        Self(table)
    }

    /// The provider whose profiles serve a provider: itself, but for an alias.
    #[must_use]
    pub fn served_by(self, provider: &Provider) -> &str {
        let name = provider.as_str();
        self.0.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, target)| target)
    }

    /// Whether profiles of one provider serve the other, too.
    #[must_use]
    pub fn shared(self, one: &Provider, other: &Provider) -> bool {
        one == other || self.served_by(one) == self.served_by(other)
    }

    /// The order that is set for a provider in the index or in the state: under the name that it is an
    /// alias of, else under its own. An empty one counts as none.
    #[must_use]
    pub fn stored<'o>(self, orders: &'o Orders, provider: &Provider) -> Option<&'o [ProfileId]> {
        self.stored_as(orders, provider).map(|(_, ids)| ids)
    }

    /// The same with the name under which it is set.
    #[must_use]
    pub fn stored_as<'o>(
        self,
        orders: &'o Orders,
        provider: &Provider,
    ) -> Option<(&'o Provider, &'o [ProfileId])> {
        let filled = |key| orders.get_key_value(&key).filter(|(_, ids)| !ids.is_empty());
        self.keys(provider).find_map(filled).map(|(key, ids)| (key, ids.as_slice()))
    }

    /// The same of the client's configuration, where an empty order counts: no profile is used.
    #[must_use]
    pub fn configured<'o>(self, orders: &'o Orders, provider: &Provider) -> Option<&'o [ProfileId]> {
        self.keys(provider).find_map(|key| orders.get(&key)).map(Vec::as_slice)
    }

    /// The names under which an order for a provider is sought, in turn.
    pub fn keys(self, provider: &Provider) -> impl Iterator<Item = Provider> {
        self.served_by(provider).parse().ok().into_iter().chain([provider.clone()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALIASES: Aliases = Aliases::of(&[("volcengine-plan", "volcengine")]);

    fn provider(text: &str) -> Provider {
        text.parse().unwrap()
    }

    fn orders(of: &[(&str, &[&str])]) -> Orders {
        let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect();
        of.iter().map(|(provider, list)| (self::provider(provider), ids(list))).collect()
    }

    #[test]
    fn an_order_is_sought_under_the_target_first() {
        let both = orders(&[("volcengine", &["volcengine:x"]), ("volcengine-plan", &["volcengine-plan:y"])]);
        for (asked, found) in [("volcengine", "volcengine:x"), ("volcengine-plan", "volcengine:x")] {
            assert_eq!(ALIASES.stored(&both, &provider(asked)).unwrap()[0].as_str(), found);
        }
        let own = orders(&[("volcengine", &[]), ("volcengine-plan", &["volcengine-plan:y"])]);
        let plan = provider("volcengine-plan");
        assert_eq!(ALIASES.stored(&own, &plan).unwrap()[0].as_str(), "volcengine-plan:y");
        assert_eq!(ALIASES.stored(&own, &provider("volcengine")), None);
        assert_eq!(ALIASES.configured(&own, &plan), Some(&[][..]));
        assert_eq!(ALIASES.configured(&own, &provider("groq")), None);
    }
}
