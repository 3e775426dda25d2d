//! Barriers: how many a paste has, and what they cost on a disk with slow ones.
//!
//! strace delays each call that waits for the disk, both in a paste and in two bare replacements.

use std::fs;

use crate::place::Place;
use crate::process::{Process, Task, interleaved};
use crate::spread::{row, spread};

/// The argument that makes this program only replace two files.
pub const TWO_REPLACES: &str = "two-replaces";
const CALLS: &str = "fsync,fdatasync,syncfs,sync_file_range,msync";
const STRACE: &str = "/usr/bin/strace";
/// The delay that is added to each barrier, in milliseconds.
const SLOWER: [u32; 2] = [1, 5];

pub fn print(place: &Place) {
    let this = std::env::current_exe().unwrap();
    let dir = place.directory("replaces");
    let replaces = Process::new(&this, &[TWO_REPLACES, dir.to_str().unwrap()]);
    // A process that does nothing shows the cost of starting the other one.
    let nothing = Process::new(&this, &[]);
    let bare = barriers(place, &replaces);
    let counted = [("one", "1"), ("thousand", "1,000"), ("ten-thousand", "10,000")]
        .map(|(vault, many)| format!("{} at {many}", barriers(place, &place.paste(vault))));
    let first = barriers(place, &place.paste("one"));
    let told = format!("{} profiles; the two replaces have {bare}", counted.join(", "));
    row("barriers of a paste", &format!("≤ {bare}"), &told, first <= bare);
    for slower in SLOWER {
        let inject = format!("inject={CALLS}:delay_exit={}", slower * 1000);
        // No other call is delayed.
        let options = [
            "-f",
            "--seccomp-bpf",
            "-qqq",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={CALLS}"),
            "-e",
            &inject,
        ];
        let tasks = [place.paste("one"), place.get("one"), replaces.clone(), nothing.clone()]
            .map(|process| Task::Process(process.under(STRACE, &options)));
        let [paste, get, two, nothing] = interleaved((place.rounds / 2).max(3), &tasks);
        let (paste, two) = (paste.less(&get), two.less(&nothing));
        let ratio = paste.times(&two);
        let told = format!(
            "{:.1} ms = {} × two bare durable replaces ({:.1} ms)",
            paste.median(),
            spread(ratio),
            two.median()
        );
        row(
            &format!("durable paste, less a `get`, each barrier {slower} ms slower"),
            "≤ 1.2 × two bare durable replaces",
            &told,
            ratio.median <= 1.2,
        );
    }
    println!();
}

/// Returns how many calls of a process wait for the disk.
fn barriers(place: &Place, process: &Process) -> usize {
    let calls = place.path("calls");
    let options = ["-f", "-qqq", "-o", calls.to_str().unwrap(), "-e", &format!("trace={CALLS}")];
    process.under(STRACE, &options).run();
    let said = fs::read_to_string(&calls).unwrap();
    said.lines().filter(|line| CALLS.split(',').any(|call| line.contains(&format!(" {call}(")))).count()
}
