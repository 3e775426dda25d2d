//! Words that programs print if they have no value.

/// The words of `jq`, JavaScript, Python, Go, C, SQL, YAML, PowerShell, spreadsheets and command-line tools; compared
/// without regard to case.
const WORDS: [&str; 64] = [
    "null",
    "nullptr",
    "$null",
    "nil",
    "undefined",
    "none",
    "nothing",
    "nan",
    "infinity",
    "-infinity",
    "true",
    "false",
    "yes",
    "no",
    "void",
    "n/a",
    "na",
    "#n/a",
    "\\n",
    "~",
    "-",
    "--",
    "{}",
    "[]",
    "()",
    "<>",
    "[object object]",
    "[object promise]",
    "[null]",
    "{null}",
    "(null)",
    "(none)",
    "(nil)",
    "(unset)",
    "(not set)",
    "(empty)",
    "<nil>",
    "<null>",
    "<none>",
    "<unset>",
    "<empty>",
    "<no value>",
    "%!s(<nil>)",
    "optional(nil)",
    "unset",
    "not set",
    "empty",
    "missing",
    "unknown",
    "error",
    "failed",
    "unauthorized",
    "forbidden",
    "not found",
    "bearer",
    "token",
    "basic",
    "export",
    "password",
    "secret",
    "denied",
    "timeout",
    "nonetype",
    "some(\"\")",
];

/// Returns whether a value is only such a word.
pub fn is_nothing(value: &str) -> bool {
    // No key is a short number such as `404` or `0`.
    let number = !value.is_empty() && value.len() <= 6 && value.bytes().all(|b| b.is_ascii_digit());
    let value = if value.len() > 3 { value.trim_end_matches('.') } else { value };
    number || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Returns whether a value assigns such a word to a name: `key: null`, `token=undefined`.
pub(super) fn names_nothing(value: &str) -> bool {
    let Some((name, said)) = value.split_once([':', '=']) else { return false };
    let name = name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
    let said = said.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';'));
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    is_name && is_nothing(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_nothing_in_any_case() {
        for value in ["null", "NULL", "None", "NaN", "<NIL>", "n/a", "[object Object]", "%!s(<nil>)", "{}"] {
            assert!(is_nothing(value), "{value}");
        }
        for value in ["nullable", "none-of-it", "sk-null", "", "truth"] {
            assert!(!is_nothing(value), "{value}");
        }
        for value in ["key: null", "API_KEY=undefined", "\"key\": None,", "a.b-c: 'nil'"] {
            assert!(names_nothing(value), "{value}");
        }
        for value in ["a+b=null", "sk-a:b", "key: nullable", "=null"] {
            assert!(!names_nothing(value), "{value}");
        }
    }
}
