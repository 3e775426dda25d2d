//! Rules for the source tree: the layers import in one direction only.

use std::collections::BTreeSet;
use std::path::Path;

use crate::session::source;

/// The layers, from the ground up. A room may import rooms of lower rows; on the ground, also of its own row.
const LAYERS: &[&[&str]] = &[
    &[
        "error",
        "secret",
        "env",
        "json",
        "time",
        "harden",
        "hex",
        "keychain",
        "limits",
        "looks",
        "messages",
        "permission",
        "store_error",
        "term",
        "pty",
        "relay",
        "clipboard",
    ],
    &["seal"],
    &["unlock"],
    &["vault"],
    &["env_names"],
    &["secret_format"],
    &["select"],
    &["client"],
    &["transfer"],
    &["ops", "doctor"],
    &["serve"],
    &["cli"],
];

#[test]
fn no_room_imports_one_above_or_beside_it() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    each_import(&mut |file, from, to| {
        seen.insert(from.to_owned());
        if let (Some(from_row), Some(to_row)) = (layer(from), layer(to))
            && to != from
            && (to_row > from_row || (to_row == from_row && from_row > 0))
        {
            wrong.push(format!("{file} imports {to}"));
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    for room in &seen {
        assert!(layer(room).is_some(), "{room} has no layer");
    }
}

/// Visits each import of a file in `src`: the file, its room, and the room that it imports.
fn each_import(look: &mut dyn FnMut(&str, &str, &str)) {
    visit(&source("src"), &mut |path| {
        let relative = path.strip_prefix(source("src")).unwrap().to_string_lossy().into_owned();
        let room =
            relative.split('/').next().unwrap().trim_end_matches(".rs").trim_end_matches("_tests").to_owned();
        if room == "main" || room == "lib" {
            return;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for import in text.split("crate::").skip(1) {
            let target: String = import.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            look(&relative, &room, &target);
        }
    });
}

#[test]
fn the_places_know_of_no_age_no_json_and_no_profiles() {
    visit(&source("backends/src"), &mut |path| {
        let text = std::fs::read_to_string(path).unwrap();
        for word in ["serde_json", "use age", "ProfileId"] {
            assert!(!text.contains(word), "{} mentions {word}", path.display());
        }
    });
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

pub fn visit(directory: &Path, look: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, look);
        } else if path.extension().is_some_and(|e| e == "rs") {
            look(&path);
        }
    }
}

/// `seal::signed` compares MACs in constant time; an `==` would stop at the first byte that differs.
#[test]
fn macs_are_compared_in_constant_time_alone() {
    let mut compared = Vec::new();
    visit(&source("src"), &mut |path| {
        let text = std::fs::read_to_string(path).unwrap();
        for (number, line) in text.lines().enumerate().take_while(|(_, line)| *line != "mod tests {") {
            let sides = line.split("==").chain(line.split("!=")).collect::<Vec<_>>();
            let is_mac = |side: &&str| {
                let ends = side.trim_end().rsplit([' ', '(', '&']).next().unwrap_or_default();
                ends.rsplit('.').next() == Some("mac")
            };
            if sides.len() > 2 && sides[..sides.len() - 1].iter().any(is_mac) {
                compared.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    });
    compared.retain(|line| !line.contains("_tests.rs"));
    assert_eq!(compared, Vec::<String>::new());
}

/// Policy depends only on its arguments.
#[test]
fn select_does_no_io() {
    visit(&source("src/select"), &mut |path| {
        let text = std::fs::read_to_string(path).unwrap();
        for word in [
            "std::fs",
            "std::env",
            "std::io",
            "rustix",
            "Dir",
            "strongroom_backends",
            "SystemTime",
            "println",
        ] {
            assert!(!text.contains(word), "{} mentions {word}", path.display());
        }
    });
}

/// A dependency that nothing uses is a needless download, and one more author to trust.
#[test]
fn every_dependency_is_used() {
    let mut looked_at = 0;
    for package in ["", "backends/", "mask/", "proxy/"] {
        let mut text = String::new();
        visit(&source(&format!("{package}src")), &mut |path| {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        });
        let manifest = std::fs::read_to_string(source(&format!("{package}Cargo.toml"))).unwrap();
        let mut is_listed = false;
        for line in manifest.lines() {
            if line.starts_with('[') {
                is_listed =
                    line.ends_with("dependencies]") && !line.contains("dev-") && !line.contains("workspace");
            } else if let Some((name, _)) = line.split_once(['.', ' ']).filter(|_| is_listed) {
                looked_at += 1;
                let path = format!("{}::", name.replace('-', "_"));
                assert!(text.contains(&path), "{package}Cargo.toml: {name} is not used");
            }
        }
    }
    assert!(looked_at > 40, "{looked_at}");
}

/// Files of `src/cli` that are not verbs: code that verbs share.
const SHARED: &[&str] = &[
    "adding",
    "api_keys",
    "claude_token",
    "client",
    "client_flags",
    "connect_client",
    "connect_proxy",
    "other_clients",
    "log_requests",
    "openclaw_found",
    "context",
    "details_flags",
    "expiry_flags",
    "filter_flags",
    "explain",
    "check_exit",
    "argument_guard",
    "help",
    "importing",
    "in_time",
    "index_warnings",
    "key_file",
    "deferred",
    "make_vault",
    "menu",
    "new_method",
    "new_vault",
    "notices",
    "overview",
    "prune",
    "secret_argument",
    "run_proxy",
    "secrets_flags",
    "upstream_flags",
    "global",
    "man",
    "session_name",
    "storing",
    "usage",
    "verbs",
    "watching",
    "openclaw_setup",
];

#[test]
fn no_verb_imports_a_verb() {
    let module = std::fs::read_to_string(source("src/cli/mod.rs")).unwrap();
    let modules = module.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    let verbs: BTreeSet<_> = modules.filter(|name| !SHARED.contains(name)).collect();
    let mut wrong = BTreeSet::new();
    visit(&source("src/cli"), &mut |path| {
        let relative = path.strip_prefix(source("src/cli")).unwrap().to_string_lossy().into_owned();
        let room = relative.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        if !verbs.contains(room.as_str()) {
            return;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for import in text.split("super::").skip(1).chain(text.split("crate::cli::").skip(1)) {
            let list = import.strip_prefix('{').and_then(|list| list.split_once('}'));
            let names = list.map_or(import, |(list, _)| list);
            let names = names.split([',', ' ']).take(if list.is_some() { usize::MAX } else { 1 });
            for name in names {
                let name = name.split([':', ';', '(', '\n']).next().unwrap_or_default();
                if verbs.contains(name) && name != room {
                    wrong.insert(format!("{relative} imports {name}"));
                }
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn ops_knows_no_command_line() {
    visit(&source("src/ops"), &mut |path| {
        let text = std::fs::read_to_string(path).unwrap();
        for word in ["crate::cli::", "crate::term", "clap", "println", "Context"] {
            assert!(!text.contains(word), "{} mentions {word}", path.display());
        }
    });
}
