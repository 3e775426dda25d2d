//! What the details of a record are called, and why a host, a helper, a user name or a note is not accepted. None of the
//! refusals repeats what was given.

/// A user name, in a list of details.
pub const USERNAME: &str = "user name";
/// Hosts, in a list of details.
pub const HOSTS: &str = "hosts";
/// Helpers, in a list of details.
pub const HELPERS: &str = "helpers";
/// A note, in a list of details.
pub const NOTE: &str = "note";

/// A text has nothing in it.
pub const EMPTY: &str = "it is empty";
/// A text is longer than its limit.
pub const TOO_LONG: &str = "it is too long";
/// A text would steer a terminal.
pub const CONTROL_CHARACTER: &str = "it has a control character or an invisible one";
/// No helper has that name.
pub const UNKNOWN_HELPER: &str = "there is no such helper";

/// An origin has no scheme, or another one.
pub const NO_SCHEME: &str = "it does not begin with https://";
/// An origin names a user.
pub const HAS_USER: &str = "it names a user";
/// An origin has more than a host and a port.
pub const HAS_PATH: &str = "it has a path; only scheme, host and port count";
/// An origin is a pattern.
pub const WILDCARD: &str = "it has a wildcard; name each host";
/// An origin is an address.
pub const ADDRESS: &str = "it is an address; only names are accepted";
/// An origin has no valid port.
pub const NOT_A_PORT: &str = "its port is not a number from 1 to 65535";
/// An origin has characters beyond ASCII.
pub const NOT_ASCII: &str = "it has characters other than ASCII; write the name in its xn-- form";
/// An origin ends in a dot.
pub const TRAILING_DOT: &str = "it ends in a dot";
/// An origin has no valid host.
pub const NOT_A_HOST: &str = "its host is not a valid name";
