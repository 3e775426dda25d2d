//! Numbers of things, as a sentence has them.

/// `1 record`, `2 records`: the number and the noun, which takes an s where there is not one.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_things() {
        let said = [0, 1, 2].map(|n| counted(n, "record"));
        assert_eq!(said, ["0 records", "1 record", "2 records"]);
    }
}
