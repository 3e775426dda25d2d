//! What hops to another profile, what is sent again, and what is not.

use std::sync::atomic::{AtomicBool, Ordering};

use strongroom_proxy::Limits;

use crate::failover::{KEPT, error};
use crate::provider::Act;
use crate::stand::{Stand, answer, limits, ok};
use crate::vault::{Inner, profiles};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_kept_up_to_32_mib() {
    for (length, asked) in [(32 << 20, &["one", "two"][..]), ((32 << 20) + 1, &["one"])] {
        let stand = Stand::new(|seen| {
            if seen.profile() == "one" { error("429 Too Many", "", "rate_limit_error", "") } else { ok() }
        })
        .await;
        let reply = stand.post(&"x".repeat(length)).await;
        assert_eq!(reply.status, if asked.len() == 2 { 200 } else { 429 });
        assert_eq!(stand.provider.asked(), asked);
        assert_eq!(stand.provider.last().body.len(), length);
    }
}

#[tokio::test]
async fn an_upload_goes_on_to_the_next_profile_if_the_first_one_refuses_early() {
    let limits = Limits { replay_each: KEPT, ..limits() };
    let stand = Stand::with(Inner::default(), limits, |seen| {
        if seen.profile() == "one" { Act::ReplyFirst(answer("429 Too Many", "", "{}")) } else { ok() }
    })
    .await;
    let mut client = stand.connect().await;
    client.write(stand.head("POST /anthropic/v1/messages", "Transfer-Encoding: chunked\r\n")).await;
    client.write(format!("{KEPT:x}\r\n{}\r\n", "x".repeat(KEPT))).await;
    while stand.vault.reports().is_empty() {
        tokio::task::yield_now().await;
    }
    // The rest is more than is kept, and no longer needs to be.
    client.write(format!("{KEPT:x}\r\n{}\r\n0\r\n\r\n", "y".repeat(KEPT))).await;
    assert_eq!(client.reply().await.status, 200);
    assert_eq!(stand.provider.asked(), ["one", "two"]);
    assert_eq!(stand.provider.last().body.len(), 2 * KEPT);
    assert_eq!(stand.vault.reports(), ["one rate", "two ok"]);
}

#[tokio::test]
async fn there_is_one_hop_alone() {
    let inner = Inner { profiles: profiles(&["one", "two", "three"]), ..Inner::default() };
    let stand = Stand::with(inner, limits(), |_| error("429 Too Many", "", "rate_limit_error", "")).await;
    assert_eq!(stand.post("{}").await.status, 429);
    assert_eq!(stand.provider.asked(), ["one", "two"]);
    assert_eq!(stand.vault.reports(), ["one rate", "two rate"]);
}

#[tokio::test]
async fn a_profile_whose_credential_was_replaced_is_tried_again_and_not_blamed() {
    let unauthorized = || error("401 Unauthorized", "", "authentication_error", "");
    let once = AtomicBool::new(false);
    let stand =
        Stand::new(move |_| if once.swap(true, Ordering::SeqCst) { ok() } else { unauthorized() }).await;
    stand.vault.newer.lock().unwrap().push(2);
    assert_eq!(stand.post("{}").await.status, 200);
    assert_eq!(stand.provider.asked(), ["one", "one"]);
    assert_eq!(stand.vault.reports(), ["one ok"]);

    let stand = Stand::new(move |seen| if seen.profile() == "one" { unauthorized() } else { ok() }).await;
    stand.vault.newer.lock().unwrap().extend([3, 2]);
    assert_eq!(stand.post("{}").await.status, 200);
    assert_eq!(stand.provider.asked(), ["one", "one", "two"]);
    assert_eq!(stand.vault.reports(), ["one auth", "two ok"]);
}

#[tokio::test]
async fn a_change_of_a_stored_object_is_not_sent_twice() {
    for (act, asked) in
        [(|| Act::CloseAfterBody) as fn() -> Act, || error("429 Too Many", "", "rate_limit_error", "")]
            .into_iter()
            .zip([&["one"][..], &["one"]])
    {
        let inner = Inner { sole: true, ..Inner::default() };
        let stand = Stand::with(inner, limits(), move |_| act()).await;
        let head = stand.head("POST /openai/v1/vector_stores", "Content-Length: 2\r\n");
        let reply = stand.raw(head + "{}").await;
        assert!([429, 502].contains(&reply.status), "{reply:?}");
        assert_eq!(stand.provider.asked(), asked);
    }
}

#[tokio::test]
async fn a_change_of_a_stored_object_that_was_not_sent_whole_is_sent_again() {
    let inner = Inner { sole: true, ..Inner::default() };
    let once = AtomicBool::new(false);
    let stand =
        Stand::with(
            inner,
            limits(),
            move |_| {
                if once.swap(true, Ordering::SeqCst) { ok() } else { Act::CloseWithin }
            },
        )
        .await;
    let headers = "x-stainless-test-length: 8\r\nTransfer-Encoding: chunked\r\n";
    let mut client = stand.connect().await;
    client.write(stand.head("POST /openai/v1/vector_stores", headers) + "4\r\nhalf\r\n").await;
    while stand.provider.connections.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    client.write("4\r\nrest\r\n0\r\n\r\n").await;
    assert_eq!(client.reply().await.status, 200);
    assert_eq!(stand.provider.asked(), ["one", "one"]);
    assert_eq!(stand.provider.last().body, b"halfrest");
}

#[tokio::test]
async fn a_connection_that_went_stale_in_the_pool_costs_no_profile() {
    let stand =
        Stand::new(|_| Act::ReplyAndClose(answer("200 OK", "Content-Type: application/json\r\n", "{}")))
            .await;
    for _ in 0..20 {
        assert_eq!(stand.post("{}").await.status, 200);
    }
    assert!(stand.vault.reports().iter().all(|report| report == "one ok"));
}

#[tokio::test]
async fn without_a_profile_the_client_hears_when_to_come_back() {
    let inner = Inner { profiles: Vec::new(), ..Inner::default() };
    let stand = Stand::with(inner, limits(), |_| ok()).await;
    let reply = stand.post("{}").await;
    assert_eq!(
        (reply.status, &*reply.code(), reply.header("retry-after")),
        (429, "cooling_down", Some("30"))
    );
    assert_eq!(stand.provider.asked(), [""; 0]);
}
