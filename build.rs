//! Links the C compiler's unwinder into the program, if the compiler has it as an archive, and names the commit that a
//! release is built from.
//!
//! The standard library asks for it as a shared library. To load that, and to let it ask the processor what
//! it can do, is a tenth of what `get` takes; and it is there for nothing but the backtrace of a bug.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    name_version();
    link_unwinder();
}

/// Sets `STRONGROOM_VERSION`: `0.1.0`, and for a release built in a checkout `0.1.0 (1a2b3c4d5e 2026-11-28)`. A debug
/// build has none, because every commit would build it again.
fn name_version() {
    let mut version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") && Path::new(".git").exists() {
        // In a linked worktree, `.git` is a file.
        let log = git(&["rev-parse", "--git-path", "logs/HEAD"]);
        if let Some(log) = log.filter(|log| Path::new(log).exists()) {
            println!("cargo:rerun-if-changed={log}");
        }
        let commit = git(&["log", "-1", "--format=%h %cs", "--abbrev=10"]);
        version.extend(commit.map(|commit| format!(" ({commit})")));
    }
    println!("cargo:rustc-env=STRONGROOM_VERSION={version}");
}

/// Returns what git says, if it works.
fn git(arguments: &[&str]) -> Option<String> {
    let said = Command::new("git").args(arguments).output().ok().filter(|said| said.status.success())?;
    String::from_utf8(said.stdout).ok().map(|said| said.trim().to_owned())
}

fn link_unwinder() {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let native = env::var("HOST").is_ok_and(|host| is("TARGET", &host));
    if !native || !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return;
    }
    let (Some(archive), Some(out)) = (archive("libgcc_eh.a"), env::var_os("OUT_DIR")) else { return };
    // A linker script under the name of the shared library, in a directory that is searched before the system's.
    let dir = PathBuf::from(out).join("unwinder");
    let script = format!("INPUT(\"{}\")\n", archive.display());
    if fs::create_dir_all(&dir).and_then(|()| fs::write(dir.join("libgcc_s.so"), script)).is_ok() {
        println!("cargo:rustc-link-search=native={}", dir.display());
    }
}

/// Returns the directory of the C compiler's archive, if it has one.
fn archive(name: &str) -> Option<PathBuf> {
    let said = Command::new("cc").arg(format!("-print-file-name={name}")).output().ok()?;
    let path = Path::new(std::str::from_utf8(&said.stdout).ok()?.trim());
    // One that it does not have it gives back as it was asked for.
    (path.is_absolute() && path.is_file()).then(|| path.to_owned())
}
