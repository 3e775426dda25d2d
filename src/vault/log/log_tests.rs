use super::*;
use crate::seal::keys::Keys;

fn ring(bytes: &[u8]) -> Ring {
    Keys::of_bytes(bytes).agent("main").unwrap()
}

fn event(op: &str, profile: &str, generation: u64) -> Event {
    Event::of(op, &profile.parse().unwrap(), Some(generation))
}

fn adds<'a>(ring: &'a Ring, head: &'a Head, now: i64, events: &'a [Event]) -> Addition<'a> {
    Addition { ring, head, now, events }
}

/// Appends events after a head, and returns the new head.
fn write(ring: &Ring, dir: &Dir, head: &Head, events: &[Event]) -> Head {
    let (part, head) = lines(dir, adds(ring, head, 7, events)).unwrap();
    append(dir, &part, Durable::Now).unwrap();
    head
}

fn checked(ring: &Ring, dir: &Dir, head: &Head) -> Verified {
    verify(ring, &read(dir).unwrap(), head).unwrap()
}

fn place() -> (tempfile::TempDir, Dir) {
    let temp = tempfile::tempdir().unwrap();
    let dir = Dir::open(temp.path()).unwrap();
    (temp, dir)
}

#[test]
fn a_chain_verifies_and_every_altered_byte_is_found() {
    let ((_temp, dir), ring) = (place(), ring(&[1]));
    let head = write(&ring, &dir, &Head::default(), &[event("paste", "a:b", 5)]);
    let head = write(&ring, &dir, &head, &[event("rotate", "a:b", 6), event("remove", "a:c", 9)]);
    let log = dir.read(FILE, MAX).unwrap();
    let whole = checked(&ring, &dir, &head);
    assert_eq!((whole.good, whole.findings), (3, vec![]));
    for at in 0..log.len() {
        let mut altered = log.clone();
        altered[at] ^= 1;
        assert!(!verify(&ring, &[altered], &head).unwrap().findings.is_empty(), "{at}");
        assert!(!verify(&ring, &[log[..at].to_vec()], &head).unwrap().findings.is_empty(), "{at}");
    }
    let other = Keys::of_bytes(&[1]).agent("other").unwrap();
    assert_eq!(verify(&other, &[log], &head).unwrap().wrong, 3);
}

#[test]
fn a_line_that_was_put_in_is_marked_and_the_others_are_not() {
    let ((_temp, dir), ring) = (place(), ring(&[1]));
    let head = write(&ring, &dir, &Head::default(), &[event("paste", "a:b", 5), event("paste", "a:c", 6)]);
    let log = String::from_utf8(dir.read(FILE, MAX).unwrap()).unwrap();
    let (first, second) = log.split_once('\n').unwrap();
    let forged = first.replace("\"generation\":5", "\"generation\":18446744073709551615");
    for between in [forged.as_str(), first, "garbage"] {
        let altered = format!("{first}\n{between}\n{second}");
        let judged = judge(Some(&ring), &[altered.clone().into_bytes()]).unwrap();
        let faults: Vec<bool> = judged.iter().map(|line| line.fault.is_some()).collect();
        assert_eq!(faults, [false, true, false], "{between}");
        // The next line is appended after it, and is good.
        dir.replace(FILE, altered.as_bytes()).unwrap();
        let head = write(&ring, &dir, &head, &[event("paste", "a:d", 7)]);
        let after = checked(&ring, &dir, &head);
        assert_eq!((after.good, after.wrong), (3, 1), "{between}");
    }
}

