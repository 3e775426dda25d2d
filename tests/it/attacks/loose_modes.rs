//! Anything in a home that others could write to, or that another user owns, is reported, not only the home itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::backup::write;
use super::{CURRENT, ONE, SECOND, TWO, seen, served};
use crate::faults::vault;
use crate::session::Session;

fn session() -> Session {
    let session = vault();
    session.paste(ONE, CURRENT);
    session.paste(TWO, SECOND);
    session
}

/// Every directory and every file that controls the vault, and the mode that lets others write to it.
const LOOSE: [(&str, u32); 13] = [
    ("agents", 0o777),
    ("agents/main", 0o777),
    ("agents/main/records", 0o777),
    ("agents/main/auth-profiles.json", 0o666),
    ("agents/main/log.jsonl", 0o666),
    ("agents/main/lock", 0o666),
    ("agents/main/ledger", 0o666),
    ("unlock", 0o777),
    ("unlock/key-file.age", 0o666),
    ("vault.json", 0o666),
    ("log.jsonl", 0o666),
    ("lock", 0o666),
    ("ledger", 0o666),
];

/// Checks that `verify` or `doctor` reports a path as a problem.
#[track_caller]
fn names(session: &Session, verb: &str, path: &str) -> Option<String> {
    let ran = session.run([verb]);
    let name = path.rsplit('/').next().unwrap();
    let said = format!("{}{}", ran.stdout, ran.stderr);
    let reported = [65, 78].contains(&ran.status) && said.contains(name);
    (!reported).then(|| format!("{verb} does not report {path}: exit {}\n{said}", ran.status))
}

#[test]
fn what_others_can_write_is_reported_by_verify_and_doctor() {
    let session = session();
    let mut bad = Vec::new();
    for (path, loose) in LOOSE {
        let place = session.home().join(path);
        let Ok(before) = place.symlink_metadata() else {
            bad.push(format!("there is no {path}"));
            continue;
        };
        fs::set_permissions(&place, fs::Permissions::from_mode(loose)).unwrap();
        bad.extend(["verify", "doctor"].into_iter().filter_map(|verb| names(&session, verb, path)));
        fs::set_permissions(&place, before.permissions()).unwrap();
        session.run(["verify"]).ok();
    }
    assert!(bad.is_empty(), "{} of {}:\n{}", bad.len(), 2 * LOOSE.len(), bad.join("\n"));
}

/// As root: parts of a home are given to another user.
#[test]
fn what_belongs_to_another_is_reported_by_verify_and_doctor() {
    if !rustix::process::geteuid().is_root() {
        return crate::faults::say("owners inside a home: only root can give a file away: not tested");
    }
    let session = session();
    let mut bad = Vec::new();
    for (path, _) in LOOSE {
        let place = session.home().join(path);
        if std::os::unix::fs::chown(&place, Some(65534), None).is_err() {
            bad.push(format!("there is no {path}"));
            continue;
        }
        bad.extend(["verify", "doctor"].into_iter().filter_map(|verb| names(&session, verb, path)));
        std::os::unix::fs::chown(&place, Some(0), None).unwrap();
        session.run(["verify"]).ok();
    }
    assert!(bad.is_empty(), "{} of {}:\n{}", bad.len(), 2 * LOOSE.len(), bad.join("\n"));
}

/// H writes a person's choices: without the vault's MAC they count for nothing, and are reported.
#[test]
fn settings_that_the_vault_did_not_write_choose_nothing() {
    let session = session();
    let path = session.home().join("settings.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|_| {
        let vault: serde_json::Value =
            serde_json::from_slice(&fs::read(session.home().join("vault.json")).unwrap()).unwrap();
        format!(
            "{{\"format\":1,\"vault\":{},\"defaultStore\":\"file\"}}\nmac {}\n",
            vault["vaultId"],
            "A".repeat(43)
        )
    });
    let planted = text.replacen("\"file\"", "\"keychain\"", 1);
    assert_ne!(planted, text);
    write(&path, planted.as_bytes());
    for verb in ["verify", "doctor"] {
        let ran = session.run([verb]);
        assert!(
            ran.status == 65 && ran.stdout.contains("settings.json"),
            "{verb}: {} {}",
            ran.status,
            ran.stdout
        );
    }
    // No keychain is asked: the safe default is encrypted files.
    super::paste_next(&session).ok();
    assert_eq!(seen(&session, "openrouter:next"), served(super::NEXT));
    assert!(session.agent_file("records/openrouter_3anext.age").exists());
    session.run(["doctor", "--repair"]);
    session.run(["verify"]).ok();
}
