//! When a credential ends, as the flags say it.

use clap::Args;

use crate::error::{Code, Error, Result, fail};
use crate::ops::save::End;
use crate::time::{parse_duration, parse_instant};
use crate::vault::credential::EXPIRES_MAX;

/// The flags that say when a credential ends.
#[derive(Clone, Debug, Default, Args)]
pub struct Ends {
    /// When the credential ends, from now: 90s, 15m, 12h, 365d, 2w, 1y; or never
    #[arg(long, value_name = "TIME", conflicts_with = "expires_at", allow_hyphen_values = true)]
    pub expires_in: Option<String>,
    /// When the credential ends: 2027-01-31[THH:MM:SSZ]
    #[arg(long, value_name = "DATE")]
    pub expires_at: Option<String>,
}

impl Ends {
    /// What the flags say.
    ///
    /// # Errors
    /// `USAGE`.
    pub fn read(&self, now: i64) -> Result<End> {
        match (&self.expires_in, &self.expires_at) {
            (Some(_), Some(_)) => {
                fail(Code::Usage, "--expires-in and --expires-at say the same thing; give one")
            }
            (Some(text), None) => from_now(text, now),
            (None, Some(text)) => at(text),
            (None, None) => Ok(End::Unsaid),
        }
    }
}

/// The end that a span from now means.
///
/// # Errors
/// `USAGE`.
pub fn from_now(text: &str, now: i64) -> Result<End> {
    if text.eq_ignore_ascii_case("never") {
        return Ok(End::Never);
    }
    let at = now.saturating_add(parse_duration("--expires-in", text)?);
    if at > EXPIRES_MAX {
        return fail(Code::Usage, "--expires-in is too far away");
    }
    Ok(End::At(at))
}

/// The end at a date.
fn at(text: &str) -> Result<End> {
    if text.eq_ignore_ascii_case("never") {
        return Ok(End::Never);
    }
    let wrong = || {
        Error::new(Code::Usage, "--expires-at is not a date in UTC")
            .with_remedy("write it as 2027-01-31 or 2027-01-31T12:00:00Z")
    };
    // Without its zone a time could be meant in another one.
    let found = parse_instant(text).filter(|found| !found.zone_assumed).ok_or_else(wrong)?;
    if !(1..=EXPIRES_MAX).contains(&found.ms) {
        return Err(wrong());
    }
    Ok(End::At(found.ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::DAY;

    fn read(expires_in: Option<&str>, expires_at: Option<&str>) -> Result<End> {
        Ends { expires_in: expires_in.map(str::to_owned), expires_at: expires_at.map(str::to_owned) }
            .read(1_000)
    }

    #[test]
    fn both_flags_are_read() {
        for (text, end) in [
            ("1Y", End::At(1_000 + 365 * DAY)),
            ("2w", End::At(1_000 + 14 * DAY)),
            ("90s", End::At(91_000)),
            ("never", End::Never),
            ("Never", End::Never),
        ] {
            assert_eq!(read(Some(text), None).unwrap(), end, "{text}");
        }
        for (text, at) in [
            ("2027-01-31", 1_801_353_600_000),
            ("2027-01-31T12:30:15Z", 1_801_398_615_000),
            ("2027-01-31T12:30:15+00:00", 1_801_398_615_000),
        ] {
            assert_eq!(read(None, Some(text)).unwrap(), End::At(at), "{text}");
        }
        assert_eq!(read(None, None).unwrap(), End::Unsaid);
        for text in
            ["", "2027", "2027-13-01", "2027-02-30", "2027-01-31T12:00:00", "tomorrow", "365d", "1969-12-31"]
        {
            assert_eq!(read(None, Some(text)).unwrap_err().code(), Code::Usage, "{text}");
        }
    }
}
