//! The layers import one way.

use std::collections::BTreeSet;
use std::path::Path;

use crate::session::source;

/// From the ground up; a module may import those of its own row only where it is the ground.
const LAYERS: &[&[&str]] = &[
    &[
        "error",
        "secret",
        "env",
        "json",
        "when",
        "harden",
        "keychain",
        "limits",
        "looks",
        "permission",
        "term",
    ],
    &["seal"],
    &["unlock"],
    &["vault"],
    &["select", "shape", "env_names", "sources"],
    &["transfer", "openclaw", "doctor"],
    &["cli"],
];

#[test]
fn no_module_imports_a_layer_above_or_beside_it() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    visit(&source("src"), &mut |path| {
        let relative = path.strip_prefix(source("src")).unwrap().to_string_lossy().into_owned();
        let module = relative.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        if module == "main" || module == "lib" {
            return;
        }
        seen.insert(module.clone());
        let text = std::fs::read_to_string(path).unwrap();
        for import in text.split("crate::").skip(1) {
            let target: String = import.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if let (Some(from), Some(to)) = (layer(&module), layer(&target))
                && target != module
                && (to > from || (to == from && from > 0 && from != 4))
            {
                wrong.push(format!("{relative} imports {target}"));
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    for module in &seen {
        assert!(layer(module).is_some(), "{module} has no layer");
    }
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

fn visit(directory: &Path, look: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, look);
        } else if path.extension().is_some_and(|e| e == "rs") {
            look(&path);
        }
    }
}

/// `seal::signed` compares them; an `==` would end at the first byte that differs.
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
