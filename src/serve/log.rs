//! The log of the proxy's requests, chained with the agent's key as the vault's logs are. Requests write it, so that it
//! is a log of its own, and bounded: nothing that a request does grows the vault's.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use strongroom_backends::fs::dir::Dir;
use strongroom_proxy::{Body, Record};

use super::server::Voice;
use crate::error::{Error, Result};
use crate::messages::serve as messages;
use crate::vault::requests::{Chain, Entry, FILE, ROTATE_FROM, set_aside};

/// How many lines may wait for the disk. More are counted, and the next line says how many are lacking.
const WAITING: usize = 10_000;

/// How long after a request without a known token the next one is listed, in milliseconds.
const STRANGERS_EVERY: i64 = 250;

/// A line that is to be written.
struct Line {
    at: i64,
    record: Record,
}

/// The writer of the log.
#[derive(Debug)]
pub(super) struct Log {
    sender: SyncSender<Line>,
    unlisted: Arc<Unlisted>,
    /// When a request without a known token was listed last, in Unix milliseconds.
    stranger: AtomicI64,
    moved: Moved,
}

/// The directory in which the log goes on, if it is another one by now.
pub(super) type Moved = Arc<Mutex<Option<Dir>>>;

/// Requests that have no line.
#[derive(Debug, Default)]
struct Unlisted {
    /// Those that could not be written.
    lost: AtomicU64,
    /// Those without a token that is known, of which only some are written: anyone on this machine can make as many as they
    /// like, and earlier lines would give way to them.
    strangers: AtomicU64,
}

impl Log {
    /// Starts the writer. `dir` is the server's directory.
    ///
    /// # Errors
    /// Those of reading the end of the log; `NO_MEMORY` if the system gives no thread.
    pub fn begin(dir: Dir, chain: Chain, warn: Voice) -> Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(WAITING);
        let unlisted = Arc::new(Unlisted::default());
        let moved = Moved::default();
        let mut writer = Writer {
            dir,
            moved: Arc::clone(&moved),
            chain,
            file: None,
            pending: 0,
            unlisted: Arc::clone(&unlisted),
            warn,
            has_warned: false,
        };
        let thread = thread::Builder::new().name("log".to_owned()).spawn(move || writer.run(&receiver));
        let stranger = AtomicI64::new(0);
        Ok((Self { sender, unlisted, stranger, moved }, thread.map_err(|_| messages::no_thread())?))
    }

    /// Returns what says where the log goes on.
    pub fn moved(&self) -> Moved {
        Arc::clone(&self.moved)
    }

    /// Adds a request. It does not wait.
    pub fn add(&self, at: i64, record: Record) {
        if record.access.is_none() {
            let last = self.stranger.load(Ordering::Relaxed);
            let is_next = at < last || at - last >= STRANGERS_EVERY;
            let lists = is_next
                && self.stranger.compare_exchange(last, at, Ordering::Relaxed, Ordering::Relaxed).is_ok();
            if !lists {
                self.unlisted.strangers.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        if let Err(TrySendError::Full(_)) = self.sender.try_send(Line { at, record }) {
            self.unlisted.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Writer {
    dir: Dir,
    moved: Moved,
    chain: Chain,
    file: Option<BufWriter<File>>,
    /// How many lines the buffer of the file may have, with those that they say are lacking.
    pending: u64,
    unlisted: Arc<Unlisted>,
    warn: Voice,
    has_warned: bool,
}

impl Writer {
    fn run(&mut self, receiver: &Receiver<Line>) {
        while let Ok(line) = receiver.recv() {
            if let Some(dir) = self.moved.lock().unwrap_or_else(PoisonError::into_inner).take() {
                self.dir = dir;
                self.file = None;
            }
            let mut written = self.write(line);
            while written.is_ok()
                && let Ok(line) = receiver.try_recv()
            {
                written = self.write(line);
            }
            match written.and_then(|()| self.flush()) {
                Ok(()) => {
                    self.pending = 0;
                    self.has_warned = false;
                }
                Err(error) => {
                    // The file's end is not known: it is read again.
                    self.file = None;
                    self.unlisted.lost.fetch_add(std::mem::take(&mut self.pending), Ordering::Relaxed);
                    if !self.has_warned {
                        (self.warn)(&messages::log_not_written(error.what()));
                    }
                    self.has_warned = true;
                }
            }
        }
    }

    fn write(&mut self, line: Line) -> Result<()> {
        let lost = self.unlisted.lost.swap(0, Ordering::Relaxed);
        let strangers = self.unlisted.strangers.swap(0, Ordering::Relaxed);
        // Should it fail, all of these are lacking.
        self.pending += 1 + lost;
        if self.file.is_none() {
            self.file = Some(BufWriter::new(self.chain.open(&self.dir)?));
        }
        let entry = Entry { lost, strangers, ..entry(line) };
        let text = self.chain.line(&entry)?;
        let written = self.file.as_mut().map(|file| file.write_all(text.as_bytes()));
        written.unwrap_or(Ok(())).map_err(|error| Error::from(self.dir.io(FILE, error)))?;
        if self.chain.len >= ROTATE_FROM {
            self.flush()?;
            self.pending = 0;
            self.file = None;
            set_aside(&self.dir, self.chain.seq)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let flushed = self.file.as_mut().map_or(Ok(()), Write::flush);
        flushed.map_err(|error| self.dir.io(FILE, error).into())
    }
}

fn entry(Line { at, record }: Line) -> Entry {
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Entry {
        at,
        access: record.access.map(|name| name.to_string()),
        provider: record.provider.map(|name| name.to_string()),
        profile: record.profile.map(|name| name.to_string()),
        session: record.session,
        status: record.status,
        refusal: record.refusal.map(str::to_owned),
        sent: record.sent,
        not_kept: record.body == Body::NotKept,
        until_answer: millis(record.until_answer),
        until_end: millis(record.until_end),
        incomplete: !record.complete,
        lost: 0,
        strangers: 0,
    }
}
