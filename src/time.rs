//! Instants and durations, for people and scripts. Everything is in Unix milliseconds, UTC.

use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::{Offset, TimeZone};

use crate::error::{Code, Error, Result};

/// One second, in milliseconds.
pub const SECOND: i64 = 1_000;
/// One minute, in milliseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour, in milliseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// One day, in milliseconds.
pub const DAY: i64 = 24 * HOUR;

/// One week, in milliseconds.
const WEEK: i64 = 7 * DAY;
/// One year in the life of a credential, in milliseconds.
const YEAR: i64 = 365 * DAY;
/// The longest duration that is accepted: a century, in milliseconds.
const LONGEST: i64 = 36_525 * DAY;

/// The time after which the Gregorian calendar repeats itself, in milliseconds.
const FOUR_CENTURIES: i64 = 146_097 * DAY;

/// Returns an instant in RFC 3339, in UTC and to the millisecond. Years beyond 9999 are written like JavaScript's
/// `toISOString` does, because a file may contain them, and they must sort and parse.
#[must_use]
pub fn rfc3339(ms: i64) -> String {
    // Within one cycle, every instant is in the range of the calendar library.
    let cycles = ms.div_euclid(FOUR_CENTURIES);
    let inside = Timestamp::from_millisecond(ms.rem_euclid(FOUR_CENTURIES)).unwrap_or_default();
    let date = Offset::UTC.to_datetime(inside);
    let year = i64::from(date.year()) + 400 * cycles;
    let mut text = match year {
        0..=9999 => format!("{year:04}"),
        _ => format!("{year:+07}"),
    };
    // Digit by digit, because a report of many profiles is mostly dates, and the formatter is slow.
    for (mark, number) in [
        ('-', date.month()),
        ('-', date.day()),
        ('T', date.hour()),
        (':', date.minute()),
        (':', date.second()),
    ] {
        text.push(mark);
        digits(&mut text, u32::from(number.unsigned_abs()), 10);
    }
    text.push('.');
    digits(&mut text, u32::from(date.millisecond().unsigned_abs()), 100);
    text.push('Z');
    text
}

/// The time zone of times for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone(String);

/// The zone that times are shown in, if it is not that of `TZ` or of the machine.
static SHOWN_IN: OnceLock<Zone> = OnceLock::new();

impl Zone {
    /// The name of the zone of `TZ` or of the machine.
    pub const LOCAL: &str = "local";
    /// The longest name, in bytes.
    const NAME_MAX: usize = 64;

    /// Returns the zone with an IANA name, such as `Europe/Warsaw`, or [`Zone::LOCAL`]. The name becomes part of a path,
    /// so anything else is refused.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let is_part = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphabetic())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte))
        };
        (name.len() <= Self::NAME_MAX && name.split('/').all(is_part)).then(|| Self(name.to_owned()))
    }

    /// Returns its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this machine knows it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.0 == Self::LOCAL || TimeZone::get(&self.0).is_ok()
    }

    /// Shows all times of this process in the zone; the first call counts.
    pub fn show(self) {
        if self.0 != Self::LOCAL {
            let _ = SHOWN_IN.set(self);
        }
    }
}

/// Returns the time zone of times for people. A zone that this machine does not know is ignored.
fn shown_in() -> &'static TimeZone {
    static FOUND: OnceLock<TimeZone> = OnceLock::new();
    FOUND.get_or_init(|| {
        let set = SHOWN_IN.get().and_then(|zone| TimeZone::get(zone.as_str()).ok());
        set.unwrap_or_else(TimeZone::system)
    })
}

/// Returns an instant for people, to the minute: `2027-11-21 07:53`. The time zone is that of `TZ`, of the settings, or
/// of the machine.
#[must_use]
pub fn local(ms: i64) -> String {
    local_to(ms, "2027-11-21T07:53".len())
}

/// Returns an instant for people, to the second: `2027-11-21 07:53:20`.
#[must_use]
pub fn local_to_second(ms: i64) -> String {
    local_to(ms, "2027-11-21T07:53:20".len())
}

/// Returns the day of an instant for people, as in [`local`].
#[must_use]
pub fn day(ms: i64) -> String {
    local_to(ms, "2027-11-21".len())
}

