//! H has the vault key and the recovery key that a `rekey` of a passphrase vault gave up. The passphrase stays the
//! same, so an old unlock file that is put back can still be opened.

use super::backup::Backup;
use super::given_up_keys::PARTS;
use super::{NEXT, is_tampered, readable_by};
use crate::unlock_cache::{SECRET, Vault};

#[test]
fn the_same_passphrase_seals_nothing_under_the_keys_of_before() {
    for (what, belongs) in PARTS {
        let vault = Vault::new();
        let recovery = vault.by_passphrase(["recovery-key"]).ok().stdout;
        let before = Backup::of(&vault.home());
        vault.by_passphrase(["rekey", "--yes"]).ok();
        let after = Backup::of(&vault.home());
        before.put_back(belongs);
        let paste = ["--passphrase-file", "pass", "paste-api-key", "--provider", "groq"];
        let ran = vault.feed(NEXT, paste);
        let leaked = readable_by(&recovery, &vault.home(), NEXT);
        assert!(leaked.is_empty(), "{what}: sealed under the given-up keys: {leaked:?}");
        assert!(is_tampered(&ran), "{what}: exit {} {}", ran.status, ran.stderr);
        after.restore();
        let got = vault.by_passphrase(["get", "openrouter:one"]).ok();
        assert_eq!(got.stdout.trim_end(), SECRET);
        vault.by_passphrase(["verify"]).ok();
    }
}
