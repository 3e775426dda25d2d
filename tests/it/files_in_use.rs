//! Files of a finished change that another program, such as a backup, has open: NFS and FUSE keep them under another
//! name, and neither they nor their directory can be removed until it closes them. No writer waits for that.
//!
//! Here strace makes the calls fail as they do there.

use std::os::unix::fs::DirBuilderExt;

use crate::faults::need;
use crate::odd_file_systems::sees_paths;
use crate::session::{Ran, Session, ran_within, strace};

const SECRET: &str = "made-up-key";
const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);

/// Leaves a staged change with a file that is in use.
fn stage(session: &Session) {
    let stage = session.agent_file("txn.tmp");
    std::fs::DirBuilder::new().mode(0o700).create(&stage).unwrap();
    std::fs::write(stage.join(".nfs000000000001a2b300000001"), "").unwrap();
    std::fs::write(stage.join("ledger"), "").unwrap();
}

/// Pastes while neither a directory of the agent nor anything in it can be removed.
fn paste(session: &Session, within: &[&str], error: &str) -> Ran {
    need("strace", "strace");
    let inject = format!("inject=unlinkat:error={error}");
    let paths: Vec<String> =
        within.iter().map(|name| session.agent_file(name).to_str().unwrap().to_owned()).collect();
    let mut options = vec!["-o", "/dev/null", "-e", &inject];
    for path in &paths {
        options.extend(["-P", path.as_str()]);
    }
    let mut command = strace(session, "unlinkat", &options);
    command.args(["paste-token", "--provider", "groq", "--profile-id", "groq:two"]);
    ran_within(LIMIT, command, SECRET.as_bytes())
}

#[test]
fn a_stage_that_cannot_be_removed_keeps_no_one_from_writing() {
    if !sees_paths() {
        return;
    }
    for error in ["EBUSY", "ENOTEMPTY"] {
        let session = Session::new();
        session.paste("groq:one", SECRET);
        stage(&session);
        let told = paste(&session, &["txn.tmp"], error).ok();
        assert!(!told.stderr.contains("warning"), "{error}: {}", told.stderr);
        assert_eq!(session.get("groq:two"), SECRET);
        let busy = session.agent_file("txn.busy");
        assert!(busy.is_dir() && !session.agent_file("txn.tmp").exists(), "{error}");
        // It is reported as what it is, and not as a fault.
        for verb in ["verify", "doctor"] {
            let told = session.run([verb]).ok().stdout;
            assert!(told.contains("txn.busy"), "{verb}: {told}");
        }
        // Again, while the first is still in use.
        stage(&session);
        paste(&session, &["txn.tmp", "txn.busy", "txn.busy/0"], error).ok();
        assert!(busy.join("0").is_dir() && busy.join("1").is_dir());
        // Now the program has closed it.
        session.paste("groq:one", SECRET);
        assert!(!busy.exists());
        let told = session.run(["verify"]).ok().stdout;
        assert!(!told.contains("txn.busy"), "{told}");
    }
}
