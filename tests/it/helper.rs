//! `helper`: each client's protocol to the byte, and what a hostile request gets.

use std::fs;
use std::time::Duration;

use crate::session::{Ran, Session, kept, ran};

pub const KEY: &str = "made-up-canary-value";
/// The time for an answer, with some for the start of the process.
pub const PATIENCE: Duration = Duration::from_millis(1900);
/// What Docker takes for a missing credential.
pub const NONE: &str = "credentials not found in native keychain\n";

/// A vault with a profile for `https://git.x.io`.
pub fn session() -> Session {
    let session = Session::new();
    store(&session, "github:one", &["--host", "https://git.x.io", "--username", "me"]);
    session
}

pub fn store(session: &Session, id: &str, flags: &[&str]) {
    let provider = id.split(':').next().unwrap();
    let paste = ["paste-token", "--provider", provider, "--profile-id", id];
    let secret = format!("{KEY}-{}", id.split(':').nth(1).unwrap());
    session.feed(secret, paste.iter().chain(flags)).ok();
}

pub fn edit(session: &Session, id: &str, flags: &[&str]) {
    session.run(["edit", id].iter().chain(flags)).ok();
}

/// Stores a profile that expired long ago, for a host and a helper.
pub fn expired(session: &Session, helper: &str) {
    let old = r#"{"version":1,"profiles":{"old:one":{"type":"token","provider":"old","token":"made-up-canary-old","expires":1700000000000}}}"#;
    session.feed(old, ["import", "-", "--yes"]).ok();
    edit(session, "old:one", &["--host", "https://old.x.io", "--username", "me", "--helper", helper]);
}

pub fn git(session: &Session, request: &str) -> Ran {
    session.feed(request, ["helper", "git", "get"])
}

pub fn docker(session: &Session, url: &str) -> Ran {
    session.feed(url, ["helper", "docker", "get"])
}

pub fn with(session: &Session, variable: (&str, &str), arguments: &[&str]) -> Ran {
    let mut command = session.command(arguments);
    command.env(variable.0, variable.1);
    ran(command, b"")
}

/// Returns a request of cargo's for a registry.
pub fn cargo_request(index: &str, args: &[&str]) -> String {
    let request = serde_json::json!({
        "v": 1, "registry": { "index-url": index, "name": "x" }, "kind": "get", "operation": "read", "args": args,
    });
    format!("{request}\n")
}

pub fn cargo(session: &Session, index: &str, args: &[&str]) -> String {
    let ran = session.feed(cargo_request(index, args), ["--cargo-plugin"]).ok();
    ran.stdout.strip_prefix("{\"v\":[1]}\n").expect("hello").to_owned()
}

/// Checks that a request got nothing, and that nothing was said.
#[track_caller]
pub fn nothing(ran: &Ran) {
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""));
}

#[test]
fn git_gets_a_user_name_a_password_and_an_end() {
    let session = session();
    let asked = "capability[]=authtype\nprotocol=https\nhost=git.x.io\npath=a/b.git\n\n";
    let answer = git(&session, asked).ok();
    assert_eq!(answer.stdout, format!("username=me\npassword={KEY}-one\n"));
    assert_eq!(answer.stderr, "");
    edit(&session, "github:one", &["--expires-at", "2096-02-03T00:00:00Z"]);
    assert_eq!(
        git(&session, "protocol=https\nhost=git.x.io\n").ok().stdout,
        format!("username=me\npassword={KEY}-one\npassword_expiry_utc=3979065600\n")
    );
}

#[test]
fn git_gets_nothing_for_another_origin() {
    let session = session();
    for (protocol, host) in [
        ("http", "git.x.io"),
        ("https", "git.x.io:8443"),
        ("https", "x.io"),
        ("https", "sub.git.x.io"),
        ("https", "git.x.io.evil.io"),
        ("https", "evil.io/git.x.io"),
        ("https", "git.x.io@evil.io"),
        ("https", "me@git.x.io"),
        ("https", "git.x.io."),
        ("https", "git.x.io/"),
        ("https", "git.x.io\\.evil.io"),
        ("https", "git.x.io%2eevil.io"),
        ("https", "git.x.io?.evil.io"),
        ("https", "git.x.io#.evil.io"),
        ("https", " git.x.io"),
        ("https", "xn--gt-nja.x.io"),
        ("https", "g\u{456}t.x.io"),
        ("https", "127.0.0.1"),
        ("ssh", "git.x.io"),
        ("https://git.x.io/?", "evil.io"),
        ("cert", ""),
    ] {
        let ran = git(&session, &format!("protocol={protocol}\nhost={host}\n\n")).sane(KEY);
        nothing(&ran);
    }
    // A name is the same in capitals, and so is the usual port.
    for host in ["GIT.X.IO", "git.x.io:443"] {
        assert!(git(&session, &format!("protocol=https\nhost={host}\n")).ok().stdout.contains(KEY));
    }
}

