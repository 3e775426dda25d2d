//! Limits on memory, file size, descriptors and threads. Each one leads to an error that names it.

use crate::faults::{need, under};
use crate::session::{Ran, Session, ran};

const KEY: &str = "made-up-key-of-the-limits";
const PASTE: &[&str] = &["paste-api-key", "--provider", "openrouter", "--profile-id", "openrouter:one"];

fn session() -> Session {
    let session = Session::new();
    session.paste("openrouter:one", KEY);
    session
}

fn limited(session: &Session, limit: &str, arguments: &[&str], input: &str) -> Ran {
    need("prlimit", "util-linux");
    ran(under(["prlimit", limit], &session.command(arguments)), input.as_bytes())
}

#[test]
fn a_file_that_may_not_grow_is_an_error_with_its_limit() {
    let session = session();
    for size in [0, 1, 100, 512, 1000] {
        for arguments in [PASTE, &["rotate", "openrouter:one"], &["rekey", "--yes"], &["import", "-"]] {
            let input =
                if arguments[0] == "import" { "GROQ_API_KEY=made-up-other-key" } else { "made-up-next-key" };
            let refused =
                limited(&session, &format!("--fsize={size}"), arguments, input).sane("made-up-next-key");
            // Standard error is a pipe here, which a file size limit does not affect.
            let refused = refused.failed("IO", 74);
            assert!(refused.stderr.contains("ulimit -f"), "{size} {arguments:?}: {}", refused.stderr);
            assert_eq!(session.get("openrouter:one"), KEY, "{size} {arguments:?}");
        }
        limited(&session, &format!("--fsize={size}"), &["get", "openrouter:one"], "").ok();
    }
    // One of the changes of keys was cut short.
    session.run(["rekey", "--yes"]).ok();
    session.run(["verify"]).ok();
    let told = limited(&session, "--fsize=1000", &["doctor"], "").failed("FINDINGS", 65).stdout;
    assert!(told.contains("ulimit -f"), "{told}");
}

#[test]
fn a_secret_that_is_cut_by_the_limit_of_a_file_is_an_error() {
    let session = session();
    let mut command = under(["prlimit", "--fsize=5"], &session.command(["get", "openrouter:one"]));
    command.stdout(std::fs::File::create(session.path("out")).unwrap());
    let cut = ran(command, b"").sane(KEY).failed("IO", 74);
    assert!(cut.stderr.contains("ulimit -f"), "{}", cut.stderr);
}

#[test]
fn too_few_descriptors_are_an_error_with_the_limit() {
    let session = session();
    let (mut refused, mut done) = (0, 0);
    for limit in 4..=24 {
        for arguments in [&["get", "openrouter:one"][..], PASTE, &["verify"], &["doctor"], &["list"]] {
            let ran = limited(&session, &format!("--nofile={limit}"), arguments, KEY);
            if ran.status == 0 {
                done += 1;
                continue;
            }
            let said = format!("{}{}", ran.stdout, ran.stderr);
            // The loader itself needs some descriptors.
            if ran.status == 127 {
                continue;
            }
            refused += 1;
            assert!([65, 69, 74].contains(&ran.status), "{limit} {arguments:?}: {} {said}", ran.status);
            assert!(said.contains("Too many open files"), "{limit} {arguments:?}: {said}");
            assert!(said.contains("ulimit -n"), "{limit} {arguments:?}: {said}");
            for wrong in ["CORRUPT", "TAMPERED", "damaged", "NOT_FOUND"] {
                assert!(!said.contains(wrong), "{limit} {arguments:?}: {said}");
            }
        }
    }
    println!("{refused} refused, {done} done");
    assert!(refused > 10 && done > 10);
    assert_eq!(session.get("openrouter:one"), KEY);
    session.run(["verify"]).ok();
}

/// A passphrase briefly takes 64 MiB.
#[test]
fn a_passphrase_without_memory_is_an_error() {
    let session = Session::empty();
    session.write("pass", "made-up correct horse");
    session.run(["init", "--store", "file", "--unlock", "passphrase", "--passphrase-file", "pass"]).ok();
    for mib in [40, 48, 64, 80] {
        let limit = format!("--as={}", mib << 20);
        let refused = limited(&session, &limit, &["recipient", "--passphrase-file", "pass"], "");
        let refused = refused.sane("made-up correct horse").failed("NO_MEMORY", 71);
        assert!(
            refused.stderr.contains("64 MiB") && refused.stderr.contains("ulimit -v"),
            "{}",
            refused.stderr
        );
    }
    limited(&session, "--as=268435456", &["recipient", "--passphrase-file", "pass"], "").ok();
}

/// A file of many megabytes is read, or the error says that there is not enough memory.
#[test]
fn a_large_file_without_memory_is_an_error() {
    let session = session();
    let lines: String = (0..5000).map(|n| format!("MADE_UP_WORD_{n}={n:0>4000}\n")).collect();
    session.write("many.env", &lines);
    let mut refused = 0;
    for mib in (40..=168).step_by(8) {
        let limit = format!("--as={}", mib << 20);
        let ran = limited(&session, &limit, &["import", "many.env", "--dry-run"], "");
        // It contains no credential.
        if ran.status != 66 {
            refused += 1;
            ran.failed("NO_MEMORY", 71);
        }
    }
    assert!(refused > 0);
}

/// Between the limit at which the loader gives up and the one at which all is well, no command ends silently.
#[test]
fn a_small_address_space_ends_in_a_message() {
    let session = session();
    let commands: [&[&str]; 5] = [&["get", "openrouter:one"], PASTE, &["verify"], &["list"], &["doctor"]];
    let (mut refused, mut started) = (0, false);
    for step in 0..160 {
        // The program itself, as it is built for tests, takes 26 MiB.
        let limit = format!("--as={}", (22 << 20) + step * (128 << 10));
        for arguments in commands {
            let ran = limited(&session, &limit, arguments, KEY);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            // Not ours: std sets up the main thread's alternative stack before `main`, and reports that it cannot.
            if said.contains("failed to allocate an alternative stack") && said.contains("thread 'main'") {
                continue;
            }
            // Not ours yet: the kernel or the loader could not start it.
            if ran.status == 127 || (ran.status < 0 && ran.stderr.is_empty() && !started) {
                continue;
            }
            started = true;
            // std's own last words, before a signal.
            assert!(!said.contains("memory allocation of"), "{limit} {arguments:?}: {said}");
            // The C library also ends it: if it has no memory itself, or after another thread has reported it.
            let told = ran.status >= 0 || said.contains("NO_MEMORY") || said.contains("out of memory");
            assert!(told, "{limit} {arguments:?} ended without a word: {said}");
            assert!(!said.contains("panicked"), "{limit} {arguments:?}: {said}");
            if ran.status != 0 {
                refused += 1;
                assert!(
                    said.contains("NO_MEMORY") || said.contains("memory"),
                    "{limit} {arguments:?}: {said}"
                );
            }
        }
    }
    println!("{refused} refused");
    assert!(started);
}

/// Process limits do not apply to root; the ordinary user's run tests this.
#[test]
fn without_threads_everything_works_on_one() {
    let session = session();
    if rustix::process::geteuid().is_root() {
        println!("no limit of processes holds for root");
        return;
    }
    for arguments in [&["get", "openrouter:one"][..], PASTE, &["verify"], &["doctor"], &["rekey", "--yes"]] {
        let ran = limited(&session, "--nproc=0", arguments, KEY);
        assert_eq!(ran.status, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    }
}
