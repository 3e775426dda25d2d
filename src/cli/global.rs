//! The options that every command takes.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{ArgMatches, Args, FromArgMatches, ValueEnum};

use super::context;
use crate::env::Env;
use crate::error::Result;
use crate::looks::instead;
use crate::term::style::Color;
use crate::time::parse_duration;
use crate::vault::id::AgentName;

/// Options of every command. The help of a command names them in a line; `strongroom help options` explains them.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Use the vault in this directory [env: STRONGROOM_HOME] [default: ~/.local/share/strongroom]
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    pub(super) home: Option<PathBuf>,
    /// Use the profiles of this agent [env: STRONGROOM_AGENT] [default: main]
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(super) agent: Option<String>,
    /// Print one JSON document, for programs
    #[arg(long, hide_short_help = true)]
    pub(super) json: bool,
    /// Unlock with the key in this file [env: STRONGROOM_KEY_FILE]
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(super) key_file: Option<PathBuf>,
    /// Unlock with the passphrase in this file [env: STRONGROOM_PASSPHRASE_FILE]
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(super) passphrase_file: Option<PathBuf>,
    /// Unlock with the passphrase from this file descriptor, 3 or higher
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(0..), hide_short_help = true)]
    pub(super) passphrase_fd: Option<i32>,
    /// Never prompt; fail instead (the default without a terminal)
    #[arg(long, hide_short_help = true)]
    pub(super) no_input: bool,
    /// Wait this long for another command that is writing, such as 30s or 300ms [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration, hide_short_help = true)]
    pub(super) lock_timeout: Option<Duration>,
    /// Wait this long in total for a keychain that does not answer [default: 3s]
    #[arg(long, value_name = "TIME", value_parser = duration, hide_short_help = true)]
    pub(super) keychain_timeout: Option<Duration>,
    /// Keep this machine's memory of each vault in this directory [env: STRONGROOM_ANCHOR] [default: ~/.local/state/strongroom]
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    pub(super) anchor: Option<PathBuf>,
    /// Use colour: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, value_name = "WHEN", value_enum, hide_short_help = true)]
    pub(super) color: Option<Color>,
    /// Say which vault, agent and unlock method are used, and how long the command took
    #[arg(long, short = 'v', hide_short_help = true)]
    pub(super) verbose: bool,
}

impl ValueEnum for Color {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Always, Self::Never]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

/// Returns what `--color` says among arguments that are not parsed yet: help and errors of the command line obey it
/// too.
pub(super) fn color_of(arguments: &[OsString]) -> Option<bool> {
    let mut values = arguments.iter().enumerate().filter_map(|(at, argument)| match argument.to_str()? {
        "--" => Some(""),
        "--color" => arguments.get(at + 1)?.to_str(),
        text => text.strip_prefix("--color="),
    });
    Color::named(values.next()?)?.wanted()
}

impl Global {
    /// Returns what is given at any level of a command; the innermost wins. clap's own global arguments
    /// would be copied to each of the commands at every start.
    pub(super) fn of(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let outer = Self::from_arg_matches(matches)?;
        match matches.subcommand() {
            Some((_, inner)) => Ok(Self::of(inner)?.or(outer)),
            None => Ok(outer),
        }
    }

    fn or(self, outer: Self) -> Self {
        Self {
            home: self.home.or(outer.home),
            agent: self.agent.or(outer.agent),
            json: self.json || outer.json,
            key_file: self.key_file.or(outer.key_file),
            passphrase_file: self.passphrase_file.or(outer.passphrase_file),
            passphrase_fd: self.passphrase_fd.or(outer.passphrase_fd),
            no_input: self.no_input || outer.no_input,
            lock_timeout: self.lock_timeout.or(outer.lock_timeout),
            keychain_timeout: self.keychain_timeout.or(outer.keychain_timeout),
            anchor: self.anchor.or(outer.anchor),
            color: self.color.or(outer.color),
            verbose: self.verbose || outer.verbose,
        }
    }
}

fn duration(text: &str) -> std::result::Result<Duration, String> {
    // A script may ask not to wait at all.
    if text == "0ms" {
        return Ok(Duration::ZERO);
    }
    let ms = parse_duration("a timeout", text).map_err(|error| error.what().to_owned())?;
    u64::try_from(ms).map(Duration::from_millis).map_err(|_| "not a duration".to_owned())
}

/// Returns the agent that a flag or a variable names, and whether it was the flag.
pub(super) fn agent_of(global: &Global, env: &Env) -> Result<Option<(AgentName, bool)>> {
    match (&global.agent, env.var("STRONGROOM_AGENT")) {
        (Some(flag), _) => Ok(Some((agent_name(flag)?, true))),
        (None, Some(variable)) => Ok(Some((variable.to_string_lossy().parse()?, false))),
        (None, None) => Ok(None),
    }
}

/// Returns the agent with a name that was given by hand.
///
/// # Errors
/// `INVALID_AGENT`; `USAGE` for a secret given by mistake.
pub(super) fn agent_name(text: &str) -> Result<AgentName> {
    let secret =
        |error| if instead(text).is_some() { context::is_a_secret().err() } else { None }.unwrap_or(error);
    text.parse().map_err(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_can_be_shorter_than_a_second() {
        for (text, expected) in [("300ms", Some(300)), ("2s", Some(2000)), ("1m", Some(60_000))] {
            assert_eq!(duration(text).ok(), expected.map(Duration::from_millis), "{text}");
        }
        for text in ["ms", "+3ms", "-3ms", "0.3ms", "3 ms", "3", "9999999999999ms"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
