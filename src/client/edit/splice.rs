//! Replacements in a text: where, and by what. Everything outside them stays as it is, byte for byte.

use std::ops::Range;

use crate::secret::Buffer;

/// One replacement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Splice {
    /// What is replaced, as offsets in bytes of the text before. It is empty if something is only inserted.
    pub range: Range<usize>,
    /// What it is replaced by.
    pub text: String,
    /// Whether what is replaced holds a secret.
    pub hides: bool,
}

/// Returns replacements in the order of the text. Those that touch are joined, and so is a deletion that overlaps.
/// Returns `None` if others overlap, which is a bug.
pub(super) fn in_order(mut splices: Vec<Splice>) -> Option<Vec<Splice>> {
    // What is inserted at a place comes before what is replaced from there on.
    splices.sort_by_key(|splice| (splice.range.start, !splice.range.is_empty()));
    let mut joined: Vec<Splice> = Vec::new();
    for splice in splices {
        let Some(last) = joined.last_mut().filter(|last| splice.range.start <= last.range.end) else {
            joined.push(splice);
            continue;
        };
        if splice.range.start < last.range.end && !splice.text.is_empty() {
            return None;
        }
        last.range.end = last.range.end.max(splice.range.end);
        last.text.push_str(&splice.text);
        last.hides |= splice.hides;
    }
    Some(joined)
}

/// Returns a text with its parts replaced. The replacements are in order, and do not overlap.
pub(super) fn apply<'s>(
    text: &str,
    splices: impl Iterator<Item = (Range<usize>, &'s str)> + Clone,
) -> Option<Buffer> {
    let inserted: usize = splices.clone().map(|(_, inserted)| inserted.len()).sum();
    let mut out = Buffer::with_capacity(text.len() + inserted);
    let mut at = 0;
    for (range, inserted) in splices {
        out.extend(text.get(at..range.start)?.as_bytes());
        out.extend(inserted.as_bytes());
        at = range.end;
    }
    out.extend(text.get(at..)?.as_bytes());
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn splice(range: Range<usize>, text: &str) -> Splice {
        Splice { range, text: text.to_owned(), hides: false }
    }

    #[test]
    fn replacements_that_touch_are_joined_in_the_order_of_the_text() {
        let all =
            vec![splice(4..6, ""), splice(5..7, ""), splice(1..1, "b"), splice(1..2, "c"), splice(4..4, "d")];
        let ordered = in_order(all).unwrap();
        assert_eq!(ordered, [splice(1..2, "bc"), splice(4..7, "d")]);
        let text =
            apply("01234567", ordered.iter().map(|one| (one.range.clone(), one.text.as_str()))).unwrap();
        assert_eq!(text.expose_str(), Some("0bc23d7"));
    }

    #[test]
    fn replacements_that_overlap_are_noticed() {
        assert_eq!(in_order(vec![splice(0..3, "a"), splice(2..4, "b")]), None);
    }
}
