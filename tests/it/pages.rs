//! The documentation says what the code does.

use std::collections::BTreeSet;

use strongroom::error::Code;

use crate::house::visit;
use crate::session::{Session, source};

#[test]
fn the_page_of_errors_is_the_table_of_codes() {
    let page = std::fs::read_to_string(source("docs/errors.md")).unwrap();
    let rows: Vec<(String, u8)> = page
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|');
            let name = cells.next()?.trim().trim_end_matches('`').to_owned();
            Some((name, cells.next()?.trim().parse().ok()?))
        })
        .collect();
    let codes: Vec<_> = Code::ALL.iter().map(|code| (code.name().to_owned(), code.exit())).collect();
    assert_eq!(rows, codes);
}

#[test]
fn every_topic_that_a_message_names_has_help() {
    let mut topics = BTreeSet::new();
    visit(&source("src"), &mut |path| {
        let text = std::fs::read_to_string(path).unwrap();
        for named in text.split("`strongroom help ").skip(1) {
            let topic = named.split('`').next().unwrap();
            if topic.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
                topics.insert(topic.to_owned());
            }
        }
    });
    assert!(topics.len() >= 4, "{topics:?}");
    let session = Session::empty();
    for topic in topics {
        session.run(["help", &topic]).ok();
    }
}

#[test]
fn every_verb_has_its_place_in_the_reference() {
    let page = std::fs::read_to_string(source("docs/commands.md")).unwrap();
    let command = strongroom::cli::command();
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let name = verb.get_name();
        assert!(page.contains(&format!("strongroom {name}")), "{name}");
        for option in verb.get_arguments().filter_map(clap::Arg::get_long).filter(|long| *long != "help") {
            assert!(page.contains(&format!("--{option}")), "{name} --{option}");
        }
    }
}
