//! When a credential expires, as the files of other programs state it: under many names, in seconds or milliseconds, as
//! strings, as floats. An expiry that cannot be read makes the entry invalid; it is never dropped.

use serde_json::value::RawValue;

use super::decimal::Decimal;
use super::fields::{Fields, object, text};
use super::value::Problem;
use crate::error::Code;
use crate::messages::transfer::{self as say, reason};
use crate::secret::ExposeSecret;
use crate::time::{self, SECOND};
use crate::vault::credential::EXPIRES_MAX;

/// Numbers below this are seconds, because as milliseconds they would be before March 1973.
const SECONDS_BELOW: i64 = 100_000_000_000;
/// Numbers below this are neither unit, because even as seconds they would be before September 2001.
const SECONDS_FROM: i64 = 1_000_000_000;
/// Numbers from this on are neither unit, because as milliseconds they would be after the year 5138.
const MILLISECONDS_BELOW: i64 = 100_000_000_000_000;

/// What Go writes for a time that is not set.
const GO_ZERO: &str = "0001-01-01T00:00:00Z";

/// What a zero means as an expiry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Zero {
    /// It never expires.
    Never,
    /// Nothing that is known, so it is invalid.
    Unknown,
}

/// The kind of expiry that a member's name indicates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Meaning {
    /// OpenClaw's own `expires`, in milliseconds.
    VaultLedger,
    /// A time in another spelling.
    Instant,
    /// A duration whose start the file does not state.
    Span,
}

/// An expiry as it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Read {
    /// The time in Unix milliseconds; `None` for never.
    at: Option<i64>,
    /// Whether it is exact to the second only.
    to_second: bool,
}

/// Takes every member that says when the entry expires, and returns the time in Unix milliseconds.
pub(super) fn take(
    fields: &mut Fields<'_>,
    zero: Zero,
    warnings: &mut Vec<String>,
) -> Result<Option<i64>, Problem> {
    let names: Vec<(String, Meaning)> =
        fields.keys().filter_map(|name| Some((name.clone(), meaning(name)?))).collect();
    let mut found: Option<Read> = None;
    for (name, meaning) in names.iter().filter(|(_, meaning)| *meaning != Meaning::Span) {
        let Some(raw) = fields.shift_remove(name).filter(|raw| raw.get() != "null") else {
            continue;
        };
        let at = |problem: Problem| problem.at(shown(name));
        let read = read(raw, *meaning, zero, warnings).map_err(|why| at(Problem::new(Code::BadData, why)))?;
        found = Some(match found {
            None => read,
            Some(first) => both(first, read)
                .ok_or_else(|| at(Problem::new(Code::DuplicateKey, reason::expiry_contradicts())))?,
        });
    }
    // An expiry inside another member may be that member's, or the credential's.
    let inside = |raw: &&RawValue| {
        object(raw).is_some_and(|fields| {
            fields.iter().any(|(name, raw)| {
                raw.get() != "null" && matches!(meaning(name), Some(Meaning::VaultLedger | Meaning::Instant))
            })
        })
    };
    if found.is_none() && fields.values().any(inside) {
        return Err(Problem::new(Code::BadData, reason::expiry_inside()).at("(expiry)"));
    }
    let span = names.iter().filter(|(_, meaning)| *meaning == Meaning::Span);
    let mut span = span.filter(|(name, _)| fields.get(name).is_some_and(|raw| raw.get() != "null"));
    match (found, span.next()) {
        (Some(read), _) => Ok(read.at),
        (None, None) => Ok(None),
        // With a time a duration says nothing new; alone, its start is unknown.
        (None, Some((name, _))) => {
            Err(Problem::new(Code::BadData, reason::expiry_is_duration()).at(shown(name)))
        }
    }
}

