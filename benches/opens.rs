//! Opens records in one process on two threads and exits: the lower bound for `resolve` with many ids.
//! `scripts/peers.sh` builds it alone, with the existing library, and measures it; the argument is how many records.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use strongroom::unlock::payload::Payload;
use strongroom::unlock::unlock_files;
use strongroom::vault::credential::{Credential, CredentialType};
use strongroom::vault::id::ProfileId;
use strongroom::vault::record::{Details, Record};

const NOW: i64 = 1_790_000_000_000;

fn main() {
    // cargo adds arguments of its own.
    let Some(count) = std::env::args().nth(1).and_then(|count| count.parse::<usize>().ok()) else { return };
    let profile: ProfileId = "anthropic:account-00001".parse().unwrap();
    let secret = format!("sk-ant-oat01-{:095}", 1).into();
    let credential = Credential::new(CredentialType::Token, profile.provider(), secret);
    let (generation, created, updated) = (1, NOW, NOW);
    let details = Details::default();
    let record = Record {
        profile,
        generation,
        created,
        updated,
        rotated: None,
        replaces: None,
        by: None,
        credential,
        details,
    };
    let ring = Payload::generate(unlock_files::KEY_FILE).unwrap().keys().unwrap().agent("main").unwrap();
    let sealed = record.seal(&ring).unwrap();
    let open = |count: usize| {
        for _ in 0..count {
            black_box(Record::open(&ring, &record.profile, black_box(&sealed)).unwrap());
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| open(count / 2));
        open(count - count / 2);
    });
}
