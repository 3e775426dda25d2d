//! Instants and durations as people and scripts write them. Instants are Unix milliseconds.

use jiff::Timestamp;

use crate::error::{Code, Error, Result};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const TWO_DAYS: i64 = 2 * DAY;
const WEEK: i64 = 7 * DAY;

/// The longest duration accepted: a century.
const LONGEST: i64 = 36_525 * DAY;
/// The first millisecond of the year 0, with which RFC 3339 begins.
const YEAR_ZERO: i64 = -62_167_219_200_000;

/// An instant as RFC 3339 in UTC; none outside the years 0 to 9999.
#[must_use]
pub fn rfc3339(instant: i64) -> Option<String> {
    let timestamp = Timestamp::from_millisecond(instant).ok()?;
    (instant >= YEAR_ZERO).then(|| timestamp.to_string())
}

/// An instant seen from now: `in 25h`, `3d ago`, `now`.
#[must_use]
pub fn relative(instant: i64, now: i64) -> String {
    let distance = instant.saturating_sub(now);
    let text = duration(distance.saturating_abs());
    match distance {
        -999..=999 => "now".to_owned(),
        1000.. => format!("in {text}"),
        _ => format!("{text} ago"),
    }
}

/// A duration in its one fitting unit, rounded down: `59s`, `25h`, `3d`.
#[must_use]
pub fn duration(milliseconds: i64) -> String {
    let (unit, name) = match milliseconds {
        ..MINUTE => (SECOND, 's'),
        MINUTE..HOUR => (MINUTE, 'm'),
        // Hours up to two days: near its end, an expiry is judged by the hour.
        HOUR..TWO_DAYS => (HOUR, 'h'),
        TWO_DAYS.. => (DAY, 'd'),
    };
    format!("{}{name}", milliseconds / unit)
}

/// Reads `365d`, `12h`, `30m`, `90s` or `1w` as milliseconds.
///
/// # Errors
/// `USAGE` for everything else, for zero, and beyond a century. The text is not quoted.
pub fn parse_duration(text: &str) -> Result<i64> {
    let wrong = |what: &str| {
        Error::new(Code::Usage, format!("the duration {what}"))
            .with_remedy("write a whole number and a unit: 365d, 12h, 30m, 90s or 1w")
    };
    let unit = match text.bytes().last() {
        Some(b's') => SECOND,
        Some(b'm') => MINUTE,
        Some(b'h') => HOUR,
        Some(b'd') => DAY,
        Some(b'w') => WEEK,
        _ => return Err(wrong("has no unit")),
    };
    let digits = text.get(..text.len() - 1).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_people_write() {
        for (text, expected) in [
            ("365d", 365 * DAY),
            ("12h", 12 * HOUR),
            ("30m", 30 * MINUTE),
            ("90s", 90 * SECOND),
            ("1w", WEEK),
            ("0001d", DAY),
            ("36525d", LONGEST),
        ] {
            assert_eq!(parse_duration(text).unwrap(), expected, "{text}");
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
            "1D",
            "1y",
            "36526d",
            "9223372036854775807s",
            "9223372036854775807w",
            "١d",
            "d1",
            &huge,
        ] {
            let error = parse_duration(text).unwrap_err();
            assert_eq!(error.code(), Code::Usage, "{text}");
        }
    }

    #[test]
    fn instants_seen_from_now() {
        let now = 1_795_219_200_000;
        for (distance, expected) in [
            (0, "now"),
            (999, "now"),
            (-999, "now"),
            (1000, "in 1s"),
            (59_999, "in 59s"),
            (90 * MINUTE, "in 1h"),
            (25 * HOUR, "in 25h"),
            (48 * HOUR - 1, "in 47h"),
            (48 * HOUR, "in 2d"),
            (-3 * DAY, "3d ago"),
            (-MINUTE, "1m ago"),
            (365 * DAY, "in 365d"),
        ] {
            assert_eq!(relative(now + distance, now), expected);
        }
        assert!(relative(i64::MAX, i64::MIN).starts_with("in "));
        assert!(relative(i64::MIN, i64::MAX).ends_with(" ago"));
    }

    #[test]
    fn instants_as_rfc_3339() {
        assert_eq!(rfc3339(0).unwrap(), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_826_725_287_117).unwrap(), "2027-11-20T15:41:27.117Z");
        assert_eq!(rfc3339(YEAR_ZERO).unwrap(), "0000-01-01T00:00:00Z");
        for instant in [i64::MIN, i64::MAX, YEAR_ZERO - 1] {
            assert_eq!(rfc3339(instant), None);
        }
    }
}
