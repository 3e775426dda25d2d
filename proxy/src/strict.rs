//! A stream from which only requests pass that have one reading.
//!
//! hyper accepts a bare line feed as the end of a line, and drops a length that stands beside `Transfer-Encoding` before
//! anyone sees it. Neither comes from a client, so such a request is refused, before hyper reads it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much of a line is kept to find its name and a length, in bytes.
const LINE_MAX: usize = 64;
/// What hyper gets to read in place of what is refused: it answers 400, and closes the connection.
const REFUSED: &[u8] = b"\0\r\n\r\n";

/// A stream of requests.
pub(crate) struct Strict<S> {
    stream: S,
    requests: Requests,
    /// Set if there are no more requests, because the connection is a WebSocket now.
    is_tunnel: Arc<AtomicBool>,
    /// What of [`REFUSED`] has not been read.
    refused: &'static [u8],
}

impl<S> Strict<S> {
    pub fn new(stream: S, is_tunnel: Arc<AtomicBool>) -> Self {
        Self { stream, requests: Requests::default(), is_tunnel, refused: REFUSED }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.is_tunnel.load(Ordering::Relaxed) {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        }
        let before = buffer.filled().len();
        if !this.requests.is_refused {
            ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
            let read = buffer.filled().get(before..).unwrap_or_default();
            let passed = this.requests.read(read);
            buffer.set_filled(before + passed);
        }
        if this.requests.is_refused && buffer.filled().len() == before {
            let (now, later) = this.refused.split_at(this.refused.len().min(buffer.remaining()));
            buffer.put_slice(now);
            this.refused = later;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Where in a stream of requests it stands.
#[derive(Default)]
struct Requests {
    place: Place,
    /// The beginning of the line that is read, and how long it is until now.
    line: Vec<u8>,
    length: usize,
    last: u8,
    /// What was read of the head.
    head: Head,
    is_refused: bool,
}

#[derive(Clone, Copy, Default)]
enum Place {
    /// In a head, or before it.
    #[default]
    Head,
    /// In a body of which as many bytes are left.
    Body(u64),
    /// In the line that says how long a chunk is.
    Size,
    /// In a chunk of which as many bytes are left, with the line break after it.
    Chunk(u64),
    /// After the last chunk.
    Trailers,
}

#[derive(Default)]
struct Head {
    has_begun: bool,
    lengths: Vec<Option<u64>>,
    codings: usize,
}

impl Requests {
    /// Reads a piece of the stream, and returns how many bytes of it pass.
    fn read(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            at += match self.place {
                Place::Body(left) => self.skip(left, rest, Place::Body, Place::Head),
                Place::Chunk(left) => self.skip(left, rest, Place::Chunk, Place::Size),
                Place::Head | Place::Size | Place::Trailers => {
                    let Some(count) = self.read_line(rest) else {
                        self.is_refused = true;
                        return at;
                    };
                    count
                }
            };
        }
        at
    }

    fn skip(&mut self, left: u64, rest: &[u8], place: fn(u64) -> Place, after: Place) -> usize {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
        let left = left - count as u64;
        self.place = if left == 0 { after } else { place(left) };
        count
    }

    /// Reads up to the end of a line, and returns how many bytes that is, or `None` if it is refused.
    fn read_line(&mut self, rest: &[u8]) -> Option<usize> {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        // A target has no fragment; the library would cut it off.
        if matches!(self.place, Place::Head) && !self.head.has_begun && part.contains(&b'#') {
            return None;
        }
        let kept = part.len().min(LINE_MAX - self.line.len());
        self.line.extend_from_slice(part.get(..kept).unwrap_or_default());
        self.length = self.length.saturating_add(part.len());
        self.last = part.last().copied().unwrap_or(self.last);
        if end.is_some() {
            self.end_line()?;
            self.line.clear();
            (self.length, self.last) = (0, 0);
        }
        Some(part.len() + usize::from(end.is_some()))
    }

    fn end_line(&mut self) -> Option<()> {
        if self.last != b'\r' {
            return None;
        }
        let is_empty = self.length == 1;
        match self.place {
            Place::Size => {
                let size = self.line.split(|byte| !byte.is_ascii_hexdigit()).next()?;
                let size = Some(size).filter(|size| size.len() < LINE_MAX)?;
                let size = u64::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
                self.place = if size == 0 { Place::Trailers } else { Place::Chunk(size.checked_add(2)?) };
            }
            Place::Trailers if is_empty => self.place = Place::Head,
            // As hyper does, what stands empty before a head is passed over.
            Place::Head if is_empty && self.head.has_begun => {
                let head = std::mem::take(&mut self.head);
                self.place = match (head.lengths.as_slice(), head.codings) {
                    ([] | [Some(0)], 0) => Place::Head,
                    ([Some(length)], 0) => Place::Body(*length),
                    ([], 1) => Place::Size,
                    _ => return None,
                };
            }
            Place::Head if !is_empty => self.end_header(),
            _ => {}
        }
        Some(())
    }

    fn end_header(&mut self) {
        self.head.has_begun = true;
        let Some(colon) = self.line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = self.line.split_at(colon);
        if name.eq_ignore_ascii_case(b"content-length") {
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            let is_number = self.length <= LINE_MAX && value.iter().all(u8::is_ascii_digit);
            let number = std::str::from_utf8(value).ok().filter(|_| is_number);
            self.head.lengths.push(number.and_then(|number| number.parse().ok()));
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.head.codings += 1;
        }
    }
}

#[cfg(test)]
#[path = "strict_tests.rs"]
mod tests;
