//! Flags of OpenClaw's own `onboard` that are not about credentials. They are accepted, so that a command line written
//! for OpenClaw works here too, and a warning says that they have no effect.

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};

use crate::messages::cli::setup as messages;

/// The flags with a value, as in OpenClaw 2026.6.1.
const WITH_VALUE: [&str; 11] = [
    "mode",
    "flow",
    "workspace",
    "secret-input-mode",
    "gateway-port",
    "gateway-bind",
    "gateway-auth",
    "gateway-token-ref-env",
    "daemon-runtime",
    "node-manager",
    "tailscale",
];

/// The flags without a value.
const WITHOUT: [&str; 13] = [
    "install-daemon",
    "no-install-daemon",
    "skip-bootstrap",
    "skip-channels",
    "skip-daemon",
    "skip-health",
    "skip-hooks",
    "skip-search",
    "skip-skills",
    "skip-ui",
    "suppress-gateway-token-output",
    "tailscale-reset-on-exit",
    "modern",
];

/// The flags that were given.
#[derive(Clone, Debug, Default)]
pub struct ClientFlags(Vec<&'static str>);

impl ClientFlags {
    /// Returns the warning that the flags have no effect, or none if none was given.
    pub(super) fn told(&self) -> Option<String> {
        let flags: Vec<_> = self.0.iter().map(|flag| format!("--{flag}")).collect();
        (!flags.is_empty()).then(|| messages::flags_without_effect(&flags))
    }
}

impl FromArgMatches for ClientFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.extend(WITH_VALUE.into_iter().filter(|flag| matches.contains_id(flag)));
        self.0.extend(WITHOUT.into_iter().filter(|flag| matches.get_flag(flag)));
        Ok(())
    }
}

impl Args for ClientFlags {
    fn augment_args(command: clap::Command) -> clap::Command {
        let hidden = |name: &'static str| Arg::new(name).long(name).hide(true);
        let command = WITH_VALUE.into_iter().fold(command, |command, name| command.arg(hidden(name)));
        WITHOUT
            .into_iter()
            .fold(command, |command, name| command.arg(hidden(name).action(ArgAction::SetTrue)))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}
