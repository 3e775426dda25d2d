//! Shared by the fault tests: copies of a prepared home, commands that die at a chosen system call, and what can be
//! read afterwards.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;

use crate::session::{Ran, Session, ran};

/// Every system call by which the binary could change something outside itself; `?` makes strace ignore those that a
/// machine does not have.
const CHANGING: &str = "?open,?openat,?openat2,?creat,?mkdir,?mkdirat,?mknod,?mknodat,?rename,?renameat,\
    ?renameat2,?link,?linkat,?symlink,?symlinkat,?unlink,?unlinkat,?rmdir,?write,?writev,?pwrite64,\
    ?pwritev,?pwritev2,?truncate,?ftruncate,?fallocate,?fsync,?fdatasync,?syncfs,?sync,?sync_file_range,\
    ?flock,?fchmod,?fchmodat,?fchown,?utimensat,?copy_file_range,?sendfile";

/// Prints a line that the test harness does not capture.
pub fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// A temporary directory, in memory if the machine has such a place: these tests are about what the kernel shows to
/// processes, not about what reaches a disk.
pub fn in_memory() -> Session {
    let place = Path::new("/dev/shm");
    let temp = tempfile::tempdir_in(place).or_else(|_| tempfile::tempdir()).unwrap();
    Session { temp }
}

/// A session with a new vault, in memory.
pub fn vault() -> Session {
    let session = in_memory();
    session.run(["init"]).ok();
    session
}

/// A fresh copy of a session, in memory.
pub fn copy(session: &Session) -> Session {
    let fresh = in_memory();
    copy_tree(session.temp.path(), fresh.temp.path());
    fresh
}

/// Copies the contents of a directory. Files keep their modes; directories are private.
pub fn copy_tree(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            DirBuilder::new().mode(0o700).create(&target).unwrap();
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
    carry_mark(from, to);
}

/// Adapts the mark of a journal to a copy of its directory. The mark, which says that everything is in place, is valid
/// for one directory only; without it the copy would look like a machine after a boot.
fn carry_mark(from: &Path, to: &Path) {
    let (boot, journal) = ("/proc/sys/kernel/random/boot_id", to.join("journal"));
    let Ok(mut bytes) = std::fs::read(&journal) else { return };
    let boot = std::fs::read_to_string(boot).unwrap().trim().replace('-', "");
    let mark = |directory: &Path| {
        let meta = std::fs::metadata(directory).unwrap();
        format!("{boot}{:016x}{:016x}", meta.dev(), meta.ino())
    };
    let at = "strongroom-journal/v1 ".len()..;
    let place = &mut bytes[at][..64];
    if place == mark(from).as_bytes() {
        place.copy_from_slice(mark(to).as_bytes());
        std::fs::write(journal, bytes).unwrap();
    }
}

/// The same command, started by a tool.
pub fn under<S: AsRef<OsStr>>(tool: impl IntoIterator<Item = S>, command: &Command) -> Command {
    let mut tool = tool.into_iter();
    let mut started = Command::new(tool.next().unwrap());
    started.args(tool).arg(command.get_program()).args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        started.env(name, value.unwrap());
    }
    started.current_dir(command.get_current_dir().unwrap());
    started.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    started
}

/// A moment at which a command can be killed: on entering the `n`th call of a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moment {
    pub call: String,
    pub n: usize,
    /// Whether the call writes to standard output or standard error.
    pub tells: bool,
}

/// Runs a command once, to its end, and returns every moment before a call that changes something.
pub fn moments(session: &Session, arguments: &[&str], input: &[u8]) -> Vec<Moment> {
    let trace = session.path("trace");
    let strace = ["strace", "-f", "-qq", "-o", trace.to_str().unwrap(), "-e"];
    let filter = format!("trace={CHANGING}");
    let tool = strace.into_iter().chain([filter.as_str()]);
    need("strace", "strace");
    let traced = ran(under(tool, &session.command(arguments)), input);
    assert!(traced.status == 0, "{arguments:?} under strace: {}{}", traced.stdout, traced.stderr);
    let text = std::fs::read_to_string(&trace).unwrap();
    std::fs::remove_file(&trace).unwrap();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = Vec::new();
    let mut process = None;
    for line in text.lines() {
        let (pid, line) = line.split_once(' ').unwrap();
        let Some((call, rest)) = line.trim_start().split_once('(') else { continue };
        // strace counts the calls of each thread separately.
        assert_eq!(*process.get_or_insert(pid), pid, "a second thread makes system calls: {line}");
        let n = counts.entry(call).or_default();
        *n += 1;
        let opens = ["open", "openat", "openat2"].contains(&call);
        if !opens || rest.contains("O_CREAT") || rest.contains("O_TRUNC") {
            let tells = call == "write" && (rest.starts_with("1,") || rest.starts_with("2,"));
            found.push(Moment { call: call.to_owned(), n: *n, tells });
        }
    }
    found
}

