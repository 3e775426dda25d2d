//! The body of a request, kept while it streams to the upstream, so that it can be sent again.

use std::collections::VecDeque;
use std::collections::vec_deque::Iter;
use std::io::{self, BufReader, Read};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use crate::idle::Idle;
use crate::limits::Limits;
use crate::linger;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use serde::Deserialize;

/// How long a body may be to be searched for the model's name, in bytes.
const MODEL_MAX: usize = 4 << 20;

/// What a piece of a body takes beside its bytes. A body of 32 MiB in pieces of one byte takes 4 GiB, and is not kept.
const PIECE: usize = 128;
/// The pieces up to this length are copied, in bytes, so that they do not keep the buffer that they came in.
const COPIED: usize = 4096;

/// The memory of all bodies that are kept.
pub(crate) struct Memory {
    used: AtomicUsize,
    each: usize,
    total: usize,
}

impl Memory {
    pub fn new(limits: &Limits) -> Self {
        Self { used: AtomicUsize::new(0), each: limits.replay_each, total: limits.replay_total }
    }

    /// Reserves memory for one more piece of a body of which as many bytes are kept.
    fn reserve(&self, kept: usize, piece: usize) -> bool {
        if kept.saturating_add(piece) > self.each {
            return false;
        }
        let add = |used: usize| used.checked_add(piece + PIECE).filter(|sum| *sum <= self.total);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    fn give_back(&self, piece: usize) {
        self.used.fetch_sub(piece + PIECE, Ordering::Relaxed);
    }

    /// Returns how many bytes are kept.
    #[cfg(test)]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// Why the body of a request did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UploadError {
    #[error("the client broke off the request's body")]
    Client,
    #[error("the client sent nothing in time")]
    Idle,
    #[error("the request is sent again in another way")]
    Abandoned,
}

/// The body of a request. It is read from the client once, and sent as often as [`Replay::attempt`] is called.
pub(crate) struct Replay<B: Source = Incoming>(Arc<Shared<B>>);

/// What a client sends.
pub(crate) trait Source: Body<Data = Bytes> + Send + Unpin + 'static {}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Source for B {}

struct Shared<B: Source> {
    state: Mutex<State<B>>,
    memory: Arc<Memory>,
    idle: Duration,
    /// Whether the client sends the body without being told to continue.
    is_coming: bool,
}

struct State<B> {
    /// It is there until the end.
    source: Option<B>,
    size: SizeHint,
    /// What was read. The current attempt sends it first.
    frames: VecDeque<Bytes>,
    kept: usize,
    /// Whether what was sent is still kept.
    is_kept: bool,
    /// Whether nothing was read yet.
    is_untouched: bool,
    is_ended: bool,
    failed: Option<UploadError>,
    /// The attempt that may send, and how many of the frames it has sent.
    attempt: u32,
    next: usize,
    sent: u64,
    waker: Option<Waker>,
}

impl<B: Source> Replay<B> {
    pub fn new(source: B, memory: &Arc<Memory>, idle: Duration, is_coming: bool) -> Self {
        let size = source.size_hint();
        let is_kept = size.lower() <= u64::try_from(memory.each).unwrap_or(u64::MAX);
        let state = State {
            is_ended: source.is_end_stream(),
            source: Some(source),
            size,
            frames: VecDeque::new(),
            kept: 0,
            is_kept,
            is_untouched: true,
            failed: None,
            attempt: 0,
            next: 0,
            sent: 0,
            waker: None,
        };
        Self(Arc::new(Shared { state: Mutex::new(state), memory: Arc::clone(memory), idle, is_coming }))
    }

    /// Returns the body, from its beginning. What was returned before ends with an error.
    pub fn attempt(&self) -> Attempt<B> {
        let mut state = self.0.lock();
        state.attempt += 1;
        state.next = 0;
        state.sent = 0;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
        let (number, size) = (state.attempt, state.size);
        drop(state);
        Attempt { shared: Arc::clone(&self.0), number, size, idle: Idle::new(self.0.idle) }
    }

    /// Returns whether the body is kept.
    pub fn is_kept(&self) -> bool {
        self.0.lock().is_kept
    }

    /// Returns whether the body can be sent again: it is kept, or nothing of it was read.
    pub fn may_start_again(&self) -> bool {
        let state = self.0.lock();
        state.failed.is_none() && (state.is_kept || state.is_untouched)
    }

    /// Returns whether the upstream may have the whole body.
    pub fn is_sent(&self) -> bool {
        self.0.lock().is_sent()
    }

