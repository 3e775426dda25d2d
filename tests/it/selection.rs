//! Which profile is used next: the tables of `tests/fixtures/selection`, through the pure functions and through the
//! command line. `tests/real/selection.sh` asks the real client the same.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use strongroom::client::alias::ALIASES;
use strongroom::client::config::ClientConfig;
use strongroom::client::state;
use strongroom::env::Env;
use strongroom::select::generation::Generation;
use strongroom::select::order::{Rules, Selected, select};
use strongroom::select::pin::Model;
use strongroom::select::profile::ProfileView;
use strongroom::select::verdict::Verdict;
use strongroom::vault::credential::CredentialType;
use strongroom::vault::id::ProfileId;

use crate::session::{Ran, Session, ran, setup_token, source};

/// An instant far from the machine's clock.
pub const NOW: i64 = 1_800_000_000_000;
pub const DAY: i64 = 86_400_000;
const SESSION: &str = "tg:42";
const AT: &str = "STRONGROOM_TEST_AT";
const ARGUMENTS: &str = "STRONGROOM_TEST_ARGUMENTS";

/// Not a test: the command line at a fixed instant. Without one it does nothing.
#[test]
fn at_an_instant() {
    let Ok(at) = std::env::var(AT) else { return };
    let arguments = std::env::var(ARGUMENTS).unwrap();
    let arguments: Vec<OsString> =
        std::iter::once("strongroom").chain(arguments.split('\n')).map(OsString::from).collect();
    let named = ["HOME", "XDG_RUNTIME_DIR", "STRONGROOM_KEY_FILE", Generation::VARIABLE];
    let env = named.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let env =
        env.fold(Env::default().at(at.parse().unwrap()), |env, (name, value)| env.with_var(name, value));
    std::process::exit(strongroom::cli::run(&arguments, env).into());
}

/// Runs a command line at an instant.
pub fn run_at(session: &Session, now: i64, arguments: &[&str]) -> Ran {
    feed_at(session, now, b"", arguments)
}

/// Runs a command line at an instant, with this input.
pub fn feed_at(session: &Session, now: i64, input: &[u8], arguments: &[&str]) -> Ran {
    feed_by(session, Generation::default(), now, input, arguments)
}

/// Runs a command line at an instant by the rules of a generation, with this input.
fn feed_by(session: &Session, generation: Generation, now: i64, input: &[u8], arguments: &[&str]) -> Ran {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "selection::at_an_instant", "--nocapture", "--test-threads=1"])
        .env_clear()
        .env("HOME", session.temp.path())
        .env("XDG_RUNTIME_DIR", session.temp.path())
        .env(Generation::VARIABLE, generation.as_str())
        .env(AT, now.to_string())
        .env(ARGUMENTS, arguments.join("\n"))
        .current_dir(session.temp.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut done = ran(command, input);
    // The test runner prints its own lines first.
    done.stdout = done.stdout.split_once("at_an_instant ... ").unwrap().1.to_owned();
    done
}

pub fn table(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(source("tests/fixtures/selection").join(name)).unwrap();
    let Value::Array(rows) = dated(serde_json::from_str(&text).unwrap()) else {
        panic!("{name} is no table")
    };
    rows
}

/// Returns `now+5` and similar expressions as numbers.
fn dated(value: Value) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix("now").and_then(|offset| offset.parse::<i64>().ok()) {
            Some(offset) => json!(NOW + offset),
            None => Value::String(text),
        },
        Value::Array(items) => items.into_iter().map(dated).collect(),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, dated(value))).collect())
        }
        other => other,
    }
}

pub fn text(value: &Value) -> String {
    if value.is_null() { "{}".to_owned() } else { value.to_string() }
}

pub fn provider(row: &Value) -> &str {
    row["provider"].as_str().unwrap_or("a")
}

/// Returns the profiles of a row, in its order: id, type, expiry.
fn profiles(row: &Value) -> Vec<(&str, &str, Option<i64>)> {
    row["profiles"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(id, value)| match value {
            Value::Array(both) => (id.as_str(), both[0].as_str().unwrap(), both[1].as_i64()),
            kind => (id.as_str(), kind.as_str().unwrap(), None),
        })
        .collect()
}

fn state_of(row: &Value) -> Value {
    let mut state = if row["state"].is_null() { json!({}) } else { row["state"].clone() };
    if !row["pin"].is_null() {
        state["pins"] = json!({ SESSION: row["pin"] });
    }
    state
}