#[test]
fn a_request_in_which_a_value_broke_a_line_is_refused() {
    let session = session();
    for request in [
        "protocol=https\nhost=evil.io\nhost=git.x.io\n\n",
        "protocol=https\nhost=git.x.io\rhost=evil.io\n\n",
        "protocol=https\r\nhost=git.x.io\r\n\r\n",
        "protocol=https\nhost=git.x.io\0evil.io\n\n",
        "protocol=https\nhost=git.x.io\n\nprotocol=https\nhost=evil.io\n",
        "\n\nprotocol=https\nhost=git.x.io\n",
        "canary\n",
    ] {
        let ran = git(&session, request).sane(KEY).failed("BAD_DATA", 1);
        assert_eq!(ran.stdout, "", "{request:?}");
    }
    let long = format!("protocol=https\nhost=git.x.io\npath={}\n", "a".repeat(1024 * 1024));
    assert_eq!(git(&session, &long).failed("TOO_LARGE", 1).stdout, "");
    for url in ["git.x.io\nevil.io\n", "git.x.io\0\n", "git.x.io\rx\n"] {
        let ran = docker(&session, url).sane(KEY).failed("BAD_DATA", 1);
        assert_eq!(ran.stdout, NONE, "{url:?}");
    }
}

#[test]
fn the_account_and_then_the_order_decide() {
    let session = session();
    store(&session, "github:two", &["--host", "https://git.x.io", "--username", "you"]);
    store(&session, "github:any", &["--host", "https://git.x.io"]);
    store(&session, "github:away", &["--host", "https://away.x.io", "--username", "me"]);
    let password = |user: &str| {
        let name = if user.is_empty() { String::new() } else { format!("username={user}\n") };
        let answer = git(&session, &format!("protocol=https\nhost=git.x.io\n{name}")).ok().stdout;
        answer.lines().find_map(|line| line.strip_prefix("password=")).unwrap_or_default().to_owned()
    };
    assert_eq!(password("me"), format!("{KEY}-one"));
    assert_eq!(password("you"), format!("{KEY}-two"));
    // One without a user name is of any account.
    assert_eq!(password("other"), format!("{KEY}-any"));
    let set = ["order", "set", "--provider", "github", "github:two", "github:away", "github:one"];
    session.run(set).ok();
    assert_eq!(password(""), format!("{KEY}-two"));
    session.run(["report", "github:two", "--failure", "auth"]).ok();
    assert_eq!(password(""), format!("{KEY}-one"));
    // What the order leaves out is not used, as `status` says.
    session.run(["order", "set", "--provider", "github", "github:away"]).ok();
    assert_eq!(password(""), "");
}

#[test]
fn git_and_docker_change_no_profile() {
    let session = session();
    let home = session.home();
    let before = kept(&home);
    let request = format!("protocol=https\nhost=git.x.io\nusername=me\npassword={KEY}-one\n\n");
    let other = "protocol=https\nhost=git.x.io\nusername=me\npassword=made-up-other\n\n";
    for (request, operation) in [
        (request.as_str(), "store"),
        (other, "store"),
        (other, "erase"),
        (request.as_str(), "later"),
        ("protocol=https\nhost=new.x.io\nusername=a\npassword=made-up-new\n\n", "store"),
    ] {
        nothing(&session.feed(request, ["helper", "git", operation]));
    }
    let same = format!(r#"{{"ServerURL":"git.x.io","Username":"me","Secret":"{KEY}-one"}}"#);
    nothing(&session.feed(same, ["helper", "docker", "store"]));
    for stored in [
        r#"{"ServerURL":"git.x.io","Username":"me","Secret":"made-up-other"}"#,
        r#"{"ServerURL":"new.x.io","Username":"me","Secret":"made-up-other"}"#,
    ] {
        let ran = session.feed(stored, ["helper", "docker", "store"]).sane("made-up-other");
        assert_eq!(ran.status, 1);
        assert!(ran.stdout.starts_with("Docker cannot store a credential in the vault; "), "{}", ran.stdout);
    }
    let erased = session.feed("git.x.io\n", ["helper", "docker", "erase"]).ok();
    assert_eq!(erased.stdout, "");
    assert!(erased.stderr.contains("nothing was removed"), "{}", erased.stderr);
    assert!(kept(&home) == before);
    // What the server refused is reported, and stays.
    nothing(&session.feed(&request, ["helper", "git", "erase"]));
    let state = fs::read_to_string(session.agent_file("auth-state.json")).unwrap();
    assert!(state.contains("\"errorCount\": 1") || state.contains("\"errorCount\":1"), "{state}");
    assert!(git(&session, "protocol=https\nhost=git.x.io\n").ok().stdout.contains(KEY));
}

#[test]
fn docker_gets_one_object_or_its_own_refusal() {
    let session = session();
    for url in ["git.x.io", "https://git.x.io/v1/", "HTTPS://GIT.X.IO", "git.x.io/team/app"] {
        let answer = docker(&session, &format!("{url}\n")).ok();
        let expected = format!("{{\"ServerURL\":\"{url}\",\"Username\":\"me\",\"Secret\":\"{KEY}-one\"}}\n");
        assert_eq!(answer.stdout, expected);
    }
    for url in [
        "evil.io",
        "http://git.x.io",
        "git.x.io:8443",
        "sub.git.x.io",
        "me@git.x.io",
        "git.x.io.",
        "https://evil.io/git.x.io",
        "https://git.x.io@evil.io/",
        "https://git.x.io\\@evil.io/",
        "127.0.0.1:5000",
        "",
    ] {
        let ran = docker(&session, url).sane(KEY);
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (1, NONE, ""), "{url}");
    }
    assert_eq!(session.run(["helper", "docker", "list"]).ok().stdout, "{}\n");
    edit(&session, "github:one", &["--helper", "docker"]);
    assert_eq!(session.run(["helper", "docker", "list"]).ok().stdout, "{\"https://git.x.io\":\"me\"}\n");
    edit(&session, "github:one", &["--no-username"]);
    let ran = docker(&session, "git.x.io").failed("CONFIG", 1);
    assert_eq!(ran.stdout, NONE);
}

