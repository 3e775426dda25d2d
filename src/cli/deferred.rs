//! Defines the arguments of a command only when that command runs. To define those of all commands would be more than
//! half of the work of a short command.

use std::ops::Deref;

use clap::error::Error;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::{help, with_options};

/// The arguments of a command.
#[derive(Debug)]
pub(super) struct Lazy<T>(T);

impl<T> Deref for Lazy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Lazy<T> {
    /// Returns the arguments themselves.
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

impl<T: FromArgMatches> FromArgMatches for Lazy<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<T: Args> Args for Lazy<T> {
    fn augment_args(command: Command) -> Command {
        command.defer(made::<T>)
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(made::<T>)
    }
}

/// Adds the arguments of `T` to its command.
fn made<T: Args>(command: Command) -> Command {
    // The description in the list of commands takes precedence over that of the arguments.
    let listed = command.get_about().cloned();
    let mut command = T::augment_args(command);
    if let Some(listed) = listed.filter(|listed| command.get_about() != Some(listed)) {
        command = command.about(listed).long_about(None::<&str>);
    }
    help::laid_out(with_options(command))
}
