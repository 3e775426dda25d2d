//! What the client's configuration (`openclaw.json`) says of selection: `auth.order`,
//! `auth.profiles` and `auth.cooldowns`.

use std::collections::HashMap;

use jsonc_parser::ast::{Object, Value};

use super::alias::ALIASES;
use crate::error::Result;
use crate::json::json5::{self, member, members, object, string};
use crate::select::policy::{Cooldowns, Listed, Policy};
use crate::vault::credential::CredentialType;
use crate::vault::id::Provider;

/// The member by which the client takes in other files.
const INCLUDE: &str = "$include";
/// The parts of a configuration that this program uses.
const PARTS: [&str; 4] = ["auth", "env", "models", "agents"];

/// Returns the policy without a configuration.
#[must_use]
pub fn none() -> Policy {
    Policy::new(ALIASES)
}

/// Reads the text of a configuration.
///
/// What is not understood is passed over: the client judges its configuration itself.
///
/// # Errors
/// `BAD_DATA` if it is no object of JSON5. It says nothing of the contents.
pub fn parse(text: &str) -> Result<Policy> {
    with_root(text, of)
}

/// Reads the text of a configuration, and hands its root on.
///
/// # Errors
/// As [`parse`].
pub fn with_root<T>(text: &str, read: impl FnOnce(&Object<'_>) -> T) -> Result<T> {
    json5::with_root(text, "the client's configuration", read)
        .map_err(|error| error.with_remedy("correct it there; `openclaw config validate` checks it"))
}

/// Returns what a configuration says.
#[must_use]
pub fn of(root: &Object<'_>) -> Policy {
    let mut policy = Policy { includes: includes(root), ..none() };
    let Some(auth) = object(root, "auth") else { return policy };
    for (provider, value) in object(auth, "order").into_iter().flat_map(members) {
        if let (Some(provider), Value::Array(ids)) = (Provider::named(provider), value) {
            let texts = ids.elements.iter().filter_map(Value::as_string_lit);
            let ids = || texts.filter_map(|text| text.value.parse().ok()).collect();
            // Of names that differ in case alone the client takes the first.
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

/// Whether the root, or a part of it that this program uses, takes in other files at any level.
fn includes(root: &Object<'_>) -> bool {
    let mut open: Vec<&Value<'_>> = PARTS.iter().filter_map(|name| member(root, name)).collect();
    let mut found = member(root, INCLUDE).is_some();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(object) => {
                found |= member(object, INCLUDE).is_some();
                open.extend(object.properties.iter().map(|entry| &entry.value));
            }
            Value::Array(list) => open.extend(&list.elements),
            _ => {}
        }
    }
    found
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
    use crate::error::Code;
    use crate::select::backoff::Limits;
    use crate::vault::id::ProfileId;
    use crate::when::HOUR;
    use CredentialType::{ApiKey, OAuth, Token};

    fn client(text: &str) -> Policy {
        parse(text).unwrap()
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
    fn an_include_in_a_part_that_is_used_is_noted() {
        for (text, noted) in [
            (r#"{"$include":"./x.json5"}"#, true),
            (r#"{"auth":{"$include":["./x.json5"]}}"#, true),
            (r#"{"agents":{"list":[{"id":"a"},{"$include":"./x.json5"}]}}"#, true),
            (r#"{"models":{"providers":{"a":{"models":[[{"$include":"./x.json5"}]]}}}}"#, true),
            (r#"{"env":{"vars":{"$include":"./x.json5"}}}"#, true),
            (r#"{"channels":{"$include":"./x.json5"},"auth":{"note":"$include"}}"#, false),
            ("{}", false),
        ] {
            assert_eq!(client(text).includes, noted, "{text}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(client("\u{feff}{auth:{order:{a:['a:x']}}}").order.len(), 1);
        assert!(parse("\u{feff}").is_err());
    }

    #[test]
    fn what_is_no_configuration_is_refused_without_a_word_of_it() {
        let deep = "[".repeat(100_000);
        for text in ["{ auth: canary", "[]", "", "'canary", deep.as_str()] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.code(), Code::BadData);
            assert!(!format!("{error:?}").contains("canary"));
        }
        for (text, place) in [
            ("{ auth: canary", "(line 1, column 9)"),
            ("{\n  a: 1,\n  b: 'canary\n}", "(line 3, column 6)"),
            ("{\n  a: 1\n} canary", "(line 3, column 3)"),
            ("{\n  a: [{ 1: 'canary' }],\n  b-c: 1 }", "(line 2, column 9)"),
            ("{ a: 1 canary: 2 }", "(line 1, column 7)"),
            ("{ a: 'canary\n' }", "(line 1, column 13)"),
            ("{ a: 'canary\\\\\n' }", "(line 1, column 15)"),
            ("{ 'can\rary': 1 }", "(line 1, column 7)"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.what().ends_with(place), "{}", error.what());
            assert!(error.remedy().contains("openclaw config validate"));
        }
        for text in [
            "{ a: 'b\\\n\\\r\nc\\\r', ü_$1: '\u{2028}', null: 1 }",
            "{}",
            r#"{"auth":1}"#,
            r#"{"auth":{"order":[],"profiles":1,"cooldowns":[]}}"#,
        ] {
            assert_eq!(client(text), none(), "{text}");
        }
    }
}
