//! Tells whether the kernel keyring can be used here. Container engines refuse it by default: then nothing can be kept
//! in it, and the tests show that Strongroom says so and does everything else.

use std::sync::OnceLock;

use strongroom_backends::kernel_keyring::{Place, probe};

use crate::faults::say;
use crate::session::Session;

/// Returns whether tests of the keyring can run. If not, checks that `unlock` refuses for this very reason.
pub fn is_there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| {
        if probe(Place::User).is_ok() {
            return true;
        }
        let session = Session::new();
        let refused = session.run(["unlock"]).failed("KEYRING_UNAVAILABLE", 69);
        assert!(refused.stderr.contains("forbids"), "{}", refused.stderr);
        session.paste("groq:default", "made-up-value-0123456789").ok();
        assert_eq!(session.get("groq:default"), "made-up-value-0123456789");
        session.run(["lock"]);
        session.run(["rekey", "--yes"]).ok();
        say("the kernel refuses its keyring here: what `unlock` keeps cannot be looked at, and it says so");
        false
    })
}
