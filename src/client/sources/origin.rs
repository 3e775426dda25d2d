//! The places in which the client looks for keys, other than profiles.

use std::path::{Path, PathBuf};

use strongroom_backends::shown;

use crate::messages::client as messages;

/// The place in which a variable was found, the strongest first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Origin {
    /// The environment of this process.
    Process,
    /// The file `.env` in the client's directory.
    File(PathBuf),
    /// The `env` block of the client's configuration.
    Config(PathBuf),
    /// A provider's entry in the client's configuration.
    Entry(PathBuf),
    /// The login shell.
    Shell,
    /// The file `.env` in an older directory of the client, which it no longer reads.
    LeftBehind(PathBuf),
    /// The file `.env` in the working directory. The client reads no provider keys from there, because the author of
    /// the repository could plant one.
    WorkingDirectory(PathBuf),
}

impl Origin {
    /// Returns the origin for people.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Process => "the process environment".to_owned(),
            Self::WorkingDirectory(path) | Self::File(path) | Self::Entry(path) | Self::LeftBehind(path) => {
                shown(path)
            }
            Self::Config(path) => format!("the env block of {}", shown(path)),
            Self::Shell => "the login shell".to_owned(),
        }
    }

    /// Returns the origin for programs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::WorkingDirectory(_) => "working_directory",
            Self::File(_) => "dotenv",
            Self::Config(_) => "config",
            Self::Entry(_) => "config_provider",
            Self::Shell => "login_shell",
            Self::LeftBehind(_) => "left_behind",
        }
    }

    /// Returns the file, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::WorkingDirectory(path)
            | Self::File(path)
            | Self::Config(path)
            | Self::Entry(path)
            | Self::LeftBehind(path) => Some(path),
            Self::Process | Self::Shell => None,
        }
    }

    /// Returns why nothing in this place is ever used, or `None` if it can be.
    #[must_use]
    pub const fn passed_over(&self) -> Option<&'static str> {
        match self {
            Self::LeftBehind(_) => Some(messages::LEFT_BEHIND),
            Self::WorkingDirectory(_) => Some(messages::WORKING_DIRECTORY_OF_OTHERS),
            _ => None,
        }
    }

    /// Returns whether a service reads it, which is not started from a person's shell.
    #[must_use]
    pub const fn reaches_services(&self) -> bool {
        matches!(self, Self::File(_) | Self::Config(_) | Self::Entry(_) | Self::Shell)
    }
}
