//! Debian's `age`: which of our files it opens, which files it makes for us, and which of them are refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::forge::rewritten;
use crate::goldens::at_terminal;
use crate::session::{Session, kept, ran, setup_token};

const CANARY: &str = "made-up-canary-value";

fn tool(name: &str) -> Command {
    let path = Path::new("/usr/bin").join(name);
    assert!(path.exists(), "{name} is missing: apt-get install age");
    let mut command = Command::new(path);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn age(arguments: &[&str], input: &[u8]) -> crate::session::Ran {
    let mut command = tool("age");
    command.args(arguments);
    ran(command, input)
}

fn session() -> Session {
    let session = Session::new();
    session.paste("openrouter:one", CANARY);
    session
}

fn record(session: &Session, file: &str) -> PathBuf {
    session.agent_file("records").join(file)
}

/// The recovery key in a file, and its recipient.
fn recovery(session: &Session) -> (PathBuf, String) {
    let key = session.write("recovery", session.run(["recovery-key"]).ok().stdout);
    let mut keygen = tool("age-keygen");
    keygen.arg("-y").arg(&key);
    let recipient = ran(keygen, b"").ok().stdout.trim().to_owned();
    (key, recipient)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn stock_age_opens_a_record_with_the_recovery_key() {
    let session = session();
    let (key, _) = recovery(&session);
    let opened =
        age(&["-d", "-i", text(&key), text(&record(&session, "openrouter_3aone.age"))], b"").ok().json();
    assert_eq!(opened["secret"], CANARY);
    assert_eq!(opened["profile"], "openrouter:one");
}

#[test]
fn stock_age_opens_a_bundle_with_the_receivers_key() {
    let session = session();
    let mut keygen = tool("age-keygen");
    keygen.arg("-o").arg(session.path("receiver"));
    ran(keygen, b"").ok();
    let mut keygen = tool("age-keygen");
    keygen.arg("-y").arg(session.path("receiver"));
    let recipient = ran(keygen, b"").ok().stdout;
    session.run(["export", "--to", recipient.trim(), "--out", "bundle"]).ok();
    let bundle = session.path("bundle");
    let opened = age(&["-d", "-i", text(&session.path("receiver")), text(&bundle)], b"").ok().json();
    assert_eq!(opened["profiles"][0]["secret"], CANARY);
}

#[test]
fn stock_age_opens_a_bundle_with_its_passphrase() {
    let session = session();
    session.write("pass", "made-up horse");
    let by_passphrase = ["export", "--passphrase", "--bundle-passphrase-file", "pass", "--out", "bundle"];
    session.run(by_passphrase).ok();
    let typed = ["Enter passphrase: => made-up horse\\r".to_owned()];
    at_terminal(&session, "/usr/bin/age -d -o plain bundle", &typed).ok();
    assert!(fs::read_to_string(session.path("plain")).unwrap().contains(CANARY));
}

#[test]
fn a_bundle_made_by_stock_age_imports_armored_or_not() {
    for armor in [&["-a"][..], &[]] {
        let session = Session::new();
        let recipient = session.run(["recipient"]).ok().stdout;
        let source = fs::read(crate::session::source("tests/fixtures/sample/auth-profiles.json")).unwrap();
        let bundle = session.path("bundle");
        let seal = [armor, &["-r", recipient.trim(), "-o", text(&bundle)]].concat();
        age(&seal, &source).ok();
        let imported = session.run(["import", "bundle", "--json"]).ok().json();
        assert_eq!((imported["format"].as_str(), imported["writes"].as_u64()), (Some("bundle"), Some(3)));
        assert!(session.get("anthropic:team").starts_with("sk-ant-oat01-EXAMPLE01"));
    }
}

/// Replaces a record with other bytes, and checks that every way to the secret refuses them with this message.
#[track_caller]
fn refused(session: &Session, file: &str, id: &str, bytes: &[u8], code: &str, message: &str) {
    let path = record(session, file);
    fs::write(&path, bytes).unwrap();
    let before = kept(&session.home());
    let ran = session.run(["get", id]).sane(CANARY).failed(code, 65);
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
    let asked = session.resolve(&[&format!("main/{id}"), "providers/openrouter/apiKey"]);
    assert_eq!(asked["errors"][format!("main/{id}")]["code"], code);
    for arguments in [&["rotate", id][..], &["export", id, "--to", crate::session::RECEIVER, "--out", "out"]]
    {
        session.feed("made-up-new-value", arguments).sane(CANARY).failed(code, 65);
    }
    session.run(["rename", id, "openrouter:renamed"]).sane(CANARY).failed(code, 65);
    session.run(["rekey", "--yes"]).sane(CANARY).failed(code, 65);
    let verified = session.run(["verify"]).sane(CANARY).failed("FINDINGS", 65);
    assert!(verified.stdout.contains(message), "{}", verified.stdout);
    assert!(kept(&session.home()) == before);
}

#[test]
fn a_record_sealed_by_stock_age_to_the_recovery_recipient_is_refused() {
    let session = session();
    let (key, recipient) = recovery(&session);
    let path = record(&session, "openrouter_3aone.age");
    let plain = age(&["-d", "-i", text(&key), text(&path)], b"").ok().stdout;
    let planted = session.path("planted");
    age(&["-r", &recipient, "-o", text(&planted)], plain.replace(CANARY, "made-up-planted").as_bytes()).ok();
    let planted = fs::read(planted).unwrap();
    let message = "profile openrouter:one was not encrypted by this vault";
    refused(&session, "openrouter_3aone.age", "openrouter:one", &planted, "TAMPERED", message);
}

#[test]
fn a_record_rewritten_under_the_same_file_key_is_refused() {
    let session = session();
    let (key, _) = recovery(&session);
    let path = record(&session, "openrouter_3aone.age");
    let forged = rewritten(&fs::read(&path).unwrap(), &fs::read_to_string(&key).unwrap(), |plain| {
        plain.replace(CANARY, "made-up-planted")
    });
    fs::write(&path, &forged).unwrap();
    // It is a valid age file: only the vault's MAC refuses it.
    let opened = age(&["-d", "-i", text(&key), text(&path)], b"").ok().json();
    assert_eq!(opened["secret"], "made-up-planted");
    let message = "profile openrouter:one was rewritten without the vault's key";
    refused(&session, "openrouter_3aone.age", "openrouter:one", &forged, "TAMPERED", message);
}

#[test]
fn two_records_that_were_swapped_are_refused() {
    let session = session();
    session.paste("openrouter:two", "made-up-second");
    let names = ["openrouter_3aone.age", "openrouter_3atwo.age"];
    let [one, two] = names.map(|name| fs::read(record(&session, name)).unwrap());
    fs::write(record(&session, names[1]), &one).unwrap();
    let message = "profile openrouter:one has the file of another profile or agent";
    refused(&session, names[0], "openrouter:one", &two, "TAMPERED", message);
    session.run(["get", "openrouter:two"]).sane(CANARY).failed("TAMPERED", 65);
}

#[test]
fn a_record_of_another_agent_or_another_vault_is_refused() {
    let session = session();
    let paste = ["--agent", "other", "paste-api-key", "--provider", "openrouter", "--profile-id", "one"];
    session.feed("made-up-other", paste).ok();
    let other = session.home().join("agents/other/records/openrouter_3aone.age");
    let message = "was altered, or was encrypted for another agent";
    let moved = fs::read(other).unwrap();
    refused(&session, "openrouter_3aone.age", "openrouter:one", &moved, "CORRUPT", message);

    let theirs = Session::new();
    theirs.paste("openrouter:one", "made-up-theirs");
    let foreign = fs::read(record(&theirs, "openrouter_3aone.age")).unwrap();
    let message = "is encrypted with a key that this vault does not have";
    refused(&session, "openrouter_3aone.age", "openrouter:one", &foreign, "TAMPERED", message);
}

#[test]
fn an_unlock_file_planted_without_the_methods_secret_is_refused() {
    let session = session();
    let (_, recipient) = recovery(&session);
    let slot = session.home().join("unlock/key-file.age");
    let own = fs::read(&slot).unwrap();

    // Encrypted by stock age to a recipient that the attacker knows.
    let planted = session.path("planted");
    age(&["-r", &recipient, "-o", text(&planted)], b"{\"format\":1}").ok();
    fs::copy(&planted, &slot).unwrap();
    let ran =
        session.feed("made-up-next", ["paste-api-key", "--provider", "openrouter"]).failed("TAMPERED", 65);
    assert!(ran.stderr.contains("unlock/key-file.age was not created by strongroom"), "{}", ran.stderr);

    // From another vault: the whole home, or only the file.
    let theirs = Session::new();
    fs::copy(theirs.home().join("unlock/key-file.age"), &slot).unwrap();
    fs::copy(theirs.home().join("vault.json"), session.home().join("vault.json")).unwrap();
    let ran =
        session.feed("made-up-next", ["paste-api-key", "--provider", "openrouter"]).failed("LOCKED", 77);
    assert!(ran.stderr.contains("does not unlock it"), "{}", ran.stderr);
    let own_key = session.key_file();
    let by_hand = ["verify", "--key-file", text(&own_key)];
    session.run(by_hand).failed("WRONG_KEY", 77);

    // The vault's own file under the name of another method.
    fs::write(&slot, &own).unwrap();
    fs::write(session.home().join("unlock/another.age"), own).unwrap();
    fs::remove_file(&slot).unwrap();
    let ran = session.run(by_hand).failed("TAMPERED", 65);
    assert!(ran.stderr.contains("unlock/another.age belongs to another method, key-file"), "{}", ran.stderr);
}

#[test]
fn a_second_passphrase_file_costs_no_derivation() {
    let session = Session::empty();
    session.write("pass", "made-up horse");
    session.run(["init", "--unlock", "passphrase", "--passphrase-file", "pass"]).ok();
    let unlock = session.home().join("unlock");
    for n in 0..10 {
        fs::copy(unlock.join("passphrase.age"), unlock.join(format!("a{n}.age"))).unwrap();
    }
    let listed = session.run(["unlock-method", "list"]).ok().stdout;
    assert_eq!(listed.matches("unusable: ").count(), 10, "{listed}");
    let verified = session.run(["verify", "--passphrase-file", "pass"]).failed("FINDINGS", 65);
    assert_eq!(verified.stdout.matches("is not an unlock method of this vault").count(), 10);
    session.feed("made-up-key", ["paste-api-key", "--provider", "groq", "--passphrase-file", "pass"]).ok();
}

/// What an attacker does to a home.
type Edit<'e> = (&'e str, Box<dyn Fn(&Session) + 'e>);

/// An attacker who edits the home cannot read what is written to it next.
#[test]
fn no_edit_of_the_home_makes_a_later_write_readable_to_anyone_else() {
    let theirs = Session::new();
    theirs.paste("openrouter:one", "made-up-theirs");
    let (their_key, their_recipient) = recovery(&theirs);
    let copy = |session: &Session, what: &str| {
        let to = session.home().join(what);
        let _ = fs::remove_dir_all(&to);
        let _ = fs::remove_file(&to);
        let copied = Command::new("/bin/cp").arg("-r").arg(theirs.home().join(what)).arg(&to).status();
        assert!(copied.unwrap().success());
    };
    let edits: Vec<Edit> = vec![
        ("another vault's unlock files", Box::new(|s| copy(s, "unlock"))),
        ("another vault's vault.json", Box::new(|s| copy(s, "vault.json"))),
        ("another vault's agents", Box::new(|s| copy(s, "agents"))),
        (
            "another vault, whole",
            Box::new(|s| ["unlock", "vault.json", "agents"].iter().for_each(|w| copy(s, w))),
        ),
        (
            "a method more",
            Box::new(|s| {
                fs::copy(theirs.home().join("unlock/key-file.age"), s.home().join("unlock/aaa.age")).unwrap();
            }),
        ),
        (
            "a transaction",
            Box::new(|s| {
                fs::create_dir_all(s.agent_file("txn/records")).unwrap();
                fs::copy(record(&theirs, "openrouter_3aone.age"), s.agent_file("txn/ops")).unwrap();
            }),
        ),
        (
            "a recipient",
            Box::new(|s| {
                let index = format!(
                    r#"{{"version":1,"recovery":"{their_recipient}","profiles":{{"openrouter:one":{{"type":"api_key","provider":"openrouter","recipient":"{their_recipient}","keyRef":{{"source":"file","provider":"x","id":"/tmp/x"}}}}}}}}"#
                );
                fs::write(s.agent_file("auth-profiles.json"), index).unwrap();
                let settings = fs::read_to_string(s.home().join("vault.json")).unwrap();
                let more =
                    settings.replacen('{', &format!("{{\"recoveryRecipient\":\"{their_recipient}\","), 1);
                fs::write(s.home().join("vault.json"), more).unwrap();
            }),
        ),
        ("a plain index", Box::new(|s| fs::remove_file(s.agent_file("auth-profiles.json")).unwrap())),
    ];
    let mut written = 0;
    for (what, edit) in &edits {
        let session = session();
        edit(&session);
        let secret = setup_token("NEXT");
        let pasted = session.feed(&secret, ["paste-token", "--provider", "openrouter"]);
        written += usize::from(pasted.status == 0);
        for (path, _, bytes) in kept(&session.home()) {
            assert!(
                !bytes.windows(20).any(|w| secret.as_bytes().windows(20).any(|s| s == w)),
                "{what}: {path:?}"
            );
            if path.extension().is_some_and(|e| e == "age") || path.ends_with("ops") {
                let opened = age(&["-d", "-i", text(&their_key), text(&path)], b"").stdout;
                assert!(!opened.contains(&secret), "{what}: {path:?}");
            }
        }
        let home = session.home();
        let theirs_again = ["get", "openrouter:manual", "--home", text(&home), "--key-file"];
        let mut arguments: Vec<_> = theirs_again.iter().map(Into::into).collect();
        arguments.push(theirs.key_file().into_os_string());
        assert!(!session.run(arguments).stdout.contains(&secret), "{what}");
    }
    println!("{} edits, after {written} of them the paste went on", edits.len());
    assert!(written > 0 && written < edits.len());
}
