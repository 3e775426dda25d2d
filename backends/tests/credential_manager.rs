//! The Windows keychain against a real Credential Manager: Wine's, by `scripts/cross.sh windows`.
//!
//! One test at a time: if a credential is added while another thread or process lists them, Wine 8
//! writes beyond the end of the list (it measures first and fills in later).

#![cfg(windows)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keyring::api::CredentialStoreApi;
use strongroom_backends::keychain::{
    Attributes, Bytes, Cover, Item, Keychain, KeychainError, Patience, State, Surroundings,
};
use zeroize::Zeroizing;

/// The largest credential Windows takes.
const MAX: usize = 2560;
/// A call takes milliseconds; a machine may be busy.
const LIMIT: Duration = Duration::from_secs(30);
/// Set where this program was started by one of its own tests, to what it should do.
const PART: &str = "STRONGROOM_TEST_PART";

fn connect() -> Keychain {
    Keychain::connect(&Surroundings::default(), &Patience::new(LIMIT)).unwrap()
}

fn bytes(value: &[u8]) -> Bytes {
    Zeroizing::new(value.to_vec())
}

/// The items of one test, apart from those of the others.
struct Items {
    keychain: Keychain,
    test: &'static str,
}

impl Items {
    /// None is there at first.
    fn fresh(test: &'static str) -> Self {
        let items = Self::left(test);
        items.keychain.remove(&items.all()).unwrap();
        items
    }

    /// Those that are there.
    fn left(test: &'static str) -> Self {
        Self { keychain: connect(), test }
    }

    fn all(&self) -> Attributes {
        vec![("application", "strongroom-test".to_owned()), ("test", self.test.to_owned())]
    }

    fn of(&self, agent: &str) -> Attributes {
        let mut attributes = self.all();
        attributes.push(("agent", agent.to_owned()));
        attributes
    }

    fn named(&self, agent: &str, profile: &str) -> Attributes {
        let mut attributes = self.of(agent);
        attributes.push(("profile", profile.to_owned()));
        attributes
    }

    fn item(&self, profile: &str) -> Item {
        Item { label: format!("Strongroom test: {profile}"), attributes: self.named("main", profile) }
    }

    fn put(&self, profile: &str, value: &[u8]) -> Result<(), KeychainError> {
        let mut outcomes = self.keychain.put(vec![(self.item(profile), bytes(value))], Cover::Private);
        assert_eq!(outcomes.len(), 1);
        outcomes.remove(0)
    }

    fn get(&self, attributes: &Attributes) -> Vec<Bytes> {
        self.keychain.get(attributes, Cover::Private).unwrap()
    }

    fn value(&self, profile: &str) -> Option<Bytes> {
        let mut found = self.get(&self.named("main", profile));
        assert!(found.len() <= 1);
        found.pop()
    }

    fn profiles(&self, attributes: &Attributes) -> Vec<String> {
        let mut found: Vec<String> = self
            .keychain
            .find(attributes)
            .unwrap()
            .into_iter()
            .map(|item| item.get("profile").unwrap().clone())
            .collect();
        found.sort();
        found
    }
}

/// Starts this program again for one test, in another part of it. Its own count of tests is not for
/// the reader of ours.
fn start(test: &str, part: &str, out: Stdio) -> Child {
    let program = env::current_exe().unwrap();
    let arguments = ["--exact", test, "--test-threads=1", "--nocapture"];
    Command::new(program).args(arguments).env(PART, part).stdout(out).spawn().unwrap()
}

fn part() -> Option<String> {
    env::var(PART).ok()
}

#[test]
fn it_is_ready_and_says_its_name() {
    let keychain = connect();
    assert_eq!(keychain.provider(), "Windows Credential Manager");
    assert_eq!(keychain.state(), Ok(State::Ready));
    assert_eq!(keychain.unlock(LIMIT), Ok(()));
    assert_eq!(Keychain::max(), MAX);
}

#[test]
fn an_item_is_set_got_updated_and_removed() {
    let items = Items::fresh("life");
    assert_eq!(items.value("a:x"), None);
    items.put("a:x", b"first").unwrap();
    assert_eq!(items.value("a:x"), Some(bytes(b"first")));
    items.put("a:x", b"second, and longer").unwrap();
    assert_eq!(items.get(&items.all()), [bytes(b"second, and longer")]);
    assert_eq!(items.keychain.remove(&items.named("main", "a:x")), Ok(1));
    assert_eq!(items.value("a:x"), None);
    assert_eq!(items.keychain.remove(&items.named("main", "a:x")), Ok(0));
}

