//! What the surroundings withhold from the process: memory, files of any size, standard streams.

use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use rustix::io::Errno;

/// The exit status of a process that got no memory, after `sysexits.h`: `EX_OSERR`.
pub const NO_MEMORY_EXIT: i32 = 71;

/// Which of the standard descriptors were closed when the process began, a bit each.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Before std's own beginning, which opens `/dev/null` in place of a standard stream that is closed: `get ID >&-`
/// would then write a secret there and succeed.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[allow(unsafe_code)]
// SAFETY: the loader calls it once, before main, as it calls the constructors of C. It makes three system calls
// and stores a byte; it needs nothing that std prepares.
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

/// Whether standard output was closed when the process began. Never where that cannot be told.
#[must_use]
pub fn stdout_was_closed() -> bool {
    CLOSED.load(Ordering::Relaxed) & 0b10 != 0
}

/// Whether standard input was closed when the process began. Never where that cannot be told.
#[must_use]
pub fn stdin_was_closed() -> bool {
    CLOSED.load(Ordering::Relaxed) & 0b1 != 0
}

/// What is done before a process ends by [`end`]: the terminal is put back.
static LAST: OnceLock<fn()> = OnceLock::new();

/// Has a step be taken before the process ends for want of memory, or by a panic. It may not allocate, and has to
/// do without a lock that the failing thread may hold. Only the first counts.
pub fn before_the_end(step: fn()) {
    let _ = LAST.set(step);
}

/// Has what the surroundings withhold end in an error that says so.
pub fn prepare() {
    large_writes_fail();
    std::panic::set_hook(Box::new(told));
}

/// Has a write beyond `ulimit -f` fail as a full disk does, and not end the process. By a handler, which children
/// do not inherit as they would "ignore".
fn large_writes_fail() {
    use rustix::process::{Resource, Signal, getrlimit};
    if getrlimit(Resource::Fsize).current.is_some() {
        let _ = signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::new(AtomicBool::new(false)));
    }
}

/// What a panic says, instead of its own text, which may quote anything.
fn told(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let text =
        payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    let text = text.unwrap_or_default();
    // A library that starts a thread or opens a descriptor of its own, and knows no other way to say that it got none.
    match os_error(text) {
        Some(Errno::AGAIN) => {
            end("error: [NO_MEMORY] the system gives no thread\n", THREADS_REMEDY, NO_MEMORY_EXIT)
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
    let remedy =
        "  \u{2192} this is a bug: please report it with the command you ran (never with a secret)\n";
    end(&what, remedy, i32::from(crate::error::Code::Internal.exit()));
}

/// The system's error in a panic's text: `… Os { code: 11, …`.
fn os_error(text: &str) -> Option<Errno> {
    let (_, rest) = text.split_once("Os { code: ")?;
    rest.split(',').next()?.parse().ok().map(Errno::from_raw_os_error)
}

const DESCRIPTORS_REMEDY: &str = "  \u{2192} raise the limit of open files: ulimit -n 1024\n";
const THREADS_REMEDY: &str =
    "  \u{2192} the user has too many processes or threads: end some, or raise ulimit -u and ulimit -v\n";

/// Ends a process that gets no memory. For the allocator: nothing is allocated.
pub fn out_of_memory() -> ! {
    end(
        "error: [NO_MEMORY] the system gives no more memory\n",
        "  \u{2192} give the command more memory: ulimit -v unlimited, or a larger limit of its container\n",
        NO_MEMORY_EXIT,
    )
}

fn end(what: &str, remedy: &str, status: i32) -> ! {
    if let Some(step) = LAST.get() {
        step();
    }
    // There is no room to put them together.
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

/// Ends the process without the steps that are registered for its end: they may want memory, or what another
/// thread holds.
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
    fn a_panic_over_a_limit_is_told_by_its_error() {
        let text = "cannot spawn a thread: Os { code: 11, kind: WouldBlock, message: \"made up\" }";
        assert_eq!(os_error(text), Some(Errno::AGAIN));
        assert_eq!(os_error("index out of bounds"), None);
    }
}
