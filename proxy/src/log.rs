//! What is written down of a request.

use std::sync::Arc;
use std::time::Duration;

/// What happened to the body of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Body {
    /// It was kept, so that it could be sent again.
    #[default]
    Kept,
    /// It passed without being kept: it was too large, or there was no memory for it.
    NotKept,
}

/// One request: who asked, which profile, and what came of it. Never a body, a query or a header's value, apart from
/// the session's name.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The access, if the token was known.
    pub access: Option<Arc<str>>,
    /// The provider, if it is one.
    pub provider: Option<Arc<str>>,
    /// The profile that was used last.
    pub profile: Option<Arc<str>>,
    /// The session that the client named: at most 128 bytes of printable ASCII.
    pub session: Option<String>,
    /// The status that the client got, or 0 if it went away before that.
    pub status: u16,
    /// Why the proxy answered itself. `head` if what came was no request: it has a status alone.
    pub refusal: Option<&'static str>,
    /// How often the request was sent to the upstream.
    pub sent: u8,
    /// Whether the body could have been sent again.
    pub body: Body,
    /// How long it took until the answer began.
    pub until_answer: Duration,
    /// How long it took until the answer, or the tunnel, ended.
    pub until_end: Duration,
    /// Whether the answer ended as it should. `false` if the client went away or the upstream broke off.
    pub complete: bool,
}