/// Returns the first `length` bytes of a local instant. Beyond the year 9999 the day alone is shown.
fn local_to(ms: i64, length: usize) -> String {
    let offset = Timestamp::from_millisecond(ms).map_or(0, |at| shown_in().to_offset(at).seconds());
    let mut text = rfc3339(ms.saturating_add(i64::from(offset) * SECOND));
    let end = if text.starts_with('+') { text.find('T') } else { Some(length) };
    text.truncate(end.unwrap_or(length));
    text.replace('T', " ")
}

/// Appends a number's decimal digits, starting with the one worth `highest`.
fn digits(text: &mut String, number: u32, highest: u32) {
    let mut worth = highest;
    while worth > 0 {
        text.extend(char::from_digit(number / worth % 10, 10));
        worth /= 10;
    }
}

/// Returns a duration in its largest fitting unit, rounded: `30s`, `5m`, `25h`, `30d`. Hours go up to two days, because
/// "25h" says more than "1d" just after a limit of 24 hours.
#[must_use]
pub fn span(ms: i64) -> String {
    let seconds = rounded(ms.unsigned_abs(), 1_000);
    let minutes = rounded(seconds, 60);
    let hours = rounded(minutes, 60);
    if seconds < 60 {
        format!("{seconds}s")
    } else if minutes < 60 {
        format!("{minutes}m")
    } else if hours < 48 {
        format!("{hours}h")
    } else {
        format!("{}d", rounded(hours, 24))
    }
}

/// Returns an instant relative to now: `in 25h`, `2d ago`, `now`.
#[must_use]
pub fn relative(at: i64, now: i64) -> String {
    let distance = at.saturating_sub(now);
    match distance {
        -499..=499 => "now".to_owned(),
        500.. => format!("in {}", span(distance)),
        _ => format!("{} ago", span(distance)),
    }
}

fn rounded(value: u64, unit: u64) -> u64 {
    value / unit + u64::from(value % unit >= unit / 2)
}

fn unit_of(last: Option<u8>) -> Option<i64> {
    Some(match last?.to_ascii_lowercase() {
        b's' => SECOND,
        b'm' => MINUTE,
        b'h' => HOUR,
        b'd' => DAY,
        b'w' => WEEK,
        b'y' => YEAR,
        _ => return None,
    })
}

/// Parses `365d`, `12h`, `30m`, `90s`, `300ms`, `2w` or `1y` (365 days), also in capitals. Returns milliseconds.
///
/// # Errors
/// `USAGE` for anything else, for zero, and beyond a century. The message names `flag` and does not quote the text.
pub fn parse_duration(flag: &str, text: &str) -> Result<i64> {
    let wrong = |what: &str| {
        Error::new(Code::Usage, format!("{flag} {what}"))
            .with_remedy("write a whole number and a unit: 365d, 12h, 30m, 90s, 2w or 1y")
    };
    if text.is_empty() {
        return Err(wrong("is empty"));
    }
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Err(wrong("is not a duration"));
    }
    let (digits, unit) = match text.strip_suffix("ms").or_else(|| text.strip_suffix("MS")) {
        Some(digits) => (digits, Some(1)),
        None => (text.get(..text.len() - 1).unwrap_or_default(), None),
    };
    let unit = match (unit, text.bytes().last()) {
        (Some(unit), _) => unit,
        (None, Some(b'0'..=b'9')) => return Err(wrong("has no unit")),
        (None, last) => unit_of(last).ok_or_else(|| wrong("has an unknown unit"))?,
    };
    if digits.starts_with('-') {
        return Err(wrong("is negative"));
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong("is not a whole number"));
    }
    let number: Option<i64> = digits.parse().ok();
    match number.and_then(|number| number.checked_mul(unit)) {
        Some(0) => Err(wrong("is zero")),
        Some(milliseconds) if milliseconds <= LONGEST => Ok(milliseconds),
        _ => Err(wrong("is longer than a century")),
    }
}

/// An instant that was parsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instant {
    /// Unix milliseconds, rounded down.
    pub ms: i64,
    /// Whether it had a time without a zone, which was taken as UTC.
    pub zone_assumed: bool,
}

