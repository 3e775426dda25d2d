//! The proxies' processes: started, measured, ended.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Returns a command for a program that ends with this process, however that ends.
pub fn bound_to_this(program: &Path) -> Command {
    let mut command = Command::new("/usr/bin/setpriv");
    command.args(["--pdeathsig", "TERM"]).arg(program);
    command
}

/// A process that is ended when it is dropped.
pub struct Running(Child);

impl Running {
    /// Starts a program.
    pub fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().expect("a program that runs"))
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Returns its process id, and those of its children, of which there are as many at least. Waits for them.
    pub fn pids(&self, children: usize) -> Vec<u32> {
        let id = self.0.id();
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let listed = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
            let found: Vec<_> = listed.split_whitespace().filter_map(|child| child.parse().ok()).collect();
            if found.len() >= children {
                return [id].into_iter().chain(found).collect();
            }
            assert!(Instant::now() < end, "{} of {children} processes", found.len());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // nginx ends its workers only if it is asked to.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Returns the processor time of processes until now, in seconds.
pub fn cpu(pids: &[u32]) -> f64 {
    let ticks = |pid: &u32| {
        // A helper process of a proxy may have ended.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return 0.0 };
        // After the name, which may have spaces: fields 14 and 15 of proc_pid_stat(5).
        let fields: Vec<_> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
    };
    // USER_HZ is 100 on all that Linux runs on.
    pids.iter().map(ticks).sum::<f64>() / 100.0
}

/// Returns the resident memory of processes in MB. Of the files that they map, which they share, the most that one has
/// counts. `smaps` is not readable for a process that is not dumpable, but `status` is.
pub fn memory(pids: &[u32]) -> f64 {
    let statuses: Vec<_> =
        pids.iter().filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok()).collect();
    let kib = |status: &String, field: &str| {
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap()
    };
    let own: f64 = statuses.iter().map(|status| kib(status, "RssAnon:")).sum();
    let shared = statuses.iter().map(|status| kib(status, "RssFile:")).fold(0.0, f64::max);
    (own + shared) * 1024.0 / 1e6
}
