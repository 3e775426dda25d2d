//! What the client's configuration (`openclaw.json`) says of selection: `auth.order`,
//! `auth.profiles` and `auth.cooldowns`.

use std::collections::HashMap;

use indexmap::IndexMap;
use jsonc_parser::ast::{Object, ObjectPropName, StringLit, Value};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::alias;
use crate::error::{Code, Error, Result};
use crate::select::backoff::Limits;
use crate::select::state::Orders;
use crate::vault::credential::CredentialType;
use crate::vault::id::{ProfileId, Provider};
use crate::when::{HOUR, MINUTE};

/// The member by which the client takes in other files.
const INCLUDE: &str = "$include";
/// The parts of a configuration that this program uses.
const PARTS: [&str; 4] = ["auth", "env", "models", "agents"];

/// The parts of a configuration that decide which profile is used. An absent one is empty.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Client {
    /// `auth.order`. An empty one is kept: the client then uses no profile of the provider.
    pub order: Orders,
    /// Whether something that matters here stands in other files (`$include`). They are not read.
    pub includes: bool,
    profiles: IndexMap<ProfileId, Listed>,
    cooldowns: Cooldowns,
}

/// An entry of `auth.profiles`.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Listed {
    provider: Provider,
    /// `None` for a mode that no sealed credential has.
    mode: Option<CredentialType>,
}

/// `auth.cooldowns`, as far as it holds positive numbers.
#[derive(Clone, PartialEq, Default, Debug)]
struct Cooldowns {
    billing_hours: Option<f64>,
    /// For some providers; `None` is the client's default, which it takes for what is no positive
    /// number here.
    billing_hours_of: HashMap<Provider, Option<f64>>,
    billing_max_hours: Option<f64>,
    auth_permanent_minutes: Option<f64>,
    auth_permanent_max_minutes: Option<f64>,
    failure_window_hours: Option<f64>,
}

impl Client {
    /// Reads the text of a configuration: JSON with comments, as people write it.
    ///
    /// What is not understood is passed over: the client judges its configuration itself.
    ///
    /// # Errors
    /// `BAD_DATA` for what is not a configuration at all. It says nothing of the contents.
    pub fn parse(text: &str) -> Result<Self> {
        with_root(text, Self::of)
    }

    /// What a configuration says.
    #[must_use]
    pub fn of(root: &Object<'_>) -> Self {
        let mut client = Self { includes: includes(root), ..Self::default() };
        let Some(auth) = object(root, "auth") else { return client };
        for (provider, value) in object(auth, "order").into_iter().flat_map(members) {
            if let (Some(provider), Value::Array(ids)) = (Provider::named(provider), value) {
                let texts = ids.elements.iter().filter_map(Value::as_string_lit);
                let ids = || texts.filter_map(|text| text.value.parse().ok()).collect();
                // Of names that differ in case alone the client takes the first.
                client.order.entry(provider).or_insert_with(ids);
            }
        }
        for (id, value) in object(auth, "profiles").into_iter().flat_map(members) {
            let Value::Object(entry) = value else { continue };
            let provider = string(entry, "provider").and_then(Provider::named);
            if let (Ok(id), Some(provider)) = (id.parse(), provider) {
                let mode = string(entry, "mode").and_then(mode);
                client.profiles.entry(id).or_insert(Listed { provider, mode });
            }
        }
        if let Some(cooldowns) = object(auth, "cooldowns") {
            let billing_hours = positive(cooldowns, "billingBackoffHours");
            let mut billing_hours_of = HashMap::new();
            for (provider, value) in
                object(cooldowns, "billingBackoffHoursByProvider").into_iter().flat_map(members)
            {
                let hours =
                    if matches!(value, Value::NullKeyword(_)) { billing_hours } else { number(value) };
                if let Some(provider) = Provider::named(provider) {
                    billing_hours_of.entry(provider).or_insert(hours);
                }
            }
            client.cooldowns = Cooldowns {
                billing_hours,
                billing_hours_of,
                billing_max_hours: positive(cooldowns, "billingMaxHours"),
                auth_permanent_minutes: positive(cooldowns, "authPermanentBackoffMinutes"),
                auth_permanent_max_minutes: positive(cooldowns, "authPermanentMaxMinutes"),
                failure_window_hours: positive(cooldowns, "failureWindowHours"),
            };
        }
        client
    }

    /// Whether the configuration lists any profile that serves a provider.
    #[must_use]
    pub fn lists(&self, provider: &Provider) -> bool {
        self.listed(provider).next().is_some()
    }

    /// The profiles that serve a provider and that the configuration lists.
    pub fn listed(&self, provider: &Provider) -> impl Iterator<Item = &ProfileId> {
        let listed = self.profiles.iter().filter(|(_, listed)| alias::shared(&listed.provider, provider));
        listed.map(|(id, _)| id)
    }

    /// Whether the configuration has a profile as it is, or does not have it. A token where it
    /// expects a sign-in will do.
    #[must_use]
    pub fn fits(&self, id: &ProfileId, provider: &Provider, kind: CredentialType) -> bool {
        use CredentialType::{OAuth, Token};
        let fits = |listed: &Listed| {
            alias::shared(&listed.provider, provider)
                && (listed.mode == Some(kind) || (listed.mode == Some(OAuth) && kind == Token))
        };
        self.profiles.get(id).is_none_or(fits)
    }

