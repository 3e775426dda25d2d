//! Anything that looks like a secret is never repeated, wherever it was given.
//!
//! The commands come from the definition of the command line, so that a new verb or flag is covered.

use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use crate::session::{HANGS, RECEIVER, Ran, Session, ran, ran_within, snapshot};

/// Made-up secrets of every kind that people put in the wrong place: what is given, and the part that must not be
/// repeated.
const CANARIES: [(&str, &str); 16] = [
    ("sk-ant-oat01-c4n4ry-made-up-made-up-made-up", "c4n4ry"),
    ("AGE-SECRET-KEY-1C4N4RYMADEUPMADEUPMADEUPMADEUPMADEUPMADEUPMADEUPMADEUPMADE", "C4N4RY"),
    ("strongroom-key-v1:c4n4ryBtYWRlIHVwIG1hZGUgdXAgbWFkZSB1cCA/+A", "c4n4ry"),
    (
        "# Strongroom key: opens the vault\nstrongroom-key-v1:c4n4ryBtYWRlIHVwIG1hZGUgdXAgbWFkZSB1cCA/+A\n",
        "c4n4ry",
    ),
    ("GROQ_API_KEY=c4n4ry-made-up", "c4n4ry"),
    ("export OPENAI_API_KEY='c4n4ry made up'", "c4n4ry"),
    ("correct c4n4ry battery staple", "c4n4ry"),
    (
        "-----BEGIN OPENSSH PRIVATE KEY-----\nc4n4ryAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB\n-----END OPENSSH PRIVATE KEY-----\n",
        "c4n4ry",
    ),
    ("{\"profiles\":{\"groq:default\":{\"key\":\"c4n4ry\"}}}", "c4n4ry"),
    ("c4n4ry made up\nof two lines\n", "c4n4ry"),
    ("c40a57e0123456789abcdef0123456789abcdef0123456789abcdef012345678", "c40a57e0"),
    ("C40A57E0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF012345678", "C40A57E0"),
    ("c4N4ry7wAbC/EfGh1jKlMn0pQrStU/WxYz4567890aBcE=", "c4N4ry"),
    ("c4N4ry7wAbC-EfGh1jKlMn0pQrStU_WxYz4567890aBcE", "c4N4ry"),
    ("/c4N4ry7wAbC/EfGh1jKlMn0pQrStUWxYz4567890aBcE+=", "c4N4ry"),
    ("eyJhbGciOiJub25lIn0.c4n4ryOiJtYWRlIHVwIn0.c4n4ry", "c4n4ry"),
];

/// Variables that Strongroom reads.
const VARIABLES: [&str; 14] = [
    "STRONGROOM_HOME",
    "STRONGROOM_AGENT",
    "STRONGROOM_KEY_FILE",
    "STRONGROOM_PASSPHRASE_FILE",
    "STRONGROOM_ANCHOR",
    "STRONGROOM_BACKOFF",
    "CREDENTIALS_DIRECTORY",
    "STATE_DIRECTORY",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "HOME",
    "OPENCLAW_CONFIG_PATH",
    "OPENCLAW_STATE_DIR",
];

/// A verb as typed, its own options that take a value, and how many positional arguments it has.
struct Verb {
    names: Vec<String>,
    options: Vec<String>,
    positionals: usize,
}

/// Options of every command.
const GLOBAL: [&str; 8] = [
    "--home",
    "--agent",
    "--key-file",
    "--passphrase-file",
    "--passphrase-fd",
    "--lock-timeout",
    "--keychain-timeout",
    "--anchor",
];

