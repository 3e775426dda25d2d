//! What a disk may contain after a power loss: any part of what no barrier covers.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::recorded::Event;

/// The fate of an event that no barrier covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    Kept,
    Lost,
    /// The length of a write arrived, and its bytes did not.
    Zeros,
    /// Its first half arrived, in whole sectors.
    Half,
}

/// The unit that a disk writes atomically, in bytes.
const SECTOR: usize = 512;

/// A file or a directory, whatever its name: 0 is the session's directory.
type Node = usize;

/// An event with nodes instead of paths.
#[derive(Clone)]
enum Done {
    Link { dir: Node, name: String, node: Node },
    Write { node: Node, at: usize, bytes: Vec<u8> },
    Truncate { node: Node, len: usize },
    Move { from: (Node, String), to: (Node, String), node: Node },
    Unlink { dir: Node, name: String },
    Sync(Node),
    SyncAll,
    Answered,
}

/// A tree of files: the names in each directory, and the contents of each file.
#[derive(Clone, Default)]
struct Tree {
    listed: HashMap<Node, BTreeMap<String, Node>>,
    contents: HashMap<Node, Vec<u8>>,
}

/// A disk as it was before, and everything that was done to it.
#[derive(Clone)]
pub struct Disk {
    before: Tree,
    done: Vec<Done>,
}

/// The files and directories of a state, by path; a directory has no contents.
pub type State = BTreeMap<PathBuf, Option<Vec<u8>>>;

impl Tree {
    fn read(directory: &Path) -> Self {
        fn read(tree: &mut Tree, directory: &Path, node: Node, next: &mut Node) {
            tree.listed.insert(node, BTreeMap::new());
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let there = *next;
                *next += 1;
                tree.listed.get_mut(&node).unwrap().insert(name, there);
                if path.is_dir() {
                    read(tree, &path, there, next);
                } else {
                    tree.contents.insert(there, fs::read(&path).unwrap());
                }
            }
        }
        let mut tree = Self::default();
        read(&mut tree, directory, 0, &mut 1);
        tree
    }

    fn node(&self, path: &Path) -> Option<Node> {
        path.iter().try_fold(0, |dir, name| self.listed.get(&dir)?.get(name.to_str()?).copied())
    }

    fn place(&self, path: &Path) -> Option<(Node, String)> {
        Some((self.node(path.parent()?)?, path.file_name()?.to_str()?.to_owned()))
    }

    fn apply(&mut self, done: &Done, fate: Fate) {
        match done {
            Done::Link { dir, name, node } => {
                self.listed.entry(*dir).or_default().insert(name.clone(), *node);
            }
            Done::Write { node, at, bytes } => {
                let content = self.contents.entry(*node).or_default();
                if content.len() < at + bytes.len() {
                    content.resize(at + bytes.len(), 0);
                }
                let arrived = match fate {
                    Fate::Zeros => 0,
                    Fate::Half => ((at + bytes.len() / 2) / SECTOR * SECTOR).saturating_sub(*at),
                    Fate::Kept | Fate::Lost => bytes.len(),
                };
                content[*at..at + arrived].copy_from_slice(&bytes[..arrived]);
                content[at + arrived..at + bytes.len()].fill(0);
            }
            Done::Truncate { node, len } => self.contents.entry(*node).or_default().resize(*len, 0),
            Done::Move { from, to, node } => {
                if let Some(listed) = self.listed.get_mut(&from.0)
                    && listed.get(&from.1) == Some(node)
                {
                    listed.remove(&from.1);
                }
                self.listed.entry(to.0).or_default().insert(to.1.clone(), *node);
            }
            Done::Unlink { dir, name } => {
                self.listed.entry(*dir).or_default().remove(name);
            }
            Done::Sync(_) | Done::SyncAll | Done::Answered => {}
        }
    }

    fn state(&self) -> State {
        fn list(tree: &Tree, node: Node, path: &Path, state: &mut State) {
            for (name, there) in tree.listed.get(&node).into_iter().flatten() {
                let path = path.join(name);
                if tree.listed.contains_key(there) {
                    state.insert(path.clone(), None);
                    list(tree, *there, &path, state);
                } else {
                    state.insert(path, Some(tree.contents.get(there).cloned().unwrap_or_default()));
                }
            }
        }
        let mut state = State::new();
        list(self, 0, Path::new(""), &mut state);
        state
    }
}

