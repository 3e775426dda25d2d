//! What a round runs, and which results are kept.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::spread::Spread;

/// Rounds that are not counted.
const WARM_UP: usize = 2;

/// A task of a round.
pub enum Task {
    Process(Process),
    /// Replaces two files as durably as possible: the lower bound for a durable write.
    TwoReplaces(PathBuf),
}

impl Task {
    fn run(&self) {
        match self {
            Self::Process(process) => process.run(),
            Self::TwoReplaces(dir) => two_replaces(dir),
        }
    }
}

/// Two bare durable replacements: write, fsync, rename, fsync of the directory.
pub fn two_replaces(dir: &Path) {
    for n in 0..2 {
        let staged = dir.join("staged");
        let mut file = File::create(&staged).unwrap();
        file.write_all(&[b'x'; 600]).unwrap();
        file.sync_all().unwrap();
        fs::rename(&staged, dir.join(format!("file-{n}"))).unwrap();
        File::open(dir).unwrap().sync_all().unwrap();
    }
}

/// A program with its arguments, in its own environment.
#[derive(Clone)]
pub struct Process {
    pub program: PathBuf,
    pub args: Vec<String>,
    env: Vec<(&'static str, PathBuf)>,
    stdin: Option<PathBuf>,
}

impl Process {
    pub fn new(program: &Path, args: &[&str]) -> Self {
        let args = args.iter().map(ToString::to_string).collect();
        Self { program: program.to_owned(), args, env: Vec::new(), stdin: None }
    }

    pub fn env(mut self, name: &'static str, value: impl Into<PathBuf>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    pub fn stdin(mut self, file: impl Into<PathBuf>) -> Self {
        self.stdin = Some(file.into());
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(match &self.stdin {
            Some(file) => Stdio::from(File::open(file).expect("standard input")),
            None => Stdio::null(),
        });
        command
    }

    /// Returns whether it succeeds.
    pub fn succeeds(&self) -> bool {
        self.command().status().expect("a program that runs").success()
    }

    /// Runs it; a task that fails measures nothing.
    pub fn run(&self) {
        let output = self.command().stderr(Stdio::piped()).output().expect("a program that runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {:?} failed: {said}", self.program.display(), self.args);
    }

    /// Returns the milliseconds of one run, or nothing if it fails.
    pub fn timed(&self) -> Option<f64> {
        let begun = Instant::now();
        self.succeeds().then(|| milliseconds(begun))
    }

    pub fn output(&self) -> String {
        let output = self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{:?}: {}", self.args, String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns the same command, started by another program with these arguments first.
    pub fn under(&self, program: &str, args: &[&str]) -> Self {
        let mut outer = self.clone();
        outer.program = program.into();
        outer.args = args.iter().map(ToString::to_string).collect();
        outer.args.push(self.program.display().to_string());
        outer.args.extend(self.args.iter().cloned());
        outer
    }

    /// Returns its peak memory in KiB, which GNU time gets from the kernel.
    pub fn peak_kib(&self, scratch: &Path) -> f64 {
        let said = scratch.join("time");
        let timed = self.under("/usr/bin/time", &["-f", "%M", "-o", said.to_str().unwrap()]);
        let peaks = (0..5).map(|_| {
            timed.run();
            fs::read_to_string(&said).unwrap().trim().parse().unwrap()
        });
        Spread::of(peaks.collect()).median
    }
}

fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1000.0
}

/// The milliseconds of one task in each round.
pub struct Times(pub Vec<f64>);

impl Times {
    pub fn median(&self) -> f64 {
        Spread::of(self.0.clone()).median
    }

    /// Returns the ratio to another task of the same rounds, computed for each round.
    pub fn times(&self, other: &Self) -> Spread {
        Spread::of(self.0.iter().zip(&other.0).map(|(one, other)| one / other).collect())
    }

    /// Subtracts the median of another task from each round: a small difference of single rounds would be all noise.
    pub fn less(&self, other: &Self) -> Self {
        let other = other.median();
        Self(self.0.iter().map(|one| one - other).collect())
    }
}

/// Runs every task once in each round, so that a busy moment of the machine affects all of them.
pub fn interleaved<const N: usize>(rounds: usize, tasks: &[Task; N]) -> [Times; N] {
    let mut times = [const { Times(Vec::new()) }; N];
    for round in 0..WARM_UP + rounds {
        for (task, times) in tasks.iter().zip(&mut times) {
            let begun = Instant::now();
            task.run();
            if round >= WARM_UP {
                times.0.push(milliseconds(begun));
            }
        }
    }
    times
}
