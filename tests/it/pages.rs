//! The documentation says what the code does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

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

/// The documents of the project.
fn documents() -> Vec<PathBuf> {
    let mut found = vec![source("README.md"), source("CHANGELOG.md")];
    for directory in ["docs", "docs/decisions"] {
        let entries = std::fs::read_dir(source(directory)).unwrap().map(|entry| entry.unwrap().path());
        found.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    found
}

/// A document's lines that are not code.
fn prose(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let mut in_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The anchors of a document's headings, as the hosts of Markdown make them.
fn anchors(path: &Path) -> BTreeSet<String> {
    let headings = prose(path);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let words = heading.trim_start_matches('#').trim();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for page in documents() {
        for link in prose(&page).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            checked += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            if !target.exists() || (!anchor.is_empty() && !anchors(&target).contains(anchor)) {
                wrong.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(checked > 50, "{checked}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