impl Disk {
    /// Takes a session's directory as it is now, all of it durable.
    pub fn read(directory: &Path) -> Self {
        Self { before: Tree::read(directory), done: Vec::new() }
    }

    /// Adds what has been done since.
    pub fn follow(&mut self, events: &[Event]) {
        let mut tree = self.before.clone();
        let mut next = 1_000_000;
        for event in events {
            let done = match event {
                Event::Create(path) => self.made(&mut tree, path, &mut next, false),
                Event::MakeDir(path) => self.made(&mut tree, path, &mut next, true),
                Event::Write { file, at, bytes } => {
                    tree.node(file).map(|node| Done::Write { node, at: *at, bytes: bytes.clone() })
                }
                Event::Truncate { file, len } => {
                    tree.node(file).map(|node| Done::Truncate { node, len: *len })
                }
                Event::Rename { from, to } => {
                    let node = tree.node(from).unwrap();
                    let (from, to) = (tree.place(from).unwrap(), tree.place(to).unwrap());
                    Some(Done::Move { from, to, node })
                }
                Event::Remove(path) => tree.place(path).map(|(dir, name)| Done::Unlink { dir, name }),
                Event::Sync(path) => tree.node(path).map(Done::Sync),
                Event::SyncAll => Some(Done::SyncAll),
                Event::Answered => Some(Done::Answered),
            };
            if let Some(done) = done {
                tree.apply(&done, Fate::Kept);
                self.done.push(done);
            }
        }
    }

    /// Creates a file or directory, unless one of that name exists.
    fn made(&mut self, tree: &mut Tree, path: &Path, next: &mut Node, is_dir: bool) -> Option<Done> {
        if tree.node(path).is_some() {
            return None;
        }
        let (dir, name) = tree.place(path)?;
        *next += 1;
        if is_dir {
            tree.listed.insert(*next, BTreeMap::new());
            self.before.listed.insert(*next, BTreeMap::new());
        }
        Some(Done::Link { dir, name, node: *next })
    }

    /// Returns how many moments there are.
    pub fn len(&self) -> usize {
        self.done.len()
    }

    /// Returns how many commands had answered before that moment.
    pub fn answered(&self, moment: usize) -> usize {
        self.done[..moment].iter().filter(|done| matches!(done, Done::Answered)).count()
    }

    /// Removes the barriers that `of` names, by number among all of them: a mistake that the tests must find.
    pub fn without_barriers(mut self, of: impl Fn(usize) -> bool) -> Self {
        let mut barrier = 0;
        self.done.retain(|done| match done {
            Done::Sync(_) | Done::SyncAll => {
                barrier += 1;
                !of(barrier - 1)
            }
            _ => true,
        });
        self
    }

    /// Returns the events before a moment that no barrier covers by then, by number, and whether each is a write.
    pub fn open_at(&self, moment: usize) -> Vec<(usize, bool)> {
        let mut open = Vec::new();
        for (n, done) in self.done[..moment].iter().enumerate() {
            let covered_by = match done {
                Done::Link { dir, .. } | Done::Unlink { dir, .. } => *dir,
                Done::Move { to, .. } => to.0,
                Done::Write { node, .. } | Done::Truncate { node, .. } => *node,
                Done::Sync(_) | Done::SyncAll | Done::Answered => continue,
            };
            let covers = |later: &Done| match later {
                Done::Sync(node) => *node == covered_by,
                Done::SyncAll => true,
                _ => false,
            };
            if !self.done[n..moment].iter().any(covers) {
                open.push((n, matches!(done, Done::Write { .. })));
            }
        }
        open
    }

    /// Returns the state at a moment, with these fates of events; all other events are kept.
    pub fn state(&self, moment: usize, fates: &HashMap<usize, Fate>) -> State {
        let mut tree = self.before.clone();
        for (n, done) in self.done[..moment].iter().enumerate() {
            let fate = fates.get(&n).copied().unwrap_or(Fate::Kept);
            if fate != Fate::Lost {
                tree.apply(done, fate);
            }
        }
        tree.state()
    }
}

/// Replaces the contents of a directory with a state.
pub fn lay(directory: &Path, state: &State) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    for (path, contents) in state {
        let path = directory.join(path);
        match contents {
            None => fs::DirBuilder::new().mode(0o700).create(path).unwrap(),
            Some(bytes) => {
                use std::io::Write;
                let mut options = fs::OpenOptions::new();
                let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
                file.write_all(bytes).unwrap();
            }
        }
    }
}