fn verbs() -> Vec<Verb> {
    fn visit(command: &clap::Command, names: &[String], found: &mut Vec<Verb>) {
        let mut subcommands = command.get_subcommands().peekable();
        if subcommands.peek().is_none() {
            let valued = command.get_arguments().filter(|arg| arg.get_action().takes_values());
            let (positionals, options): (Vec<_>, Vec<_>) = valued.partition(|arg| arg.is_positional());
            let options = options.iter().filter_map(|arg| arg.get_long()).map(|long| format!("--{long}"));
            found.push(Verb {
                names: names.to_vec(),
                options: options.filter(|option| !GLOBAL.contains(&option.as_str())).collect(),
                positionals: positionals.len(),
            });
        }
        for verb in subcommands {
            let names: Vec<_> = names.iter().cloned().chain([verb.get_name().to_owned()]).collect();
            visit(verb, &names, found);
        }
    }
    let mut command = strongroom::cli::command();
    command.build();
    let mut found = Vec::new();
    visit(&command, &[], &mut found);
    found
}

/// Returns the rest of a command line with which a verb gets far enough to use its paths.
fn rest(names: &[String]) -> Vec<&'static str> {
    match names.last().unwrap().as_str() {
        "recover" => vec!["--recovery-key", "recovery"],
        "paste-token" | "paste-api-key" | "clear" => vec!["--provider", "groq"],
        "get" if names.iter().any(|name| name == "order") => vec!["--provider", "groq"],
        "set" => vec!["--provider", "groq", "groq:one"],
        "get" | "rotate" => vec!["groq:one"],
        "remove" if names[0] == "unlock-method" => vec!["passphrase", "--yes"],
        "remove" | "logout" => vec!["groq:one", "--yes"],
        "rename" => vec!["groq:one", "groq:two"],
        "report" => vec!["groq:one", "--success"],
        "pin" => vec!["--session", "s", "groq:one"],
        "import" => vec!["keys.env", "--yes"],
        "export" => vec!["--to", RECEIVER],
        "add" if names[0] == "unlock-method" => vec!["key-file", "--name", "more"],
        "add" | "login" => vec!["--provider", "groq", "--method", "apiKey"],
        "move" => vec!["groq:one", "--store", "file"],
        "completions" => vec!["bash"],
        "rekey" => vec!["--yes"],
        "onboard" => vec!["--non-interactive", "--auth-choice", "groq-api-key", "--groq-api-key", "-"],
        _ => vec![],
    }
}

/// A vault with a profile, and the other files that the verbs need.
fn session() -> Session {
    let session = Session::new();
    session.paste("groq:one", "made-up-key");
    let key = session.run(["recovery-key"]).ok().stdout;
    session.write("recovery", key);
    session.write("keys.env", "GROQ_API_KEY=made-up-key\n");
    session
}

/// Returns the name of anything below a directory that contains the canary.
fn named(directory: &Path, canary: &str) -> Option<String> {
    std::fs::read_dir(directory).unwrap().flatten().find_map(|entry| {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().to_lowercase());
        if name.contains(&canary.to_lowercase()) {
            return Some(path.display().to_string());
        }
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        is_dir.then(|| named(&path, canary)).flatten()
    })
}

fn holds(directory: &Path, canary: &str) -> Option<String> {
    snapshot(directory).into_iter().find_map(|(path, _, bytes)| {
        let inside = bytes.windows(canary.len()).any(|bytes| bytes == canary.as_bytes());
        (inside || path.to_string_lossy().contains(canary)).then(|| path.display().to_string())
    })
}

/// Runs a command and returns what it repeats.
fn echo(
    session: &Session,
    arguments: &[String],
    variable: Option<(&str, &str)>,
    canary: &str,
) -> Option<String> {
    let mut command = session.command(arguments);
    if let Some((name, value)) = variable {
        command.env(name, value);
    }
    let input = if arguments.iter().any(|argument| argument == "resolve") {
        r#"{"protocolVersion":1,"provider":"strongroom","ids":["main/groq:one"]}"#
    } else {
        "made-up-key"
    };
    command.stdin(Stdio::piped());
    // A server runs until it is ended.
    let serves = arguments.first().is_some_and(|verb| verb == "serve");
    let limit = if serves { Duration::from_secs(3) } else { HANGS };
    let Ran { status, stdout, stderr } = ran_within(limit, command, input.as_bytes());
    let is_serving = serves && stdout.contains("127.0.0.1:");
    let said = format!("{stdout}{stderr}");
    // A canary in another case still counts.
    let lowered = said.to_lowercase();
    let repeats = lowered.contains(&canary.to_lowercase());
    let broken = (status < 0 && !is_serving)
        || status == 101
        || said.contains("panicked")
        || stderr.contains("[INTERNAL]");
    let made = named(session.temp.path(), canary);
    let wrong = if repeats {
        Some(said)
    } else if broken {
        Some(format!("status {status}: {said}"))
    } else {
        made.map(|name| format!("made {name}"))
    };
    wrong.map(|what| format!("{arguments:?} {variable:?}\n    {what}"))
}

