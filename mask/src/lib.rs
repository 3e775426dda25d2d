//! Finds secrets in a stream of output, in the forms in which programs print them, and replaces each one with
//! `[masked:NAME]`.
//!
//! [`Patterns`] holds the forms of the secrets, and a [`Masker`] one stream. A value is found as it is, as base64 (both
//! alphabets, all alignments, with and without padding), as hexadecimal digits, URL-encoded and escaped as in JSON; also
//! if line breaks or colours were inserted, if encodings are nested, and across the edges of writes. Text without a
//! secret comes out byte for byte.
//!
//! It protects from accidents: a program that compresses, encrypts or reverses a secret, or prints it in pieces, gets it
//! past the masker.
//!
//! Nothing here does I/O. What is held back is wiped. The automaton that contains the secrets' forms is an allocation of
//! the library, which the program's allocator has to wipe.

mod beginnings;
mod escape;
mod forms;
mod held;
mod masker;
mod origins;
mod patterns;
mod regions;
mod thread;

pub use masker::Masker;
pub use patterns::{MIN_BYTES, Patterns, TOTAL_MAX, TooMuch, VALUES_MAX, Value};
