//! What the client's configuration (`openclaw.json`) says about selection: `auth.order`, `auth.profiles` and
//! `auth.cooldowns`.

use std::collections::HashMap;

use jsonc_parser::ast::{Object, Value};

use super::alias::ALIASES;
use crate::json::json5::{member, members, object, string};
use crate::select::policy::{Cooldowns, Listed, SelectionPolicy};
use crate::vault::credential::CredentialType;
use crate::vault::id::Provider;

/// Returns the policy without a configuration.
#[must_use]
pub fn none() -> SelectionPolicy {
    SelectionPolicy::new(ALIASES)
}

/// Returns the policy of a configuration. Unknown values are ignored, because the client checks its configuration
/// itself.
#[must_use]
pub fn of(root: &Object<'_>) -> SelectionPolicy {
    let mut policy = none();
    let Some(auth) = object(root, "auth") else { return policy };
    for (provider, value) in object(auth, "order").into_iter().flat_map(members) {
        if let (Some(provider), Value::Array(ids)) = (Provider::named(provider), value) {
            let texts = ids.elements.iter().filter_map(Value::as_string_lit);
            let ids = || texts.filter_map(|text| text.value.parse().ok()).collect();
            // If names differ only in case, the client uses the first.
            policy.order.entry(provider).or_insert_with(ids);
        }
    }
    for (id, value) in object(auth, "profiles").into_iter().flat_map(members) {
        let Value::Object(entry) = value else { continue };
        let provider = string(entry, "provider").and_then(Provider::named);
        if let (Ok(id), Some(provider)) = (id.parse(), provider) {
            let mode = string(entry, "mode").and_then(mode);
            policy.profiles.entry(id).or_insert(Listed { provider, mode });
        }
    }
    if let Some(cooldowns) = object(auth, "cooldowns") {
        let billing_hours = positive(cooldowns, "billingBackoffHours");
        let mut billing_hours_of = HashMap::new();
        for (provider, value) in
            object(cooldowns, "billingBackoffHoursByProvider").into_iter().flat_map(members)
        {
            let hours = if matches!(value, Value::NullKeyword(_)) { billing_hours } else { number(value) };
            if let Some(provider) = Provider::named(provider) {
                billing_hours_of.entry(provider).or_insert(hours);
            }
        }
        policy.cooldowns = Cooldowns {
            billing_hours,
            billing_hours_of,
            billing_max_hours: positive(cooldowns, "billingMaxHours"),
            auth_permanent_minutes: positive(cooldowns, "authPermanentBackoffMinutes"),
            auth_permanent_max_minutes: positive(cooldowns, "authPermanentMaxMinutes"),
            failure_window_hours: positive(cooldowns, "failureWindowHours"),
        };
    }
    policy
}

fn mode(text: &str) -> Option<CredentialType> {
    match text {
        "api_key" => Some(CredentialType::ApiKey),
        "token" => Some(CredentialType::Token),
        "oauth" => Some(CredentialType::OAuth),
        _ => None,
    }
}

fn positive(of: &Object<'_>, name: &str) -> Option<f64> {
    number(member(of, name)?)
}

fn number(value: &Value<'_>) -> Option<f64> {
    let Value::NumberLit(literal) = value else { return None };
    literal.value.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::json5::with_root;
    use crate::select::backoff::Limits;
    use crate::time::HOUR;
    use crate::vault::id::ProfileId;
    use CredentialType::{ApiKey, OAuth, Token};

    fn client(text: &str) -> SelectionPolicy {
        with_root(text, "it", of).unwrap()
    }

    #[test]
    fn orders_and_listed_profiles_are_read() {
        let client = client(
            r#"{ // as people write it
              "auth": { "order": { "Anthropic": ["anthropic:work", "no id", 3, "anthropic:default"], "x": 1 },
                "profiles": {
                  "anthropic:work": { "provider": "anthropic", "mode": "oauth" },
                  "anthropic:default": { "provider": "anthropic", "mode": "api_key" },
                  "amazon:x": { "provider": "amazon", "mode": "aws-sdk" }, "y": {}, }, }, }"#,
        );
        let anthropic = "anthropic".parse().unwrap();
        let ids: Vec<_> = client.order[&anthropic].iter().map(ProfileId::as_str).collect();
        assert_eq!((ids.as_slice(), client.order.len()), (&["anthropic:work", "anthropic:default"][..], 1));
        assert!(client.lists(&anthropic) && !client.lists(&"openai".parse().unwrap()));
        for (id, provider, kind, fits) in [
            ("anthropic:work", "anthropic", OAuth, true),
            ("anthropic:work", "anthropic", Token, true),
            ("anthropic:work", "anthropic", ApiKey, false),
            ("anthropic:default", "anthropic", ApiKey, true),
            ("anthropic:default", "anthropic", Token, false),
            ("anthropic:default", "zai", ApiKey, false),
            ("anthropic:other", "anthropic", Token, true),
            ("amazon:x", "amazon", ApiKey, false),
        ] {
            assert_eq!(
                client.fits(&id.parse().unwrap(), &provider.parse().unwrap(), kind),
                fits,
                "{id} {kind:?}"
            );
        }
    }

    #[test]
    fn cooldowns_override_the_defaults_where_they_are_positive() {
        let client = client(
            r#"{"auth":{"cooldowns":{"billingBackoffHours":2,"billingBackoffHoursByProvider":{"ZAI":0.5,"x":-1},
                "billingMaxHours":0,"authPermanentBackoffMinutes":1.5,"authPermanentMaxMinutes":"9",
                "failureWindowHours":1e300}}}"#,
        );
        let limits = |provider: &str| client.limits(&provider.parse().unwrap());
        let expected = Limits {
            billing: 2 * HOUR,
            billing_max: 24 * HOUR,
            auth_permanent: 90_000,
            auth_permanent_max: HOUR,
            failure_window: i64::MAX,
        };
        assert_eq!(limits("anthropic"), expected);
        assert_eq!(
            limits("x"),
            Limits { billing: 5 * HOUR, ..expected },
            "the client's own, not that of all"
        );
        assert_eq!(limits("zai"), Limits { billing: HOUR / 2, ..expected });
        assert_eq!(none().limits(&"zai".parse().unwrap()), Limits::default());
    }

    #[test]
    fn of_names_that_mean_the_same_the_first_counts_and_of_the_very_same_the_last() {
        let client = client(
            r#"{"auth":{"order":{"A":["a:x"],"a":["a:y"],"A":["a:z"],"b":[]},"cooldowns":{"billingBackoffHours":2,
                "billingBackoffHoursByProvider":{"A":null,"a":3,"b":"4","c":1,"C":5}}}}"#,
        );
        let told = |provider: &str| {
            let provider = provider.parse().unwrap();
            let order = client.order.get(&provider);
            let ids = order.map(|ids| ids.iter().map(ProfileId::as_str).collect::<Vec<_>>());
            (ids, client.limits(&provider).billing / HOUR)
        };
        assert_eq!(told("a"), (Some(vec!["a:z"]), 2));
        assert_eq!(told("b"), (Some(vec![]), 5));
        assert_eq!(told("c"), (None, 1));
    }

    #[test]
    fn what_has_another_form_is_passed_over() {
        for text in ["{}", r#"{"auth":1}"#, r#"{"auth":{"order":[],"profiles":1,"cooldowns":[]}}"#] {
            assert_eq!(client(text), none(), "{text}");
        }
    }
}
