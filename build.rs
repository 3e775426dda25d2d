//! Links the C compiler's unwinder into the program, if the compiler has it as an archive.
//!
//! The standard library asks for it as a shared library. To load that, and to let it ask the processor what
//! it can do, is a tenth of what `get` takes; and it is there for nothing but the backtrace of a bug.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
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
