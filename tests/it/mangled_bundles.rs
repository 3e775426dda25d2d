//! Bundles as they arrive: in an email, quoted, in another encoding, or damaged; and the identities that open them.

use std::fs;

use age::secrecy::ExposeSecret;

use crate::session::{Ran, Session};

const SECRET: &str = "made-up-secret-0001";
const PLAIN: &str = r#"{"format":"strongroom-bundle","version":1,"created":1,"profiles":[{"agent":"main","profile":"groq:a","provider":"groq","type":"api_key","created":1,"updated":1,"secret":"made-up-secret-0001"}]}"#;

/// A bundle for an identity, and that identity's file.
fn sealed(plain: &str) -> (Vec<u8>, String) {
    let identity = age::x25519::Identity::generate();
    let bytes = age::encrypt(&identity.to_public(), plain.as_bytes()).unwrap();
    let key = identity.to_string();
    (bytes, format!("# created: now\n# public key: {}\n{}\n", identity.to_public(), key.expose_secret()))
}

fn armored(bytes: &[u8]) -> String {
    use std::io::Write;
    let mut writer =
        age::armor::ArmoredWriter::wrap_output(Vec::new(), age::armor::Format::AsciiArmor).unwrap();
    writer.write_all(bytes).unwrap();
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

fn utf16(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn import(session: &Session, bundle: &[u8]) -> Ran {
    session.feed(bundle, ["import", "-", "--yes", "--bundle-identity", "id"])
}

fn crlf(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|b| if *b == b'\n' { vec![b'\r', b'\n'] } else { vec![*b] }).collect()
}

#[test]
fn an_armored_bundle_is_read_however_it_arrives() {
    let (bytes, identity) = sealed(PLAIN);
    let armored = armored(&bytes);
    let each = |before: &str, after: &str| -> Vec<u8> {
        armored.lines().map(|line| format!("{before}{line}{after}\n")).collect::<String>().into_bytes()
    };
    for (name, bundle) in [
        ("binary", bytes.clone()),
        ("armored", armored.clone().into_bytes()),
        ("byte order mark", format!("\u{feff}{armored}").into_bytes()),
        (
            "mail",
            format!("From: alice@example.org\n\nHi Bob,\nhere is the bundle:\n\n{armored}\n\n-- \nAlice\n")
                .into_bytes(),
        ),
        ("UTF-16", utf16(&armored)),
        ("CRLF", crlf(armored.as_bytes())),
        ("quoted", each("> ", "")),
        ("indented", each("    ", "")),
        ("trailing blanks", each("", "  ")),
        ("blank lines", format!("\n\n\r\n{armored}\n\n").into_bytes()),
    ] {
        let session = Session::new();
        session.write("id", &identity);
        import(&session, &bundle).ok();
        assert_eq!(session.get("groq:a"), SECRET, "{name}");
    }
}

#[test]
fn a_damaged_bundle_is_called_what_it_is() {
    let (bytes, identity) = sealed(PLAIN);
    let (session, armored) = (Session::new(), armored(&bytes));
    session.write("id", &identity);
    let mojibake: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let two = format!("{armored}{}", self::armored(&sealed(PLAIN).0));
    for (name, bundle, code, said) in [
        ("line ends", crlf(&bytes), "CORRUPT", "its line endings were changed"),
        ("re-encoded", mojibake.into_bytes(), "CORRUPT", "saved as UTF-8 text"),
        ("cut in its payload", bytes[..bytes.len() - 20].to_vec(), "CORRUPT", "damaged"),
        ("cut in its header", bytes[..60].to_vec(), "CORRUPT", "is cut off in its header"),
        ("cut armor", armored.as_bytes()[..armored.len() / 2].to_vec(), "CORRUPT", "cut off"),
        ("changed", flipped, "CORRUPT", "damaged or was altered"),
        ("two", two.into_bytes(), "BAD_DATA", "2 armored bundles"),
        (
            "no markers",
            armored.lines().filter(|l| !l.starts_with('-')).collect::<Vec<_>>().join("\n").into_bytes(),
            "CORRUPT",
            "lost its first and last line",
        ),
        ("newer", b"age-encryption.org/v2\n-> X\n\n--- x\n".to_vec(), "NEWER_FORMAT", "version"),
    ] {
        let ran = import(&session, &bundle).failed(code, 65);
        assert!(ran.stderr.contains(said), "{name}: {}", ran.stderr);
    }
    let ran = import(&session, &crlf(&bytes)).failed("CORRUPT", 65);
    assert!(ran.stderr.contains("export --armor"), "{}", ran.stderr);
    let other = sealed(PLAIN).0;
    let ran = import(&session, &other).failed("WRONG_KEY", 77);
    assert!(ran.stderr.contains("not encrypted to this vault or to any identity given"), "{}", ran.stderr);
}

#[test]
fn an_identity_file_is_read_as_age_reads_it_and_as_editors_save_it() {
    let (bytes, identity) = sealed(PLAIN);
    let (_, other) = sealed(PLAIN);
    for (name, file) in [
        ("byte order mark", format!("\u{feff}{identity}").into_bytes()),
        ("CRLF", crlf(identity.as_bytes())),
        ("UTF-16", utf16(&identity)),
        ("several", format!("{other}\n# second\n\n{identity}").into_bytes()),
    ] {
        let session = Session::new();
        session.write("id", &file);
        import(&session, &bytes).ok();
        assert_eq!(session.get("groq:a"), SECRET, "{name}");
    }
    let session = Session::new();
    for (file, said) in [
        ("", "does not contain an AGE-SECRET-KEY-1"),
        ("AGE-SECRET-KEY-1CUT\n", "line 1"),
        ("AGE-PLUGIN-YUBIKEY-1MADEUP", "plugin"),
    ] {
        session.write("id", file);
        let ran = import(&session, &bytes).failed("BAD_DATA", 65);
        assert!(ran.stderr.contains(said), "{file}: {}", ran.stderr);
    }
}

#[test]
fn a_made_up_bundle_is_checked_as_every_source_is() {
    for (from, to, said) in [
        ("made-up-secret", r"made\u001b[31mup", "secret"),
        ("made-up-secret", r"made\u0000up", "secret"),
        ("made-up-secret", r"made\rup", "secret"),
        ("made-up-secret", r"made\nup", "secret"),
        (r#""provider":"groq""#, r#""provider":"anthropic""#, "provider is anthropic"),
        ("groq:a", "groq:a b", "contains a space"),
    ] {
        let (bytes, identity) = sealed(&PLAIN.replace(from, to));
        let session = Session::new();
        session.write("id", &identity);
        let ran = import(&session, &bytes).sane("\u{1b}").failed("IMPORT_INVALID", 65);
        assert!(ran.stderr.contains(said) && ran.stderr.contains("groq:a"), "{to}: {}", ran.stderr);
        session.run(["list"]).ok();
        session.run(["get", "groq:a"]).failed("NOT_FOUND", 66);
    }
}

#[test]
fn an_armored_export_survives_a_mail_and_has_the_digest_that_import_shows() {
    let (from, to) = (Session::new(), Session::new());
    from.paste("groq:a", SECRET);
    let recipient = to.run(["recipient"]).ok().stdout.trim().to_owned();
    let said = from.run(["export", "--armor", "--to", &recipient, "--out", "bundle"]).ok();
    let digest = |text: &str| {
        let word = text
            .split_whitespace()
            .find(|word| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit()));
        word.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let text = fs::read_to_string(from.path("bundle")).unwrap();
    assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    let mail: String = text.lines().map(|line| format!("> {line}\r\n")).collect();
    let ran = to.feed(format!("Bob wrote:\r\n{mail}"), ["import", "-", "--yes"]).ok();
    assert_eq!(digest(&format!("{}{}", said.stdout, said.stderr)), digest(&ran.stderr));
    assert_eq!(to.get("groq:a"), SECRET);
}
