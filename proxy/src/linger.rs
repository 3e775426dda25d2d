//! Reading what is left of a request after its answer.
//!
//! If a connection is closed with bytes that no one has read, the kernel resets it, and the client may lose an answer
//! that was already sent.

use std::time::Duration;

use http_body::Body;
use http_body_util::BodyExt;
use tokio::runtime::Handle;

/// How long is read.
const LINGER: Duration = Duration::from_secs(5);

/// Reads the rest of a body, for a time, and drops it.
pub(crate) fn drain<B: Body + Send + Unpin + 'static>(mut body: B) {
    if body.is_end_stream() {
        return;
    }
    let Ok(runtime) = Handle::try_current() else { return };
    runtime.spawn(tokio::time::timeout(LINGER, async move { while let Some(Ok(_)) = body.frame().await {} }));
}
