//! What commands did to the files of a session, as recorded by `strace`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::session::{Session, ran, strace};
use crate::traces::{strings, whole_lines};

/// One operation on files. Paths are relative to the session's directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A new, empty file.
    Create(PathBuf),
    MakeDir(PathBuf),
    Write {
        file: PathBuf,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: PathBuf,
        len: usize,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove(PathBuf),
    /// A file's contents, or a directory's names, are durable.
    Sync(PathBuf),
    /// Everything is durable.
    SyncAll,
    /// A command has answered.
    Answered,
}

const HOLDER: &str = "lock.holder";

impl Event {
    fn is_of(&self, name: &str) -> bool {
        match self {
            Self::Create(path) | Self::MakeDir(path) | Self::Remove(path) | Self::Sync(path) => {
                path.ends_with(name)
            }
            Self::Write { file, .. } | Self::Truncate { file, .. } => file.ends_with(name),
            Self::Rename { .. } | Self::SyncAll | Self::Answered => false,
        }
    }
}

const CALLS: &str = "openat,write,pwrite64,lseek,read,ftruncate,rename,renameat,renameat2,unlink,unlinkat,\
     rmdir,mkdir,mkdirat,fsync,fdatasync,syncfs";

/// Runs a command, which has to succeed, and appends its operations.
pub fn record(session: &Session, arguments: &[&str], input: &str, events: &mut Vec<Event>) {
    let trace = session.path("trace");
    let mut command: Command =
        strace(session, CALLS, &["-y", "-xx", "-s", "10000000", "-o", trace.to_str().unwrap()]);
    command.args(arguments);
    ran(command, input.as_bytes()).ok();
    let text = fs::read_to_string(&trace).unwrap();
    fs::remove_file(&trace).unwrap();
    let mut recorder =
        Recorder { root: session.temp.path().canonicalize().unwrap(), offsets: HashMap::new() };
    for line in whole_lines(&text).lines() {
        let Some((_, call)) = line.split_once(' ') else { continue };
        // The file that names the holder of a lock is only advice, and is outdated a moment later.
        events.extend(recorder.event(call.trim_start()).filter(|event| !event.is_of(HOLDER)));
    }
    events.push(Event::Answered);
}

struct Recorder {
    root: PathBuf,
    offsets: HashMap<u32, usize>,
}

impl Recorder {
    fn event(&mut self, call: &str) -> Option<Event> {
        let (name, rest) = call.split_once('(')?;
        let (arguments, result) = rest.rsplit_once(" = ")?;
        let value: i64 = result.split(['<', ' ']).next()?.parse().ok()?;
        if value < 0 {
            return None;
        }
        let words = words(arguments);
        let root = &self.root;
        // The path that a call names, if it is in the session's directory.
        let inside = |path: &[u8]| -> Option<PathBuf> {
            Some(Path::new(std::str::from_utf8(path).ok()?).strip_prefix(root).ok()?.to_owned())
        };
        let at = |n: usize| -> Option<PathBuf> {
            // The descriptor of a directory, and a name in it.
            match (words.get(n)?, words.get(n + 1)) {
                (Word::Descriptor(_, dir), Some(Word::Text(name))) => {
                    Some(inside(dir)?.join(std::str::from_utf8(name).ok()?))
                }
                (Word::Other, Some(Word::Text(path))) | (Word::Text(path), _) => inside(path),
                _ => None,
            }
        };
        let file = || match words.first()? {
            Word::Descriptor(number, path) => Some((*number, inside(path)?)),
            _ => None,
        };
        match name {
            "openat" => {
                self.offsets.insert(u32::try_from(value).unwrap(), 0);
                // The model knows whether it existed.
                let creates = arguments.contains("O_CREAT");
                creates.then(|| at(0).map(Event::Create)).flatten()
            }
            "lseek" => {
                if let Some(Word::Descriptor(number, _)) = words.first() {
                    self.offsets.insert(*number, usize::try_from(value).unwrap());
                }
                None
            }
            "read" => {
                if let Some(Word::Descriptor(number, _)) = words.first() {
                    *self.offsets.entry(*number).or_default() += usize::try_from(value).unwrap();
                }
                None
            }
            "write" => {
                let Some(Word::Descriptor(number, path)) = words.first() else { return None };
                let offset = self.offsets.entry(*number).or_default();
                let at = *offset;
                *offset += usize::try_from(value).unwrap();
                let Some(Word::Text(bytes)) = words.get(1) else { return None };
                Some(Event::Write { file: inside(path)?, at, bytes: bytes.clone() })
            }
            "ftruncate" => {
                let len = arguments.rsplit(", ").next()?.trim_end_matches(')').parse().ok()?;
                Some(Event::Truncate { file: file()?.1, len })
            }
            "rename" => Some(Event::Rename { from: at(0)?, to: at(1)? }),
            "renameat" | "renameat2" => Some(Event::Rename { from: at(0)?, to: at(2)? }),
            "unlink" | "rmdir" | "unlinkat" => Some(Event::Remove(at(0)?)),
            "mkdir" | "mkdirat" => Some(Event::MakeDir(at(0)?)),
            "fsync" | "fdatasync" => Some(Event::Sync(file()?.1)),
            "syncfs" => file().map(|_| Event::SyncAll),
            "prctl" => None,
            other => panic!("{other} is not understood: {call}"),
        }
    }
}

/// A value among the arguments of a call.
enum Word {
    /// A descriptor, and the path it is open on.
    Descriptor(u32, Vec<u8>),
    Text(Vec<u8>),
    /// `AT_FDCWD`.
    Other,
}

fn words(arguments: &str) -> Vec<Word> {
    let mut found = Vec::new();
    for word in arguments.split(", ") {
        if word.starts_with("AT_FDCWD") {
            found.push(Word::Other);
        } else if let Some(text) = word.strip_prefix('"') {
            found.push(Word::Text(strings(text)));
        } else if let Some((number, path)) = word.split_once('<')
            && let Ok(number) = number.parse()
        {
            found.push(Word::Descriptor(number, strings(path)));
        }
    }
    found
}
