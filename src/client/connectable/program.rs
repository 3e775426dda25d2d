//! How a client runs this program.

use std::ffi::OsString;

use crate::error::Result;
use crate::messages::client::connectable as messages;
use crate::term::escape::shell_word;

/// What a script that runs this program begins with.
const SCRIPT_HEAD: &str = "#!/bin/sh\n# Made by `strongroom connect`.\n";

/// The program with its flags, as words of a command line that begin with an absolute path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program(Vec<String>);

impl Program {
    /// Returns it.
    ///
    /// # Errors
    /// `CONFIG` if a word is not text, or has a character that no configuration can hold.
    pub fn new(words: impl IntoIterator<Item = OsString>) -> Result<Self> {
        let text = |word: OsString| word.into_string().ok().filter(|word| !word.contains(char::is_control));
        let words: Option<_> = words.into_iter().map(text).collect();
        words.map(Self).ok_or_else(messages::odd_path)
    }

    /// Returns the words by which a helper is run.
    #[must_use]
    pub fn words(&self, helper: &str, id: Option<&str>) -> Vec<String> {
        let more = ["helper", helper].into_iter().chain(id);
        self.0.iter().map(String::as_str).chain(more).map(str::to_owned).collect()
    }

    /// Returns the same as a command line of a POSIX shell.
    #[must_use]
    pub fn shell(&self, helper: &str, id: Option<&str>) -> String {
        self.words(helper, id).iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
    }

    /// Returns a script that runs a helper with its own arguments.
    #[must_use]
    pub fn script(&self, helper: &str) -> String {
        format!("{SCRIPT_HEAD}exec {} \"$@\"\n", self.shell(helper, None))
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Returns its path and its flags.
    #[must_use]
    pub fn own(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_one_for_a_shell() {
        let program = Program::new(["/a b/$(id)'`x`".into(), "--home".into(), "/h;\"y\"".into()]).unwrap();
        assert_eq!(program.shell("git", None), r#"'/a b/$(id)'\''`x`' --home '/h;"y"' helper git"#);
        assert_eq!(program.words("aws", Some("aws:one")).last().unwrap(), "aws:one");
        for odd in ["/a\nb", "/a\u{1b}", "/a\0"] {
            assert!(Program::new([odd.into()]).is_err());
        }
    }
}
