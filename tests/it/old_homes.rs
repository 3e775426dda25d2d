//! Homes of every released format: they can be read and written forever.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::session::{Session, kept, source};

/// A private copy of a committed home, with its keys beside it.
fn opened(version: &str) -> (Session, Value) {
    let session = Session::empty();
    let fixture = source("tests/fixtures/homes").join(version);
    fs::create_dir_all(session.home().parent().unwrap()).unwrap();
    copy(&fixture.join("home"), &session.home());
    for name in ["key", "passphrase", "recovery"] {
        session.write(name, fs::read(fixture.join(name)).unwrap());
    }
    fs::create_dir_all(session.key_file().parent().unwrap()).unwrap();
    fs::rename(session.path("key"), session.key_file()).unwrap();
    let expected = serde_json::from_slice(&fs::read(fixture.join("expected.json")).unwrap()).unwrap();
    (session, expected)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::write(&target, fs::read(&path).unwrap()).unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// Returns every value, read with the key file or another unlock method.
fn read_all(session: &Session, expected: &Value, how: &[&str]) {
    for (agent, profiles) in expected.as_object().unwrap() {
        for (id, profile) in profiles.as_object().unwrap() {
            let get = [how, &["--agent", agent, "get", id, "--json"]].concat();
            let got = session.run(get).ok().json();
            for field in ["type", "expires", "secret"] {
                assert_eq!(got[field], profile[field], "{agent} {id} {field}");
            }
        }
    }
}

#[test]
fn a_home_of_format_1_is_read() {
    let (session, expected) = opened("v1");
    let before = kept(&session.home());
    read_all(&session, &expected, &[]);
    read_all(&session, &expected, &["--passphrase-file", "passphrase"]);
    let verified = session.run(["verify", "--json"]).ok().json();
    assert_eq!(
        (&verified["agents"], &verified["records"], &verified["logLines"]),
        (&2.into(), &9.into(), &27.into())
    );
    let listed = session.run(["list", "--json"]).ok().json();
    let ids: Vec<_> =
        listed["agents"][0]["profiles"].as_array().unwrap().iter().map(|p| p["profileId"].clone()).collect();
    let main: Vec<_> = expected["main"].as_object().unwrap().keys().cloned().map(Value::from).collect();
    assert_eq!(ids.len(), main.len());
    assert!(main.iter().all(|id| ids.contains(id)));
    let order = session.run(["order", "get", "--provider", "anthropic", "--json"]).ok().json();
    assert_eq!(order["order"], serde_json::json!(["anthropic:work", "anthropic:team"]));
    let best = session.resolve(&["providers/anthropic/apiKey", "main/groq:Me_2b1_40x.io"]);
    assert_eq!(best["values"]["providers/anthropic/apiKey"], expected["main"]["anthropic:work"]["secret"]);
    assert_eq!(best["values"]["main/groq:Me_2b1_40x.io"], "gsk_EXAMPLE");
    let log = session.run(["log", "--json"]).ok().json();
    assert_eq!(log["lines"].as_array().unwrap().first().unwrap()["op"], "paste");
    assert!(kept(&session.home()) == before);
}

#[test]
fn a_record_of_format_1_opens_with_the_recovery_key() {
    let (session, _) = opened("v1");
    let record = session.agent_file("records/openai-codex_3ame_40example.com.age");
    assert!(Path::new("/usr/bin/age").exists(), "age is missing: apt-get install age");
    let mut age = std::process::Command::new("/usr/bin/age");
    age.args(["-d", "-i"]).arg(session.path("recovery")).arg(record);
    age.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let plain = crate::session::ran(age, b"").ok().stdout;
    assert!(plain.contains("EXAMPLE-access-") && plain.contains("EXAMPLE-refresh-"), "{plain}");
}

#[test]
fn a_home_of_format_1_is_written_to() {
    let (session, mut expected) = opened("v1");
    session.paste("openrouter:new", "EXAMPLE-new");
    session.feed("EXAMPLE-next", ["rotate", "mistral:default"]).ok();
    session.run(["--passphrase-file", "passphrase", "rekey", "--yes"]).ok();
    expected["main"]["mistral:default"]["secret"] = "EXAMPLE-next".into();
    read_all(&session, &expected, &[]);
    assert_eq!(session.get("openrouter:new"), "EXAMPLE-new");
    session.run(["verify"]).ok();
}

#[test]
fn a_home_of_format_1_is_recovered() {
    let (session, expected) = opened("v1");
    fs::remove_dir_all(session.home().join("unlock")).unwrap();
    session.run(["recover", "--recovery-key", "recovery"]).ok();
    read_all(&session, &expected, &[]);
}

/// Every command refuses a home of a development version, changes nothing and names the way out, even if only
/// its unlock files show what it is.
#[test]
fn a_home_of_a_development_version_is_refused_with_the_way_out() {
    for without in [None, Some("vault.json")] {
        let session = Session::empty();
        let fixture = source("tests/fixtures/homes/development");
        fs::create_dir_all(session.home().parent().unwrap()).unwrap();
        copy(&fixture.join("home"), &session.home());
        session.write("recovery", fs::read(fixture.join("recovery")).unwrap());
        fs::create_dir_all(session.key_file().parent().unwrap()).unwrap();
        session.write(".config/strongroom/key", fs::read(fixture.join("key")).unwrap());
        if let Some(name) = without {
            fs::remove_file(session.home().join(name)).unwrap();
        }
        let before = kept(&session.home());
        let mut commands = vec![
            &["get", "anthropic:work"][..],
            &["rotate", "anthropic:work"],
            &["paste-api-key", "--provider", "groq"],
            &["remove", "anthropic:work", "--yes"],
            &["verify"],
            &["rekey", "--yes"],
            &["export", "--to", "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"],
        ];
        // Without `vault.json` these commands see nothing that they would have to open.
        if without.is_none() {
            commands.extend([
                &["list"][..],
                &["init"],
                &["doctor"],
                &["recover", "--recovery-key", "recovery"],
            ]);
        }
        for arguments in commands {
            let ran = session.feed("made-up", arguments).failed("OLD_FORMAT", 65);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(said.contains("strongroom export --agent NAME --passphrase --out FILE"), "{said}");
        }
        let answer = session.resolve(&["main/anthropic:work"]);
        assert_eq!(answer["errors"]["main/anthropic:work"]["code"], "OLD_FORMAT", "{answer}");
        assert!(kept(&session.home()) == before);
    }
}
