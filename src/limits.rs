//! What the system may deny the process: memory, large files, threads, standard streams.

use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use rustix::io::Errno;

/// The exit status of a process that got no memory: `EX_OSERR` in `sysexits.h`.
pub const NO_MEMORY_EXIT: i32 = 71;

/// Which of the standard descriptors were closed when the process began, one bit each.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Runs before std starts, because std opens `/dev/null` in place of a closed standard stream: `get ID >&-` would then
/// write a secret there and succeed.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[allow(unsafe_code)]
// SAFETY: the loader calls it once, before main, as it calls C's constructors. It makes three system calls and stores a
// byte; it needs nothing that std prepares.
#[unsafe(link_section = ".init_array")]
#[used]
static NOTE_CLOSED: extern "C" fn() = note_closed;

#[cfg(any(target_os = "linux", target_os = "android"))]
extern "C" fn note_closed() {
    use rustix::stdio::{stderr, stdin, stdout};
    let mut closed = 0;
    for (bit, fd) in [stdin(), stdout(), stderr()].into_iter().enumerate() {
        if rustix::io::fcntl_getfd(fd) == Err(Errno::BADF) {
            closed |= 1 << bit;
        }
    }
    CLOSED.store(closed, Ordering::Relaxed);
}

/// Returns whether standard output was closed when the process began; false if that cannot be told.
#[must_use]
pub fn stdout_was_closed() -> bool {
    CLOSED.load(Ordering::Relaxed) & 0b10 != 0
}

/// Returns whether standard input was closed when the process began; false if that cannot be told.
#[must_use]
pub fn stdin_was_closed() -> bool {
    CLOSED.load(Ordering::Relaxed) & 0b1 != 0
}

/// The last step before [`end`] ends the process: it restores the terminal.
static LAST: OnceLock<fn()> = OnceLock::new();

/// Sets the last step before the process ends because of a panic or because there is no memory. The step may not
/// allocate, and may not take a lock that the failing thread may hold. Only the first call counts.
pub fn before_the_end(step: fn()) {
    let _ = LAST.set(step);
}

/// Makes the process end with a message when the system denies it something.
pub fn prepare() {
    large_writes_fail();
    std::panic::set_hook(Box::new(told));
}

/// Makes a write beyond `ulimit -f` fail as on a full disk instead of ending the process. It sets a handler, because
/// children would inherit "ignore".
fn large_writes_fail() {
    use rustix::process::{Resource, Signal, getrlimit};
    if getrlimit(Resource::Fsize).current.is_some() {
        let _ = signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::new(AtomicBool::new(false)));
    }
}

/// Reports a panic without its own text, which may quote anything.
fn told(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let text =
        payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    let text = text.unwrap_or_default();
    // Some libraries panic if they get no thread or no descriptor.
    match os_error(text) {
        Some(Errno::AGAIN) => {
            end("error: [NO_MEMORY] the system cannot start a thread\n", THREADS_REMEDY, NO_MEMORY_EXIT)
        }
        Some(Errno::NOMEM) => out_of_memory(),
        Some(Errno::MFILE | Errno::NFILE) => end(
            "error: [IO] Too many open files\n",
            DESCRIPTORS_REMEDY,
            i32::from(crate::error::Code::Io.exit()),
        ),
        _ => {}
    }
    let (file, line) = panic.location().map_or(("", 0), |at| (at.file(), at.line()));
    let file = file.rsplit_once("/src/").map_or(file, |(_, file)| file);
    let what = format!("error: [INTERNAL] a bug in Strongroom (in {file}, line {line})\n");
    let remedy = "  \u{2192} report it with the command that you ran, without secrets\n";
    end(&what, remedy, i32::from(crate::error::Code::Internal.exit()));
}

/// Returns the system's error in a panic's text: `… Os { code: 11, …` or `… (os error 12)`.
fn os_error(text: &str) -> Option<Errno> {
    let after = |start: &str| text.split_once(start).map(|(_, rest)| rest);
    let rest = after("Os { code: ").or_else(|| after("(os error "))?;
    rest.split([',', ')']).next()?.parse().ok().map(Errno::from_raw_os_error)
}

const DESCRIPTORS_REMEDY: &str = "  \u{2192} raise the limit on open files: `ulimit -n 1024`\n";
const THREADS_REMEDY: &str =
    "  \u{2192} you have too many processes or threads: end some, or raise `ulimit -u` and `ulimit -v`\n";

/// Ends a process that gets no memory. Allocates nothing, because the allocator calls it.
pub fn out_of_memory() -> ! {
    end(
        "error: [NO_MEMORY] the system has no more memory for this command\n",
        "  \u{2192} give the command more memory: `ulimit -v unlimited`, or a larger limit for its container\n",
        NO_MEMORY_EXIT,
    )
}

fn end(what: &str, remedy: &str, status: i32) -> ! {
    if let Some(step) = LAST.get() {
        step();
    }
    // Joining them would allocate.
    for line in [what, remedy] {
        let mut rest = line.as_bytes();
        loop {
            match rustix::io::write(rustix::stdio::stderr(), rest) {
                Ok(written) if written < rest.len() => rest = rest.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                _ => break,
            }
        }
    }
    at_once(status)
}

/// Ends the process without the registered exit handlers, which may need memory or a lock of another thread.
#[cfg(unix)]
#[allow(unsafe_code)]
fn at_once(status: i32) -> ! {
    // SAFETY: it ends the process.
    unsafe { libc::_exit(status) }
}

#[cfg(not(unix))]
fn at_once(status: i32) -> ! {
    std::process::exit(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_because_of_a_limit_is_recognized_by_its_error() {
        let text = "cannot spawn a thread: Os { code: 11, kind: WouldBlock, message: \"made up\" }";
        assert_eq!(os_error(text), Some(Errno::AGAIN));
        let text = "failed to allocate an alternative stack: Cannot allocate memory (os error 12)";
        assert_eq!(os_error(text), Some(Errno::NOMEM));
        assert_eq!(os_error("index out of bounds"), None);
    }
}
