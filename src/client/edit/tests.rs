use serde_json::json;

use super::*;
use crate::error::Code;

/// The changes of most tests: a provider and a list.
fn changes() -> Vec<Change> {
    vec![
        Change::set(
            &["secrets", "providers", "vault"],
            json!({ "source": "exec", "args": ["--home", "/h"] }),
        ),
        Change::set(&["auth", "order", "groq"], json!(["groq:a", "groq:b"])),
    ]
}

pub(super) fn text_of(edited: &Edited) -> &str {
    edited.text.expose_str().unwrap()
}

/// Edits a text, and checks what holds for every edit: it can be undone byte for byte, and done again without effect.
pub(super) fn edited(text: &str, changes: &[Change]) -> String {
    let once = edit(Some(text), changes).unwrap();
    let after = text_of(&once);
    let patch = serde_json::to_string(&once.inverse).unwrap();
    let patch: InversePatch = serde_json::from_str(&patch).unwrap();
    assert_eq!(patch, once.inverse);
    match restore(after, &patch).unwrap() {
        Restored::Identical(before) => assert_eq!(before.expose_str(), Some(text)),
        other => panic!("{other:?}"),
    }
    let twice = edit(Some(after), changes).unwrap();
    assert_eq!(text_of(&twice), after);
    assert!(twice.changed.is_empty() && twice.inverse.is_empty());
    after.to_owned()
}

#[test]
fn what_is_added_is_written_as_the_rest() {
    let set = |path: &[&str], value| vec![Change::set(path, value)];
    let object = json!({ "b": ["x", "y"], "c": {} });
    for (before, after) in [
        // JSON with two spaces, as the client writes it.
        (
            "{\n  \"z\": 1\n}\n",
            "{\n  \"z\": 1,\n  \"a\": {\n    \"b\": [\n      \"x\",\n      \"y\"\n    ],\n    \"c\": {}\n  }\n}\n",
        ),
        // Tabs, names without quotes, single quotes, a trailing comma, short lists.
        (
            "{\n\tz: ['1'], // last\n\t// end\n}",
            "{\n\tz: ['1'], // last\n\ta: {\n\t\tb: ['x', 'y'],\n\t\tc: {},\n\t},\n\t// end\n}",
        ),
        // Four spaces and the line ends of Windows, a byte order mark.
        (
            "\u{feff}{\r\n    \"z\": 1 /* why */\r\n}\r\n",
            "\u{feff}{\r\n    \"z\": 1, /* why */\r\n    \"a\": {\r\n        \"b\": [\r\n            \"x\",\r\n            \"y\"\r\n        ],\r\n        \"c\": {}\r\n    }\r\n}\r\n",
        ),
        // One line.
        ("{ z: 1 }", "{ z: 1, a: { b: [\"x\", \"y\"], c: {} } }"),
        ("{z:1,}", "{z:1,a:{b:[\"x\",\"y\"],c:{}},}"),
        ("{ z: 1 // why\n}", "{ z: 1, a: { b: [\"x\", \"y\"], c: {} } // why\n}"),
        ("{ z: 1\n, y: 2 }", "{ z: 1\n, y: 2, a: { b: [\"x\", \"y\"], c: {} } }"),
        // Nothing yet.
        ("{}", "{\n  \"a\": {\n    \"b\": [\n      \"x\",\n      \"y\"\n    ],\n    \"c\": {}\n  }\n}"),
        (
            "{ // nothing\n}",
            "{ // nothing\n  \"a\": {\n    \"b\": [\n      \"x\",\n      \"y\"\n    ],\n    \"c\": {}\n  }\n}",
        ),
    ] {
        assert_eq!(edited(before, &set(&["a"], object.clone())), after, "{before}");
    }
}

#[test]
fn an_object_that_is_empty_keeps_to_its_line_in_a_line_of_others() {
    let change = [Change::set(&["o", "a"], 1)];
    for (before, after) in [
        ("{ z: 1, o: {} }", "{ z: 1, o: { a: 1 } }"),
        ("{\n  o: {}\n}", "{\n  o: {\n    a: 1\n  }\n}"),
        ("{\n  o: {\n  },\n  z: 1\n}", "{\n  o: {\n    a: 1\n  },\n  z: 1\n}"),
        ("{\n  o: { /* none */ }\n}", "{\n  o: { /* none */\n    a: 1\n  }\n}"),
    ] {
        assert_eq!(edited(before, &change), after);
    }
}

