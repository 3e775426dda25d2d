//! The words of a command line that is being typed, as a shell would read them.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::env::Env;

/// Returns the words without their quotes and backslashes, and without variables that stand before the command. A word
/// that is not UTF-8 is changed, and names nothing.
pub(super) fn plain(words: &[OsString]) -> Vec<String> {
    let words = words.iter().map(|word| unquoted(&word.to_string_lossy()));
    words.enumerate().skip_while(|(_, word)| is_assignment(word)).map(|(_, word)| word).collect()
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// Returns a word without quotes and backslashes; the last quote may be open.
fn unquoted(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    let mut open = None;
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        match (c, open) {
            ('\\', None | Some('"')) => plain.extend(chars.next()),
            ('"' | '\'', None) => open = Some(c),
            (_, Some(quote)) if c == quote => open = None,
            _ => plain.push(c),
        }
    }
    plain
}

/// Returns the last value of an option before the word at the cursor, which is the last one.
pub(super) fn value_of(words: &[String], option: &str) -> Option<String> {
    let (_, before) = words.split_last()?;
    let before = before.split(|word| word == "--").next()?;
    let mut values = before.iter().enumerate().filter_map(|(at, word)| match word.strip_prefix(option)? {
        "" => before.get(at + 1).map(String::as_str),
        rest => rest.strip_prefix('='),
    });
    values.next_back().map(str::to_owned)
}

/// Returns a path with the home directory in place of what a shell would replace by it.
pub(super) fn expanded(path: &str, env: &Env) -> PathBuf {
    let rest = ["~", "$HOME", "${HOME}"].iter().find_map(|start| path.strip_prefix(start));
    match (rest, env.path("HOME")) {
        (Some(""), Some(home)) => home,
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn words_are_read_as_a_shell_would() {
        for (typed, read) in [
            ("anthropic:work", "anthropic:work"),
            (r"anthropic\:wo", "anthropic:wo"),
            ("\"a b\"", "a b"),
            ("'a\\b", "a\\b"),
            ("\"it's", "it's"),
            ("a\\", "a"),
        ] {
            assert_eq!(plain(&["s".into(), typed.into()]), ["s", read], "{typed}");
        }
        assert_eq!(plain(&["A=1".into(), "B_2=".into(), "s".into(), "a=b".into()]), ["s", "a=b"]);
    }

    #[test]
    fn the_last_value_of_an_option_counts_and_the_word_at_the_cursor_does_not() {
        let line = words(&["s", "--agent", "a", "get", "--agent=b", "--agents", "c", "x"]);
        assert_eq!(value_of(&line, "--agent").as_deref(), Some("b"));
        assert_eq!(value_of(&words(&["s", "--agent", "a"]), "--agent"), None);
        assert_eq!(value_of(&words(&["s", "--agent=a"]), "--agent"), None);
        assert_eq!(value_of(&words(&["s", "--", "--agent", "a", "x"]), "--agent"), None);
        assert_eq!(value_of(&[], "--agent"), None);
    }

    #[test]
    fn a_home_is_expanded_as_the_shell_will() {
        let env = Env::default().with_var("HOME", "/h");
        for (typed, read) in
            [("~/v", "/h/v"), ("$HOME/v", "/h/v"), ("${HOME}", "/h"), ("~x/v", "~x/v"), ("/v", "/v")]
        {
            assert_eq!(expanded(typed, &env), PathBuf::from(read), "{typed}");
        }
    }
}