#[test]
fn cargo_gets_a_token_for_the_registry_that_has_the_index() {
    let session = session();
    let token = format!(
        "{{\"Ok\":{{\"kind\":\"get\",\"token\":\"{KEY}-one\",\"cache\":\"session\",\"operation_independent\":true}}}}\n"
    );
    let missing = "{\"Err\":{\"kind\":\"not-found\"}}\n";
    for args in [&[][..], &["helper", "cargo"], &["helper", "cargo", "github:one"], &["github:one"]] {
        assert_eq!(cargo(&session, "sparse+https://git.x.io/index/", args), token);
    }
    assert_eq!(cargo(&session, "sparse+https://evil.io/index/", &[]), missing);
    let denied = "{\"Err\":{\"kind\":\"url-not-supported\"}}\n";
    assert_eq!(cargo(&session, "sparse+https://evil.io/index/", &["github:one"]), denied);
    assert_eq!(cargo(&session, "sparse+https://git.x.io@evil.io/", &[]), denied);
    // An index in a repository names the server that gets the token, and anyone may have one on that host.
    assert_eq!(cargo(&session, "https://git.x.io/evil/index", &[]), missing);
    edit(&session, "github:one", &["--helper", "cargo"]);
    assert_eq!(cargo(&session, "https://git.x.io/mine/index", &[]), token);
    store(&session, "crates-io:one", &["--host", "https://crates.io"]);
    assert_eq!(cargo(&session, "https://github.com/rust-lang/crates.io-index", &[]), token);
    let login = cargo_request("sparse+https://git.x.io/", &[]).replace("\"get\"", "\"login\"");
    let answer = session.feed(login, ["helper", "cargo", "--cargo-plugin"]).ok().stdout;
    assert_eq!(answer, "{\"v\":[1]}\n{\"Err\":{\"kind\":\"operation-not-supported\"}}\n");
    let plain = ["helper", "cargo"];
    let index = ("CARGO_REGISTRY_INDEX_URL", "sparse+https://git.x.io/index/");
    assert_eq!(with(&session, index, &plain).ok().stdout, format!("{KEY}-one\n"));
    let index = ("CARGO_REGISTRY_INDEX_URL", "sparse+https://evil.io/index/");
    assert_eq!(with(&session, index, &plain).failed("NOT_FOUND", 66).stdout, "");
    session.run(plain).failed("USAGE", 64);
}

