//! Messages of `doctor` for people without a vault.

use super::Problem;
use crate::error::Error;

/// There is no vault, and `doctor` looked at everything else. `client` is whether OpenClaw is there, and `plaintext`
/// whether it keeps credentials in plain text.
pub fn no_vault(error: &Error, client: bool, plaintext: bool) -> Problem {
    let then = match (client, plaintext) {
        (_, true) => {
            "; then `strongroom migrate openclaw` takes OpenClaw's credentials in and removes them there"
        }
        (true, false) => "; then `strongroom connect openclaw` lets OpenClaw use it",
        (false, false) => "",
    };
    Problem::new(
        format!("{}; everything else was checked", error.what()),
        format!(
            "to begin, run `strongroom onboard`, which creates one and offers to store the keys that it finds{then}"
        ),
    )
}
