//! How much one import may contain. A source is measured before it is parsed, so that parsing takes only a small
//! multiple of its own bytes, whatever is in it.

use crate::error::{Error, Result};
use crate::messages;

/// The most entries in one import, in any format: as many as an agent may have profiles.
pub const ENTRIES_MAX: usize = crate::vault::bounds::PROFILES_MAX;
/// The most members of objects and items of lists in one source, at all depths together.
pub const VALUES_MAX: usize = 2_000_000;
/// The parser refuses deeper nesting.
const DEPTH_MAX: usize = 128;

/// Refuses JSON that contains more than an import may. What is not JSON passes, because the parser says what is wrong
/// with it, and where.
///
/// # Errors
/// `TOO_LARGE`.
pub(super) fn check_json(bytes: &[u8], what: &str) -> Result<()> {
    let mut members = [0_usize; DEPTH_MAX];
    let (mut depth, mut values) = (0, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                let Some(counted) = members.get_mut(depth + 1) else { return Ok(()) };
                depth += 1;
                *counted = 1;
                values += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => {
                members[depth] += 1;
                values += 1;
            }
            _ => {}
        }
        if members[depth] > ENTRIES_MAX {
            return Err(too_many(what));
        }
        if values > VALUES_MAX {
            return Err(messages::transfer::too_many_values(what, VALUES_MAX));
        }
    }
    Ok(())
}

/// Returns the error for a source with more than [`ENTRIES_MAX`] entries.
pub(super) fn too_many(what: &str) -> Error {
    messages::transfer::too_many_entries(what, ENTRIES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn code(text: &str) -> Option<Code> {
        check_json(text.as_bytes(), "it").err().map(|error| error.code())
    }

    /// `count` members, separated by commas.
    fn many(member: &str, count: usize) -> String {
        vec![member; count].join(",")
    }

    #[test]
    fn as_many_entries_as_the_bound_pass_and_one_more_does_not() {
        for (count, refused) in [(ENTRIES_MAX, None), (ENTRIES_MAX + 1, Some(Code::TooLarge))] {
            assert_eq!(code(&format!("{{\"profiles\":{{{}}}}}", many("\"a\":0", count))), refused);
            assert_eq!(code(&format!("{{\"order\":[{}]}}", many("0", count))), refused);
            assert_eq!(code(&format!("{{{}}}", many("\"a\":{}", count))), refused);
        }
    }

    #[test]
    fn the_values_of_all_objects_count_together() {
        let list = format!("[{}]", many("0", ENTRIES_MAX));
        let at_bound = VALUES_MAX / ENTRIES_MAX - 1;
        assert_eq!(code(&format!("[{}]", many(&list, at_bound))), None);
        assert_eq!(code(&format!("[{}]", many(&list, at_bound + 2))), Some(Code::TooLarge));
    }

    #[test]
    fn the_contents_of_a_string_do_not_count() {
        let commas = ",{[\\\"\\\\".repeat(ENTRIES_MAX);
        assert_eq!(code(&format!("{{\"a\":\"{commas}\",\"b\":1}}")), None);
    }

    #[test]
    fn what_is_not_json_is_left_to_the_parser() {
        for text in ["", "}}}}", "\"", "]", &"[".repeat(100_000)] {
            assert_eq!(code(text), None);
        }
    }
}