#[test]
fn what_is_replaced_keeps_what_is_the_same() {
    let set = |value| vec![Change::set(&["a"], value)];
    for (before, value, after) in [
        ("{ a: 'x' /* why */ }", json!("y"), "{ a: 'y' /* why */ }"),
        ("{ a: 0x10, b: +1 }", json!(17), "{ a: 17, b: +1 }"),
        ("{a:[1,2 /* two */,3]}", json!([1, 2]), "{a:[1,2 /* two */]}"),
        ("{a:[1,2 /* two */]}", json!([1, 2, 3]), "{a:[1,2,3 /* two */]}"),
        ("{a:[1, 2, /* three */ 3]}", json!([2, 3]), "{a:[2, /* three */ 3]}"),
        (
            "{\n  a: [\n    'x', // first\n    'y' // second\n  ]\n}",
            json!(["x", "y", "z"]),
            "{\n  a: [\n    'x', // first\n    'y', // second\n    'z'\n  ]\n}",
        ),
        (
            "{\n  a: { // ours\n    b: 1, // kept\n    c: 2,\n    d: { e: 3 }\n  }\n}",
            json!({ "b": 1, "d": { "e": 4 } }),
            "{\n  a: { // ours\n    b: 1, // kept\n    d: { e: 4 }\n  }\n}",
        ),
        ("{\n  a: { b: 1 }\n}", json!({ "c": 2 }), "{\n  a: {\n    c: 2\n  }\n}"),
        ("{ a: { b: 1, c: 1 } }", json!({ "b": 1 }), "{ a: { b: 1 } }"),
    ] {
        assert_eq!(edited(before, &set(value)), after, "{before}");
    }
}

#[test]
fn what_is_removed_takes_its_line_and_leaves_comments() {
    let change = [Change::remove(&["a"]), Change::remove(&["no", "such"])];
    for (before, after) in [
        ("{\n  a: 1,\n  b: 2\n}", "{\n  b: 2\n}"),
        ("{\n  b: 2,\n  a: 1\n}", "{\n  b: 2\n}"),
        ("{\n  b: 2,\n  a: 1,\n}", "{\n  b: 2,\n}"),
        ("{\n  // of a\n  a: 1, // also\n  b: 2\n}", "{\n  // of a\n  // also\n  b: 2\n}"),
        ("{ a: 1, b: 2 }", "{ b: 2 }"),
        ("{ b: 2, a: 1 }", "{ b: 2 }"),
        ("{b:2,a:1 /* of a */,c:3}", "{b:2, /* of a */c:3}"),
        ("{ a: 1 }", "{ }"),
        ("{\r\n\ta: 1\r\n}", "{\r\n}"),
        ("{ b: 2 }", "{ b: 2 }"),
    ] {
        assert_eq!(edited(before, &change), after, "{before}");
    }
}

#[test]
fn a_file_that_is_not_there_is_made_as_the_client_writes_it() {
    let made = edit(None, &changes()).unwrap();
    let expected = json!({
        "secrets": { "providers": { "vault": { "source": "exec", "args": ["--home", "/h"] } } },
        "auth": { "order": { "groq": ["groq:a", "groq:b"] } },
    });
    let text = text_of(&made);
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), expected);
    assert!(text.starts_with("{\n  \"secrets\": {\n    \"providers\"") && text.ends_with("}\n"), "{text}");
    assert!(matches!(restore(text, &made.inverse).unwrap(), Restored::NoFile));
}

