//! Measures the parts inside one process: encryption, the index, answering ids.
//!
//! Run `cargo bench --bench vault`. `scripts/peers.sh` compares whole processes with other tools.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use secrecy::{SecretBox, SecretString};

use strongroom::env::Env;
use strongroom::ops::resolve::{Scope, resolve};
use strongroom::unlock::MethodSecret;
use strongroom::unlock::key_sources::Named;
use strongroom::unlock::payload::Payload;
use strongroom::unlock::{key_text, unlock_files};
use strongroom::vault::credential::{Credential, CredentialType};
use strongroom::vault::home::{LockWait, Session, Setup, Vault};
use strongroom::vault::id::{AgentName, ProfileId, Reference};
use strongroom::vault::index::{Index, Mark, NewEntry};
use strongroom::vault::keys::init::{NewVault, init};
use strongroom::vault::record::{Details, Record};
use strongroom::vault::settings::Settings;
use strongroom::vault::store::Store;
use strongroom::vault::transaction::change::Change;
use strongroom::vault::watch::Unwatched;

const NOW: i64 = 1_790_000_000_000;

fn profile(n: usize) -> ProfileId {
    format!("anthropic:account-{n:05}").parse().unwrap()
}

/// A secret with the length of a setup-token, 108 characters.
fn record(n: usize) -> Record {
    let profile = profile(n);
    let secret = SecretString::from(format!("sk-ant-oat01-{n:095}"));
    let mut credential = Credential::new(CredentialType::Token, profile.provider(), secret);
    credential.expires = Some(NOW + 365 * 24 * 3_600_000);
    let (generation, created, updated) = (1, NOW, NOW);
    let details = Details::default();
    Record {
        profile,
        generation,
        created,
        updated,
        rotated: None,
        replaces: None,
        by: None,
        credential,
        details,
    }
}

/// A vault with `count` profiles in a directory that is removed when it is dropped.
struct Stocked {
    _temp: tempfile::TempDir,
    vault: Vault,
    session: Session,
}

impl Stocked {
    fn of(count: usize) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("home");
        let key_file = temp.path().join("key");
        let key: SecretBox<[u8; 32]> = key_text::generate().unwrap();
        strongroom_backends::key_file::create(&key_file, key_text::write(&key).expose()).unwrap();
        let waits = LockWait {
            limit: Duration::from_secs(5),
            command: "bench".into(),
            now: NOW,
            watched: std::sync::Arc::new(Unwatched),
        };
        let payload = Payload::generate(unlock_files::KEY_FILE).unwrap();
        let setup = Setup::default();
        let secret = MethodSecret::Key(key);
        let made_of = NewVault { payload, secret: &secret, settings: Settings::default() };
        init(&path, made_of, &setup, &waits).unwrap();
        let vault = Vault::open(&path, &setup, Duration::ZERO).unwrap();
        let named = Named { key_file: Some(key_file), ..Named::default() };
        let mut session = vault.unlock(&named, &Env::default(), None).unwrap();
        let writer = vault.writer(&mut session, &AgentName::default(), &waits).unwrap();
        let mut change = Change::default();
        for n in 0..count {
            change.put("import", record(n), Store::File);
        }
        writer.commit(change).unwrap();
        drop(writer);
        Self { _temp: temp, vault, session }
    }
}

fn seal_and_open(c: &mut Criterion) {
    let stocked = Stocked::of(0);
    let (ring, record) = (stocked.session.keys().agent("main").unwrap(), record(1));
    let sealed = record.seal(&ring).unwrap();
    let mut group = c.benchmark_group("record");
    group.bench_function("seal", |b| b.iter(|| black_box(&record).seal(&ring).unwrap()));
    group.bench_function("open", |b| {
        b.iter(|| Record::open(&ring, &record.profile, black_box(&sealed)).unwrap());
    });
}

fn index(c: &mut Criterion) {
    let mut group = c.benchmark_group("index");
    for count in [1_000, 10_000] {
        let mut index = Index::default();
        for n in 0..count {
            let record = record(n);
            let mark = Mark { store: "file".into(), generation: record.generation };
            let entry = NewEntry::of(&AgentName::default(), &record.profile, &record.credential, mark);
            index.put(&record.profile, &entry, &[]).unwrap();
        }
        let bytes = index.to_bytes();
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("parse {count}"), |b| {
            b.iter(|| Index::parse(black_box(&bytes)).unwrap());
        });
        group.bench_function(format!("entries {count}"), |b| {
            b.iter(|| black_box(&index).entries().filter(|entry| entry.mark.is_some()).count());
        });
        group.bench_function(format!("write {count}"), |b| b.iter(|| black_box(&index).to_bytes()));
    }
}

fn answer_ids(c: &mut Criterion) {
    let stocked = Stocked::of(512);
    let scope = Scope { agent: AgentName::default(), confined: false, now: NOW, env: Env::default() };
    let mut group = c.benchmark_group("resolve");
    for count in [1, 512] {
        let ids: Vec<String> = (0..count).map(|n| Reference::id_of(&scope.agent, &profile(n))).collect();
        let answers = resolve(&stocked.vault, &stocked.session, ids.clone(), &scope);
        assert!(answers.iter().all(|(_, answer)| answer.is_ok()));
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("{count}"), |b| {
            b.iter_batched(
                || ids.clone(),
                |ids| resolve(&stocked.vault, &stocked.session, ids, &scope),
                BatchSize::SmallInput,
            );
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = seal_and_open, index, answer_ids
}
criterion_main!(benches);
