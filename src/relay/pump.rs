//! Passes a program's output on, masked.

use std::io::PipeReader;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use strongroom_mask::Masker;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::term::out::{self, Written};

/// How long output may pause before what may be the beginning of a secret is shown.
pub(super) const PAUSE: Duration = Duration::from_millis(10);
/// How long after the program's end other processes may be silent before their output is not waited for.
const QUIET: Duration = Duration::from_millis(500);
/// How much is read at once, in bytes: what a pipe holds.
pub(super) const CHUNK: usize = 64 * 1024;

/// Passes on what a program writes to a pipe, as soon as it comes, until every process has closed the pipe, or none
/// writes after the program's end. If the reader of `to` is gone, the pipe is closed, so that the program learns of it.
///
/// `ended` is closed at the program's end.
///
/// # Errors
/// Those of writing.
pub(super) fn pump(
    from: &PipeReader,
    to: BorrowedFd<'_>,
    mut masker: Masker,
    ended: &PipeReader,
) -> Result<()> {
    let mut chunk = Zeroizing::new(vec![0; CHUNK]);
    let mut shown = Vec::with_capacity(CHUNK);
    // Whether the pause after the last output was waited for, and whether the program has ended.
    let (mut paused, mut has_ended) = (false, false);
    loop {
        let waits = match (masker.held() > 0 && !paused, has_ended) {
            (true, _) => Some(PAUSE),
            (false, true) => Some(QUIET),
            (false, false) => None,
        };
        let mut fds = [PollFd::new(from, PollFlags::IN), PollFd::new(ended, PollFlags::empty())];
        let fds = if has_ended { &mut fds[..1] } else { &mut fds[..] };
        let limit = waits.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(fds, limit.as_ref()) {
            Ok(0) if waits == Some(QUIET) => break,
            Ok(0) => {
                paused = true;
                masker.release(&mut shown);
            }
            Ok(_) if fds[0].revents().is_empty() => has_ended = true,
            Ok(_) => match rustix::io::read(from, &mut chunk[..]) {
                Ok(0) => break,
                Ok(read) => {
                    paused = false;
                    masker.push(chunk.get(..read).unwrap_or_default(), &mut shown);
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => break,
            },
            Err(Errno::INTR) => {}
            Err(_) => break,
        }
        if out::write_all(to, &shown)? == Written::Closed {
            return Ok(());
        }
        shown.clear();
    }
    masker.finish(&mut shown);
    out::write_all(to, &shown).map(drop)
}
