//! Comparison with tools that take long to build or to fill: fnox and pass, with `--all`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::place::{Place, token};
use crate::process::{Process, Task, interleaved};
use crate::spread::spread;

/// The tasks of a tool: get one value, list all names of 1,000, and store one more value.
struct Tool {
    name: &'static str,
    get: Process,
    list: Process,
    set: Process,
}

pub fn print(place: &Place) {
    let rounds = (place.rounds / 3).max(5);
    println!(
        "Beside other tools, each with 1,000 entries; how many times as long as Strongroom they take:\n"
    );
    println!("| | `get` | `list` | store one |\n|---|---|---|---|");
    for tool in [fnox(place), pass(place)].into_iter().flatten() {
        let tasks = [
            tool.get,
            place.get("thousand"),
            tool.list,
            place.vault("thousand", &["list"]),
            tool.set,
            place.paste("thousand"),
        ]
        .map(Task::Process);
        let [get, own_get, list, own_list, set, own_set] = interleaved(rounds, &tasks);
        let cells = [(get, own_get), (list, own_list), (set, own_set)]
            .map(|(other, own)| format!("{} ({:.1} ms)", spread(other.times(&own)), other.median()));
        println!("| {} | {} |", tool.name, cells.join(" | "));
    }
    println!();
}

/// pass with a gpg key without a passphrase, and a warm agent.
fn pass(place: &Place) -> Option<Tool> {
    let program = place.pass.as_ref()?;
    let gpg = place.directory("gnupg");
    fs::set_permissions(&gpg, fs::Permissions::from_mode(0o700)).unwrap();
    let command = |program: &std::path::Path, args: &[&str]| {
        Process::new(program, args)
            .env("HOME", &place.scratch)
            .env("GNUPGHOME", &gpg)
            .env("PASSWORD_STORE_DIR", place.path("password-store"))
            .env("PATH", "/usr/bin:/bin")
    };
    let key = ["--batch", "--passphrase", "", "--quick-gen-key", "peers", "default", "default", "never"];
    command("/usr/bin/gpg".as_ref(), &key).run();
    command(program, &["init", "peers"]).run();
    let value = |n| place.file("pass-value", &format!("{}\n", token(n)));
    for n in 0..1_000 {
        let name = format!("account-{n:05}");
        command(program, &["insert", "--multiline", "--force", &name]).stdin(value(n)).run();
    }
    Some(Tool {
        name: "pass, its gpg-agent warm",
        get: command(program, &["show", "account-00000"]),
        list: command(program, &["ls"]),
        set: command(program, &["insert", "--multiline", "--force", "account-00000"]).stdin(value(7)),
    })
}

/// fnox with values encrypted to an age key.
fn fnox(place: &Place) -> Option<Tool> {
    let program = place.fnox.as_ref()?;
    let (_, recipient, identity) = place.rage();
    let dir = place.directory("fnox");
    let config = dir.join("fnox.toml");
    fs::write(&config, format!("[providers.age]\ntype = \"age\"\nrecipients = [\"{recipient}\"]\n")).unwrap();
    let command = |args: &[&str]| {
        let args: Vec<&str> = ["--config", config.to_str().unwrap()].iter().chain(args).copied().collect();
        Process::new(program, &args).env("HOME", &place.scratch).env("FNOX_AGE_KEY_FILE", &identity)
    };
    // fnox takes values as arguments.
    for n in 0..1_000 {
        if !command(&["set", &format!("ACCOUNT_{n:05}"), &token(n), "--provider", "age"]).succeeds() {
            eprintln!("peers: fnox refuses to store a value: it is left out");
            return None;
        }
    }
    Some(Tool {
        name: "fnox, values under an age key",
        get: command(&["get", "ACCOUNT_00000"]),
        list: command(&["list"]),
        set: command(&["set", "ACCOUNT_00000", &token(7), "--provider", "age"]),
    })
}
