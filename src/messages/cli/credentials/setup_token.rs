//! Messages about `claude setup-token`.

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use super::why_not_asked;
use crate::error::{Code, Error};

/// The token was captured, and storing it failed.
pub const LOST: &str = "the token was not stored and no copy is left: revoke it at the provider, and run `strongroom setup-token` again";

/// The token was captured, and a person chose not to store it.
pub const DECLINED: &str = "the token was not stored: revoke it at the provider";

/// `claude` is missing.
pub const NO_CLAUDE: &str = "`claude` is not on PATH";

/// `claude` gave no token: asks for one that was made elsewhere.
pub const PASTE_INSTEAD: &str = "No token was captured. Run `claude setup-token` on any machine with a browser (to install it: npm install -g @anthropic-ai/claude-code), and paste its token here.";

/// A signal came after the token was captured.
#[must_use]
pub fn stored_despite_signal(profile: impl Display) -> String {
    format!("interrupted by a signal; the token is stored as {profile}")
}

/// The provider is not Anthropic.
#[must_use]
pub fn not_anthropic(provider: impl Display) -> Error {
    Error::new(Code::Usage, format!("{provider} has no setup-tokens; only anthropic does")).with_remedy(
        format!(
            "use `strongroom paste-token --provider {provider}` or `strongroom paste-api-key --provider {provider}`"
        ),
    )
}

/// How to store a token without `claude` on this terminal. `agent_option` names the agent, unless it is the
/// default one; `id` is a shell word.
#[must_use]
pub fn elsewhere(agent_option: &str, id: &str) -> String {
    format!(
        "run `claude setup-token` on any machine with a browser, and store its token with `strongroom{agent_option} paste-token --provider anthropic --profile-id {id} --expires-in 365d`"
    )
}

/// No one is at a terminal.
#[must_use]
pub fn needs_terminal(stdin_is_terminal: bool, elsewhere: String) -> Error {
    let why = why_not_asked(stdin_is_terminal);
    Error::new(Code::NeedsTerminal, format!("`claude setup-token` needs a person at a terminal, but {why}"))
        .with_remedy(elsewhere)
}

/// `claude` is started.
#[must_use]
pub fn running(program: &Path) -> String {
    format!(
        "Running {} setup-token. Its token goes into the vault and is not shown; press Ctrl-C to stop.",
        shown(program)
    )
}

/// A token was captured. `seen` is its beginning, which is no secret, and its length.
#[must_use]
pub fn captured(seen: impl Display) -> String {
    format!("Captured the token ({seen}).")
}

/// Several tokens were printed. `word` is the profile's id as a shell word.
#[must_use]
pub fn several(word: &str) -> String {
    format!(
        "`claude setup-token` printed more than one token, and the last one was used; if it is the wrong one, run `strongroom rotate {word}` and paste the right one"
    )
}

/// `claude` failed after it printed a token.
#[must_use]
pub fn failed_after_token(ended: &str) -> String {
    format!("`claude setup-token` {ended} after it printed the token")
}

/// `claude` printed no token.
#[must_use]
pub fn no_token(ended: &str) -> String {
    format!("`claude setup-token` {ended} and printed no token")
}

/// `claude` printed the beginning of a token only.
#[must_use]
pub fn only_part(ended: &str, length: usize) -> String {
    format!("`claude setup-token` {ended} and printed only part of a token ({length} characters)")
}

/// Ctrl-C ended it. `dropped` says what was printed and not stored.
#[must_use]
pub fn cancelled(dropped: Option<String>, elsewhere: String) -> Error {
    let what = match dropped {
        None => "`claude setup-token` was stopped by Ctrl-C; nothing was changed".to_owned(),
        Some(dropped) => format!("stopped by Ctrl-C: {dropped}"),
    };
    Error::new(Code::Cancelled, what).with_remedy(elsewhere)
}

/// Returns how `claude` ended, as the end of a sentence. `status` is `None` if that is unknown, and `Some(None)` if a
/// signal killed it.
#[must_use]
pub fn how_it_ended(cancelled: bool, status: Option<Option<i32>>) -> String {
    match status {
        _ if cancelled => "was stopped by Ctrl-C".to_owned(),
        None | Some(Some(0)) => "exited".to_owned(),
        Some(Some(status)) => format!("failed with status {status}"),
        Some(None) => "was killed by a signal".to_owned(),
    }
}

/// A whole token of an unusual length was printed and not stored.
#[must_use]
pub fn dropped_whole(length: usize, usual: usize) -> String {
    dropped(&format!("a token of {length} characters instead of the usual {usual}"))
}

/// The beginning of a token was printed and not stored.
#[must_use]
pub fn dropped_part(length: usize) -> String {
    dropped(&format!("part of a token ({length} characters)"))
}

fn dropped(printed: &str) -> String {
    format!("`claude setup-token` printed {printed}, which was not stored; revoke it at the provider")
}

/// Asks whether to store a token of an unusual length.
#[must_use]
pub fn odd_length_prompt(length: usize, usual: usize) -> String {
    format!(
        "The token has {length} characters instead of the usual {usual}: it may be incomplete, or contain more than the token. Store it?"
    )
}

/// The question about a token of an unusual length was interrupted.
pub const CANCELLED_AT_PROMPT: &str =
    "the token was not stored: revoke it at the provider, and run `strongroom setup-token` again";
