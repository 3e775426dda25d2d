//! `.env` files: each value is stored exactly as it is in the file, or reported.

use crate::session::{Session, kept, ran};

const KEY: &str = "sk-or-v1-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn import(session: &Session, text: &str) -> String {
    session.write("source.env", text);
    session.run(["import", "source.env"]).ok().stdout
}

#[test]
fn every_name_of_the_client_is_taken_and_others_that_look_like_keys_are_named() {
    let session = Session::new();
    let said = import(
        &session,
        "GOOGLE_API_KEY=AIzaMadeUp000000000000000000000000000001\nPERPLEXITY_API_KEY=pplx-madeup\nDEEPSEEK_API_KEY=sk-madeup\n\
         FAL_KEY=x\nopenai_api_key=sk-proj-madeup-lower\nOPENAI_KEY=sk-proj-madeup-short\n\
         NEXT_PUBLIC_OPENAI_API_KEY=sk-proj-madeup-pub\nOPENAI_API_KEY_2=sk-proj-madeup-2\nPORT=80\n",
    );
    for (id, secret) in [
        ("google:default", "AIzaMadeUp000000000000000000000000000001"),
        ("perplexity:default", "pplx-madeup"),
        ("deepseek:default", "sk-madeup"),
        ("fal:default", "x"),
    ] {
        assert_eq!(session.get(id), secret, "{said}");
    }
    for (name, line, id) in [
        ("openai_api_key", 5, "openai:openai-api-key"),
        ("OPENAI_KEY", 6, "openai:openai-key"),
        ("NEXT_PUBLIC_OPENAI_API_KEY", 7, "openai:next-public-openai-api-key"),
        ("OPENAI_API_KEY_2", 8, "openai:key-2"),
    ] {
        let how = format!("paste-api-key --provider openai --profile-id {id}");
        let named = format!(
            "{name} (line {line}) looks like a key and is not imported; to store it: strongroom {how}\n"
        );
        assert!(said.contains(&named), "{named}: {said}");
        // It can be pasted as it is.
        session.feed("made-up-1", how.split(' ')).ok();
        assert_eq!(session.get(id), "made-up-1");
    }
    assert!(said.contains("1 other variable ignored") && !said.contains("madeup"), "{said}");
}

#[test]
fn an_unclosed_quote_swallows_nothing() {
    let session = Session::new();
    import(&session, "GREETING=\"hello\nOPENAI_API_KEY=\"sk-proj-made-up-1\"\nGROQ_API_KEY=gsk_madeup2\n");
    assert_eq!(session.get("openai:default"), "sk-proj-made-up-1");
    assert_eq!(session.get("groq:default"), "gsk_madeup2");
}

#[test]
fn a_comment_begins_at_once_and_that_is_told() {
    let session = Session::new();
    let said = import(&session, &format!("OPENROUTER_API_KEY={KEY}#work account\n"));
    assert_eq!(session.get("openrouter:default"), KEY);
    assert!(
        said.contains(
            "warning    OPENROUTER_API_KEY (line 1): the value ends before the `#` in column 93, which begins a comment"
        ),
        "{said}"
    );
    assert!(!said.contains("work account"), "{said}");
}

#[test]
fn back_quotes_are_quotes() {
    let session = Session::new();
    import(&session, &format!("OPENROUTER_API_KEY=`{KEY}`\n"));
    assert_eq!(session.get("openrouter:default"), KEY);
}

#[test]
fn the_same_twice_is_one_and_the_last_of_others_counts() {
    let session = Session::new();
    let line = format!("OPENROUTER_API_KEY={KEY}\n");
    let said = import(&session, &line.repeat(2));
    assert_eq!(session.get("openrouter:default"), KEY);
    assert!(!said.contains("more than once"), "{said}");
    let said = import(&session, "GROQ_API_KEY=made-up-1\nGROQ_API_KEY=made-up-2\n");
    assert_eq!(session.get("groq:default"), "made-up-2");
    assert!(said.contains("GROQ_API_KEY (line 2) is set more than once"), "{said}");
}

#[test]
fn what_is_refused_is_named_and_the_rest_goes_on() {
    let session = Session::new();
    session.write(
        "source.env",
        "OPENAI_API_KEY=made-up-1\nGROQ_API_KEY=made-up-2\nOPENAI_API_KEY=$(pass show openai)\n",
    );
    let before = kept(&session.home());
    let refused = session.run(["import", "source.env"]).failed("IMPORT_INVALID", 65);
    assert!(
        refused.stderr.contains("invalid    OPENAI_API_KEY (line 3) contains a command"),
        "{}",
        refused.stderr
    );
    assert_eq!(kept(&session.home()), before);
    session.run(["import", "source.env", "--skip-invalid"]).ok();
    assert_eq!(session.get("groq:default"), "made-up-2");
    // An earlier value does not replace it.
    session.run(["get", "openai:default"]).failed("NOT_FOUND", 66);
}