#[test]
fn kubectl_gets_the_version_that_it_asks_for() {
    let session = session();
    let info = |version: &str, cluster: &str| {
        format!(
            r#"{{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/{version}","spec":{{"interactive":false{cluster}}}}}"#
        )
    };
    let ask = |info: &str, arguments: &[&str]| with(&session, ("KUBERNETES_EXEC_INFO", info), arguments);
    let ours = r#","cluster":{"server":"https://git.x.io","certificate-authority-data":"AA=="}"#;
    for version in ["v1", "v1beta1"] {
        let answer = ask(&info(version, ours), &["helper", "kubectl"]).ok();
        assert_eq!(
            answer.stdout,
            format!(
                "{{\"apiVersion\":\"client.authentication.k8s.io/{version}\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"{KEY}-one\"}}}}\n"
            )
        );
    }
    let theirs = ours.replace("git.x.io", "evil.io");
    ask(&info("v1", &theirs), &["helper", "kubectl"]).failed("NOT_FOUND", 66);
    ask(&info("v1", &theirs), &["helper", "kubectl", "github:one"]).failed("DENIED", 77).sane(KEY);
    // Without the cluster a profile has to be named, and has to name the helper.
    ask(&info("v1", ""), &["helper", "kubectl"]).failed("USAGE", 64);
    ask(&info("v1", ""), &["helper", "kubectl", "github:one"]).failed("DENIED", 77).sane(KEY);
    edit(&session, "github:one", &["--helper", "kubectl"]);
    assert!(ask(&info("v1", ""), &["helper", "kubectl", "github:one"]).ok().stdout.contains(KEY));
    ask(&info("v1", &theirs), &["helper", "kubectl", "github:one"]).failed("DENIED", 77).sane(KEY);
    ask(&info("v1alpha1", ours), &["helper", "kubectl"]).failed("NEWER_FORMAT", 65).sane(KEY);
    ask("canary", &["helper", "kubectl"]).failed("BAD_DATA", 65).sane("canary");
}

#[test]
fn a_client_that_names_no_server_gets_what_names_it() {
    let session = session();
    let helpers = [
        (&["helper", "aws"][..], "aws"),
        (&["helper", "claude-api-key"], "claude-api-key"),
        (&["helper", "codex"], "codex"),
        (&["helper", "codex", "--provider", "github"], "codex"),
    ];
    for (arguments, _) in helpers {
        assert_eq!(session.run(arguments).sane(KEY).failed("NOT_FOUND", 66).stdout, "");
        let named = session.run(arguments.iter().chain(&["github:one"]));
        assert_eq!(named.sane(KEY).failed("DENIED", 77).stdout, "");
    }
    nothing(&session.run(["helper", "hermes"]));
    edit(&session, "github:one", &["--helper", "aws", "--helper", "codex", "--helper", "hermes"]);
    edit(&session, "github:one", &["--helper", "claude-api-key"]);
    let plain = format!("{KEY}-one\n");
    let of = |arguments: &[&str]| session.run(arguments).ok().stdout;
    assert_eq!(
        of(&["helper", "aws"]),
        format!("{{\"Version\":1,\"AccessKeyId\":\"me\",\"SecretAccessKey\":\"{KEY}-one\"}}\n")
    );
    for arguments in
        [&["helper", "claude-api-key"][..], &["helper", "codex"], &["helper", "codex", "github:one"]]
    {
        assert_eq!(of(arguments), plain);
    }
    store(&session, "openrouter:two", &[]);
    store(&session, "openrouter:three", &[]);
    for id in ["openrouter:two", "openrouter:three"] {
        edit(&session, id, &["--helper", "codex", "--helper", "hermes"]);
    }
    // No id never means all.
    session.run(["helper", "codex"]).sane(KEY).failed("USAGE", 64);
    assert_eq!(of(&["helper", "codex", "--provider", "openrouter"]), format!("{KEY}-two\n"));
    session.run(["order", "set", "--provider", "openrouter", "openrouter:three", "openrouter:two"]).ok();
    assert_eq!(of(&["helper", "codex", "--provider", "openrouter"]), format!("{KEY}-three\n"));
    let lines = format!("GITHUB_API_KEY={KEY}-one\nOPENROUTER_API_KEY={KEY}-three\n");
    assert_eq!(of(&["helper", "hermes"]), lines);
}

#[test]
fn the_headers_are_for_the_server_that_is_named() {
    let session = session();
    let ask =
        |url: &str| with(&session, ("CLAUDE_CODE_MCP_SERVER_URL", url), &["helper", "claude-mcp-headers"]);
    let answer = ask("https://git.x.io/mcp?session=1").ok();
    assert_eq!(answer.stdout, format!("{{\"Authorization\":\"Bearer {KEY}-one\"}}\n"));
    for url in ["https://evil.io/git.x.io", "http://git.x.io/", "https://git.x.io:444/"] {
        assert_eq!(ask(url).sane(KEY).failed("NOT_FOUND", 66).stdout, "");
    }
    for url in ["https://git.x.io@evil.io/", "https://git.x.io\\@evil.io/", "git.x.io", "https://git.x.io\n"]
    {
        assert_eq!(ask(url).sane(KEY).failed("DENIED", 77).stdout, "");
    }
    session.run(["helper", "claude-mcp-headers"]).failed("USAGE", 64);
}

#[test]
fn a_known_provider_has_its_own_hosts() {
    let session = Session::new();
    session.paste("anthropic:one", KEY);
    let request = "protocol=https\nhost=api.anthropic.com\n";
    assert_eq!(git(&session, request).ok().stdout, format!("password={KEY}\n"));
}
