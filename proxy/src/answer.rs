//! The body of an answer: what the upstream sends, as it comes, with the secret masked.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use strongroom_mask::Masker;
use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::hygiene;
use crate::idle::Idle;
use crate::key::Key;
use crate::service::Running;

/// How long a short beginning of the secret waits for the rest of it. See decision 41.
pub(crate) const PAUSE: Duration = Duration::from_millis(10);

/// Why an answer broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error("the upstream broke off the answer")]
    Upstream,
    #[error("the upstream sent nothing in time")]
    Idle,
    #[error("the access was removed")]
    Ended,
}

/// The body of an answer.
pub(crate) struct Answer {
    source: Incoming,
    /// What was read of it before.
    read: VecDeque<Frame<Bytes>>,
    key: Arc<Key>,
    masker: Masker,
    pause: Option<Pin<Box<Sleep>>>,
    /// Whether what may be shown of what is held back was shown.
    is_released: bool,
    trailers: Option<HeaderMap>,
    is_done: bool,
    failed: Option<AnswerError>,
    idle: Idle,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    running: Running,
}

impl Answer {
    pub fn new(
        source: Incoming,
        read: VecDeque<Frame<Bytes>>,
        key: &Arc<Key>,
        idle: Duration,
        ended: &CancellationToken,
        mut running: Running,
    ) -> Self {
        let is_done = read.is_empty() && source.is_end_stream();
        running.record.complete = is_done;
        Self {
            source,
            read,
            key: Arc::clone(key),
            masker: key.masker(),
            pause: None,
            is_released: false,
            trailers: None,
            is_done,
            failed: None,
            idle: Idle::new(idle),
            ended: Box::pin(ended.clone().cancelled_owned()),
            running,
        }
    }

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        if let Some(frame) = self.read.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        Pin::new(&mut self.source).poll_frame(context).map_err(|_| AnswerError::Upstream)
    }

    /// Returns the last data and the trailers, one after the other.
    fn finish(&mut self) -> Option<Frame<Bytes>> {
        self.is_done = true;
        let mut out = Vec::new();
        self.masker.finish(&mut out);
        if !out.is_empty() {
            self.is_done = self.trailers.is_none();
            self.running.record.complete = self.is_done;
            return Some(Frame::data(out.into()));
        }
        self.running.record.complete = true;
        self.trailers.take().map(Frame::trailers)
    }

    /// Returns what may be shown of what is held back, after a pause.
    fn poll_release(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        if self.is_released || self.masker.held() == 0 {
            return Poll::Pending;
        }
        let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(PAUSE)));
        std::task::ready!(pause.as_mut().poll(context));
        self.pause = None;
        self.is_released = true;
        let mut out = Vec::new();
        self.masker.release(&mut out);
        if out.is_empty() { Poll::Pending } else { Poll::Ready(out.into()) }
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        if self.is_done {
            return Poll::Ready(None);
        }
        if self.ended.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(AnswerError::Ended)));
        }
        if self.trailers.is_some() {
            return Poll::Ready(self.finish().map(Ok));
        }
        loop {
            let frame = match self.poll_source(context) {
                Poll::Ready(Some(frame)) => frame?,
                Poll::Ready(None) => return Poll::Ready(self.finish().map(Ok)),
                Poll::Pending => {
                    if let Poll::Ready(shown) = self.poll_release(context) {
                        return Poll::Ready(Some(Ok(Frame::data(shown))));
                    }
                    return self.idle.poll(context).map(|()| Some(Err(AnswerError::Idle)));
                }
            };
            self.idle.touch();
            match frame.into_data() {
                Ok(data) => {
                    self.pause = None;
                    self.is_released = false;
                    let mut out = Vec::with_capacity(data.len());
                    self.masker.push(&data, &mut out);
                    // An event has ended: no secret goes on in the next one.
                    if data.ends_with(b"\n\n") || data.ends_with(b"\r\n\r\n") {
                        self.masker.release(&mut out);
                    }
                    if !out.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(out.into()))));
                    }
                }
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    self.trailers = Some(hygiene::answer_trailers(&trailers, &self.key));
                    return Poll::Ready(self.finish().map(Ok));
                }
            }
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        if let Some(error) = self.failed {
            return Poll::Ready(Some(Err(error)));
        }
        let next = self.poll_next(context);
        let Poll::Ready(Some(Err(error))) = next else { return next };
        // hyper drops what it has not written when a body fails, so it gets a turn to write first.
        self.failed = Some(error);
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.is_done
    }
}
