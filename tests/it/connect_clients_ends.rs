//! `connect` and `disconnect` for clients other than OpenClaw, beside what a person, another vault and a kill do
//! meanwhile.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::connect_clients::{CASES, KEY, YAML, connect, helpers, put, read, session};
use crate::session::{Session, ran, strace};

#[test]
fn a_second_connection_adds_to_the_first_and_flags_of_the_same_part_replace_it() {
    let session = session();
    session.run(["edit", "github:one", "--host", "https://b.x.io"]).ok();
    let config = put(&session, ".gitconfig", CASES[0].text);
    let sections = || read(&config).matches("[credential ").count();
    let git = |host: &str| session.run(["connect", "git", "--host", host, "--yes"]).ok().stdout;
    git("https://git.x.io");
    let added = git("https://b.x.io");
    assert_eq!(sections(), 2);
    assert!(!added.contains("git.x.io"), "{added}");
    git("https://b.x.io");
    assert_eq!(sections(), 2);
    session.run(["connect", "git", "--yes"]).ok();
    assert_eq!(sections(), 2);
    let fewer = git("https://b.x.io");
    assert!(fewer.contains("-[credential \"https://git.x.io\"]"), "{fewer}");
    assert_eq!(sections(), 1);
    session.run(["disconnect", "git", "--yes"]).ok();
    assert_eq!(read(&config), CASES[0].text);

    let aws = put(&session, ".aws/config", "[default]\nregion = x");
    let connect = |name: &str| {
        session.run(["connect", "aws", "--profile", "amazon:one", "--name", name, "--yes"]).ok();
    };
    ["one", "two", "one"].into_iter().for_each(connect);
    let text = read(&aws);
    assert_eq!(
        (text.matches("[profile ").count(), text.matches("credential_process").count()),
        (2, 2),
        "{text}"
    );
    fs::write(&aws, format!("{text}# mine\n")).unwrap();
    session.run(["connect", "aws", "--profile", "amazon:one", "--yes"]).ok();
    assert_eq!(read(&aws).matches("credential_process").count(), 3);
    session.run(["disconnect", "aws", "--yes"]).ok();
    assert_eq!(read(&aws), "[default]\nregion = x\n# mine\n");
}

#[test]
fn what_a_person_added_below_a_header_of_ours_keeps_its_place() {
    let session = session();
    let aws = put(&session, ".aws/config", "[profile prod]\noutput = json\n");
    session.run(["connect", "aws", "--profile", "amazon:one", "--name", "work", "--yes"]).ok();
    fs::write(&aws, format!("{}region = x\n", read(&aws))).unwrap();
    session.run(["disconnect", "aws", "--yes"]).ok();
    assert_eq!(read(&aws), "[profile prod]\noutput = json\n[profile work]\nregion = x\n");

    let git = put(&session, ".gitconfig", "[alias]\n\tx = y\n");
    session.run(["connect", "git", "--yes"]).ok();
    fs::write(&git, format!("{}\tusername = me\n", read(&git))).unwrap();
    session.run(["disconnect", "git", "--yes"]).ok();
    assert_eq!(read(&git), "[alias]\n\tx = y\n[credential \"https://git.x.io\"]\n\tusername = me\n");
}

#[test]
fn an_item_that_kubectl_wrote_again_is_found_by_what_it_says() {
    let session = session();
    let case = &YAML[0];
    let config = put(&session, case.config, case.text);
    connect(&session, "connect", case, &["--yes"]).ok();
    let again = read(&config)
        .replace("- \"--agent\"", "- --agent")
        .replace("      exec:\n", "      exec:\n        env: null\n");
    assert_ne!(again, read(&config));
    fs::write(&config, &again).unwrap();
    connect(&session, "connect", case, &["--yes"]).ok();
    fs::write(&config, &again).unwrap();
    let gone = connect(&session, "disconnect", case, &["--yes", "--json"]).ok().json();
    assert_eq!(gone["left"], json!([]), "{gone}");
    assert_eq!(read(&config), case.text);
}