/// Parses an instant in one of the usual forms: RFC 3339 and ISO 8601, with or without a zone, a date without a time
/// (its first moment in UTC), and RFC 2822, which HTTP also uses.
#[must_use]
pub fn parse_instant(text: &str) -> Option<Instant> {
    let instant = |at: Timestamp, zone_assumed| Instant {
        ms: i64::try_from(at.as_nanosecond().div_euclid(1_000_000)).unwrap_or(i64::MAX),
        zone_assumed,
    };
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(instant(at, false));
    }
    if let Ok(without_zone) = text.parse::<DateTime>() {
        let at = Offset::UTC.to_timestamp(without_zone).ok()?;
        return Some(instant(at, text.contains(':')));
    }
    let zoned = rfc2822::parse(text).ok()?;
    Some(instant(zoned.timestamp(), false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_rfc3339_in_utc() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_826_725_287_117, "2027-11-20T15:41:27.117Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
            (8_640_000_000_000_000, "+275760-09-13T00:00:00.000Z"),
            (-8_640_000_000_000_000, "-271821-04-20T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(ms), text, "{ms}");
        }
        assert!(rfc3339(i64::MAX).ends_with('Z'));
        assert!(rfc3339(i64::MIN).ends_with('Z'));
    }

    #[test]
    fn spans_take_the_largest_fitting_unit() {
        for (ms, text) in [
            (0, "0s"),
            (30 * SECOND, "30s"),
            (MINUTE - 1, "1m"),
            (5 * MINUTE, "5m"),
            (HOUR - 1, "1h"),
            (25 * HOUR, "25h"),
            (25 * HOUR - 40, "25h"),
            (47 * HOUR, "47h"),
            (48 * HOUR, "2d"),
            (30 * DAY - 40, "30d"),
        ] {
            assert_eq!(span(ms), text, "{ms}");
            assert_eq!(span(-ms), text, "-{ms}");
        }
        assert!(span(i64::MIN).ends_with('d'));
    }

    #[test]
    fn relative_names_the_side() {
        let now = 1_800_000_000_000;
        for (distance, text) in
            [(0, "now"), (499, "now"), (500, "in 1s"), (-499, "now"), (-500, "1s ago"), (25 * HOUR, "in 25h")]
        {
            assert_eq!(relative(now + distance, now), text, "{distance}");
        }
        assert_eq!(relative(now - 2 * DAY, now), "2d ago");
        assert!(relative(i64::MAX, i64::MIN).starts_with("in "));
    }

    #[test]
    fn durations_people_write() {
        for (text, expected) in [
            ("365d", 365 * DAY),
            ("12h", 12 * HOUR),
            ("30m", 30 * MINUTE),
            ("90s", 90 * SECOND),
            ("300ms", 300),
            ("1w", WEEK),
            ("2W", 2 * WEEK),
            ("1y", 365 * DAY),
            ("1Y", 365 * DAY),
            ("15M", 15 * MINUTE),
            ("12H", 12 * HOUR),
            ("90S", 90 * SECOND),
            ("365D", 365 * DAY),
            ("300MS", 300),
            ("100y", 36_500 * DAY),
            ("0001d", DAY),
            ("36525d", LONGEST),
        ] {
            assert_eq!(parse_duration("--expires-in", text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn durations_refused() {
        let huge = "9".repeat(100) + "d";
        for text in [
            "",
            "d",
            "12",
            "-1d",
            "+1d",
            "0s",
            "1.5h",
            "1 d",
            " 1d",
            "1d ",
            "1yr",
            "101y",
            "1Ms",
            "36526d",
            "9223372036854775807s",
            "9223372036854775807w",
            "١d",
            "d1",
            &huge,
        ] {
            let error = parse_duration("--expires-in", text).unwrap_err();
            assert_eq!(error.code(), Code::Usage, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_duration_is_true() {
        for (text, what) in [
            ("", "is empty"),
            ("365", "has no unit"),
            ("5x", "has an unknown unit"),
            ("1yr", "has an unknown unit"),
            ("soon", "is not a duration"),
            ("d", "is not a duration"),
            ("yesterday", "is not a duration"),
            ("1h30m", "is not a whole number"),
            ("1.5h", "is not a whole number"),
            ("-1d", "is negative"),
            ("0d", "is zero"),
            ("101y", "is longer than a century"),
        ] {
            let error = parse_duration("--since", text).unwrap_err();
            assert_eq!(error.what(), format!("--since {what}"), "{text}");
        }
    }
}
