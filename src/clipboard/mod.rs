//! A secret on the clipboard of the desktop, for a short time.
//!
//! On X11 and Wayland, a clipboard has no contents of its own: a program says that it has something to paste, and
//! gives it to every program that asks. So another process of this program, the holder, stays in the background. It
//! ends when another program copies something, or after [`CLEARED_AFTER`], and what it offers ends with it. So it
//! never clears what another program has copied.

mod holder;
#[cfg(all(feature = "clipboard", target_os = "linux"))]
mod wayland;
#[cfg(all(feature = "clipboard", target_os = "linux"))]
mod x11;

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub use holder::{hold, is_holder};

use crate::env::Env;
use crate::error::Result;
use crate::messages::clipboard as messages;
use crate::secret::{ExposeSecret, SecretString};

/// How long a secret stays on the clipboard, unless another program takes its place.
pub const CLEARED_AFTER: Duration = Duration::from_secs(45);
/// How long the desktop may take to accept a secret.
pub const ANSWER_LIMIT: Duration = Duration::from_millis(1_500);

/// The variables that name the display, and how to be let in there. The holder gets no others, because some variables
/// are secrets.
const NAMED_BY: [&str; 5] = ["WAYLAND_DISPLAY", "DISPLAY", "XDG_RUNTIME_DIR", "XAUTHORITY", "HOME"];

/// The form that tells clipboard managers not to keep what is copied, since KDE's Klipper defined it.
#[cfg(all(feature = "clipboard", target_os = "linux"))]
const HINT: &str = "x-kde-passwordManagerHint";
/// Its contents.
#[cfg(all(feature = "clipboard", target_os = "linux"))]
const HINT_VALUE: &[u8] = b"secret";

/// The holder's answer if the secret is on the clipboard.
const SET: u8 = b'+';
/// The holder's answer if no display takes it.
const NOT_SET: u8 = b'-';

/// Whether this build can set a clipboard.
const IS_BUILT: bool = cfg!(all(feature = "clipboard", target_os = "linux"));

/// Refuses an environment that names no display.
///
/// # Errors
/// `CLIPBOARD_UNAVAILABLE`.
pub fn refuse_without_display(env: &Env) -> Result<()> {
    if !IS_BUILT {
        return Err(messages::not_built());
    }
    let is_named = ["WAYLAND_DISPLAY", "DISPLAY"].into_iter().any(|name| env.var(name).is_some());
    if is_named { Ok(()) } else { Err(messages::no_display()) }
}

/// Puts a secret on the clipboard, and returns as soon as it can be pasted.
///
/// # Errors
/// `CLIPBOARD_UNAVAILABLE` if no display takes it, `TIMEOUT` if the display does not answer within [`ANSWER_LIMIT`],
/// `IO`. Nothing is on the clipboard then.
pub fn put(secret: &SecretString, env: &Env) -> Result<()> {
    let end = Instant::now() + ANSWER_LIMIT;
    let (mut stream, theirs) = UnixStream::pair().map_err(|error| messages::no_holder(&error))?;
    let mut holder = start(theirs.into(), env).map_err(|error| messages::no_holder(&error))?;
    let answer = hand_over(&mut stream, secret, end);
    if !matches!(answer, Ok(Some(SET))) {
        let _ = holder.kill();
    }
    match answer {
        Ok(Some(SET)) => Ok(()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Err(messages::no_answer(ANSWER_LIMIT))
        }
        Ok(_) | Err(_) => Err(messages::not_taken()),
    }
}

/// Starts the holder, with one stream as its standard input and output.
fn start(stream: OwnedFd, env: &Env) -> io::Result<Child> {
    let named = NAMED_BY.into_iter().filter_map(|name| Some((name, env.var(name)?)));
    Command::new(std::env::current_exe()?)
        .arg(holder::WORD)
        .env_clear()
        .envs(named)
        .current_dir("/")
        .stdin(stream.try_clone()?)
        .stdout(stream)
        .stderr(Stdio::null())
        .spawn()
}

/// Gives the holder the secret, and returns its answer, or none if it ended without one.
fn hand_over(stream: &mut UnixStream, secret: &SecretString, end: Instant) -> io::Result<Option<u8>> {
    // A limit of zero would mean none.
    let left = || Some(end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
    stream.set_write_timeout(left())?;
    stream.write_all(secret.expose_secret().as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    loop {
        stream.set_read_timeout(left())?;
        let mut answer = [0];
        match stream.read(&mut answer) {
            Ok(length) => return Ok((length > 0).then_some(answer[0])),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