#[test]
fn items_are_found_by_their_leading_attributes() {
    let items = Items::fresh("leading");
    items.put("a:x", b"1").unwrap();
    items.put("b:y", b"2").unwrap();
    let other = Item { label: "other".to_owned(), attributes: items.named("second", "c:z") };
    assert_eq!(items.keychain.put(vec![(other, bytes(b"3"))], Cover::Sealed), [Ok(())]);
    assert_eq!(items.profiles(&items.all()), ["a:x", "b:y", "c:z"]);
    assert_eq!(items.profiles(&items.of("main")), ["a:x", "b:y"]);
    let all: HashMap<String, String> =
        items.named("second", "c:z").into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(items.keychain.find(&items.of("second")).unwrap(), [all]);
    assert_eq!(items.get(&items.of("main")).len(), 2);
    assert_eq!(items.keychain.remove(&items.of("main")), Ok(2));
    assert_eq!(items.profiles(&items.all()), ["c:z"]);
    items.keychain.remove(&items.all()).unwrap();
}

#[test]
fn names_are_matched_exactly() {
    let items = Items::fresh("exact");
    let names = [
        "a:x",
        "a:xy",
        "A:x",
        "a:X",
        "a",
        "a:x,profile=b",
        "a:x@strongroom",
        "a_3ax",
        "a:x.*",
        "é\u{1F511} \\",
    ];
    for name in names {
        items.put(name, name.as_bytes()).unwrap();
    }
    let mut sorted = names.map(str::to_owned);
    sorted.sort();
    assert_eq!(items.profiles(&items.all()), sorted);
    for name in names {
        assert_eq!(items.profiles(&items.named("main", name)), [name]);
        assert_eq!(items.value(name), Some(bytes(name.as_bytes())), "{name}");
    }
    assert_eq!(items.profiles(&items.of("mai")), [""; 0]);
    let mut longer = items.all();
    longer[1].1.pop();
    assert_eq!(items.profiles(&longer), [""; 0]);
    assert_eq!(items.keychain.remove(&items.named("main", "a:x")), Ok(1));
    assert_eq!(items.profiles(&items.all()).len(), names.len() - 1);
    items.keychain.remove(&items.all()).unwrap();
}

#[test]
fn every_byte_survives() {
    let items = Items::fresh("bytes");
    let all: Vec<u8> = (0..=255).collect();
    for value in [&all[..], b"\0", b"ends with\0\0", b"\xff\xfe\xfd", b""] {
        items.put("a:x", value).unwrap();
        assert_eq!(items.value("a:x"), Some(bytes(value)));
    }
    items.keychain.remove(&items.all()).unwrap();
}

#[test]
fn what_is_too_large_is_refused_and_changes_nothing() {
    let items = Items::fresh("large");
    let full: Vec<u8> = (0..MAX).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let over = [&full[..], b"!"].concat();
    assert_eq!(items.put("a:x", &over), Err(KeychainError::TooLarge { max: MAX }));
    assert_eq!(items.value("a:x"), None);
    items.put("a:x", &full).unwrap();
    assert_eq!(items.value("a:x"), Some(bytes(&full)));
    assert_eq!(items.put("a:x", &over), Err(KeychainError::TooLarge { max: MAX }));
    assert_eq!(items.value("a:x"), Some(bytes(&full)));

    let outcomes = items
        .keychain
        .put(vec![(items.item("b:y"), bytes(&over)), (items.item("c:z"), bytes(b"small"))], Cover::Sealed);
    assert_eq!(outcomes, [Err(KeychainError::TooLarge { max: MAX }), Ok(())]);
    assert_eq!(items.profiles(&items.all()), ["a:x", "c:z"]);
    items.keychain.remove(&items.all()).unwrap();
}

#[test]
fn a_name_that_is_too_long_is_refused_and_not_shown() {
    let items = Items::fresh("long");
    let name = "EXAMPLE".repeat(5000);
    let error = items.put(&name, b"value").unwrap_err();
    assert_eq!(error, KeychainError::Failed("a name is longer than it takes".to_owned()));
    assert_eq!(items.profiles(&items.all()), [""; 0]);
}

#[test]
fn a_credential_stays_on_the_machine_and_shows_its_label() {
    let items = Items::fresh("label");
    let entry = || {
        let store = windows_native_keyring_store::Store::new().unwrap();
        let pattern = "^strongroom:.*,test=label,.*@strongroom$";
        let mut found = store.search(&HashMap::from([("pattern", pattern)])).unwrap();
        assert_eq!(found.len(), 1);
        found.remove(0)
    };
    items.put("a:x", b"first").unwrap();
    let shown = entry().get_attributes().unwrap();
    assert_eq!(
        shown["target_name"],
        "strongroom:application=strongroom-test,test=label,agent=main,profile=a:x@strongroom"
    );
    assert_eq!(shown["username"], "Strongroom test: a:x");
    assert_eq!(shown["persistence"], "Local");

    let long = Item { label: "é".repeat(400), attributes: items.named("main", "a:x") };
    assert_eq!(items.keychain.put(vec![(long, bytes(b"second"))], Cover::Sealed), [Ok(())]);
    assert_eq!(entry().get_attributes().unwrap()["username"], "é".repeat(256), "513 bytes at most");
    assert_eq!(items.value("a:x"), Some(bytes(b"second")));
    items.keychain.remove(&items.all()).unwrap();
}

