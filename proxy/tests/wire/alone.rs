//! Tests that measure what their process uses, each in a process of its own.

use std::path::Path;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Set in the process that runs one test.
const ALONE: &str = "STRONGROOM_WIRE_ALONE";

/// Returns whether this process runs one test alone. If not, runs it in one that does.
pub fn is_alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let ran = command.args([test, "--exact", "--nocapture"]).env(ALONE, "1").output().unwrap();
    let shown = String::from_utf8_lossy(&ran.stdout);
    println!("{shown}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && shown.contains("1 passed"), "{test}");
    false
}

/// Lets this process have as many descriptors, and returns how many it may have.
pub fn allow_descriptors(count: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let count = count.min(limit.maximum.unwrap_or(count));
    if limit.current.is_some_and(|current| current < count) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(count), ..limit }).unwrap();
    }
    count
}

/// Returns how much memory this process has, in KiB.
pub fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Returns how many descriptors this process has.
pub fn descriptors() -> usize {
    Path::new("/proc/self/fd").read_dir().unwrap().count()
}