    /// Returns how much of the body was sent, which grows as long as the client sends.
    pub fn sent(&self) -> u64 {
        self.0.lock().sent
    }

    /// Returns why the client's body did not come.
    pub fn failed(&self) -> Option<UploadError> {
        self.0.lock().failed
    }

    /// Keeps the body no longer, because it will not be sent again.
    pub fn release(&self) {
        self.0.lock().forget(&self.0.memory);
    }

    /// Returns the member `model` of a body that is a JSON object.
    pub fn model(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Named {
            model: Option<String>,
        }
        let state = self.0.lock();
        if !state.is_kept || !state.is_ended || state.kept > MODEL_MAX {
            return None;
        }
        let whole = BufReader::new(Whole { rest: state.frames.iter(), piece: &[] });
        let named = serde_json::from_reader::<_, Named>(whole).ok()?;
        named.model.filter(|model| model.len() <= 256)
    }
}

impl<B: Source> Shared<B> {
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Source> Drop for Shared<B> {
    fn drop(&mut self) {
        let mut state = self.lock();
        let is_left = state.failed.is_none() && (self.is_coming || !state.is_untouched);
        if let Some(source) = state.source.take().filter(|_| is_left) {
            linger::drain(source);
        }
        for frame in &state.frames {
            self.memory.give_back(frame.len());
        }
    }
}

impl<B> State<B> {
    fn is_sent(&self) -> bool {
        self.is_ended && self.next >= self.frames.len()
    }

    /// Drops what the current attempt has sent, and keeps nothing from now on.
    fn forget(&mut self, memory: &Memory) {
        self.is_kept = false;
        for frame in self.frames.drain(..self.next.min(self.frames.len())) {
            self.kept -= frame.len();
            memory.give_back(frame.len());
        }
        self.next = 0;
    }
}

/// The pieces of a body, one after the other.
struct Whole<'a> {
    rest: Iter<'a, Bytes>,
    piece: &'a [u8],
}

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let Some(piece) = self.rest.next() else { return Ok(0) };
            self.piece = piece;
        }
        self.piece.read(buffer)
    }
}

/// The body of a request as it is sent once.
pub(crate) struct Attempt<B: Source = Incoming> {
    shared: Arc<Shared<B>>,
    number: u32,
    size: SizeHint,
    idle: Idle,
}

impl<B: Source> Body for Attempt<B> {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let this = &mut *self;
        let memory = &this.shared.memory;
        let mut state = this.shared.lock();
        if state.attempt != this.number {
            return Poll::Ready(Some(Err(UploadError::Abandoned)));
        }
        if let Some(frame) = state.frames.get(state.next).cloned() {
            state.next += 1;
            state.sent += frame.len() as u64;
            if !state.is_kept {
                state.forget(memory);
            }
            return Poll::Ready(Some(Ok(Frame::data(frame))));
        }
        if let Some(error) = state.failed {
            return Poll::Ready(Some(Err(error)));
        }
        if state.is_ended {
            return Poll::Ready(None);
        }
        let data = loop {
            let Some(source) = state.source.as_mut() else { return Poll::Ready(None) };
            match Pin::new(source).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => break data,
                    // No provider reads a request's trailers.
                    Err(_) => {}
                },
                Poll::Ready(None) => {
                    state.is_ended = true;
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Err(_))) => {
                    state.failed = Some(UploadError::Client);
                    return Poll::Ready(Some(Err(UploadError::Client)));
                }
                Poll::Pending => {
                    state.waker = Some(context.waker().clone());
                    ready!(this.idle.poll(context));
                    state.failed = Some(UploadError::Idle);
                    return Poll::Ready(Some(Err(UploadError::Idle)));
                }
            }
        };
        this.idle.touch();
        state.is_untouched = false;
        state.sent += data.len() as u64;
        if state.is_kept {
            if memory.reserve(state.kept, data.len()) {
                state.kept += data.len();
                let is_small = data.len() <= COPIED;
                state.frames.push_back(if is_small { Bytes::copy_from_slice(&data) } else { data.clone() });
                state.next += 1;
            } else {
                state.forget(memory);
            }
        }
        state.is_ended = state.source.as_ref().is_none_or(Body::is_end_stream);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        let state = self.shared.lock();
        state.attempt == self.number && state.is_sent()
    }

    fn size_hint(&self) -> SizeHint {
        match self.size.exact() {
            Some(size) => SizeHint::with_exact(size.saturating_sub(self.shared.lock().sent)),
            None => SizeHint::new(),
        }
    }
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