#[test]
fn what_cannot_be_edited_is_refused_without_a_word_of_it() {
    let deep = format!("{{ a: {}", "[".repeat(100_000));
    let large = format!("{{ a: '{}' }}", "b".repeat(16 * 1024 * 1024));
    for (text, code) in [
        ("", Code::BadData),
        ("[]", Code::BadData),
        ("{ a: 'canary }", Code::BadData),
        ("{ a: canary", Code::BadData),
        ("{ a: 1 } canary", Code::BadData),
        ("{ a: 1 b: 2 }", Code::BadData),
        ("{ a-b: 1 }", Code::BadData),
        ("{ a: 'canary\n' }", Code::BadData),
        ("{ /* canary }", Code::BadData),
        (deep.as_str(), Code::BadData),
        (large.as_str(), Code::TooLarge),
        ("{ secrets: 'canary' }", Code::BadData),
        ("{ secrets: { providers: ['canary'] } }", Code::BadData),
        ("{ auth: { order: null } }", Code::BadData),
        ("{ auth: {}, auth: { 'canary': 1 } }", Code::DuplicateKey),
        ("{ auth: { order: { groq: [], 'gr\\u006fq': ['canary'] } } }", Code::DuplicateKey),
        ("{ $include: './base.json5' }", Code::Config),
        ("{ secrets: { $include: ['./a.json5', './b.json5'] } }", Code::Config),
        ("{ auth: { order: { $include: './c.json5', groq: 1 } } }", Code::Config),
    ] {
        let error = edit(Some(text), &changes()).unwrap_err();
        assert_eq!(error.code(), code, "{text} {error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    let error = edit(Some("{ secrets: { $include: ['./a.json5', './b.json5'] } }"), &changes()).unwrap_err();
    assert!(
        error
            .what()
            .starts_with("secrets in the client's configuration includes \"./a.json5\", \"./b.json5\""),
        "{error}"
    );
    // Elsewhere it does not matter.
    edited("{ channels: { $include: './x' }, models: {}, models: {} }", &changes());
}

#[test]
fn a_secret_is_never_written() {
    for change in [
        Change::set(&["models", "providers", "groq", "apiKey"], "made-up-1"),
        Change::set(&["a"], json!(["--key", "sk-ant-api03-made-up-made-up"])),
        Change::set(&["a"], json!({ "b": { "password": "made-up-2" } })),
    ] {
        let error = edit(Some("{}"), &[change]).unwrap_err();
        assert_eq!(error.code(), Code::Config);
        assert!(!format!("{error:?}").contains("made-up"), "{error:?}");
    }
    let reference = json!({ "source": "exec", "provider": "strongroom", "id": "main/groq:default" });
    edited("{}", &[Change::set(&["models", "providers", "groq", "apiKey"], reference)]);
}

#[test]
fn a_patch_holds_no_secret_and_says_so() {
    let text = "{\n  env: { vars: { A: 'made-up-1' } }, // sk-ant-api03-made-up-made-up\n  models: { providers: { groq: { apiKey: 'made-up-2', b: 1 } } },\n}";
    let key = ["models", "providers", "groq", "apiKey"];
    let reference = json!({ "source": "exec", "provider": "strongroom", "id": "main/groq:default" });
    let edited =
        edit(Some(text), &[Change::set(&key, reference), Change::remove(&["env", "vars", "A"])]).unwrap();
    let patch = serde_json::to_string(&edited.inverse).unwrap();
    assert!(!patch.contains("made-up"), "{patch}");
    assert_eq!(edited.inverse.not_restorable().count(), 2);
    let Restored::Nothing { left } = restore(text_of(&edited), &edited.inverse).unwrap() else { panic!() };
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|left| left.why == WhyLeft::HeldSecret));
}

#[test]
fn after_other_changes_only_what_is_still_ours_is_taken_back() {
    let text = "{ // mine\n  auth: { order: { groq: ['groq:x'], xai: [] } },\n}\n";
    let mut all = changes();
    all.push(Change::set(&["auth", "profiles", "groq:a"], json!({ "provider": "groq" })));
    all.push(Change::set(&["n"], 1));
    all.push(Change::remove(&["auth", "order", "xai"]));
    let edited = edit(Some(text), &all).unwrap();
    let after = text_of(&edited);
    let undone = |text: &str| match restore(text, &edited.inverse).unwrap() {
        Restored::Partly { text, left } => {
            let left = left.into_iter().map(|left| {
                assert_eq!(left.why, WhyLeft::Changed);
                shown(&left.path)
            });
            (text.expose_str().unwrap().to_owned(), left.collect::<Vec<_>>())
        }
        other => panic!("{other:?}"),
    };
    // Something else was added.
    let (text, left) = undone(&after.replace("// mine", "// mine\n  other: 1,"));
    assert_eq!(text, "{ // mine\n  other: 1,\n  auth: { order: { groq: ['groq:x'], xai: [] } },\n}\n");
    assert!(left.is_empty());
    // The client wrote it in its own way, and someone changed a value and added another.
    let mut value = as_json(after);
    value["n"] = json!(2);
    value["secrets"]["providers"]["own"] = json!({});
    value["auth"]["order"]["xai"] = json!(["xai:own"]);
    let (text, left) = undone(&serde_json::to_string_pretty(&value).unwrap());
    assert_eq!(left, ["auth.order.xai", "n"].map(str::to_owned));
    assert_eq!(
        as_json(&text),
        json!({
            "auth": { "order": { "groq": ["groq:x"], "xai": ["xai:own"] } },
            "n": 2,
            "secrets": { "providers": { "own": {} } },
        })
    );
    // Nothing of it is there.
    let Restored::Nothing { left } = restore("{ auth: { order: { xai: 1 } } }", &edited.inverse).unwrap()
    else {
        panic!()
    };
    assert_eq!(left.len(), 1);
    assert_eq!(restore("{ auth", &edited.inverse).unwrap_err().code(), Code::BadData);
}

pub(super) fn as_json(text: &str) -> Value {
    Document::of(text)
        .unwrap()
        .with_root(|root| meaning::to_json(&jsonc_parser::ast::Value::Object(root.clone())))
        .unwrap()
}

#[test]
fn many_profiles_are_written_at_once() {
    let names: Vec<_> = (0..2_000).map(|n| format!("groq:p{n}")).collect();
    let all: Vec<_> =
        names.iter().map(|id| Change::set(&["auth", "profiles", id, "provider"], "groq")).collect();
    let begun = std::time::Instant::now();
    edited("{ /* mine */ }", &all);
    // Parsing the document again for each of them would take 1,000 times as long.
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
}