#[test]
fn a_torn_last_line_is_overwritten_and_appending_twice_is_once() {
    let ((_temp, dir), ring) = (place(), ring(&[1]));
    let head = write(&ring, &dir, &Head::default(), &[event("paste", "a:b", 5)]);
    let whole = dir.read(FILE, MAX).unwrap();
    let (part, head) = lines(&dir, adds(&ring, &head, 7, &[event("paste", "a:c", 6)])).unwrap();
    for cut in 0..=part.lines.len() {
        let mut torn = whole.clone();
        torn.extend_from_slice(&part.lines.as_bytes()[..cut]);
        dir.replace(FILE, &torn).unwrap();
        append(&dir, &part, Durable::Now).unwrap();
        append(&dir, &part, Durable::Now).unwrap();
        let verified = checked(&ring, &dir, &head);
        assert_eq!((verified.good, verified.wrong), (2, 0), "{cut}");
    }
}

#[test]
fn a_log_that_was_cut_short_or_emptied_is_found() {
    let ((_temp, dir), ring) = (place(), ring(&[1]));
    let head = write(&ring, &dir, &Head::default(), &[event("paste", "a:b", 5)]);
    let short = dir.read(FILE, MAX).unwrap();
    let head = write(&ring, &dir, &head, &[event("paste", "a:c", 6)]);
    for cut in [&short[..], b""] {
        dir.replace(FILE, cut).unwrap();
        assert_eq!(checked(&ring, &dir, &head).wrong, 1);
        let head = write(&ring, &dir, &head, &[event("paste", "a:d", 7)]);
        assert!(checked(&ring, &dir, &head).wrong > 0);
    }
}

#[test]
fn lines_under_a_key_that_is_gone_are_vouched_for_by_an_anchor() {
    let ((_temp, dir), old) = (place(), ring(&[1]));
    let head = write(&old, &dir, &Head::default(), &[event("paste", "a:b", 5)]);
    let new = ring(&[2]);
    assert_eq!(checked(&new, &dir, &head).wrong, 1);
    let head = write(&new, &dir, &head, &[anchored("rekey", &dir, 0).unwrap()]);
    let verified = checked(&new, &dir, &head);
    assert_eq!((verified.good, verified.findings), (2, vec![]));
    let altered = String::from_utf8(dir.read(FILE, MAX).unwrap()).unwrap().replace("a:b", "a:x");
    assert!(!verify(&new, &[altered.into_bytes()], &head).unwrap().findings.is_empty());
}

#[test]
fn a_log_goes_on_in_another_file_and_what_is_kept_verifies() {
    let ((_temp, dir), ring) = (place(), ring(&[1]));
    let mut head = Head::default();
    for round in 0..4 {
        head = write(&ring, &dir, &head, &[event("paste", "a:b", round)]);
        let (part, next) =
            begin_anew(&dir, adds(&ring, &head, 7, &[event("paste", "a:c", round)]), None).unwrap();
        append(&dir, &part, Durable::Now).unwrap();
        append(&dir, &part, Durable::Now).unwrap();
        head = next;
    }
    assert_eq!(read(&dir).unwrap().len(), 5);
    let verified = checked(&ring, &dir, &head);
    assert_eq!((verified.good, verified.findings), (12, vec![]));
    // The oldest file may be removed; the others still say what they follow.
    dir.remove_file(&earlier_names(&dir).unwrap()[0]).unwrap();
    let verified = checked(&ring, &dir, &head);
    assert_eq!((verified.good, verified.findings), (11, vec![]));
    // One in the middle may not.
    dir.remove_file(&earlier_names(&dir).unwrap()[1]).unwrap();
    assert!(checked(&ring, &dir, &head).wrong > 0);
}

#[test]
fn of_earlier_files_the_newest_are_kept_that_are_within_the_bound() {
    let ((_temp, dir), ring) = (place(), ring(&[1]));
    let head = write(&ring, &dir, &Head::default(), &[event("paste", "a:b", 1)]);
    // Files without contents take no space.
    for n in 1..=20 {
        let file = dir.open_or_create(&format!("{EARLIER}{n:020}.jsonl")).unwrap();
        file.set_len(3 * ROTATE_FROM).unwrap();
    }
    let head = Head { seq: 100, ..head };
    let (part, _) = begin_anew(&dir, adds(&ring, &head, 7, &[]), None).unwrap();
    append(&dir, &part, Durable::Now).unwrap();
    let kept: Vec<u64> = earlier_names(&dir)
        .unwrap()
        .iter()
        .filter_map(|name| name[EARLIER.len()..][..20].parse().ok())
        .collect();
    assert_eq!(kept, [17, 18, 19, 20, 100]);
}

