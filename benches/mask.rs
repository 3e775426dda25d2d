//! Measures how fast output is masked, beside `cat` in the same run: a program's output goes from one pipe to another,
//! through a second `cat` or through the masker.
//!
//! Run `cargo bench --package strongroom-benches --bench mask`; `docs/speed.md` has the results.

#![allow(missing_docs, clippy::unwrap_used, clippy::cast_precision_loss)]

use std::io::{Read, Write, pipe};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use strongroom_mask::{Masker, Patterns, Value};

/// How often each is measured; the shortest time counts.
const ROUNDS: usize = 7;
/// How much is read at once, in bytes, as `run` does.
const CHUNK: usize = 64 * 1024;
/// The size of a text, in bytes.
const SIZE: usize = 64 * 1024 * 1024;

fn main() {
    let temp = tempfile::tempdir().unwrap();
    println!("{:<28}{:>10}{:>10}{:>8}", "output, 20 secrets", "cat", "masked", "ratio");
    for (name, line) in [
        (
            "source code",
            "    let value = secrets.iter().find(|secret| secret.is_kept()); // says what it does\n",
        ),
        (
            "JSON with escapes",
            "{\"message\":\"a \\\"quoted\\\" line\\nand another\\t\\u00e4\",\"path\":\"\\/usr\\/lib\"}\n",
        ),
        (
            "URLs with escapes",
            "GET /a%20path/to%2Fsomething?query=%C3%A4%C3%B6&next=http%3A%2F%2Fmade-up.example 200\n",
        ),
        ("base64, wrapped", "c29tZSB0ZXh0IHRoYXQgaXMgbm90IGEgc2VjcmV0IGF0IGFsbCwgYnV0IGxvb2tzIGxpa2Ugb25l\n"),
    ] {
        let path = temp.path().join("text");
        std::fs::write(&path, line.repeat(SIZE / line.len())).unwrap();
        let plain = best(|| through_cat(&path));
        let masked = best(|| through_masker(&path, &patterns()));
        let ratio = plain.as_secs_f64() / masked.as_secs_f64();
        println!("{name:<28}{:>7} ms{:>7} ms{ratio:>8.2}", plain.as_millis(), masked.as_millis());
    }
    println!("20 secrets of 108 bytes are prepared in {} µs", best(|| time(|| drop(patterns()))).as_micros());
}

fn patterns() -> Patterns {
    let value = |number| Value {
        name: format!("anthropic:{number}"),
        bytes: format!("sk-ant-api03-{number:02}{}", "MADEUPexample".repeat(8)).into_bytes()[..108]
            .to_vec()
            .into(),
    };
    Patterns::new((0..20).map(value)).unwrap()
}

fn best(measure: impl Fn() -> Duration) -> Duration {
    (0..ROUNDS).map(|_| measure()).min().unwrap()
}

fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn cat(path: &Path) -> Child {
    Command::new("cat").arg(path).stdout(Stdio::piped()).spawn().unwrap()
}

fn read_to_end(mut from: impl Read) {
    let mut chunk = vec![0; CHUNK];
    while from.read(&mut chunk).unwrap() > 0 {}
}

fn through_cat(path: &Path) -> Duration {
    time(|| {
        let mut first = cat(path);
        let mut second = Command::new("cat");
        let mut second = second.stdin(first.stdout.take().unwrap()).stdout(Stdio::piped()).spawn().unwrap();
        read_to_end(second.stdout.take().unwrap());
        first.wait().unwrap();
        second.wait().unwrap();
    })
}

fn through_masker(path: &Path, patterns: &Patterns) -> Duration {
    time(|| {
        let mut first = cat(path);
        let mut output = first.stdout.take().unwrap();
        let (reader, mut writer) = pipe().unwrap();
        let reads = std::thread::spawn(|| read_to_end(reader));
        let mut masker = Masker::new(patterns);
        let (mut chunk, mut shown) = (vec![0; CHUNK], Vec::with_capacity(CHUNK));
        loop {
            let read = output.read(&mut chunk).unwrap();
            if read == 0 {
                break;
            }
            masker.push(&chunk[..read], &mut shown);
            writer.write_all(&shown).unwrap();
            shown.clear();
        }
        drop(writer);
        reads.join().unwrap();
        first.wait().unwrap();
    })
}
