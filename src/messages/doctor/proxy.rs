//! Messages about servers that run, and who may ask them.

use std::fmt::Display;

use super::Problem;

/// A server runs.
#[must_use]
pub fn server_runs(agent: impl Display, listeners: &str) -> String {
    format!("a server of agent {agent} listens on {listeners}")
}

/// A server runs and is locked.
#[must_use]
pub fn server_locked(agent: impl Display) -> Problem {
    Problem::new(
        format!("the server of agent {agent} is locked, and refuses every request"),
        format!("run `strongroom unlock --agent {agent}`, or send it SIGHUP if it can unlock by itself"),
    )
}

/// An access of a later version.
#[must_use]
pub fn access_newer(agent: impl Display, access: &str) -> String {
    format!("a newer version wrote access {access} of agent {agent}, and this one does not serve it")
}

/// An access has expired.
#[must_use]
pub fn access_expired(agent: impl Display, access: impl Display) -> Problem {
    Problem::new(
        format!("access {access} of agent {agent} has expired"),
        format!("run `strongroom access remove {access} --agent {agent}`"),
    )
}

/// An access names only profiles that were removed.
#[must_use]
pub fn access_for_nothing(agent: impl Display, access: impl Display) -> Problem {
    Problem::new(
        format!("access {access} of agent {agent} is for profiles that no longer exist"),
        format!("run `strongroom access remove {access} --agent {agent}`, and add one for other profiles"),
    )
}
