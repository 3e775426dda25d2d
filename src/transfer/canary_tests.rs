//! Whatever is wrong with a source: nothing of it but known names is ever said, and nothing panics.

use super::{Existing, Format, OnConflict, ParseOptions, parse, plan};
use crate::vault::id::AgentName;

/// Everything that is ever said about a source, in one text.
fn said(bytes: &[u8], format: Format) -> String {
    let mut said = Vec::new();
    for include_oauth in [false, true] {
        match parse(bytes, format, "the file", &ParseOptions { include_oauth, renames: None }) {
            Err(error) => {
                said.extend([error.to_string(), format!("{error:?}"), error.remedy().to_owned()]);
            }
            Ok(parsed) => {
                said.push(format!("{parsed:?}"));
                let main = AgentName::default();
                for policy in OnConflict::ALL {
                    let plan = plan(&parsed, &main, None, &|_, _| Existing::Unreadable, policy);
                    said.push(format!("{plan:?}"));
                    said.extend(plan.lines());
                    said.push(serde_json::to_string(&plan.summary()).unwrap());
                    if let Err(error) = plan.check(false) {
                        said.push(error.to_string());
                    }
                }
            }
        }
    }
    said.join("\n")
}

const FIELDS: [&str; 21] = [
    "type",
    "mode",
    "provider",
    "key",
    "apiKey",
    "api_key",
    "token",
    "keyRef",
    "tokenRef",
    "oauthRef",
    "access",
    "refresh",
    "expires",
    "email",
    "displayName",
    "copyToAgents",
    "metadata",
    "baseUrl",
    "idToken",
    "strongroom",
    "canary-secret",
];
const VALUES: [&str; 16] = [
    r#""canary-secret""#,
    r#""sk-ant-oat01-canary-secret-canary-secret""#,
    r#""canary-secret***""#,
    r#""canary-secret\u0000""#,
    r#""canary\u001b[2J""#,
    r#""canary\ncanary""#,
    r#"["canary-secret"]"#,
    r#"{"canary-secret":"canary-secret"}"#,
    r#"{"source":"canary-secret","id":"canary-secret"}"#,
    r#"{"source":"exec","canary":"canary-secret"}"#,
    "null",
    "true",
    "0",
    "-1",
    "1e300",
    r#""${CANARY_SECRET}canary""#,
];

