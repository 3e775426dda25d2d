//! The proxy, as a client is told of it: its address, and a file with the client's token.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::messages::client::connectable as messages;
use crate::term::escape::shell_word;

/// The programs that print a file. The first one that exists is run.
const CAT: [&str; 2] = ["/bin/cat", "/usr/bin/cat"];

/// What a client of the proxy gets.
#[derive(Clone, Debug)]
pub struct Proxied {
    /// The address of the proxy, without a slash at its end.
    pub url: String,
    /// The providers that it uses.
    pub providers: Vec<String>,
    /// A file of the user's own with the token alone.
    pub token_file: PathBuf,
    /// The name of a part of the client's configuration.
    pub name: Option<String>,
}

impl Proxied {
    /// Returns the base URL of a provider. `path` is what the client expects there.
    #[must_use]
    pub fn url_of(&self, provider: &str, path: &str) -> String {
        format!("{}/{provider}{path}", self.url)
    }

    /// Returns the path of the token's file as text.
    ///
    /// # Errors
    /// `CONFIG` if it has a character that no configuration can hold.
    pub fn token_path(&self) -> Result<&str> {
        let text = self.token_file.to_str().filter(|path| !path.contains(char::is_control));
        text.ok_or_else(messages::odd_path)
    }

    /// Returns the command that prints the token.
    ///
    /// # Errors
    /// As [`Proxied::token_path`].
    pub fn words(&self) -> Result<Vec<String>> {
        let cat = CAT.into_iter().find(|path| Path::new(path).exists()).unwrap_or(CAT[0]);
        Ok(vec![cat.to_owned(), self.token_path()?.to_owned()])
    }

    /// Returns the same as a command line of a POSIX shell.
    ///
    /// # Errors
    /// As [`Proxied::token_path`].
    pub fn shell(&self) -> Result<String> {
        Ok(self.words()?.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
pub(super) fn proxied(providers: &[&str]) -> Proxied {
    Proxied {
        url: "http://127.0.0.1:7787".to_owned(),
        providers: providers.iter().map(|&provider| provider.to_owned()).collect(),
        token_file: "/home/it's/tokens/a b".into(),
        name: None,
    }
}
