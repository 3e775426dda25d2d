//! Exact numbers from a JSON file.

/// A decimal number as it is written. A float would round some numbers up.
#[derive(Debug)]
pub(super) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    /// How many of the digits are before the decimal point.
    point: i64,
}

impl Decimal {
    /// Parses a JSON number.
    pub(super) fn of(text: &str) -> Option<Self> {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        let digits = [whole, fraction].concat().into_bytes();
        if whole.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Some(Self { negative, digits, point: i64::try_from(whole.len()).ok()? + i64::from(exponent) })
    }

    pub(super) fn is_zero(&self) -> bool {
        self.digits.iter().all(|digit| *digit == b'0')
    }

    /// Returns the number times ten to the power of `shift`, rounded down; `None` for a negative or a huge number.
    pub(super) fn floor(&self, shift: i64) -> Option<i64> {
        if self.is_zero() {
            return Some(0);
        }
        let leading = self.digits.iter().take_while(|digit| **digit == b'0').count();
        let (digits, point) = (&self.digits[leading..], self.point - i64::try_from(leading).ok()? + shift);
        if self.negative || point > 18 {
            return None;
        }
        let places = usize::try_from(point.max(0)).ok()?;
        let padded = digits.iter().copied().chain(std::iter::repeat(b'0'));
        Some(padded.take(places).fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
    }
}
