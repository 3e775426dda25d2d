//! Numbers of things in a sentence.

/// Returns a number and its noun, with an `s` unless the number is 1: `1 record`, `2 records`.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_thing_is_singular() {
        let said = [0, 1, 2].map(|n| counted(n, "record"));
        assert_eq!(said, ["0 records", "1 record", "2 records"]);
    }
}
