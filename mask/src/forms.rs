//! The fixed forms of a value: those that an automaton can list. Escapes are decoded in the stream instead.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// Bytes of a form, which are as secret as the value.
pub type Form = Zeroizing<Vec<u8>>;

const COMMON: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Returns the forms of a value: as it is, with `+` for spaces (form encoding), as hexadecimal digits and as base64.
pub fn of(value: &[u8]) -> Vec<Form> {
    let mut forms = vec![Zeroizing::new(value.to_vec())];
    if value.contains(&b' ') {
        let plus = value.iter().map(|byte| if *byte == b' ' { b'+' } else { *byte });
        forms.push(Zeroizing::new(plus.collect()));
    }
    forms.push(hex(value, b"0123456789abcdef"));
    forms.push(hex(value, b"0123456789ABCDEF"));
    for shift in 0..3 {
        base64(value, shift, &STANDARD_NO_PAD, *b"+/", &mut forms);
        base64(value, shift, &URL_SAFE_NO_PAD, *b"-_", &mut forms);
    }
    forms.sort_unstable_by(|one, other| one.as_slice().cmp(other));
    forms.dedup();
    forms
}

fn hex(value: &[u8], digits: &[u8; 16]) -> Form {
    let mut form = Zeroizing::new(Vec::with_capacity(value.len() * 2));
    for byte in value {
        form.extend([digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
    }
    form
}

/// Adds the base64 of a value that begins `shift` bytes after a group of three.
///
/// The character before the first whole one also has bits of the byte before the value, and is not part of the form. The
/// last one may have bits of the byte after the value: there is a form for each.
fn base64(value: &[u8], shift: usize, engine: &impl Engine, last_two: [u8; 2], forms: &mut Vec<Form>) {
    let mut shifted = Zeroizing::new(vec![0; shift]);
    shifted.reserve_exact(value.len());
    shifted.extend_from_slice(value);
    let encoded = Zeroizing::new(engine.encode(&shifted).into_bytes());
    let first = (shift * 8).div_ceil(6);
    let whole = shifted.len() * 8 / 6;
    let core = encoded.get(first..whole).unwrap_or_default();
    let with = |tail: &[u8]| {
        let mut form = Zeroizing::new(Vec::with_capacity(core.len() + tail.len()));
        form.extend_from_slice(core);
        form.extend_from_slice(tail);
        form
    };
    forms.push(with(b""));
    let Some(partial) = encoded.get(whole) else { return };
    let (others, padding): (usize, &[u8]) = if shifted.len() % 3 == 1 { (16, b"==") } else { (4, b"=") };
    let alphabet = || COMMON.iter().chain(&last_two);
    let index = alphabet().position(|character| character == partial).unwrap_or_default();
    for character in alphabet().skip(index).take(others) {
        forms.push(with(&[*character]));
    }
    for padded in 1..=padding.len() {
        forms.push(with(&[std::slice::from_ref(partial), &padding[..padded]].concat()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    /// Returns the longest form in a text.
    fn longest<'t>(text: &'t str, forms: &[Form]) -> Option<&'t str> {
        let forms = forms.iter().filter_map(|form| std::str::from_utf8(form).ok());
        let found = forms.filter_map(|form| text.find(form).map(|at| &text[at..at + form.len()]));
        found.max_by_key(|found| found.len())
    }

    #[test]
    fn base64_is_found_at_every_alignment_between_any_neighbours() {
        for value in
            [&b"made-up?>value"[..], b"made-up?>valu", b"made-up?>val", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"]
        {
            let forms = of(value);
            for before in 0..7 {
                for after in 0..=255u8 {
                    let whole = [&vec![after; before], value, &vec![after; usize::from(after) % 5]].concat();
                    for text in [
                        STANDARD.encode(&whole),
                        URL_SAFE.encode(&whole),
                        STANDARD_NO_PAD.encode(&whole),
                        URL_SAFE_NO_PAD.encode(&whole),
                    ] {
                        let found = longest(&text, &forms).unwrap();
                        // At most the character that the value shares with what is before it is left.
                        let bits = found.trim_end_matches('=').len() * 6;
                        assert!(bits + 4 >= value.len() * 8, "{text}: {found}");
                        if before == 0 && after % 5 == 0 {
                            assert_eq!(found, text);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn there_are_forms_of_both_cases_and_none_twice() {
        let forms = of(b"made up+value~~~");
        for expected in ["made up+value~~~", "made+up+value~~~", "6d616465207570", "6D616465207570"] {
            assert!(forms.iter().any(|form| form.starts_with(expected.as_bytes())), "{expected}");
        }
        assert!(forms.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