/// Returns whether an expiry is zero, which means that the entry never expires or is signed out.
pub(super) fn is_zero(fields: &Fields<'_>) -> bool {
    fields.iter().any(|(name, raw)| {
        matches!(meaning(name), Some(Meaning::VaultLedger | Meaning::Instant))
            && Decimal::of(raw.get()).is_some_and(|number| number.is_zero())
    })
}

/// The members that messages name when they are wrong. Another one is only called an expiry, because a name from a file
/// may be anything.
const NAMES: [&str; 14] = [
    "expires",
    "expiresAt",
    "expires_at",
    "expiry",
    "expiry_date",
    "expiryDate",
    "expiration",
    "expiration_date",
    "expirationDate",
    "expires_on",
    "expires_in",
    "expiresIn",
    "valid_until",
    "exp",
];

fn shown(name: &str) -> &'static str {
    NAMES.iter().find(|known| **known == name).copied().unwrap_or("(expiry)")
}

fn meaning(name: &str) -> Option<Meaning> {
    if name == "expires" {
        return Some(Meaning::VaultLedger);
    }
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    // These name the imported credential. A refresh token has an expiry of its own.
    let of = ["accesstoken", "access", "token", "apikey", "key", "credential", "oauth"];
    let plain = of.iter().find_map(|prefix| plain.strip_prefix(prefix)).unwrap_or(&plain);
    let instant = ["exp", "validuntil", "validtill", "validto", "validbefore", "notafter", "notvalidafter"];
    let end = ["until", "ends", "endsat", "enddate", "endtime", "deadline"];
    if instant.contains(&plain) || end.contains(&plain) {
        return Some(Meaning::Instant);
    }
    if matches!(plain, "ttl" | "ttlseconds" | "validfor" | "validity" | "lifetime") {
        return Some(Meaning::Span);
    }
    let rest = plain.strip_prefix("expir")?;
    let tail = rest.trim_start_matches("ation").trim_start_matches(['e', 's', 'y']);
    match tail {
        // `expired` says whether, not when.
        "d" => None,
        tail if tail.starts_with("in") => Some(Meaning::Span),
        _ => Some(Meaning::Instant),
    }
}

/// Returns the earlier of two expiries if they mean the same time.
fn both(one: Read, other: Read) -> Option<Read> {
    let (Some(first), Some(second)) = (one.at, other.at) else {
        return (one.at == other.at).then_some(one);
    };
    let same_second = first.div_euclid(SECOND) == second.div_euclid(SECOND);
    (first == second || ((one.to_second || other.to_second) && same_second)).then_some(if first <= second {
        one
    } else {
        other
    })
}

fn read(raw: &RawValue, meaning: Meaning, zero: Zero, warnings: &mut Vec<String>) -> Result<Read, String> {
    let not_understood = || Err(reason::expiry_not_understood().to_owned());
    if !raw.get().starts_with('"') {
        return match Decimal::of(raw.get()) {
            Some(number) => of_number(&number, meaning, zero, warnings),
            None => not_understood(),
        };
    }
    let Some(text) = text(raw) else { return not_understood() };
    let text = text.expose_secret().trim();
    if text.eq_ignore_ascii_case("never") || text == GO_ZERO {
        return Ok(Read { at: None, to_second: false });
    }
    if let Some(number) = Decimal::of(text).filter(|_| !is_basic_date(text)) {
        return of_number(&number, meaning, zero, warnings);
    }
    let Some(found) = time::parse_instant(text) else { return not_understood() };
    if !(1..=EXPIRES_MAX).contains(&found.ms) {
        return not_understood();
    }
    if found.zone_assumed {
        warnings.push(say::expiry_without_zone());
    }
    Ok(Read { at: Some(found.ms), to_second: found.ms % SECOND == 0 })
}

/// Returns whether a text is a date like `20270131`, which as a number would be in 1970.
fn is_basic_date(text: &str) -> bool {
    text.len() == 8 && text.starts_with("20") && time::parse_instant(text).is_some()
}