#[test]
fn a_line_with_a_key_that_is_no_assignment_is_no_success() {
    let session = Session::new();
    session.write("source.env", "GROQ_API_KEY=made-up-1\nOPENAI_API_KEY sk-proj-canary-0123456789\n");
    let refused = session.run(["import", "source.env"]).failed("IMPORT_INVALID", 65).sane("canary");
    assert!(refused.stderr.contains("invalid    line 2 seems to contain a key"), "{}", refused.stderr);
    session.run(["import", "source.env", "--skip-invalid"]).ok();
    assert_eq!(session.get("groq:default"), "made-up-1");
}

#[test]
fn names_are_shown_escaped_or_not_at_all() {
    let session = Session::new();
    let long = format!("{}_API_KEY=made-up-1\n", "X".repeat(5000));
    let random =
        "sk-proj-canary0123456789canary==\nAbCdEf0123456789AbCdEf0123456789AbCdEf01canary=x-canary-0123\n";
    session.write("source.env", format!("GROQ_API_KEY=made-up-2\n{long}{random}"));
    let said = session.run(["import", "source.env"]).ok().sane("canary").stdout;
    assert!(said.lines().all(|line| line.len() < 400), "{said}");
}

#[test]
fn the_working_directory_plants_nothing() {
    let session = Session::new();
    std::fs::create_dir_all(session.path(".openclaw")).unwrap();
    std::fs::create_dir_all(session.path("cloned")).unwrap();
    session.write(".openclaw/.env", "OPENAI_API_KEY=made-up-own\n");
    session.write(
        "cloned/.env",
        "OPENAI_API_KEY=planted-1\nGROQ_API_KEY=planted-2\nANTHROPIC_API_KEY_2=planted-3\nOPENCLAW_LIVE_GEMINI_KEY=planted-4\n",
    );
    let run = |arguments: &[&str]| {
        let mut command = session.command(arguments);
        command.current_dir(session.path("cloned"));
        ran(command, b"").sane("planted")
    };
    let providers = run(&["status", "--json"]).ok().json()["sources"]["providers"].clone();
    let of = |name: &str| {
        let providers = providers.as_array().unwrap();
        providers
            .iter()
            .find(|of| of["provider"] == name)
            .unwrap_or_else(|| panic!("{name}: {providers:?}"))
            .clone()
    };
    assert_eq!(of("openai")["winner"]["kind"], "dotenv");
    for name in ["openai", "groq", "anthropic", "google"] {
        let of = of(name);
        assert_eq!(of["ignored"][0]["kind"], "working_directory", "{of}");
        assert!(name == "openai" || of.get("winner").is_none(), "{of}");
        assert!(
            of["pool"].as_array().unwrap().is_empty()
                && of.get("service").is_none_or(|s| s["kind"] == "dotenv")
        );
    }
    let said = run(&["status"]).ok().stdout;
    let ignored = "ignored: GROQ_API_KEY in";
    assert!(said.contains("groq: nothing is used\n") && said.contains(ignored), "{said}");
    assert!(run(&["doctor"]).stdout.contains(ignored));

    let said = run(&["import", "--from", "env"]).ok().stdout;
    let place = session.path(".openclaw/.env").display().to_string();
    assert!(
        said.contains(&format!("add        main/openai:default (api_key) from OPENAI_API_KEY ({place})")),
        "{said}"
    );
    assert!(
        said.contains("OpenClaw does not read provider keys from a .env in the working directory"),
        "{said}"
    );
    assert_eq!(session.get("openai:default"), "made-up-own");
    for id in ["groq:default", "anthropic:default", "anthropic:key-2", "google:live", "google:default"] {
        session.run(["get", id]).failed("NOT_FOUND", 66);
    }
    // Nor does an unreadable file there stop anything.
    std::fs::remove_file(session.path("cloned/.env")).unwrap();
    std::fs::create_dir(session.path("cloned/.env")).unwrap();
    let said = run(&["import", "--from", "env"]).ok().stdout;
    assert!(said.contains("already holds all of it"), "{said}");
}