#[test]
fn a_damaged_log_is_set_by_and_the_new_one_verifies() {
    let ((_temp, dir), ring) = (place(), ring(&[1]));
    let head = write(&ring, &dir, &Head::default(), &[event("paste", "a:b", 5)]);
    dir.replace(FILE, b"garbage\n").unwrap();
    let (part, head) = begin_anew(&dir, adds(&ring, &head, 7, &[]), Some("7")).unwrap();
    append(&dir, &part, Durable::Now).unwrap();
    let verified = checked(&ring, &dir, &head);
    assert_eq!((verified.good, verified.findings), (1, vec![]));
    assert_eq!(dir.read("log-damaged-7.jsonl", MAX).unwrap(), b"garbage\n");
}

#[test]
fn lines_of_lost_keys_are_followed_and_vouched_for_by_a_recovery() {
    let ((_temp, dir), old) = (place(), ring(&[1]));
    write(&old, &dir, &Head::default(), &[event("paste", "a:b", 5), event("paste", "a:c", 6)]);
    let new = ring(&[2]);
    let head = unverified_head(&dir).unwrap();
    let head = write(&new, &dir, &head, &[anchored("recover", &dir, 0).unwrap()]);
    assert_eq!((head.seq, checked(&new, &dir, &head).wrong), (3, 0));
    // A number that no log can have is ignored.
    let forged = String::from_utf8(dir.read(FILE, MAX).unwrap())
        .unwrap()
        .replace("\"seq\":3", "\"seq\":18446744073709551615");
    dir.replace(FILE, forged.as_bytes()).unwrap();
    assert_eq!(unverified_head(&dir).unwrap().seq, 2);
}

/// A rekey vouches for its own file, and the first line of that file for the one before.
#[test]
fn a_log_of_several_files_is_vouched_for_after_a_rekey() {
    for at_rotation in [false, true] {
        let ((_temp, dir), before) = (place(), ring(&[1]));
        let mut head = Head::default();
        for n in 0..3 {
            if n > 0 {
                let (part, next) =
                    begin_anew(&dir, adds(&before, &head, 7, &[event("paste", "a:b", n)]), None).unwrap();
                append(&dir, &part, Durable::Now).unwrap();
                head = next;
            }
            head = write(&before, &dir, &head, &[event("paste", "a:c", n), event("paste", "a:d", n)]);
        }
        let after = ring(&[2]);
        let rekey = [anchored("rekey", &dir, 0).unwrap(), event("rekey", "a:b", 9)];
        let (part, head) = if at_rotation {
            begin_anew(&dir, adds(&after, &head, 8, &rekey), None).unwrap()
        } else {
            lines(&dir, adds(&after, &head, 8, &rekey)).unwrap()
        };
        append(&dir, &part, Durable::Now).unwrap();
        let checked = checked(&after, &dir, &head);
        assert_eq!(checked.findings, Vec::<String>::new(), "{at_rotation}");
        // Nothing vouches for an altered line of the first file.
        let mut files = read(&dir).unwrap();
        let altered = files[0].iter().rposition(|byte| *byte == b'd').unwrap();
        files[0][altered] = b'e';
        assert!(verify(&after, &files, &head).unwrap().wrong > 0, "{at_rotation}");
    }
}

#[test]
fn every_kind_of_change_stands_in_the_formats() {
    let formats = include_str!("../../../docs/formats.md");
    for op in OPS_OF_AGENT.iter().chain(OPS_OF_VAULT) {
        assert!(formats.contains(&format!("`{op}`")), "{op}");
    }
}