/// A command line, a variable that is set, and what must not be repeated.
type Case = (Vec<String>, Option<(&'static str, &'static str)>, &'static str);

/// Tries all cases on two threads, each with its own vaults.
fn try_all(cases: Vec<Case>) {
    let many = cases.len();
    let (cases, wrong) = (Mutex::new(cases.into_iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut session = session();
                loop {
                    let next = cases.lock().unwrap().next();
                    let Some((arguments, variable, canary)) = next else { break };
                    if let Some(what) = echo(&session, &arguments, variable, canary) {
                        wrong.lock().unwrap().push(what);
                        session = self::session();
                    }
                }
                for (_, canary) in CANARIES {
                    let found = holds(&session.home(), canary);
                    wrong.lock().unwrap().extend(found.map(|name| format!("{name} holds {canary}")));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    println!("{many} command lines, {} that repeat", wrong.len());
    assert!(wrong.is_empty(), "{} of {many}:\n{}", wrong.len(), wrong.join("\n"));
}

fn line(names: &[String], more: &[&str]) -> Vec<String> {
    names.iter().cloned().chain(more.iter().map(|&word| word.to_owned())).collect()
}

#[test]
fn no_secret_in_the_place_of_an_argument_is_repeated() {
    let mut cases = Vec::new();
    let verbs = verbs();
    assert!(verbs.len() > 50, "{}", verbs.len());
    for (number, verb) in verbs.iter().enumerate() {
        let rest = rest(&verb.names);
        for (place, (text, canary)) in CANARIES.into_iter().enumerate() {
            // A key as a positional argument, as one too many, after an unknown flag, and as a flag.
            cases.push((line(&verb.names, &[text]), None, canary));
            let many = vec![text; verb.positionals + 1];
            cases.push((line(&verb.names, &many), None, canary));
            if (number + place) % 4 == 0 {
                cases.push((
                    line(&verb.names, &[&["--secret", text], rest.as_slice()].concat()),
                    None,
                    canary,
                ));
                let flag = format!("--{text}");
                cases.push((line(&verb.names, &[flag.as_str()]), None, canary));
                cases.push((line(&[], &[text]), None, canary));
            }
        }
        for option in &verb.options {
            // OpenClaw's flags that take a secret itself say what they do with it.
            let takes_secret = option == "--token" || option.ends_with("-api-key");
            for (place, (text, canary)) in CANARIES.into_iter().enumerate() {
                let variable = format!("env:{text}");
                let text = if takes_secret { &variable } else { text };
                let mut arguments = line(&verb.names, &rest);
                arguments.retain(|word| word != option);
                arguments.extend([option.clone(), text.to_owned()]);
                if takes_secret && place % 4 != 0 {
                    continue;
                }
                if place % 3 == 0 {
                    arguments.push("--json".to_owned());
                }
                cases.push((arguments, None, canary));
            }
        }
        for (place, option) in GLOBAL.iter().enumerate() {
            for (kind, (text, canary)) in CANARIES.into_iter().enumerate() {
                // Every verb with every option, and each pair with several kinds.
                if (number + place + kind) % 5 != 0 {
                    continue;
                }
                let json = if kind % 2 == 0 { &["--json"][..] } else { &[] };
                let more = [rest.as_slice(), &[*option, text], json].concat();
                cases.push((line(&verb.names, &more), None, canary));
            }
        }
    }
    try_all(cases);
}

#[test]
fn no_secret_in_a_variable_is_repeated() {
    let mut cases = Vec::new();
    for (number, verb) in verbs().iter().enumerate() {
        let rest = rest(&verb.names);
        for (place, variable) in VARIABLES.into_iter().enumerate() {
            let every = verb.names == ["resolve"] || verb.names == ["get"] || verb.names == ["init"];
            for (kind, (text, canary)) in CANARIES.into_iter().enumerate() {
                if every || (number + place + kind) % 5 == 0 {
                    let json = if kind % 2 == 0 { &["--json"][..] } else { &[] };
                    cases.push((
                        line(&verb.names, &[rest.as_slice(), json].concat()),
                        Some((variable, text)),
                        canary,
                    ));
                }
            }
        }
    }
    try_all(cases);
}

#[test]
fn a_file_that_a_variable_names_and_that_is_not_there_is_told_by_the_variable() {
    let session = session();
    for (variable, verb) in [("STRONGROOM_KEY_FILE", "get"), ("STRONGROOM_PASSPHRASE_FILE", "get")] {
        for value in ["hunter2", "/etc/none-of-these/key", "./none"] {
            let mut command = session.command([verb, "groq:one"]);
            command.env(variable, value);
            let said = ran(command, b"").failed("NO_INPUT", 66).stderr;
            assert!(said.contains(variable) && !said.contains(value), "{said}");
            let mut command = session.command(["resolve"]);
            command.env(variable, value);
            let request = br#"{"protocolVersion":1,"provider":"strongroom","ids":["main/groq:one"]}"#;
            let answer = ran(command, request).ok().stdout;
            assert!(answer.contains(variable) && !answer.contains(value), "{answer}");
        }
    }
    let mut command = session.command(["list"]);
    command.env("STRONGROOM_HOME", "hunter2");
    let said = ran(command, b"").failed("CONFIG", 78).stderr;
    assert!(said.contains("STRONGROOM_HOME") && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_profile_whose_id_is_a_secret_is_shown_by_a_handle_and_can_be_removed() {
    let session = session();
    let secret = "sk-ant-oat01-c4n4ry-made-up-made-up";
    let index = std::fs::read_to_string(session.agent_file("auth-profiles.json")).unwrap();
    let mut index: serde_json::Value = serde_json::from_str(&index).unwrap();
    index["profiles"][format!("anthropic:{secret}")] =
        serde_json::json!({ "type": "api_key", "provider": "anthropic", "key": "made-up" });
    session.write(".local/share/strongroom/agents/main/auth-profiles.json", index.to_string());
    let id = format!("anthropic:{secret}");
    let commands: [&[&str]; 13] = [
        &["list"],
        &["list", "--json"],
        &["status"],
        &["status", "--json"],
        &["status", "--explain", "anthropic"],
        &["doctor"],
        &["doctor", "--json"],
        &["verify"],
        &["verify", "--json"],
        &["log"],
        &["order", "get", "--provider", "anthropic"],
        &["get", &id],
        &["remove", "--yes", &id],
    ];
    for command in commands {
        session.run(command).sane("c4n4ry");
    }
    let listed = session.run(["list", "--json"]).ok().json();
    let profiles = listed["agents"][0]["profiles"].as_array().unwrap().clone();
    let ids: Vec<_> = profiles.iter().map(|profile| profile["profileId"].as_str().unwrap()).collect();
    let handle = ids.iter().find(|id| id.starts_with("anthropic:~")).unwrap();
    let said = session.run(["remove", handle, "--yes"]).ok().sane("c4n4ry").stdout;
    assert!(said.contains(*handle), "{said}");
    let left = std::fs::read_to_string(session.agent_file("auth-profiles.json")).unwrap();
    assert!(!left.contains("c4n4ry"), "{left}");
    session.run(["remove", handle, "--yes"]).failed("NOT_FOUND", 66);
}
