//! What may become a passphrase, and what may be given where a key file is expected.

use crate::session::Session;

fn init(session: &Session, options: &[&str]) -> crate::session::Ran {
    let init = ["init", "--store", "file", "--unlock", "passphrase", "--passphrase-file", "pass"];
    session.run([&init[..], options].concat())
}

#[test]
fn a_passphrase_file_that_no_prompt_could_match_makes_no_vault() {
    let utf16 = |text: &str| {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        [0xff, 0xfe].into_iter().chain(units).collect::<Vec<u8>>()
    };
    for (bytes, why) in [
        (b"made-up-canary-1\nmade-up-canary-2\n".to_vec(), "more than one line"),
        (b"made-up-canary-1\n\n".to_vec(), "more than one line"),
        (b"made-up-canary-1\r\n\r\n".to_vec(), "more than one line"),
        (b"\xef\xbb\xbfmade-up-canary-1\n".to_vec(), "byte order mark"),
        (utf16("made-up-canary-1\r\n"), "UTF-16"),
        (b"made-up-canary\0-1\n".to_vec(), "NUL"),
        (b"made-up-canary\x1b[A\n".to_vec(), "control characters"),
        (b"canary\n".to_vec(), "shorter than 12 bytes"),
        (b"\n".to_vec(), "empty"),
    ] {
        let session = Session::empty();
        session.write("pass", &bytes);
        let refused = init(&session, &[]).failed("BAD_DATA", 65).sane("canary");
        assert!(refused.stderr.contains(why), "{why}: {}", refused.stderr);
        assert!(!session.home().exists(), "{why}: it left something");
    }
}

#[test]
fn a_short_one_is_taken_if_that_is_asked_for() {
    let session = Session::empty();
    session.write("pass", "canary\n");
    init(&session, &["--weak"]).ok();
    session.feed("made-up-key", ["--passphrase-file", "pass", "paste-api-key", "--provider", "groq"]).ok();
    session.write("new", "shorter");
    let add = ["unlock-method", "add", "passphrase", "--replace", "--new-passphrase-file", "new"];
    let options = ["--passphrase-file", "pass"];
    session.run([&options[..], &add[..]].concat()).failed("BAD_DATA", 65);
    session.run([&options[..], &add[..], &["--weak"]].concat()).ok();
}

#[test]
fn a_bundle_s_passphrase_is_held_to_the_same() {
    let session = Session::new();
    session.paste("groq:default", "made-up-key");
    let export = ["export", "--passphrase", "--bundle-passphrase-file", "bp", "--out", "bundle"];
    for bad in ["short", "made-up-canary\nmade-up-canary", "\u{feff}made-up-canary"] {
        session.write("bp", bad);
        session.run(export).failed("BAD_DATA", 65).sane("canary");
        assert!(!session.path("bundle").exists());
    }
    session.run([&export[..], &["--weak"]].concat()).failed("BAD_DATA", 65);
    session.write("bp", "short");
    session.run([&export[..], &["--weak"]].concat()).ok();
}

#[test]
fn a_key_or_a_recipient_in_the_place_of_a_key_file_is_refused() {
    const RECIPIENT: &str = "age1nc56nflfx0v4hr03d3c8lss97w5slu0er67tef3nusjgh3dffyhsd4un3j";
    const KEY: &str = "strongroom-key-v1:bWFkZSB1cCBtYWRlIHVwIG1hZGUgdXAgbWFkZSB1cCE";
    for (value, what) in [(RECIPIENT, "an age recipient"), (KEY, "a key")] {
        let session = Session::empty();
        let mut command = session.command(["init"]);
        command.env("STRONGROOM_KEY_FILE", value);
        let refused = crate::session::ran(command, b"").failed("USAGE", 64).sane(value);
        assert!(
            refused.stderr.contains(what) && refused.stderr.contains("STRONGROOM_KEY_FILE"),
            "{}",
            refused.stderr
        );
        assert!(!session.home().exists() && !session.path(value).exists());
        session.run(["--key-file", value, "init"]).failed("USAGE", 64).sane(value);

        session.write("key", format!("{value}\n"));
        if value == RECIPIENT {
            let refused = session.run(["--key-file", "key", "init"]).failed("BAD_DATA", 65).sane(value);
            assert!(
                refused.stderr.contains("contains an age recipient, which unlocks nothing"),
                "{}",
                refused.stderr
            );
        }
    }
    // A command that only reads does not repeat it either.
    let session = Session::new();
    let mut command = session.command(["resolve"]);
    command.env("STRONGROOM_KEY_FILE", KEY);
    let asked = serde_json::json!({"protocolVersion": 1, "provider": "strongroom", "ids": ["groq:default"]});
    let answer = crate::session::ran(command, asked.to_string().as_bytes()).sane(KEY);
    assert_eq!(answer.status, 0);
}