/// Prints how many moments there are of each call.
pub fn table(moments: &[Moment]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for moment in moments {
        *counts.entry(&moment.call).or_default() += 1;
    }
    counts.iter().map(|(call, n)| format!("{call} {n}")).collect::<Vec<_>>().join(", ")
}

/// Runs a command that is killed at a moment. Returns whether the signal ended it.
pub fn kill_at(session: &Session, arguments: &[&str], input: &[u8], moment: &Moment) -> bool {
    let command = injected(session, arguments, moment, "signal=SIGKILL", Path::new("/dev/null"));
    run_raw(command, input).signal() == Some(9)
}

/// Runs a command with a call that fails at a moment. Returns `None` if it did not reach that call.
pub fn error_at(
    session: &Session,
    arguments: &[&str],
    input: &[u8],
    moment: &Moment,
    error: &str,
) -> Option<Ran> {
    let trace = session.path("trace");
    let command = injected(session, arguments, moment, &format!("error={error}"), &trace);
    let ran = ran(command, input);
    let traced = std::fs::read_to_string(&trace).unwrap();
    std::fs::remove_file(&trace).unwrap();
    traced.contains("(INJECTED)").then_some(ran)
}

fn injected(session: &Session, arguments: &[&str], moment: &Moment, fault: &str, trace: &Path) -> Command {
    let inject = format!("--inject={}:{fault}:when={}", moment.call, moment.n);
    let filter = format!("trace={}", moment.call);
    let strace = ["strace", "-f", "-qq", "-o", trace.to_str().unwrap(), "-e", &filter, &inject];
    under(strace, &session.command(arguments))
}

/// Runs a command to its end, whatever that is, and returns its raw status.
fn run_raw(mut command: Command, input: &[u8]) -> ExitStatus {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    // Not all of the input is read if the kill comes first.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait().unwrap()
}

/// Fails if a program is missing, and names the package that has it.
pub fn need(program: &str, package: &str) {
    let places = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];
    let there = places.iter().any(|place| Path::new(place).join(program).exists());
    assert!(there, "{program} is missing: apt-get install {package}");
}

/// Does `work` for every item, two at a time, because the test machines have two cores.
pub fn two_at_a_time<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = Mutex::new(items.iter().enumerate());
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((n, item)) = next.lock().unwrap().next() else { return };
                    let result = work(item);
                    results.lock().unwrap().push((n, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(n, _)| *n);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The result of reading an id: its secret, or the code of the error.
pub type Answers = BTreeMap<String, Result<String, String>>;

/// Asks `resolve` for ids, 512 at a time; `options` come before the verb.
pub fn resolve_all<'i>(
    session: &Session,
    options: &[&str],
    ids: impl IntoIterator<Item = &'i str>,
) -> Answers {
    let ids: Vec<&str> = ids.into_iter().collect();
    let mut all = Answers::new();
    for ids in ids.chunks(512) {
        let answer = session.resolve_with(options, ids);
        for id in ids {
            let read = match answer["values"][id].as_str() {
                Some(secret) => Ok(secret.to_owned()),
                None => Err(answer["errors"][id]["code"].as_str().unwrap_or("NO ANSWER").to_owned()),
            };
            all.insert((*id).to_owned(), read);
        }
    }
    all
}

/// Returns the ids that `list` names, after checking that each has its record and no record is missing from the index.
pub fn listed(session: &Session) -> Result<Vec<String>, String> {
    let ran = session.run(["list", "--json"]);
    if ran.status != 0 {
        return Err(format!("list fails: {}", ran.stderr));
    }
    let document = ran.json();
    let agent = &document["agents"][0];
    let profiles = agent["profiles"].as_array().unwrap();
    let odd = profiles.iter().any(|profile| profile["holds"] != "sealed");
    if odd || agent["unlisted"] != serde_json::json!([]) || agent["unfinished"] != false {
        return Err(format!("list: {agent}"));
    }
    let mut ids: Vec<_> =
        profiles.iter().map(|profile| profile["profileId"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    Ok(ids)
}

/// Returns the leftovers that no finished change may leave: `txn`, `txn.tmp` and everything staged.
pub fn leftovers(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_name() == "txn" || path.extension() == Some(OsStr::new("tmp")) {
            found.push(path);
        } else if entry.file_type().unwrap().is_dir() {
            found.extend(leftovers(&path));
        }
    }
    found
}

/// SplitMix64: each run draws the same numbers.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((z ^ (z >> 31)) >> 32).unwrap()
    }

    /// Returns a number from 0 to 1.
    pub fn fraction(&mut self) -> f64 {
        f64::from(self.next()) / f64::from(u32::MAX)
    }

    /// Returns a number from 0 to below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).unwrap() % end
    }
}