#[test]
fn credentials_of_other_programs_are_not_ours() {
    let items = Items::fresh("others");
    items.put("a:x", b"ours").unwrap();
    let store = windows_native_keyring_store::Store::new().unwrap();
    let names = [
        "application=strongroom-test,test=others.strongroom",
        "strongroom:application=strongroom-test,test=others,agent=main,profile=a:x",
        "other:application=strongroom-test,test=others,agent=main,profile=b:y@strongroom",
        "strongroom:not of our form@strongroom",
    ];
    let foreign = names.map(|name| {
        let modifiers = HashMap::from([("target", name), ("persistence", "Session")]);
        let entry = store.build("other", "other", Some(&modifiers)).unwrap();
        entry.set_secret(b"theirs").unwrap();
        entry
    });
    assert_eq!(items.profiles(&items.all()), ["a:x"]);
    assert_eq!(items.get(&items.all()), [bytes(b"ours")]);
    assert_eq!(items.keychain.remove(&items.all()), Ok(1));
    for entry in foreign {
        assert_eq!(entry.get_secret().unwrap(), b"theirs");
        entry.delete_credential().unwrap();
    }
}

#[test]
fn another_process_sees_what_was_written() {
    const TEST: &str = "another_process_sees_what_was_written";
    if part().is_some() {
        let items = Items::left("process");
        assert_eq!(items.value("a:x"), Some(bytes(b"by the first\0\xff")));
        items.put("a:x", b"by the second").unwrap();
        items.put("b:y", b"new").unwrap();
        assert_eq!(items.keychain.remove(&items.named("main", "c:z")), Ok(1));
        return;
    }
    let items = Items::fresh("process");
    items.put("a:x", b"by the first\0\xff").unwrap();
    items.put("c:z", b"to be removed").unwrap();
    assert!(start(TEST, "second", Stdio::null()).wait().unwrap().success());
    assert_eq!(items.value("a:x"), Some(bytes(b"by the second")));
    assert_eq!(items.profiles(&items.all()), ["a:x", "b:y"]);
    items.keychain.remove(&items.all()).unwrap();
}

/// Every call of Credential Manager ends in Wine's server; while that is stopped none returns. One
/// process calls it again and again, and needs the server for nothing else; another one stops it.
#[test]
fn a_credential_manager_that_does_not_answer_is_given_up() {
    const TEST: &str = "a_credential_manager_that_does_not_answer_is_given_up";
    const CALLING: &str = "calling";
    if part().is_some() {
        call_until_given_up(|| println!("{CALLING}"));
        return;
    }
    let server = env::var("STRONGROOM_TEST_WINESERVER").expect("run it by scripts/cross.sh windows");
    let mut caller = start(TEST, "caller", Stdio::piped());
    let mut lines = BufReader::new(caller.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with(CALLING)), "the caller ended early");
    let script = format!("kill -STOP {server}; sleep 4; kill -CONT {server}");
    let mut stop = Command::new("Z:\\bin\\sh").args(["-c", &script]).spawn().unwrap();
    assert!(caller.wait().unwrap().success());
    // Wine gives no handle for a program of the host: this fails, and nothing hangs on it.
    let _ = stop.wait();
}

fn call_until_given_up(begin: impl FnOnce()) {
    let limit = Duration::from_millis(700);
    let keychain = Keychain::connect(&Surroundings::default(), &Patience::new(limit)).unwrap();
    assert_eq!(keychain.state(), Ok(State::Ready));
    begin();
    let since = Instant::now();
    let (outcome, took) = loop {
        let call = Instant::now();
        let outcome = keychain.state();
        if outcome != Ok(State::Ready) || since.elapsed() > LIMIT {
            break (outcome, call.elapsed());
        }
    };
    let call = Instant::now();
    let second = keychain.state();
    let second_took = call.elapsed();
    assert_eq!(outcome, Err(KeychainError::Timeout(limit)));
    // Of the limit, what slow answers before took is spent.
    assert!(took >= limit / 2 && took < limit * 3, "{took:?}");
    // No further call is made after one that was late.
    assert_eq!(second, Err(KeychainError::Timeout(limit)));
    assert!(second_took < limit / 2, "{second_took:?}");
}