/// The result of a row: the profiles that are used, those in cooldown, those that are not used, and
/// the next one.
#[derive(PartialEq, Debug)]
struct Told {
    used: Value,
    waits: Value,
    not: Value,
    next: Value,
}

fn expected(row: &Value) -> Told {
    let or_empty = |value: &Value| if value.is_null() { json!({}) } else { value.clone() };
    let next = row.get("next").unwrap_or(&row["used"][0]);
    Told {
        used: row["used"].clone(),
        waits: or_empty(&row["waits"]),
        not: or_empty(&row["not"]),
        next: next.clone(),
    }
}

fn told(choices: impl Iterator<Item = (String, String, Option<String>)>, next: Option<String>) -> Told {
    let mut told = Told { used: json!([]), waits: json!({}), not: json!({}), next: next.into() };
    for (id, verdict, reason) in choices {
        if verdict == "excluded" {
            told.not[id] = json!(reason);
            continue;
        }
        told.used.as_array_mut().unwrap().push(json!(id));
        if verdict != "eligible" {
            told.waits[id] = json!(verdict);
        }
    }
    told
}

fn purely(row: &Value, generation: Generation) -> Told {
    let views: Vec<ProfileView> = profiles(row)
        .into_iter()
        .map(|(id, kind, expires)| {
            let kind = match kind {
                "api_key" => CredentialType::ApiKey,
                "token" => CredentialType::Token,
                _ => CredentialType::OAuth,
            };
            ProfileView { expires, ..ProfileView::new(id.parse().unwrap(), kind) }
        })
        .collect();
    let provider = provider(row).parse().unwrap();
    let own: Vec<_> = views.iter().filter(|view| ALIASES.shared(&view.provider, &provider)).collect();
    let order: Option<Vec<ProfileId>> = row["order"]
        .as_array()
        .map(|ids| ids.iter().map(|id| id.as_str().unwrap().parse().unwrap()).collect());
    let state = state::parse(Some(state_of(row).to_string().as_bytes())).unwrap();
    let client = ClientConfig::parse(&text(&row["config"])).unwrap().selection;
    let pin = state.pins.get(&SESSION.parse().unwrap());
    let model: Option<Model> = row["model"].as_str().map(|model| model.parse().unwrap());
    let model = model.as_ref();
    let order = order.as_deref();
    let rules = Rules { order, state: &state, policy: &client, pin, model, generation, now: NOW };
    let selected: Selected = select(&provider, &own, &rules);
    let choices = selected.choices.iter().map(|choice| {
        let (verdict, reason) = match &choice.verdict {
            Verdict::Eligible => ("eligible", None),
            Verdict::CoolingDown { .. } => ("cooldown", None),
            Verdict::Disabled { .. } => ("disabled", None),
            Verdict::Excluded(code) => ("excluded", Some(code.as_str().to_owned())),
        };
        (choice.id.to_string(), verdict.to_owned(), reason)
    });
    told(choices, selected.next().map(|choice| choice.id.to_string()))
}

/// Creates a vault with the contents of a row.
pub fn vault_of(row: &Value) -> Session {
    let session = Session::new();
    let entries: serde_json::Map<String, Value> = profiles(row)
        .into_iter()
        .map(|(id, kind, expires)| {
            let member = match kind {
                "api_key" => "key",
                "token" => "token",
                _ => "access",
            };
            let provider = id.split(':').next().unwrap();
            let mut entry =
                json!({ "type": kind, "provider": provider, member: format!("made-up-{id}-secret") });
            if kind == "oauth" {
                entry["refresh"] = json!("made-up-refresh");
            }
            if let Some(expires) = expires {
                entry["expires"] = json!(expires);
            }
            (id.to_owned(), entry)
        })
        .collect();
    let document = json!({ "version": 1, "profiles": entries });
    session.write("profiles.json", document.to_string());
    run_at(&session, NOW - 1, &["import", "profiles.json", "--include-oauth"]).ok();
    if ["order", "orders", "expires"].iter().any(|name| !row[name].is_null()) {
        // Written by hand, because `order set` takes no unknown id, and import no invalid expiry.
        let index = session.agent_file("auth-profiles.json");
        let mut document: Value = serde_json::from_slice(&std::fs::read(&index).unwrap()).unwrap();
        if !row["order"].is_null() {
            document["order"] = json!({ provider(row): row["order"] });
        } else if !row["orders"].is_null() {
            document["order"] = row["orders"].clone();
        }
        for (id, expires) in row["expires"].as_object().into_iter().flatten() {
            document["profiles"][id]["expires"] = expires.clone();
        }
        std::fs::write(&index, document.to_string()).unwrap();
    }
    std::fs::create_dir(session.path(".openclaw")).unwrap();
    session.write(".openclaw/openclaw.json", text(&row["config"]));
    let state = state_of(row);
    if state != json!({}) {
        std::fs::write(session.agent_file("auth-state.json"), state.to_string()).unwrap();
    }
    session
}

