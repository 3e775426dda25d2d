//! How long profiles rest after failures: the table `tests/fixtures/selection/backoff.json`, through the pure functions
//! and through the command line. `tests/real/selection.sh` asks the real clients the same.

use serde_json::{Value, json};
use strongroom::client::config::ClientConfig;
use strongroom::client::state;
use strongroom::select::backoff::{BackoffPolicy, Failed, after_success};
use strongroom::select::state::Usage;

use crate::selection::{NOW, provider, run_at, table, text, vault_of};

fn usage(value: &Value) -> Usage {
    let file = serde_json::json!({ "version": 1, "usageStats": { "a:b": value } });
    let state = state::parse(Some(file.to_string().as_bytes())).unwrap();
    state.usage(&"a:b".parse().unwrap()).cloned().unwrap_or_default()
}

#[test]
fn every_row_of_the_backoff_table_holds_purely_and_by_the_command_line() {
    let rows = table("backoff.json");
    assert!(rows.len() > 20);
    for row in &rows {
        let provider = provider(row).parse().unwrap();
        let generation = row["backoff"].as_str().map(|text| text.parse().unwrap()).unwrap_or_default();
        let client = ClientConfig::parse(&text(&row["config"])).unwrap().selection;
        let policy = BackoffPolicy { generation, limits: client.limits(&provider) };
        let mut known = usage(&row["before"]);
        for report in row["reports"].as_array().unwrap() {
            let (kind, now) = (report[0].as_str().unwrap(), NOW + report[1].as_i64().unwrap());
            known = match kind {
                "success" => after_success(&known, now),
                kind => {
                    let model = report[2].as_str().map(|model| model.parse().unwrap());
                    let kind = kind.parse().unwrap();
                    let failed = Failed { provider: &provider, failure: kind, model: model.as_ref() };
                    policy.after_failure(&known, failed, now).unwrap_or(known)
                }
            };
        }
        assert_eq!(known, usage(&row["after"]), "purely: {}", row["name"]);
    }
    let seen = crate::faults::two_at_a_time(&rows, |row| {
        let id = format!("{}:x", provider(row));
        let mut vault = json!({ "profiles": { id.as_str(): "token" }, "config": row["config"] });
        if !row["before"].is_null() {
            vault["state"] = json!({ "usageStats": { id.as_str(): row["before"] } });
        }
        let session = vault_of(&vault);
        for report in row["reports"].as_array().unwrap() {
            let kind = report[0].as_str().unwrap();
            let mut arguments = vec!["models", "report", &id];
            match kind {
                "success" => arguments.push("--success"),
                kind => arguments.extend(["--failure", kind]),
            }
            if let Some(version) = row["backoff"].as_str() {
                arguments.extend(["--backoff", version]);
            }
            if let Some(model) = report[2].as_str() {
                arguments.extend(["--model", model]);
            }
            run_at(&session, NOW + report[1].as_i64().unwrap(), &arguments).ok();
        }
        let state = std::fs::read(session.agent_file("auth-state.json")).ok();
        state.map_or(Value::Null, |bytes| {
            serde_json::from_slice::<Value>(&bytes).unwrap()["usageStats"][&id].clone()
        })
    });
    for (row, seen) in rows.iter().zip(seen) {
        assert_eq!(seen, row["after"], "by the command line: {}", row["name"]);
    }
}