#[test]
fn a_helper_or_a_user_name_that_git_has_for_a_host_stays() {
    let session = session();
    for own in [
        "[credential \"https://git.x.io\"]\n\thelper = !mine\n",
        "[credential \"https://git.x.io/org\"]\n\tusername = alice\n",
        "[credential \"https://*.x.io\"]\n\thelper = !mine\n",
        "[include]\n\tpath = more\n",
    ] {
        let config = put(&session, ".gitconfig", own);
        put(&session, "more", "[credential \"https://git.x.io\"]\n\thelper = !mine\n");
        connect(&session, "connect", &CASES[0], &["--yes"]).failed("EXISTS", 73);
        assert_eq!(read(&config), own);
    }
    put(&session, ".gitconfig", "[credential]\n\thelper = store --file x\n");
    let told = connect(&session, "connect", &CASES[0], &["--yes"]).ok();
    assert!(told.stderr.contains("a helper for every host"), "{}", told.stderr);
}

#[test]
fn a_connection_that_cannot_be_written_leaves_nothing_allowed() {
    let session = session();
    let case = CASES.last().unwrap();
    symlink("nowhere", put(&session, ".aws/x", "").with_file_name("config")).unwrap();
    connect(&session, "connect", case, &["--yes"]).failed("UNSAFE_FILE", 78);
    fs::remove_file(session.path(".aws/config")).unwrap();
    put(&session, "real", case.text);
    symlink(session.path("real"), session.path("one")).unwrap();
    symlink(session.path("one"), session.path(".aws/config")).unwrap();
    connect(&session, "connect", case, &["--yes"]).failed("UNSAFE_FILE", 78);
    assert!(helpers(&session, "amazon:one").as_array().is_none_or(Vec::is_empty));
    connect(&session, "disconnect", case, &["--yes"]).failed("NOT_FOUND", 66);
    assert_eq!(read(&session.path("real")), case.text);
}

#[test]
fn another_vault_and_another_agent_take_nothing_from_a_connection() {
    let session = session();
    session.run(["connect", "docker", "--host", "https://git.x.io", "--yes"]).ok();
    let program = session.path(".local/bin/docker-credential-strongroom");
    let target = fs::read_link(&program).unwrap();
    let other = session.path("other");
    let home = ["--home", other.to_str().unwrap()];
    session.run(home.iter().chain(&["init"])).ok();
    let paste = ["paste-token", "--provider", "x", "--host", "https://two.x.io", "--username", "me"];
    session.feed(KEY, home.iter().chain(&paste)).ok();
    session.run(home.iter().chain(&["connect", "docker", "--yes"])).failed("EXISTS", 73);
    assert_eq!(fs::read_link(&program).unwrap(), target);
    session.run(["copy", "github:one", "--to-agent", "ops"]).ok();
    session.run(["connect", "docker", "--agent", "ops", "--yes"]).failed("EXISTS", 73);
    assert!(!read(&session.path(".docker/config.json")).contains("two.x.io"));
}

#[test]
fn the_change_shows_nothing_of_what_is_around_it() {
    let session = session();
    let text = "{\"mcpServers\":{\"a\":{\"args\":[\"--api-key\",\"made-up-canary\"]},\"b\":{\"type\":\"http\",\"url\":\"https://git.x.io/b?k=made-up-canary\"}}}";
    put(&session, ".claude.json", text);
    let case = CASES.iter().find(|case| case.client == "claude-mcp").unwrap();
    for (verb, more) in [("connect", "--dry-run"), ("connect", "--yes"), ("disconnect", "--yes")] {
        let json = connect(&session, verb, case, &["--dry-run", "--json"]);
        let ran = connect(&session, verb, case, &[more]).ok();
        assert!(ran.stdout.contains("headersHelper"), "{}", ran.stdout);
        assert!(!format!("{}{}{}", ran.stdout, ran.stderr, json.stdout).contains("canary"), "{}", ran.stdout);
    }
    assert_eq!(read(&session.path(".claude.json")), text);
}

#[test]
fn a_profile_that_is_renamed_is_connected_again_by_the_command_that_is_told() {
    let session = session();
    let case = CASES.last().unwrap();
    let config = put(&session, case.config, case.text);
    connect(&session, "connect", case, &["--yes"]).ok();
    let told = session.run(["rename", "amazon:one", "amazon:two"]).ok().stderr;
    let command = told.split('`').nth(1).unwrap();
    assert_eq!(command, "strongroom connect aws --profile amazon:two --name work");
    session.run(command.split(' ').skip(1).chain(["--yes"])).ok();
    let text = read(&config);
    assert!(text.contains("helper aws amazon:two") && !text.contains("amazon:one"), "{text}");
    connect(&session, "disconnect", case, &["--yes"]).ok();
    assert_eq!(read(&config), case.text);
    assert!(helpers(&session, "amazon:two").as_array().is_none_or(Vec::is_empty));
}

