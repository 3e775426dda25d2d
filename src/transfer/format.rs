//! The formats of a source, and how they are told apart.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::messages;
use crate::seal::received;
use crate::secret::encoding::{Decoded, decode};

/// A format that can be imported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// OpenClaw's JSON: `auth-profiles.json`, `auth.json`, `oauth.json`, the flat legacy map.
    OpenClaw,
    /// A file of variables.
    Dotenv,
    /// A bundle from another vault, encrypted with age.
    Bundle,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::OpenClaw, Self::Dotenv, Self::Bundle];

    /// Returns the format's name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenClaw => "openclaw",
            Self::Dotenv => "env",
            Self::Bundle => "bundle",
        }
    }

    /// Guesses the format of a source: a file of variables, unless it looks like another format.
    #[must_use]
    pub fn detect(bytes: &[u8]) -> Self {
        let decoded = decode(bytes, "it");
        let start = decoded.as_ref().map_or(bytes, Decoded::bytes).trim_ascii_start();
        // A list of objects is JSON; `[name]` begins other files.
        let list = start.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
        if start.starts_with(b"{") || list.is_some_and(|items| items.starts_with(b"{")) {
            Self::OpenClaw
        } else if received::is_sealed(start) {
            Self::Bundle
        } else {
            Self::Dotenv
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|format| format.name() == text) {
            Some(format) => Ok(format),
            None => Err(messages::transfer::unknown_format()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn formats_are_told_apart_by_content() {
        for (bytes, format) in [
            (&b"age-encryption.org/v1\n-> X25519"[..], Format::Bundle),
            (b"-----BEGIN AGE ENCRYPTED FILE-----\n", Format::Bundle),
            (b"\n-----BEGIN AGE ENCRYPTED FILE-----\r\n", Format::Bundle),
            (b"\xef\xbb\xbf \r\n\t{\"version\":1}", Format::OpenClaw),
            (b"{", Format::OpenClaw),
            (b"# keys\nOPENAI_API_KEY=x", Format::Dotenv),
            (b"", Format::Dotenv),
        ] {
            assert_eq!(Format::detect(bytes), format, "{bytes:?}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for format in Format::ALL {
            assert_eq!(format.name().parse::<Format>().unwrap(), format);
        }
        assert_eq!("csv".parse::<Format>().unwrap_err().code(), Code::Usage);
    }
}