fn by_the_command_line(row: &Value) -> Told {
    let session = vault_of(row);
    let report = run_at(&session, NOW, &["models", "status", "--json", "--session", SESSION]).ok().json();
    let mut selections = report["vault"]["providers"].as_array().unwrap().iter();
    let selection = selections.find(|selection| selection["provider"] == provider(row)).unwrap();
    let string = |value: &Value| value.as_str().map(str::to_owned);
    let choices = selection["candidates"].as_array().unwrap().iter().map(|candidate| {
        (
            string(&candidate["profileId"]).unwrap(),
            string(&candidate["verdict"]).unwrap(),
            string(&candidate["reason"]),
        )
    });
    let told = told(choices, string(&selection["next"]));
    // The other two ways to ask give the same answer.
    let explain = ["status", "--explain", provider(row), "--session", SESSION, "--json"];
    assert_eq!(json!(run_at(&session, NOW, &explain).ok().json()["next"]), told.next);
    let unusable = report["auth"]["unusableProfiles"].as_array().unwrap();
    for waiting in unusable.iter().filter(|one| one["provider"] == provider(row)) {
        let id = waiting["profileId"].as_str().unwrap();
        assert_eq!(waiting["kind"], told.waits[id], "{id}");
        assert!(waiting["remainingMs"].as_i64().unwrap() > 0);
    }
    told
}

#[test]
fn every_row_of_the_order_table_holds_purely_and_by_the_command_line() {
    let rows = table("order.json");
    assert!(rows.len() > 30);
    // Values that exist only in the index are read before the pure functions see them.
    for row in rows.iter().filter(|row| row["orders"].is_null() && row["expires"].is_null()) {
        for generation in Generation::ALL {
            assert_eq!(purely(row, generation), expected(row), "purely: {}", row["name"]);
        }
    }
    let told = crate::faults::two_at_a_time(&rows, by_the_command_line);
    for (row, told) in rows.iter().zip(told) {
        assert_eq!(told, expected(row), "by the command line: {}", row["name"]);
    }
}

#[test]
fn every_row_of_the_model_table_holds_purely_and_by_the_command_line() {
    let mut cases = Vec::new();
    for row in table("model.json") {
        for generation in [Generation::June, Generation::September] {
            let name = generation.as_str();
            if row["only"].is_null() || row["only"] == name {
                let mut row = row.clone();
                // What a version does otherwise.
                if let Value::Object(own) = row[name].take() {
                    row.as_object_mut().unwrap().extend(own);
                }
                cases.push((generation, row));
            }
        }
    }
    assert!(cases.len() > 15);
    let told = crate::faults::two_at_a_time(&cases, |(generation, row)| {
        let session = vault_of(row);
        let model = row["model"].as_str().unwrap();
        let asked = format!("a/{model}");
        let explain = ["status", "--explain", &asked, "--json"];
        let explained = feed_by(&session, *generation, NOW, b"", &explain).ok().json();
        assert_eq!((&explained["provider"], &explained["model"]), (&json!("a"), &row["model"]));
        (purely(row, *generation), explained["next"].clone())
    });
    for ((generation, row), (told, next)) in cases.iter().zip(told) {
        let name = format!("{} by {}", row["name"], generation.as_str());
        assert_eq!((&told.used, &told.next), (&row["used"], &row["next"]), "purely: {name}");
        assert_eq!(next, row["next"], "by the command line: {name}");
    }
}

