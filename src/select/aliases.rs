//! Providers that share their profiles.

use super::state::Orders;
use crate::vault::id::{ProfileId, Provider};

/// A table of provider aliases: another name of a provider, and the provider whose profiles it uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Aliases(&'static [(&'static str, &'static str)]);

impl Aliases {
    /// Returns the aliases of a table.
    #[must_use]
    pub const fn of(table: &'static [(&'static str, &'static str)]) -> Self {
        Self(table)
    }

    /// Returns the provider whose profiles a provider uses: itself, unless it is an alias.
    #[must_use]
    pub fn served_by(self, provider: &Provider) -> &str {
        let name = provider.as_str();
        self.0.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, target)| target)
    }

    /// Returns whether profiles of one provider also serve the other.
    #[must_use]
    pub fn shared(self, one: &Provider, other: &Provider) -> bool {
        one == other || self.served_by(one) == self.served_by(other)
    }

    /// Returns the order that is set for a provider in the index or in the state: under the name that it is an
    /// alias of, or else under its own. An empty order counts as no order.
    #[must_use]
    pub fn stored<'o>(self, orders: &'o Orders, provider: &Provider) -> Option<&'o [ProfileId]> {
        self.stored_as(orders, provider).map(|(_, ids)| ids)
    }

    /// Returns the same, with the name under which it is set.
    #[must_use]
    pub fn stored_as<'o>(
        self,
        orders: &'o Orders,
        provider: &Provider,
    ) -> Option<(&'o Provider, &'o [ProfileId])> {
        let filled = |key| orders.get_key_value(&key).filter(|(_, ids)| !ids.is_empty());
        self.keys(provider).find_map(filled).map(|(key, ids)| (key, ids.as_slice()))
    }

    /// Returns the order in the client's configuration. An empty order counts there: no profile is used.
    #[must_use]
    pub fn configured<'o>(self, orders: &'o Orders, provider: &Provider) -> Option<&'o [ProfileId]> {
        self.keys(provider).find_map(|key| orders.get(&key)).map(Vec::as_slice)
    }

    /// Returns the names under which to look for a provider's order, in turn.
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
    fn an_order_is_looked_for_under_the_target_first() {
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
