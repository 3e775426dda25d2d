//! `-` and a shell's `<(…)` wherever a file is expected.

use std::io::Write;
use std::process::Stdio;

use crate::session::{Ran, Session, binary, ran};

/// Runs a command line of bash, in which `strongroom` is the binary.
fn bash(session: &Session, line: &str, input: &str) -> Ran {
    let mut command = std::process::Command::new("/bin/bash");
    let line = format!("strongroom() {{ {} \"$@\"; }}; {line}", binary().display());
    command.args(["-c", &line]);
    command.env_clear().env("HOME", session.temp.path()).env("PATH", "/usr/bin:/bin");
    command.env("XDG_RUNTIME_DIR", session.temp.path());
    command.current_dir(session.temp.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    ran(command, input.as_bytes())
}

/// A vault with a profile; its key file is not in the default place.
fn session() -> Session {
    let session = Session::new();
    session.paste("groq:one", "made-up-key");
    session.write("recovery", session.run(["recovery-key"]).ok().stdout);
    std::fs::rename(session.key_file(), session.path("key")).unwrap();
    session
}

#[test]
fn a_key_comes_from_standard_input_and_from_descriptors() {
    let session = session();
    let key = std::fs::read_to_string(session.path("key")).unwrap();
    for line in [
        "strongroom --key-file - get groq:one <key",
        "strongroom --key-file /dev/stdin get groq:one <key",
        "STRONGROOM_KEY_FILE=- strongroom get groq:one <key",
        "cat key | strongroom --key-file - get groq:one",
        "strongroom --key-file <(cat key) get groq:one",
        "STRONGROOM_KEY_FILE=<(cat key) strongroom get groq:one",
        "strongroom --key-file /dev/fd/3 get groq:one 3<key",
        "strongroom --key-file /proc/self/fd/3 get groq:one 3<key",
    ] {
        assert_eq!(bash(&session, line, "").ok().stdout, "made-up-key\n", "{line}");
    }
    let said = bash(&session, "strongroom doctor --key-file <(cat key)", "").stdout;
    assert!(said.contains("unlocked with file descriptor 63"), "{said}");
    let said = session.feed("no key", ["--key-file", "-", "get", "groq:one"]).failed("BAD_DATA", 65).stderr;
    assert!(said.contains("standard input does not contain exactly one strongroom-key-v1 line"), "{said}");
    session.run(["--key-file", "-", "get", "groq:one"]).failed("NO_INPUT", 66);
    session.run(["--key-file", "/dev/fd/7", "get", "groq:one"]).failed("NO_INPUT", 66);
    // What is read is no file of that name, and none is made.
    std::fs::remove_dir_all(session.home()).unwrap();
    session.feed(key, ["init", "--key-file", "-"]).ok();
    assert!(!session.path("-").exists());
    bash(&session, "printf made-up-key | strongroom --key-file <(cat key) paste-api-key --provider groq", "")
        .ok();
}

#[test]
fn a_passphrase_comes_from_standard_input_and_from_descriptors() {
    let session = Session::empty();
    session.feed("made up words\n", ["init", "--unlock", "passphrase", "--passphrase-file", "-"]).ok();
    for line in [
        "strongroom --passphrase-file - recipient <<<'made up words'",
        "strongroom --passphrase-file <(echo made up words) recipient",
        "strongroom --passphrase-fd 3 recipient 3<<<'made up words'",
        "strongroom unlock-method add passphrase --replace --passphrase-file <(echo made up words) --new-passphrase-file <(echo other made up words)",
        "strongroom --passphrase-file <(echo other made up words) unlock-method add key-file --new-key-file key",
        "strongroom --key-file <(cat key) rekey --yes --keep-key-file --with passphrase=<(echo other made up words)",
        "strongroom --passphrase-file <(echo other made up words) recipient",
    ] {
        let ran = bash(&session, line, "");
        assert_eq!(ran.status, 0, "{line}: {}", ran.stderr);
    }
}

/// A descriptor that another program made non-blocking, as Node does, is waited for.
#[test]
fn a_descriptor_that_does_not_block_is_read_to_its_end() {
    let session = session();
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&reader, true).unwrap();
    let mut command =
        session.command(["--key-file", "key", "paste-api-key", "--provider", "groq", "--secret-fd", "0"]);
    command.args(["--profile-id", "groq:two"]);
    let arguments = std::mem::replace(&mut command, std::process::Command::new("/bin/bash"));
    command.args(["-c", "exec 3<&0 </dev/null; exec \"${@/#0/3}\"", "-"]).arg(arguments.get_program());
    command.args(arguments.get_args()).env_clear().current_dir(session.temp.path());
    command.envs(arguments.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let child = command.stdin(reader).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    std::thread::sleep(std::time::Duration::from_millis(300));
    writer.write_all(b"made-up-key-of-a-slow-writer").unwrap();
    drop(writer);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let got = session.run(["--key-file", "key", "get", "groq:two"]).ok().stdout;
    assert_eq!(got, "made-up-key-of-a-slow-writer\n");
}

/// An endless device is given up after its first bytes, not read until the time limit.
#[test]
fn an_endless_device_is_refused_at_once() {
    let session = session();
    for line in [
        "strongroom --key-file - get groq:one </dev/zero",
        "strongroom --key-file /dev/fd/3 get groq:one 3</dev/zero",
        "strongroom --passphrase-file - recipient </dev/zero",
    ] {
        let begun = std::time::Instant::now();
        bash(&session, line, "").failed("TOO_LARGE", 65);
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{line}");
    }
}

#[test]
fn descriptors_of_the_standard_streams_are_named() {
    let session = Session::new();
    for (option, number) in [("--passphrase-fd", "0"), ("--passphrase-fd", "1"), ("--passphrase-fd", "2")] {
        let said = session.feed("made up", [option, number, "recipient"]).failed("USAGE", 64).stderr;
        let name = ["input", "output", "error"][number.parse::<usize>().unwrap()];
        assert!(said.contains(&format!("file descriptor {number} is standard {name}")), "{said}");
        assert_eq!(said.contains("--passphrase-file -"), number == "0", "{said}");
    }
    session.feed("made up", ["paste-api-key", "--provider", "groq", "--secret-fd", "0"]).failed("USAGE", 64);
}

#[test]
fn imports_bundles_and_identities_come_from_descriptors() {
    let session = session();
    session.write("keys.env", "OPENROUTER_API_KEY=made-up-key\n");
    for line in [
        "strongroom --key-file key import <(cat keys.env) --yes",
        "strongroom --key-file key import /dev/stdin --on-conflict replace --yes <keys.env",
        "cat keys.env | strongroom --key-file <(cat key) import - --on-conflict replace --yes",
        "strongroom --key-file key export --passphrase --bundle-passphrase-file <(echo made up words) --out bundle",
        "strongroom --key-file key import <(cat bundle) --bundle-passphrase-file <(echo made up words) --on-conflict skip --yes",
        "strongroom --key-file key import bundle --bundle-passphrase-file - --on-conflict skip --yes <<<'made up words'",
        "strongroom --key-file key export --to $(strongroom --key-file key recipient) --out - >sealed",
        "strongroom --key-file key import sealed --on-conflict skip --yes",
        "strongroom --key-file key import sealed --bundle-identity <(cat recovery) --on-conflict skip --yes",
    ] {
        let ran = bash(&session, line, "");
        assert_eq!(ran.status, 0, "{line}: {}", ran.stderr);
    }
    std::fs::remove_dir_all(session.home().join("unlock")).unwrap();
    let ran = bash(&session, "strongroom recover --recovery-key <(cat recovery)", "");
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(session.get("groq:one"), "made-up-key");
}

#[test]
fn one_thing_comes_from_standard_input() {
    let session = session();
    let key = std::fs::read_to_string(session.path("key")).unwrap();
    for (arguments, both) in [
        (&["--key-file", "-", "import", "-"][..], "PATH and --key-file"),
        (&["import", "-", "--bundle-identity", "/dev/fd/0"], "PATH and --bundle-identity"),
        (&["--key-file", "-", "paste-api-key", "--provider", "groq"], "--key-file and the secret"),
        (&["--passphrase-file", "/dev/stdin", "rotate", "groq:one"], "--passphrase-file and the secret"),
    ] {
        let said = session.feed(&key, arguments).failed("USAGE", 64).stderr;
        let (one, other) = both.split_once(" and ").unwrap();
        assert!(said.contains(one) && said.contains(other) && said.contains("standard input"), "{said}");
    }
    let request = r#"{"protocolVersion":1,"provider":"strongroom","ids":["main/groq:one"]}"#;
    let answer = session.feed(request, ["--key-file", "-", "resolve"]).ok().json();
    assert_eq!(answer["errors"]["main/groq:one"]["code"], "USAGE", "{answer}");
    // A new key needs a file.
    session.run(["--key-file", "key", "rekey", "--yes", "--new-key-file", "-"]).failed("USAGE", 64);
}