#[test]
fn a_profile_whose_place_another_one_takes_no_longer_names_the_helper() {
    let session = session();
    let paste = ["paste-api-key", "--provider", "amazon", "--profile-id", "amazon:two", "--username", "b"];
    session.feed(KEY, paste).ok();
    for id in ["amazon:one", "amazon:two"] {
        session.run(["connect", "aws", "--profile", id, "--yes"]).ok();
    }
    assert!(helpers(&session, "amazon:one").as_array().is_none_or(Vec::is_empty));
    assert_eq!(helpers(&session, "amazon:two"), json!(["aws"]));
    fs::remove_file(session.path(".aws/config")).unwrap();
    let gone = session.run(["disconnect", "aws", "--yes"]).ok();
    assert!(!gone.stdout.contains("as it was"), "{}", gone.stdout);
    assert!(helpers(&session, "amazon:two").as_array().is_none_or(Vec::is_empty));
}

#[test]
fn flags_that_a_client_has_no_use_for_are_refused() {
    let session = session();
    for client in ["git", "docker", "claude-code", "hermes"] {
        session.run(["connect", client, "--name", "x", "--yes"]).failed("USAGE", 64);
    }
    session.run(["connect", "claude-code", "--profile", "github:one", "--yes"]).failed("USAGE", 64);
}

#[test]
fn a_planted_connection_takes_nothing_out() {
    let session = session();
    let config = session.write(".gitconfig", CASES[0].text);
    connect(&session, "connect", &CASES[0], &["--yes"]).ok();
    let victim = session.write("victim", read(&config));
    let settings = session.home().join("settings.json");
    let planted = read(&settings).replace(config.to_str().unwrap(), victim.to_str().unwrap());
    fs::write(&settings, planted).unwrap();
    let text = read(&victim);
    connect(&session, "disconnect", &CASES[0], &["--yes"]).failed("TAMPERED", 65);
    assert_eq!(read(&victim), text);
}

/// The calls by which a command changes files.
pub const CHANGES: [&str; 5] = ["/^rename", "fsync", "unlinkat", "symlink,symlinkat", "mkdir,mkdirat"];

/// Runs a command, and kills it at the nth of some calls. Returns whether it was killed.
pub fn killed(session: &Session, calls: &str, n: usize, arguments: &[&str]) -> bool {
    let kill = format!("inject={calls}:signal=KILL:when={n}");
    let mut command = strace(session, calls, &["-o", "/dev/null", "-e", &kill]);
    command.args(arguments);
    let ran = ran(command, b"");
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(KEY));
    ran.status != 0
}

#[test]
fn killed_at_any_change_it_is_finished_by_the_next_run() {
    let mut kills = 0;
    for client in ["docker", "aws", "claude-code"] {
        let case = CASES.iter().find(|case| case.client == client).unwrap();
        let session = session();
        let config = put(&session, case.config, case.text);
        let line: Vec<_> = ["connect", client].iter().chain(case.flags).chain(&["--yes"]).copied().collect();
        session.run(&line).ok();
        let connected = read(&config);
        session.run(["disconnect", client, "--yes"]).ok();
        for calls in CHANGES {
            for n in 1.. {
                if !killed(&session, calls, n, &line) {
                    break;
                }
                kills += 1;
                assert!([case.text, &connected].contains(&read(&config).as_str()), "{client} {calls} {n}");
                session.run(&line).ok();
                assert_eq!(read(&config), connected, "{client} {calls} {n}");
                let ended = killed(&session, calls, n, &["disconnect", client, "--yes"]);
                kills += usize::from(ended);
                assert!([case.text, &connected].contains(&read(&config).as_str()), "{client} {calls} {n}");
                let gone = session.run(["disconnect", client, "--yes"]);
                assert!(gone.status == 0 || !ended || gone.stderr.contains("NOT_FOUND"), "{}", gone.stderr);
                assert_eq!(read(&config), case.text, "{client} {calls} {n}");
            }
            session.run(["disconnect", client, "--yes"]).ok();
        }
        session.run(["verify"]).ok();
    }
    println!("{kills} kills");
    assert!(kills > 60, "{kills}");
}
