use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::thread;
use std::time::{Duration, Instant};

use super::super::lock::{Holder, Lock, Mode, take};
use super::*;

const PATIENT: Duration = Duration::from_secs(60);

fn get(dir: &Dir, mode: Mode, limit: Duration) -> Result<Lock, StoreError> {
    take(dir, mode, limit, &Holder { pid: std::process::id(), since: 7, command: "test".into() })
}

fn home() -> (tempfile::TempDir, Dir) {
    let temp = tempfile::tempdir().unwrap();
    let dir = Dir::open(temp.path()).unwrap();
    (temp, dir)
}

/// Where the queue ends, as a newcomer sees it.
fn end(dir: &Dir) -> ranges::Offset {
    dir.open_for_reading(FILE).map_or(0, |file| ranges::end(&file).unwrap())
}

/// Waits until the queue is that long, which is what the kernel says of it.
fn until_end(dir: &Dir, due: ranges::Offset) {
    while end(dir) != due {
        thread::yield_now();
    }
}

fn joined(dir: &Dir) -> Place {
    join(dir).unwrap().unwrap()
}

#[test]
fn whoever_came_first_is_served_first() {
    let (_temp, dir) = home();
    let served = Mutex::new(Vec::new());
    let held = get(&dir, Mode::Exclusive, Duration::ZERO).unwrap();
    thread::scope(|scope| {
        for n in 0..40 {
            let (dir, served) = (&dir, &served);
            // Of both kinds.
            let mode = if n % 5 == 0 { Mode::Shared } else { Mode::Exclusive };
            scope.spawn(move || {
                let lock = get(dir, mode, PATIENT).unwrap();
                served.lock().unwrap().push(n);
                drop(lock);
            });
            until_end(dir, n + 1);
        }
        drop(held);
    });
    assert_eq!(served.into_inner().unwrap(), (0..40).collect::<Vec<_>>());
    assert!(is_empty(&dir).unwrap());
}

#[test]
fn a_newcomer_does_not_overtake_those_who_wait_while_the_lock_is_free() {
    let (_temp, dir) = home();
    let first = joined(&dir);
    // As between the holder's end and the first one's awakening.
    assert!(matches!(get(&dir, Mode::Exclusive, Duration::ZERO), Err(StoreError::LockTimeout { .. })));
    thread::scope(|scope| {
        let second = scope.spawn(|| get(&dir, Mode::Exclusive, PATIENT).map(drop));
        until_end(&dir, 2);
        assert!(!second.is_finished());
        first.leave();
        second.join().unwrap().unwrap();
    });
    get(&dir, Mode::Exclusive, Duration::ZERO).unwrap();
}

#[test]
fn a_free_lock_is_had_in_the_end_though_someone_ahead_is_stopped() {
    let (_temp, dir) = home();
    let stopped = joined(&dir);
    let begun = Instant::now();
    let lock = get(&dir, Mode::Exclusive, Duration::from_millis(30)).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(30));
    let shared = get(&dir, Mode::Shared, Duration::from_millis(30));
    assert!(matches!(shared, Err(StoreError::LockTimeout { .. })), "{shared:?}");
    drop(lock);
    assert_eq!(end(&dir), 1);
    stopped.leave();
}

#[test]
fn a_place_that_is_freed_in_the_middle_lets_nobody_overtake() {
    let (_temp, dir) = home();
    let (first, second, third) = (joined(&dir), joined(&dir), joined(&dir));
    let served = Mutex::new(Vec::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            third.wait().unwrap();
            served.lock().unwrap().push("third");
        });
        // What a kill does: the kernel closes the file.
        drop(second);
        let fourth = joined(&dir);
        served.lock().unwrap().push("first");
        drop(first);
        until_end(&dir, 4);
        fourth.leave();
    });
    assert_eq!(served.into_inner().unwrap(), ["first", "third"]);
    assert_eq!(end(&dir), 3);
    third.leave();
    assert_eq!(end(&dir), 0);
}

