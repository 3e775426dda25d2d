//! Messages about the terminal and the standard streams.

use std::fmt::Display;

use crate::error::{Code, Error};

/// There is no terminal.
pub fn no_terminal() -> Error {
    Error::new(Code::NoInput, "there is no terminal for the prompt")
}

/// There is no terminal for a confirmation.
pub fn cannot_confirm() -> Error {
    Error::new(Code::NotConfirmed, "cannot ask for confirmation: there is no terminal")
}

/// The window was closed, or the connection was lost.
pub fn closed() -> Error {
    Error::new(Code::Cancelled, "the terminal was closed")
}

/// The terminal failed.
pub fn failed(source: impl Display) -> Error {
    Error::new(Code::Io, format!("the terminal failed: {source}"))
}

/// The terminal would show what is typed.
pub fn echo_stays_on() -> Error {
    Error::new(Code::Io, "cannot turn off the terminal's echo")
}

/// A prompt was cancelled.
pub fn cancelled() -> Error {
    Error::new(Code::Cancelled, "cancelled at the prompt")
}

/// A question was cancelled.
pub fn question_cancelled() -> Error {
    Error::new(Code::Cancelled, "cancelled at the question")
}

/// An answer is not text.
pub fn answer_not_text() -> Error {
    Error::new(Code::BadData, "the answer is not UTF-8 text")
}

/// Nothing was entered at a prompt.
pub fn nothing_entered() -> Error {
    Error::new(Code::NoInput, "nothing was entered")
        .with_remedy("run the command again, and type or paste before you press Enter")
}

/// Too much was entered at a prompt.
pub fn too_much_entered(kib: usize) -> Error {
    Error::new(Code::TooLarge, format!("more than {kib} KiB were entered"))
        .with_remedy("if it really is that long, send it on standard input")
}

/// A passphrase has several lines.
pub fn several_lines() -> Error {
    Error::new(Code::BadData, "the passphrase has more than one line")
}

/// A new passphrase was typed differently the second time.
pub fn passphrases_differ() -> Error {
    Error::new(Code::BadData, "the two passphrases differ").with_remedy("type the passphrase again")
}

/// Why a prompt is repeated: nothing was entered.
pub const NOTHING_ENTERED: &str = "Nothing was entered.";
/// The prompt for a new passphrase's second time.
pub const AGAIN: &str = "Again: ";
/// Input before the prompt was discarded.
pub const EARLY: &str = "Anything typed or pasted before this prompt was discarded: paste it now.\n";

/// A secret was taken.
pub fn received(characters: usize) -> String {
    match characters {
        1 => "[received 1 character]\n".to_owned(),
        many => format!("[received {many} characters]\n"),
    }
}

/// Standard input was read before.
pub fn stdin_taken() -> Error {
    Error::new(Code::Usage, "only one thing can be read from standard input").with_remedy(ONE_ONLY)
}

/// What to do if two things are to be read from standard input.
pub const ONE_ONLY: &str = "give one of them in another way: a file (`--key-file FILE`), a descriptor (`--passphrase-fd 3 3<FILE`) or a variable (`env:NAME`)";

/// Standard input is empty.
pub fn stdin_empty() -> Error {
    Error::new(Code::NoInput, "standard input is empty")
}

/// Standard input is a terminal.
pub fn stdin_is_terminal() -> Error {
    Error::new(Code::NoInput, "standard input is a terminal")
}

/// Standard input did not end in time.
pub fn stdin_timeout(milliseconds: u128) -> Error {
    Error::new(Code::Timeout, format!("standard input did not end within {milliseconds} ms"))
}

/// A stream is too long.
pub fn too_large(from: &str, max: usize) -> Error {
    Error::new(Code::TooLarge, format!("{from} has more than {max} bytes"))
}

/// A stream cannot be read.
pub fn not_read(from: &str, source: impl Display) -> Error {
    Error::new(Code::Io, format!("cannot read {from}: {source}"))
}

/// A descriptor is not open.
pub fn not_open(from: &str) -> Error {
    Error::new(Code::NoInput, format!("{from} was not opened for this command"))
}

/// A descriptor did not end in time.
pub fn descriptor_timeout(from: &str, seconds: u64) -> Error {
    Error::new(Code::Timeout, format!("{from} did not end within {seconds} s"))
        .with_remedy("close the other end after writing")
}

/// A descriptor is a standard stream.
pub fn standard_stream(from: &str, name: &str, remedy: &'static str) -> Error {
    Error::new(Code::Usage, format!("{from} is standard {name}")).with_remedy(remedy)
}

/// What to use in place of descriptor 0.
pub const USE_DASH: &str = "use - as the file instead (--passphrase-file -, --key-file -); a secret to store is read from standard input anyway";
/// What to use in place of descriptors 1 and 2.
pub const USE_HIGHER: &str = "use a descriptor of 3 or higher that is open for reading: 3<FILE";

/// The system has no thread to read a stream.
pub fn no_thread(from: &str) -> Error {
    Error::new(Code::NoMemory, format!("cannot start a thread to read {from}"))
}

/// Standard output is closed.
pub fn stdout_closed() -> Error {
    not_taken("standard output is closed")
}

/// The reader of standard output ended early.
pub fn reader_ended() -> Error {
    not_taken("the program that reads standard output ended early")
}

fn not_taken(what: &str) -> Error {
    Error::new(Code::Io, what).with_remedy("send the output to a file, or to a program that reads all of it")
}

/// Standard output cannot be written. `limit` is what to do about a limit of the process.
pub fn not_written(code: Code, source: impl Display, limit: Option<impl Display>) -> Error {
    let remedy = match limit {
        Some(limit) => format!("{limit}; what the command changed is saved"),
        None => "send the output elsewhere; what the command changed is saved".to_owned(),
    };
    Error::new(code, format!("cannot write to standard output: {source}")).with_remedy(remedy)
}

/// A program cannot be started.
pub fn not_started(why: &str) -> Error {
    Error::new(Code::Io, format!("cannot start the program: {why}"))
}

/// Why a program cannot be started: it does not exist.
pub const NO_PROGRAM: &str = "it, or the interpreter in its first line, does not exist";
/// Why a program cannot be started: it gets no terminal.
pub const NO_PTY: &str = "cannot create a terminal for it";

/// The system has no thread to show a program's output.
pub fn no_output_thread(why: impl Display) -> Error {
    Error::new(Code::Io, format!("cannot start a thread: {why}"))
}
