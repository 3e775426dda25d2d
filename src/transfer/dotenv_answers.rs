//! Compares what is read from a `.env` file with what the client's own parser reads.
//!
//! The client's answers are recorded in `tests/fixtures/dotenv`. `tests/real/dotenv.sh` runs the same test with ten
//! thousand random files, named by [`ANSWERS`], and checks that the recorded answers are still the client's.

use std::collections::HashMap;

use serde::Deserialize;

use super::dotenv::parse;
use crate::client::sources::dotenv_lines::lines;
use crate::client::sources::dotenv_value::Value;
use crate::env_names;
use crate::secret::ExposeSecret;
use crate::secret_format;

const RECORDED: &str = include_str!("../../tests/fixtures/dotenv/answers.jsonl");
/// The variable that names a file with more answers.
const ANSWERS: &str = "STRONGROOM_DOTENV_ANSWERS";

/// A file, and what the client's parser reads from it.
#[derive(Deserialize)]
struct Row {
    what: String,
    text: String,
    answer: HashMap<String, String>,
}

#[derive(Default, Debug)]
struct Tally {
    files: usize,
    same: usize,
    refused: usize,
    taken: usize,
    skipped: usize,
    wrong: Vec<String>,
}

#[test]
fn what_is_read_is_what_the_clients_parser_reads() {
    let tally = compare(RECORDED);
    assert!(tally.wrong.is_empty(), "{tally:#?}");
    assert!(tally.files >= 60 && tally.taken >= 20, "{tally:?}");
    if let Some(path) = std::env::var_os(ANSWERS) {
        let tally = compare(&std::fs::read_to_string(path).unwrap());
        println!(
            "{} files: {} variables the same, {} refused by name; of the providers' {} taken, {} skipped with a reason; {} wrong",
            tally.files,
            tally.same,
            tally.refused,
            tally.taken,
            tally.skipped,
            tally.wrong.len()
        );
        assert!(tally.wrong.is_empty(), "{:#?}", &tally.wrong[..tally.wrong.len().min(20)]);
    }
}

fn compare(answers: &str) -> Tally {
    let mut tally = Tally::default();
    for row in answers.lines().map(|line| serde_json::from_str::<Row>(line).unwrap()) {
        tally.files += 1;
        every_variable(&row, &mut tally);
        // A file with a NUL is refused as a whole.
        if !row.text.contains('\0') {
            every_key(&row, &mut tally);
        }
    }
    tally
}

/// Each variable that the client reads has the same value here or is refused, and there are no others.
fn every_variable(row: &Row, tally: &mut Tally) {
    let read = lines(&row.text);
    let ours: HashMap<&str, &Value> = read.assignments.iter().map(|one| (one.name, &one.value)).collect();
    let others = ours.keys().filter(|name| !row.answer.contains_key(**name));
    tally.wrong.extend(others.map(|name| wrong(row, name, "is not the client's")));
    for (name, theirs) in &row.answer {
        match ours.get(name.as_str()) {
            None => tally.wrong.push(wrong(row, name, "is missing")),
            Some(Value::Text(text)) if text.expose_secret() == theirs => tally.same += 1,
            Some(Value::Reference(_)) if theirs.starts_with("op://") => tally.same += 1,
            Some(Value::Refused(_)) if theirs.contains(['$', '`']) => tally.refused += 1,
            Some(_) => tally.wrong.push(wrong(row, name, "is different")),
        }
    }
}

/// Each provider's variable that the client reads becomes a profile with its value, or is listed with a reason.
fn every_key(row: &Row, tally: &mut Tally) {
    let parsed = parse(row.text.as_bytes(), "the file").unwrap();
    let of = |place: &str, name: &str| place.split_once(" (").map_or(place, |(name, _)| name) == name;
    for candidate in &parsed.candidates {
        let name = candidate.place.split_once(" (").map_or("", |(name, _)| name);
        if !row.answer.contains_key(name) {
            tally.wrong.push(wrong(row, name, "is not the client's"));
        }
    }
    let known = row.answer.iter().filter(|(name, _)| env_names::known(name).is_some());
    for (name, theirs) in known {
        let candidate = parsed.candidates.iter().find(|candidate| of(&candidate.place, name));
        let reason =
            parsed.skipped.iter().find(|skipped| of(&skipped.place, name)).map(|s| s.reason.as_str());
        let refused = parsed.invalid.iter().any(|invalid| of(&invalid.place, name));
        let is_empty = theirs.chars().all(secret_format::is_space);
        match (candidate, reason) {
            (Some(candidate), None) => {
                let ours = candidate.credential.secret.expose_secret();
                let warned = parsed.warnings.iter().any(|warning| warning.starts_with(name.as_str()));
                // What is removed around a value is mentioned in a warning.
                if ours == theirs || (theirs.contains(ours) && warned) {
                    tally.taken += 1;
                } else {
                    tally.wrong.push(wrong(row, name, "is taken with another value"));
                }
            }
            (None, Some("empty, not a secret")) if is_empty => tally.skipped += 1,
            (None, Some(reason)) if !is_empty && !reason.contains("empty") => tally.skipped += 1,
            (None, None) if refused => tally.refused += 1,
            _ => tally.wrong.push(wrong(row, name, "is missing from the import")),
        }
    }
}

fn wrong(row: &Row, name: &str, how: &str) -> String {
    format!("{}: {name} {how}: {:?}, and the client has {:?}", row.what, row.text, row.answer)
}