#[test]
fn whoever_gave_up_is_in_nobodys_way() {
    let (_temp, dir) = home();
    let held = get(&dir, Mode::Exclusive, Duration::ZERO).unwrap();
    for _ in 0..3 {
        assert!(get(&dir, Mode::Exclusive, Duration::from_millis(20)).is_err());
        assert_eq!(end(&dir), 0, "the place is free again, though a thread still waits");
    }
    thread::scope(|scope| {
        let next = scope.spawn(|| get(&dir, Mode::Exclusive, PATIENT).map(drop));
        until_end(&dir, 1);
        assert!(get(&dir, Mode::Exclusive, Duration::from_millis(20)).is_err());
        assert_eq!(end(&dir), 1);
        drop(held);
        next.join().unwrap().unwrap();
    });
    until_end(&dir, 0);
}

#[test]
fn a_process_that_holds_the_lock_shared_has_it_again_past_those_who_wait_for_it() {
    let (_temp, dir) = home();
    let held = get(&dir, Mode::Shared, Duration::ZERO).unwrap();
    thread::scope(|scope| {
        let alone = scope.spawn(|| get(&dir, Mode::Exclusive, PATIENT).map(drop));
        until_end(&dir, 1);
        let again = get(&dir, Mode::Shared, Duration::ZERO).unwrap();
        drop(held);
        // Still once.
        drop(get(&dir, Mode::Shared, Duration::ZERO).unwrap());
        drop(again);
        alone.join().unwrap().unwrap();
    });
}

/// Threads that come, wait for different times and give up, in every order that the scheduler has.
#[test]
fn among_many_who_give_up_the_lock_is_never_had_twice_and_never_stuck() {
    let (_temp, dir) = home();
    let (alone, together) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (patient, had) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for n in 0..24_u64 {
            let (dir, alone, together, patient, had) = (&dir, &alone, &together, &patient, &had);
            scope.spawn(move || {
                for round in 0..40 {
                    // Some of both kinds, some that hardly wait; from a fixed sequence.
                    let draw = (n * 40 + round).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                    let mode = if draw % 3 == 0 { Mode::Shared } else { Mode::Exclusive };
                    let limit = if draw % 4 == 0 { PATIENT } else { Duration::from_micros(draw % 3_000) };
                    patient.fetch_add(usize::from(limit == PATIENT), Ordering::SeqCst);
                    let Ok(lock) = get(dir, mode, limit) else { continue };
                    had.fetch_add(1, Ordering::SeqCst);
                    let (mine, others) =
                        if mode == Mode::Exclusive { (alone, together) } else { (together, alone) };
                    let before = mine.fetch_add(1, Ordering::SeqCst);
                    assert!(mode == Mode::Shared || before == 0);
                    assert_eq!(others.load(Ordering::SeqCst), 0);
                    mine.fetch_sub(1, Ordering::SeqCst);
                    drop(lock);
                }
            });
        }
    });
    assert!(had.into_inner() >= patient.into_inner());
    drop(get(&dir, Mode::Exclusive, PATIENT).unwrap());
    // Threads that were given up notice one after the other.
    until_end(&dir, 0);
}

#[test]
fn places_are_counted_anew_when_everyone_has_left() {
    let (_temp, dir) = home();
    let places: Vec<_> = (0..100).map(|_| joined(&dir)).collect();
    assert_eq!(end(&dir), 100);
    let (first, rest) = places.split_first().unwrap();
    rest.iter().for_each(Place::leave);
    assert_eq!(end(&dir), 1);
    first.leave();
    assert_eq!(joined(&dir).before, 0);
    assert_eq!(dir.read(FILE, 1).unwrap(), b"");
}

#[test]
fn many_at_once_each_have_a_place_of_their_own() {
    let (_temp, dir) = home();
    let mut places = thread::scope(|scope| {
        let all: Vec<_> = (0..64).map(|_| scope.spawn(|| joined(&dir))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    places.sort_by_key(|place| place.before);
    places.windows(2).for_each(|two| assert!(two[0].before < two[1].before));
}

#[test]
fn without_a_queue_the_lock_is_had_all_the_same() {
    let (temp, dir) = home();
    assert!(is_empty(&dir).unwrap());
    // For example if the file cannot be opened for writing.
    std::fs::write(temp.path().join(FILE), b"").unwrap();
    let file = dir.open_for_reading(FILE).unwrap();
    assert!(last(&file).is_err());
    std::fs::remove_file(temp.path().join(FILE)).unwrap();
    std::os::unix::fs::symlink("elsewhere", temp.path().join(FILE)).unwrap();
    assert!(matches!(get(&dir, Mode::Exclusive, PATIENT), Err(StoreError::Unsafe { .. })));
}
