//! The flags that say when a credential expires.

use clap::Args;

use crate::error::Result;
use crate::messages::cli::credentials;
use crate::ops::save::End;
use crate::time::{parse_duration, parse_instant};
use crate::vault::credential::EXPIRES_MAX;

/// When a credential expires, as flags say it.
#[derive(Clone, Debug, Default, Args)]
pub struct Ends {
    /// Time until the credential expires: 90s, 15m, 12h, 365d, 2w, 1y or never
    #[arg(long, value_name = "TIME", conflicts_with = "expires_at", allow_hyphen_values = true)]
    pub expires_in: Option<String>,
    /// Date on which the credential expires, in UTC: 2027-01-31[THH:MM:SSZ]
    #[arg(long, value_name = "DATE")]
    pub expires_at: Option<String>,
}

impl Ends {
    /// Returns what the flags say; `now` is in Unix milliseconds.
    ///
    /// # Errors
    /// `USAGE` for both flags at once, and for a value that is not understood.
    pub fn read(&self, now: i64) -> Result<End> {
        match (&self.expires_in, &self.expires_at) {
            (Some(_), Some(_)) => Err(credentials::two_expiries()),
            (Some(text), None) => from_now(text, now),
            (None, Some(text)) => at(text),
            (None, None) => Ok(End::Unsaid),
        }
    }
}

/// Returns the expiry after a time from now, such as 365d, or `never`.
///
/// # Errors
/// `USAGE`.
pub fn from_now(text: &str, now: i64) -> Result<End> {
    if text.eq_ignore_ascii_case("never") {
        return Ok(End::Never);
    }
    let at = now.saturating_add(parse_duration("--expires-in", text)?);
    if at > EXPIRES_MAX {
        return Err(credentials::expiry_too_far());
    }
    Ok(End::At(at))
}

/// Returns the expiry at a date or an instant in UTC, or `never`.
fn at(text: &str) -> Result<End> {
    if text.eq_ignore_ascii_case("never") {
        return Ok(End::Never);
    }
    // A time without a zone could be meant as local time.
    let found =
        parse_instant(text).filter(|found| !found.zone_assumed).ok_or_else(credentials::not_a_date)?;
    if !(1..=EXPIRES_MAX).contains(&found.ms) {
        return Err(credentials::not_a_date());
    }
    Ok(End::At(found.ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
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