    /// How failures of a provider's profiles are reckoned.
    #[must_use]
    pub fn limits(&self, provider: &Provider) -> Limits {
        let known = &self.cooldowns;
        // By the very name, for the client looks for no alias here.
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

/// Reads the text of a configuration, JSON5 as people write it.
///
/// # Errors
/// `BAD_DATA` for what is not a configuration at all, with the place where it ceases to be one. It
/// says nothing of the contents.
pub fn with_root<T>(text: &str, read: impl FnOnce(&Object<'_>) -> T) -> Result<T> {
    // The client's parser takes a byte order mark for a space.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = ParseOptions { allow_missing_commas: false, ..ParseOptions::default() };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options);
    let not_json5 = |line: usize, column: usize| {
        refused(format!("the client's configuration is not JSON5 (line {line}, column {column})"))
    };
    // The parser's own message could quote a secret: its place alone is told.
    let parsed = parsed.map_err(|error| not_json5(error.line_display(), error.column_display()))?;
    let Some(Value::Object(root)) = parsed.value else {
        return Err(refused("the client's configuration is not an object"));
    };
    if let Some(at) = too_loose(text, &root) {
        let before = text.get(..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        return Err(not_json5(before.matches('\n').count() + 1, line.chars().count() + 1));
    }
    Ok(read(&root))
}

/// Where something stands that JSON5 does not allow, and the parser does: a name without quotes such as `1` or
/// `a-b`, or a line break in a text. The client reads nothing of such a file.
fn too_loose(text: &str, object: &Object<'_>) -> Option<usize> {
    let begins_name = |c: char| c.is_alphabetic() || matches!(c, '_' | '$');
    let is_name =
        |word: &str| word.starts_with(begins_name) && word.chars().all(|c| c.is_numeric() || begins_name(c));
    object.properties.iter().find_map(|entry| {
        let first = match &entry.name {
            ObjectPropName::Word(word) => (!is_name(word.value)).then_some(word.range.start),
            ObjectPropName::String(name) => line_break(text, name),
        };
        first.or_else(|| too_loose_in(text, &entry.value))
    })
}

/// The same within a value. The parser bounds how deep that is.
fn too_loose_in(text: &str, value: &Value<'_>) -> Option<usize> {
    match value {
        Value::Object(object) => too_loose(text, object),
        Value::Array(list) => list.elements.iter().find_map(|value| too_loose_in(text, value)),
        Value::StringLit(literal) => line_break(text, literal),
        _ => None,
    }
}

/// Where a line breaks in a text without a backslash before.
fn line_break(text: &str, literal: &StringLit<'_>) -> Option<usize> {
    let written = text.get(literal.range.start..literal.range.end)?;
    let mut is_escaped = false;
    let mut bytes = written.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if !is_escaped => is_escaped = true,
            b'\n' | b'\r' if !is_escaped => return Some(literal.range.start + at),
            b'\r' => {
                bytes.next_if(|(_, next)| *next == b'\n');
                is_escaped = false;
            }
            _ => is_escaped = false,
        }
    }
    None
}

fn refused(what: impl Into<String>) -> Error {
    Error::new(Code::BadData, what).with_remedy("correct it there; `openclaw config validate` checks it")
}

/// A member of an object. Of a name that stands there twice the client takes the last.
pub(crate) fn member<'o, 'a>(object: &'o Object<'a>, name: &str) -> Option<&'o Value<'a>> {
    object.properties.iter().rev().find(|entry| entry.name.as_str() == name).map(|entry| &entry.value)
}

/// A member that is an object.
pub(crate) fn object<'o, 'a>(of: &'o Object<'a>, name: &str) -> Option<&'o Object<'a>> {
    member(of, name).and_then(Value::as_object)
}

/// A member that is a string.
pub(crate) fn string<'o>(of: &'o Object<'_>, name: &str) -> Option<&'o str> {
    member(of, name).and_then(Value::as_string_lit).map(|text| text.value.as_ref())
}

/// The elements of a member that is an array.
pub(crate) fn array<'o, 'a>(of: &'o Object<'a>, name: &str) -> &'o [Value<'a>] {
    member(of, name).and_then(Value::as_array).map_or(&[], |list| list.elements.as_slice())
}

/// The members of an object. What stands there twice has the place of the first and the value of
/// the last.
fn members<'o, 't>(object: &'o Object<'t>) -> IndexMap<&'o str, &'o Value<'t>> {
    object.properties.iter().map(|entry| (entry.name.as_str(), &entry.value)).collect()
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

// Out of range, `as` saturates: "for ever".
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn scaled(count: f64, unit: i64) -> i64 {
    (count * unit as f64) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use CredentialType::{ApiKey, OAuth, Token};

    fn client(text: &str) -> Client {
        Client::parse(text).unwrap()
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
        assert_eq!(Client::default().limits(&"zai".parse().unwrap()), Limits::default());
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
        assert!(Client::parse("\u{feff}").is_err());
    }

    #[test]
    fn what_is_no_configuration_is_refused_without_a_word_of_it() {
        let deep = "[".repeat(100_000);
        for text in ["{ auth: canary", "[]", "", "'canary", deep.as_str()] {
            let error = Client::parse(text).unwrap_err();
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
            let error = Client::parse(text).unwrap_err();
            assert!(error.what().ends_with(place), "{}", error.what());
            assert!(error.remedy().contains("openclaw config validate"));
        }
        for text in [
            "{ a: 'b\\\n\\\r\nc\\\r', ü_$1: '\u{2028}', null: 1 }",
            "{}",
            r#"{"auth":1}"#,
            r#"{"auth":{"order":[],"profiles":1,"cooldowns":[]}}"#,
        ] {
            assert_eq!(client(text), Client::default(), "{text}");
        }
    }
}