#[test]
fn agents_are_isolated() {
    let session = Session::new();
    let pasted = |agent: &str| {
        let arguments = ["--agent", agent, "paste-token", "--provider", "anthropic", "--profile-id", "work"];
        session.feed(setup_token(agent), arguments).ok();
    };
    pasted("main");
    pasted("ops");
    session.run(["report", "anthropic:work", "--failure", "billing"]).ok();
    session.run(["pin", "--session", "s", "anthropic:work"]).ok();
    let of = |agent: &str| session.run(["--agent", agent, "status", "--session", "s", "--json"]).ok().json();
    let (main, ops) = (of("main"), of("ops"));
    assert_eq!(main["auth"]["unusableProfiles"][0]["profileId"], "anthropic:work");
    assert_eq!(main["vault"]["providers"][0]["pin"]["effect"], "locked");
    assert_eq!(ops["auth"]["unusableProfiles"], json!([]));
    assert_eq!(ops["vault"]["providers"][0]["pin"], Value::Null);
    let alone = session.run(["--agent", "new", "status", "--provider", "anthropic"]).ok();
    assert!(alone.stdout.contains("No API key found for provider anthropic (agent new)"), "{}", alone.stdout);
    assert!(alone.stdout.contains("main, ops have one: use `--agent main`"), "{}", alone.stdout);
}

#[test]
fn resolve_goes_by_what_was_reported() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-one");
    session.paste("groq:two", "made-up-key-two");
    let best = || session.resolve(&["providers/groq/apiKey"])["values"]["providers/groq/apiKey"].clone();
    assert_eq!(best(), "made-up-key-one");
    session.run(["report", "groq:one", "--failure", "rate_limit"]).ok();
    assert_eq!(best(), "made-up-key-two");
    session.run(["report", "groq:two", "--failure", "billing"]).ok();
    assert_eq!(best(), "made-up-key-one", "it is free sooner");
    session.run(["report", "groq:two", "--success"]).ok();
    assert_eq!(best(), "made-up-key-two");
    session.run(["report", "groq:one", "--success"]).ok();
    assert_eq!(best(), "made-up-key-two", "the longest unused");
    std::fs::create_dir(session.path(".openclaw")).unwrap();
    session.write(".openclaw/openclaw.json", r#"{auth:{order:{groq:["groq:one"]}}}"#);
    assert_eq!(best(), "made-up-key-one", "the client's configuration");
}

#[test]
fn resolve_serves_an_alias_and_passes_by_what_the_configuration_leaves_out() {
    let session = Session::new();
    session.paste("volcengine:one", "made-up-key-one");
    let answer = |provider: &str| {
        let id = format!("providers/{provider}/apiKey");
        session.resolve(&[&id])["values"][&id].clone()
    };
    assert_eq!(answer("volcengine-plan"), "made-up-key-one");
    assert_eq!(answer("byteplus-plan"), Value::Null);
    session.paste("volcengine-plan:two", "made-up-key-two");
    session.run(["report", "volcengine:one", "--failure", "rate_limit"]).ok();
    assert_eq!(answer("volcengine"), "made-up-key-two");
    std::fs::create_dir(session.path(".openclaw")).unwrap();
    session.write(".openclaw/openclaw.json", "\u{feff}{auth:{order:{volcengine:[]}}}");
    assert_eq!((answer("volcengine"), answer("volcengine-plan")), (Value::Null, Value::Null));
}

#[test]
fn a_session_follows_what_serves_it_until_a_person_pins() {
    let session = Session::new();
    for id in ["groq:one", "groq:two"] {
        session.paste(id, &format!("made-up-{id}"));
    }
    let report = |id: &str, outcome: &[&str]| {
        let mut arguments = vec!["report", id, "--session", "s"];
        arguments.extend(outcome);
        session.run(arguments).ok();
    };
    let next = || {
        let status = session.run(["status", "--session", "s", "--json"]).ok().json();
        status["vault"]["providers"][0]["next"].as_str().unwrap().to_owned()
    };
    assert_eq!(next(), "groq:one");
    report("groq:one", &["--success"]);
    assert_eq!(next(), "groq:one", "its cache is warm, though the other is the longest unused");
    report("groq:one", &["--failure", "rate_limit"]);
    assert_eq!(next(), "groq:two");
    report("groq:two", &["--success"]);
    session.run(["models", "pin", "--session", "s", "/model llama@groq:one"]).ok();
    assert_eq!(next(), "groq:one", "it alone serves, though it cools down");
    report("groq:two", &["--success"]);
    report("groq:one", &["--failure", "rate_limit"]);
    assert_eq!(next(), "groq:one");
    session.run(["models", "pin", "--session", "s", "--clear"]).ok();
    assert_eq!(next(), "groq:two");
}