fn of_number(
    number: &Decimal,
    meaning: Meaning,
    zero: Zero,
    warnings: &mut Vec<String>,
) -> Result<Read, String> {
    if number.is_zero() && zero == Zero::Never {
        return Ok(Read { at: None, to_second: false });
    }
    let Some(ms) = number.floor(0).filter(|ms| (1..=EXPIRES_MAX).contains(ms)) else {
        return Err(reason::expiry_out_of_range(EXPIRES_MAX));
    };
    match ms {
        SECONDS_FROM..SECONDS_BELOW => {
            warnings.push(say::expiry_in_seconds());
            let at = number.floor(3).ok_or(reason::expiry_too_large())?;
            Ok(Read { at: Some(at), to_second: true })
        }
        // Kept, because the client reads it as milliseconds: it expired long ago.
        ..SECONDS_FROM if meaning == Meaning::VaultLedger => {
            warnings.push(say::expiry_kept());
            Ok(Read { at: Some(ms), to_second: false })
        }
        ..SECONDS_FROM => Err(reason::expiry_too_early().to_owned()),
        MILLISECONDS_BELOW.. if meaning != Meaning::VaultLedger => {
            Err(reason::expiry_of_no_unit().to_owned())
        }
        _ => Ok(Read { at: Some(ms), to_second: false }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_826_725_287_117;

    fn taken(json: &str, zero: Zero) -> Result<(Option<i64>, usize), String> {
        let mut fields: Fields<'_> = serde_json::from_str(json).unwrap();
        let mut warnings = Vec::new();
        let taken = take(&mut fields, zero, &mut warnings);
        taken
            .map(|at| (at, warnings.len()))
            .map_err(|problem| format!("{} {}", problem.field.as_deref().unwrap_or_default(), problem.reason))
    }

    #[test]
    fn every_form_of_a_time_is_read() {
        for (value, at, warnings) in [
            ("1826725287117", AT, 0),
            ("1826725287117.0", AT, 0),
            ("1826725287117.42", AT, 0),
            ("1826725287117.9999999999999", AT, 0),
            ("1.826725287117e12", AT, 0),
            ("1.826725287117E+12", AT, 0),
            ("18267252871170e-1", AT, 0),
            ("1826725287", AT - 117, 1),
            ("1826725287.0", AT - 117, 1),
            ("1826725287.117", AT, 1),
            ("1826725287.1179", AT, 1),
            (r#""1826725287117""#, AT, 0),
            (r#""1826725287""#, AT - 117, 1),
            (r#""1826725287117.42""#, AT, 0),
            (r#"" 2027-11-20T15:41:27.117Z ""#, AT, 0),
            (r#""2027-11-20T15:41:27.1179999Z""#, AT, 0),
            (r#""2027-11-20T16:41:27.117+01:00""#, AT, 0),
            (r#""2027-11-20 15:41:27Z""#, AT - 117, 0),
            (r#""2027-11-20T15:41:27""#, AT - 117, 1),
            (r#""2027-11-20 15:41:27.117""#, AT, 1),
            (r#""2027-11-20""#, 1_826_668_800_000, 0),
            (r#""20271120""#, 1_826_668_800_000, 0),
            (r#""20271120T154127Z""#, AT - 117, 0),
            (r#""Sat, 20 Nov 2027 15:41:27 GMT""#, AT - 117, 0),
            ("1735689600", 1_735_689_600_000, 1),
            (r#""2025-01-01T00:00:00Z""#, 1_735_689_600_000, 0),
        ] {
            for name in [
                "expires",
                "expiresAt",
                "expires_at",
                "expiry",
                "expiry_date",
                "expiryDate",
                "Expires",
                "expiration",
                "expirationDate",
                "expires-on",
                "accessTokenExpiresAt",
                "expire_at",
                "exp",
                "validUntil",
                "expiresAtMs",
                "expiration_timestamp",
            ] {
                let json = format!(r#"{{"{name}":{value},"other":1}}"#);
                assert_eq!(taken(&json, Zero::Unknown), Ok((Some(at), warnings)), "{json}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_and_never_dropped() {
        for value in [
            "0",
            "-1",
            "-1826725287117",
            "true",
            "[]",
            "{}",
            "\"\"",
            "\"soon\"",
            "\"2027-02-30\"",
            "3600",
            "8640000000000001",
            "1e300",
            "1e-300",
            "0.4",
            "1826725287117000",
            "\"365d\"",
            "\"1826725287117ms\"",
            "9007199254740991",
            "\"0\"",
            "\"-1\"",
            "\"2027-11-20T25:00:00Z\"",
            "\"1.8e\"",
            "\"0x1a\"",
        ] {
            for name in ["expiresAt", "expires_at", "expiry", "expiry_date"] {
                let refused = taken(&format!(r#"{{"{name}":{value}}}"#), Zero::Unknown).unwrap_err();
                assert!(refused.starts_with(name), "{value}: {refused}");
            }
        }
        for (json, field) in [
            (r#"{"expires_in":3600}"#, "expires_in"),
            (r#"{"expiresIn":"1h"}"#, "expiresIn"),
            (r#"{"ttl":60}"#, "(expiry)"),
            (r#"{"expires_in_seconds":60}"#, "(expiry)"),
            (r#"{"expires":0}"#, "expires"),
            (r#"{"expires":1826725287117,"expiresAt":1826725287118}"#, "expiresAt"),
            (r#"{"expires":"never","expiry":1826725287117}"#, "expiry"),
            (r#"{"expiresWhenever":"x"}"#, "(expiry)"),
        ] {
            let refused = taken(json, Zero::Unknown).unwrap_err();
            assert!(refused.starts_with(field), "{json}: {refused}");
        }
    }

    #[test]
    fn what_never_expires_has_no_expiry_and_equal_expiries_agree() {
        for (json, zero, at) in [
            (r#"{"expires":0}"#, Zero::Never, None),
            (r#"{"expires":0.0}"#, Zero::Never, None),
            (r#"{"expires":null,"expires_in":null}"#, Zero::Unknown, None),
            (r#"{"expiry":"0001-01-01T00:00:00Z"}"#, Zero::Unknown, None),
            (r#"{"expires":"Never"}"#, Zero::Unknown, None),
            (r#"{"refreshTokenExpiresAt":5,"expired":false,"experimental":1}"#, Zero::Unknown, None),
            (
                r#"{"expires":1826725287117,"expires_at":1826725287,"expires_in":5}"#,
                Zero::Unknown,
                Some(AT - 117),
            ),
            (r#"{"expiry":"2027-11-20T15:41:27.117Z","expires":1826725287117.0}"#, Zero::Unknown, Some(AT)),
            (r#"{"expires":5}"#, Zero::Unknown, Some(5)),
            (r#"{"expires":1.5}"#, Zero::Unknown, Some(1)),
            (r#"{"expires":8640000000000000}"#, Zero::Unknown, Some(EXPIRES_MAX)),
        ] {
            assert_eq!(taken(json, zero).map(|(at, _)| at), Ok(at), "{json}");
        }
    }

    #[test]
    fn other_members_stay() {
        let json = r#"{"expiresAt":1826725287117,"refreshTokenExpiresAt":5,"expired":true,"expires_in":9}"#;
        let mut fields: Fields<'_> = serde_json::from_str(json).unwrap();
        take(&mut fields, Zero::Unknown, &mut Vec::new()).map_err(|problem| problem.reason).unwrap();
        let kept: Vec<(&str, &str)> =
            fields.iter().map(|(name, raw): (_, &&RawValue)| (name.as_str(), raw.get())).collect();
        assert_eq!(kept, [("refreshTokenExpiresAt", "5"), ("expired", "true"), ("expires_in", "9")]);
    }
}