#[test]
fn the_clients_own_directory_is_no_working_directory() {
    let session = Session::new();
    std::fs::create_dir_all(session.path("real")).unwrap();
    std::os::unix::fs::symlink("real", session.path(".openclaw")).unwrap();
    session.write("real/.env", "GROQ_API_KEY=made-up-1\n");
    let mut command = session.command(["status", "--json"]);
    command.current_dir(session.path(".openclaw"));
    let status = ran(command, b"").ok().json();
    assert_eq!(status["sources"]["providers"][0]["winner"]["kind"], "dotenv", "{status}");
    // The home is a working directory like any other.
    session.write(".env", "XAI_API_KEY=made-up-2\n");
    let mut command = session.command(["import", "--from", "env"]);
    command.current_dir(session.temp.path());
    ran(command, b"").ok();
    assert_eq!(session.get("groq:default"), "made-up-1");
    session.run(["get", "xai:default"]).failed("NOT_FOUND", 66);
}

#[test]
fn what_the_process_has_is_not_credited_to_the_login_shell() {
    let session = Session::new();
    std::fs::create_dir_all(session.path(".openclaw")).unwrap();
    session.write(".openclaw/openclaw.json", "{ env: { shellEnv: { enabled: true } } }");
    session.write(".profile", "export XAI_API_KEY=made-up-2\n");
    let mut command = session.command(["status", "--sources", "--json"]);
    command.env("GROQ_API_KEY", "made-up-1");
    let status = ran(command, b"").ok().json();
    let providers = status["sources"]["providers"].as_array().unwrap();
    let groq = &providers[0];
    assert_eq!((&groq["provider"], &groq["winner"]["kind"]), (&"groq".into(), &"process".into()));
    assert!(groq["shadowed"].as_array().unwrap().is_empty() && groq.get("service").is_none(), "{groq}");
    assert_eq!(providers[1]["winner"]["kind"], "login_shell");
}

#[test]
fn placeholders_are_no_keys() {
    let session = Session::new();
    std::fs::create_dir_all(session.path(".openclaw")).unwrap();
    session.write(
        ".openclaw/.env",
        "OPENAI_API_KEY=changeme\nGROQ_API_KEY=...\nXAI_API_KEY=your-api-key\nMISTRAL_API_KEY=<key>\nZAI_API_KEY=REPLACE_ME\nTOGETHER_API_KEY=made-up-1\n",
    );
    let providers = session.run(["status", "--json"]).ok().json()["sources"]["providers"].clone();
    for of in providers.as_array().unwrap() {
        assert_eq!(of.get("winner").is_some(), of["provider"] == "together", "{of}");
    }
    let said = session.run(["import", "--from", "env"]).ok().stdout;
    assert!(
        said.contains("Imported 1 profile.") && said.contains("is a placeholder or a mask, not a key"),
        "{said}"
    );
    session.write("example.env", "OPENAI_API_KEY=sk-your-key-here\n");
    session.run(["import", "example.env"]).failed("IMPORT_INVALID", 65);
}

#[test]
fn what_the_clients_files_hold_besides_is_named() {
    let session = Session::new();
    std::fs::create_dir_all(session.path(".openclaw")).unwrap();
    session.write(
        ".openclaw/.env",
        "GROQ_API_KEY=made-up-1\nOPENAI_KEY=made-up-2\nOPENCLAW_GATEWAY_TOKEN=made-up-3\n",
    );
    let said = session.run(["import", "--from", "env"]).ok().stdout;
    assert!(said.contains("OPENAI_KEY (") && said.contains("--profile-id openai:openai-key"), "{said}");
    assert!(
        said.contains("OPENCLAW_GATEWAY_TOKEN (")
            && said.contains("it does not belong to a provider, and stays there"),
        "{said}"
    );
}

#[test]
fn a_file_of_the_client_in_utf_16_is_called_that() {
    let session = Session::new();
    std::fs::create_dir_all(session.path(".openclaw")).unwrap();
    let text: Vec<u8> =
        "\u{feff}GROQ_API_KEY=made-up-1\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    session.write(".openclaw/.env", text);
    let said = session.run(["status"]).ok().stdout;
    assert!(said.contains("is UTF-16, which OpenClaw does not read"), "{said}");
}

#[test]
fn large_hostile_files_are_read_in_little_time() {
    let session = Session::new();
    let of = |part: &str| part.repeat(4 * 1024 * 1024 / part.len());
    for text in [
        of("A='\n"),
        of("A='\nB=\"\nC=`\n"),
        format!("A='{}", of("\\'")),
        format!("A='{}", of("\\' x ")),
        format!("A=\"{}", of("\n")),
        format!("A=\"{}\"", of("export\n\n")),
        format!("A={}", of("\u{2028}'")),
        format!("A={}", of("$")),
        of("export\n"),
        of("a\n"),
        of("A:\n"),
        of("OPENAI_API_KEY "),
        of("\n"),
    ] {
        session.write("source.env", &text);
        let begun = std::time::Instant::now();
        session.run(["import", "source.env", "--dry-run"]);
        assert!(begun.elapsed().as_secs() < 10, "{:?}: {:?}", &text[..12], begun.elapsed());
    }
}