#[test]
fn no_value_in_a_wrong_place_is_ever_said() {
    let mut count = 0;
    for field in FIELDS {
        for value in VALUES {
            // This is a sound name for a provider.
            if (field, value) == ("provider", VALUES[0]) {
                continue;
            }
            for kind in ["api_key", "token", "oauth", "canary-secret", ""] {
                let base = match kind {
                    "" => r#""key":"canary-secret""#.to_owned(),
                    "oauth" => r#""type":"oauth","access":"canary-secret","expires":9"#.to_owned(),
                    kind => format!(r#""type":"{kind}","{kind}":"canary-secret""#),
                };
                let entry = if base.contains(&format!(r#""{field}":"#)) {
                    format!(r#"{{"{field}":{value}}}"#)
                } else {
                    format!(r#"{{{base},"{field}":{value}}}"#)
                };
                for text in [
                    format!(r#"{{"version":1,"profiles":{{"anthropic:a":{entry}}}}}"#),
                    format!(r#"{{"anthropic":{entry}}}"#),
                ] {
                    let said = said(text.as_bytes(), Format::OpenClaw).to_lowercase();
                    assert!(!said.contains("canary"), "{text}\n{said}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 3000, "{count}");
}

#[test]
fn no_broken_file_quotes_itself() {
    for text in [
        r#"{"version":"canary-secret","profiles":{}}"#,
        r#"{"version":canary-secret}"#,
        r#"{"profiles":"canary-secret"}"#,
        r#"{"profiles":["canary-secret"]}"#,
        r#"{"profiles":{"anthropic:a":"canary-secret"}}"#,
        r#"{"profiles":{"0123456789abcdef01234567canary":{"key":"x"}}}"#,
        r#"{"profiles":{"sk-ant-oat01-canary-secret":{"key":"x"}}}"#,
        r#"{"profiles":{"anthropic:sk-ant-oat01-canary-secret":{"key":"x"}}}"#,
        r#"{"profiles":{"anthropic:sk-ant-oat01-CANARY secret":{"key":"x"}}}"#,
        r#"{"profiles":{"https://me:canary@x.io":{"key":"x"}}}"#,
        r#"{"profiles":{"anthropic:a":{"key":"canary-secret","key":"canary-secret"}}}"#,
        r#"{"profiles":{"anthropic:a":{"canary-secret":1,"canary-secret":2}}}"#,
        r#"{"profiles":{},"order":"canary-secret"}"#,
        r#"{"profiles":{},"order":{"anthropic":"canary-secret"}}"#,
        r#"{"profiles":{},"order":{"anthropic":["canary-secret",{"canary":1}]}}"#,
        r#"{"profiles":{},"order":{"sk-canary-secret":[]}}"#,
        r#"{"profiles":{},"order":{"Canary!":7}}"#,
        r#"{"profiles":{},"lastGood":"canary-secret","usageStats":"canary-secret"}"#,
        r#"{"sk-canary-secret":{"apiKey":"canary-secret"}}"#,
        r#"{"https://canary-secret":{"apiKey":"canary-secret"}}"#,
        r#"{"anthropic":"canary-secret"}"#,
        r#"{"claudeAiOauth":{"accessToken":"canary-secret"}}"#,
        r#"{"canary-secret"}"#,
        r#"{"anthropic":{"key":"canary-secret"#,
        r#"{"anthropic":{"key":"canary-secret\ud800"}}"#,
        r#"{"anthropic":{"key":"canary-secret"}} canary-secret"#,
        r#""canary-secret""#,
        "canary-secret",
        "canary = canary secret\n= canary",
        "export canary secret=1",
        "OPENAI_API_KEY='canary-secret",
        "OPENAI_API_KEY=\"canary-secret\"canary",
        "OPENAI_API_KEY=canary-secret\nOPENAI_API_KEY=canary-secret",
        "OPENAI_API_KEY=canary***",
        "OPENAI_API_KEY=${CANARY}",
        "CANARY=canary-secret",
        "ANTHROPIC_API_KEY=sk-ant-api03-canary-secret-canary-secret",
        "OPENAI_API_KEY=canary\u{1b}]0;canary\u{7}",
    ] {
        for format in Format::ALL {
            let said = said(text.as_bytes(), format).to_lowercase();
            assert!(!said.contains("canary"), "{text}\n{said}");
        }
    }
}

/// A small generator with a fixed seed, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides.max(1)).unwrap()).unwrap()
    }
}

#[test]
fn no_mutation_panics() {
    let seeds: [&[u8]; 4] = [
        br#"{"version":1,"profiles":{"anthropic:a":{"type":"token","token":"t\u00e9","expires":1795000000000,
            "email":"a@b.c","copyToAgents":true},"zai:b":{"mode":"api_key","apiKey":{"source":"env","id":"X"}},
            "x:c":{"access":"a","refresh":"r","expires":0,"m":[1,{"y":null}]}},"order":{"zai":["zai:b"]}}"#,
        br#"{"ollama":{"apiKey":"k","baseUrl":"u"},"openai:x":{"type":"aws-sdk"}}"#,
        b"\xef\xbb\xbfexport OPENAI_API_KEY=\"a\\n$b\" # c\r\nGH_TOKEN='x\ny'\nZAI_API_KEY=${X}\nA=`b`\n",
        "ANTHROPIC_API_KEY=sk-ant-oat01-…é\u{200b}\nX=\"\\".as_bytes(),
    ];
    let pieces: [&[u8]; 20] = [
        b"\"",
        b"'",
        b"{",
        b"}",
        b"[",
        b":",
        b",",
        b"\\",
        b"\n",
        b"\r",
        b"=",
        b"#",
        b"$",
        b"\xff",
        b"\0",
        "é".as_bytes(),
        "…".as_bytes(),
        b"sk-",
        b"null",
        b"9999999999999999999",
    ];
    let mut dice = Dice(0x5eed_5eed);
    for round in 0..30_000 {
        let mut bytes = seeds[round % seeds.len()].to_vec();
        for _ in 0..=dice.roll(6) {
            let at = dice.roll(bytes.len());
            match dice.roll(4) {
                0 => bytes.truncate(at),
                1 => {
                    let end = (at + dice.roll(9)).min(bytes.len());
                    bytes.drain(at..end);
                }
                2 => {
                    let piece = pieces[dice.roll(pieces.len())];
                    bytes.splice(at..at, piece.iter().copied());
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = u8::try_from(dice.roll(256)).unwrap();
                    }
                }
            }
        }
        let format = Format::detect(&bytes);
        for format in [format, Format::OpenClaw, Format::Dotenv] {
            let _ = parse(
                &bytes,
                format,
                "the file",
                &ParseOptions { include_oauth: round % 2 == 0, renames: None },
            );
        }
        let _ = crate::secret_format::normalise(&bytes, None);
    }
}

#[test]
fn hostile_files_take_no_time() {
    let quotes = "A=\"x\n".repeat(100_000);
    let singles = "A='\nB=\"\n".repeat(100_000);
    let assignments = "OPENAI_API_KEY=x\n".repeat(100_000);
    let members: Vec<_> = (0..100_000).map(|n| format!("\"a{n}\":{{}}")).collect();
    let wide = format!("{{{}}}", members.join(","));
    let deep = "{\"a\":".repeat(100_000);
    for text in [quotes, singles, assignments, wide, deep] {
        let _ = parse(text.as_bytes(), Format::detect(text.as_bytes()), "the file", &ParseOptions::default());
    }
}
