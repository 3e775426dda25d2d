//! What a configuration decides about selection: orders, which profiles take part, and how long failures count.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::aliases::Aliases;
use super::backoff::Limits;
use super::state::Orders;
use crate::time::{HOUR, MINUTE};
use crate::vault::credential::CredentialType;
use crate::vault::id::{ProfileId, Provider};

/// What a configuration decides about selection.
#[derive(Clone, PartialEq, Debug)]
pub struct SelectionPolicy {
    /// Which providers share their profiles.
    pub aliases: Aliases,
    /// `auth.order`. An empty order is kept, because the client then uses no profile of the provider.
    pub order: Orders,
    /// `auth.profiles`.
    pub profiles: IndexMap<ProfileId, Listed>,
    /// `auth.cooldowns`.
    pub cooldowns: Cooldowns,
}

/// An entry of `auth.profiles`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its provider.
    pub provider: Provider,
    /// Its type; `None` for a mode that no stored credential has.
    pub mode: Option<CredentialType>,
}

/// The positive numbers of `auth.cooldowns`.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Cooldowns {
    /// How long a profile is disabled after its first billing failure, in hours.
    pub billing_hours: Option<f64>,
    /// The same for some providers; `None` is the client's default, which it uses for anything but a positive number
    /// here.
    pub billing_hours_of: HashMap<Provider, Option<f64>>,
    /// The longest disablement for billing, in hours.
    pub billing_max_hours: Option<f64>,
    /// How long a profile is disabled after its credential was permanently refused, in minutes.
    pub auth_permanent_minutes: Option<f64>,
    /// The longest disablement for permanent refusals, in minutes.
    pub auth_permanent_max_minutes: Option<f64>,
    /// Failures further apart than this are not counted together, in hours.
    pub failure_window_hours: Option<f64>,
}

impl SelectionPolicy {
    /// Returns the policy without a configuration.
    #[must_use]
    pub fn new(aliases: Aliases) -> Self {
        let (order, profiles) = (Orders::default(), IndexMap::default());
        Self { aliases, order, profiles, cooldowns: Cooldowns::default() }
    }

    /// Returns whether the configuration lists any profile that serves a provider.
    #[must_use]
    pub fn lists(&self, provider: &Provider) -> bool {
        self.listed(provider).next().is_some()
    }

    /// Returns the listed profiles that serve a provider.
    pub fn listed(&self, provider: &Provider) -> impl Iterator<Item = &ProfileId> {
        let listed =
            self.profiles.iter().filter(|(_, listed)| self.aliases.shared(&listed.provider, provider));
        listed.map(|(id, _)| id)
    }

    /// Returns whether a profile matches its entry in the configuration, or has no entry. A token also matches an entry
    /// for a sign-in.
    #[must_use]
    pub fn fits(&self, id: &ProfileId, provider: &Provider, kind: CredentialType) -> bool {
        use CredentialType::{OAuth, Token};
        let fits = |listed: &Listed| {
            self.aliases.shared(&listed.provider, provider)
                && (listed.mode == Some(kind) || (listed.mode == Some(OAuth) && kind == Token))
        };
        self.profiles.get(id).is_none_or(fits)
    }

    /// Returns how failures of a provider's profiles count.
    #[must_use]
    pub fn limits(&self, provider: &Provider) -> Limits {
        let known = &self.cooldowns;
        // By its exact name, because the client does not resolve aliases here.
        let billing = known.billing_hours_of.get(provider).copied().unwrap_or(known.billing_hours);
        let or = |count: Option<f64>, unit, default| count.map_or(default, |count| scaled(count, unit));
        let default = Limits::default();
        Limits {
            billing: or(billing, HOUR, default.billing),
            billing_max: or(known.billing_max_hours, HOUR, default.billing_max),
            auth_permanent: or(known.auth_permanent_minutes, MINUTE, default.auth_permanent),
            auth_permanent_max: or(known.auth_permanent_max_minutes, MINUTE, default.auth_permanent_max),
            failure_window: or(known.failure_window_hours, HOUR, default.failure_window),
        }
    }
}

// Out of range, `as` saturates, which means "forever".
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn scaled(count: f64, unit: i64) -> i64 {
    (count * unit as f64) as i64
}
