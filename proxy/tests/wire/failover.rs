//! What the client gets, which profiles are asked, and what is reported, for each way in which an upstream fails.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use strongroom_proxy::{Body, Limits, Origin};

use tokio::task::JoinSet;

use crate::client::Reply;
use crate::provider::{Act, Seen};
use crate::stand::{Stand, answer, limits, ok};
use crate::vault::{Inner, profiles};

/// The largest body that is kept in these tests, in bytes.
pub const KEPT: usize = 64 * 1024;

/// Cases that meet a limit of time.
const SILENCE: [&str; 2] = ["silence", "half a head"];
/// Cases in which there is no connection to the upstream.
const CERTIFICATE: &str = "wrong certificate";
const UNREACHABLE: &str = "unreachable";

/// Returns the largest body that is kept in the table, in bytes. `Limits` has 32 MiB by default, with which the table takes
/// minutes: STRONGROOM_WIRE_BODY=33554432.
fn largest() -> usize {
    std::env::var("STRONGROOM_WIRE_BODY").map_or(KEPT, |bytes| bytes.parse().unwrap())
}

/// Returns how long nothing comes in the cases that meet a limit of time: longer than a body takes.
fn silence() -> Duration {
    Duration::from_secs(if largest() == KEPT { 1 } else { 5 })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Others {
    Free,
    NoneFree,
    Pinned,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Upload {
    Small,
    Largest,
    TooLarge,
    Chunked,
    ChunkedTooLarge,
}

impl Upload {
    fn body(self) -> String {
        let length = match self {
            Self::Small | Self::Chunked => 1024,
            Self::Largest => largest(),
            Self::TooLarge => largest() + 1,
            // Of what is not announced, half is more than is kept.
            Self::ChunkedTooLarge => 3 * largest(),
        };
        let begin = r#"{"model":"m-1","text":""#;
        format!("{begin}{}\"}}", "x".repeat(length - begin.len() - 2))
    }

    fn is_kept(self) -> bool {
        !matches!(self, Self::TooLarge | Self::ChunkedTooLarge)
    }

    async fn send(self, stand: &Stand) -> Reply {
        let body = self.body();
        let length = format!("x-stainless-test-length: {}\r\n", body.len());
        let line = "POST /anthropic/v1/messages";
        if !matches!(self, Self::Chunked | Self::ChunkedTooLarge) {
            let headers = format!("{length}Content-Length: {}\r\n", body.len());
            return stand.raw(stand.head(line, &headers) + &body).await;
        }
        let mut client = stand.connect().await;
        client.write(stand.head(line, &(length + "Transfer-Encoding: chunked\r\n"))).await;
        let (first, second) = body.split_at(body.len() / 2);
        for piece in [first, second, ""] {
            client.write(format!("{:x}\r\n{piece}\r\n", piece.len())).await;
        }
        client.reply().await
    }
}

/// What the profile that is asked first meets. The others succeed.
#[derive(Clone, Copy, Debug)]
struct Case {
    name: &'static str,
    act: fn() -> Act,
    expected: Expected,
}

#[derive(Clone, Copy, Debug)]
enum Expected {
    /// It is laid to the profile, as this; without another one the client gets this status.
    Blamed(&'static str, u16),
    /// The client gets this status, and nothing is laid to anyone.
    Passed(u16),
    /// The proxy answers with this status.
    Refused(u16),
    /// The proxy answers 502 although the profile has worked.
    Withheld,
    /// The proxy answers 502, and no request came to the upstream.
    Unsent,
    /// The same profile is asked again, or else the proxy answers 502.
    Again,
    /// The client gets an answer that may break off, and the profile has worked.
    Answered { complete: bool },
}

pub fn error(status: &str, headers: &str, kind: &str, message: &str) -> Act {
    let body = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#);
    Act::Reply(answer(status, headers, &body))
}

fn events(text: &str) -> Act {
    Act::Reply(answer("200 OK", "Content-Type: text/event-stream; charset=utf-8\r\n", text))
}

const CASES: &[Case] = {
    use Expected::{Again, Answered, Blamed, Passed, Refused, Unsent, Withheld};
    &[
        Case {
            name: "401",
            act: || error("401 Unauthorized", "", "authentication_error", ""),
            expected: Blamed("auth", 401),
        },
        Case {
            name: "403",
            act: || error("403 Forbidden", "", "permission_error", ""),
            expected: Blamed("forbidden", 403),
        },
        Case {
            name: "429",
            act: || error("429 Too Many", "", "rate_limit_error", ""),
            expected: Blamed("rate", 429),
        },
        Case {
            name: "429 with a wait",
            act: || error("429 Too Many", "Retry-After: 7\r\n", "rate_limit_error", ""),
            expected: Blamed("rate", 429),
        },
        Case {
            name: "529",
            act: || error("529 Overloaded", "", "overloaded_error", ""),
            expected: Blamed("overloaded", 529),
        },
        Case {
            name: "402",
            act: || error("402 Payment", "", "billing_error", ""),
            expected: Blamed("billing", 402),
        },
        Case {
            name: "400 billing",
            act: || error("400 Bad", "", "billing_error", ""),
            expected: Blamed("billing", 400),
        },
        Case {
            name: "429 without a body",
            act: || Act::Reply(answer("429 Too Many", "", "")),
            expected: Blamed("rate", 429),
        },
        Case {
            name: "400",
            act: || error("400 Bad", "", "invalid_request_error", "too long"),
            expected: Passed(400),
        },
        Case {
            name: "400 that quotes",
            act: || error("400 Bad", "", "invalid_request_error", "in text: credit balance is too low"),
            expected: Passed(400),
        },
        Case { name: "500", act: || error("500 Error", "", "api_error", ""), expected: Passed(500) },
        Case { name: "reset within the body", act: || Act::CloseWithin, expected: Again },
        Case { name: "reset after the body", act: || Act::CloseAfterBody, expected: Again },
        Case {
            name: "reset before the first event",
            act: || {
                Act::ReplyAndClose(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 99\r\n\r\nevent:"
                        .to_vec(),
                )
            },
            expected: Again,
        },
        Case { name: SILENCE[0], act: || Act::Hang, expected: Refused(504) },
        Case {
            name: SILENCE[1],
            act: || Act::Begin(b"HTTP/1.1 200 OK\r\nContent-".to_vec()),
            expected: Refused(504),
        },
        Case {
            name: "reset within the head",
            act: || Act::ReplyAndClose(b"HTTP/1.1 200 OK\r\nContent-".to_vec()),
            expected: Again,
        },
        Case { name: CERTIFICATE, act: ok, expected: Unsent },
        Case { name: UNREACHABLE, act: ok, expected: Unsent },
        Case {
            name: "not HTTP",
            act: || Act::ReplyAndClose(b"made-up\r\n\r\n".to_vec()),
            expected: Refused(502),
        },
        Case { name: "503", act: || Act::Reply(answer("503 Busy", "", "{}")), expected: Passed(503) },
        Case {
            name: "encoded",
            act: || Act::Reply(answer("200 OK", "Content-Encoding: gzip\r\n", "made-up")),
            expected: Withheld,
        },
        Case {
            name: "encoded on the way",
            act: || {
                let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n";
                Act::Reply(format!("{head}7\r\nmade-up\r\n0\r\n\r\n").into_bytes())
            },
            expected: Withheld,
        },
        Case {
            name: "first event an overload",
            act: || events("data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n"),
            expected: Blamed("overloaded", 200),
        },
        Case {
            name: "reset after the first event",
            act: || {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 99\r\n\r\n";
                Act::ReplyAndClose(format!("{head}event: message_start\ndata: {{}}\n\n").into_bytes())
            },
            expected: Answered { complete: false },
        },
        Case {
            name: "first event an error",
            act: || {
                events(
                    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\"}}\n\n",
                )
            },
            expected: Blamed("rate", 200),
        },
        Case {
            name: "first event the request's own error",
            act: || events("event: error\ndata: {\"error\":{\"type\":\"invalid_request_error\"}}\n\n"),
            expected: Passed(200),
        },
        Case {
            name: "later event an error",
            act: || {
                events(
                    "event: message_start\ndata: {}\n\nevent: error\ndata: {\"error\":{\"type\":\"rate_limit_error\"}}\n\n",
                )
            },
            expected: Answered { complete: true },
        },
        Case {
            name: "redirect",
            act: || Act::Reply(answer("307 Elsewhere", "Location: https://other.example.com/\r\n", "")),
            expected: Refused(502),
        },
        Case {
            name: "half a chunk",
            act: || {
                Act::ReplyAndClose(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"
                        .to_vec(),
                )
            },
            expected: Answered { complete: false },
        },
    ]
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_fail_is_answered_as_the_table_says() {
    let mut cells = 0;
    let mut waiting = JoinSet::new();
    for case in CASES {
        for others in [Others::Free, Others::NoneFree, Others::Pinned] {
            for upload in
                [Upload::Small, Upload::Largest, Upload::TooLarge, Upload::Chunked, Upload::ChunkedTooLarge]
            {
                let checked = check(case, others, upload);
                if SILENCE.contains(&case.name) && largest() == KEPT {
                    // They wait for a time limit, which they can do together if they are small.
                    waiting.spawn(checked);
                } else {
                    checked.await;
                }
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 30 * 15);
    while let Some(checked) = waiting.join_next().await {
        checked.unwrap();
    }
}

async fn check(case: &'static Case, others: Others, upload: Upload) {
    let names: &[&str] = if others == Others::NoneFree { &["one"] } else { &["one", "two"] };
    let inner = Inner { profiles: profiles(names), pinned: others == Others::Pinned, ..Inner::default() };
    let idle = if SILENCE.contains(&case.name) { silence() } else { limits().idle };
    let limits = Limits { replay_each: largest(), idle, ..limits() };
    let act = case.act;
    let once = AtomicBool::new(false);
    let is_once = matches!(case.expected, Expected::Again);
    let script = move |seen: &Seen| {
        let fails = seen.profile() == "one" && !(is_once && once.swap(true, Ordering::SeqCst));
        if fails { act() } else { ok() }
    };
    let stand = match case.name {
        CERTIFICATE => Stand::trusting_another(inner, limits, script).await,
        _ => Stand::with(inner, limits, script).await,
    };
    if case.name == UNREACHABLE {
        // No one listens on the port of a socket that was closed.
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        *stand.vault.origin.lock().unwrap() = Origin::by_hand(&format!("https://localhost:{port}")).unwrap();
    }
    println!("{} / {others:?} / {upload:?}", case.name);
    let reply = upload.send(&stand).await;
    let cell = format!("{} / {others:?} / {upload:?}: {reply:?}", case.name);
    let may_hop = others == Others::Free && upload.is_kept();
    let (status, asked, reports): (_, &[&str], Vec<String>) = match case.expected {
        Expected::Blamed(failure, _) if may_hop => {
            (200, &["one", "two"], vec![format!("one {failure}"), "two ok".into()])
        }
        Expected::Blamed(failure, status) => (status, &["one"], vec![format!("one {failure}")]),
        Expected::Passed(status) | Expected::Refused(status) => (status, &["one"], vec![]),
        Expected::Again if upload.is_kept() => (200, &["one", "one"], vec!["one ok".into()]),
        Expected::Again => (502, &["one"], vec![]),
        Expected::Answered { .. } => (200, &["one"], vec!["one ok".into()]),
        Expected::Withheld => (502, &["one"], vec!["one ok".into()]),
        Expected::Unsent => (502, &[], vec![]),
    };
    let is_unsent = matches!(case.expected, Expected::Unsent);
    assert_eq!(reply.status, status, "{cell}");
    assert_eq!(stand.provider.asked(), asked, "{cell}");
    assert_eq!(stand.vault.reports(), reports, "{cell}");
    assert_eq!(reply.complete, !matches!(case.expected, Expected::Answered { complete: false }), "{cell}");
    let is_ok = matches!(case.expected, Expected::Blamed(..)) && may_hop || asked == ["one", "one"];
    assert_eq!(reply.text() == "{\"ok\":true}", is_ok, "{cell}");
    let last = stand.provider.last();
    // What closed the connection within the body has not read it.
    if !is_unsent && (asked != ["one"] || case.name != "reset within the body") {
        assert_eq!(last.body.len(), upload.body().len(), "{cell}");
    }
    let record = stand.records(1).await.remove(0);
    // What does not say its length is found to be too long when it is read.
    let is_kept = upload.is_kept() || is_unsent && upload == Upload::ChunkedTooLarge;
    assert_eq!(record.body, if is_kept { Body::Kept } else { Body::NotKept }, "{cell}");
    let tried: &[&str] = if is_unsent { &["one"] } else { asked };
    assert_eq!((usize::from(record.sent), record.status), (tried.len(), status), "{cell}");
    assert_eq!(record.profile.as_deref(), tried.last().copied(), "{cell}");
    if let Expected::Blamed(..) = case.expected {
        // It is searched for in what is not too long.
        let model = (upload.is_kept() && last.body.len() <= 4 << 20).then(|| "m-1".to_owned());
        assert_eq!(*stand.vault.models.lock().unwrap(), [model], "{cell}");
    }
    if case.name == "429 with a wait" {
        assert_eq!(*stand.vault.waits.lock().unwrap(), [Some(Duration::from_secs(7))], "{cell}");
        assert_eq!(reply.header("retry-after"), (!may_hop).then_some("7"), "{cell}");
    }
}
