use serde_json::{Value, json};

use super::*;
use crate::select::fixture::{NOW, lacking, order, policy, profiles, report, state, view};
use crate::time::{DAY, HOUR};

fn as_json(report: &Report) -> Value {
    serde_json::to_value(report).unwrap()
}

#[test]
fn the_auth_section_has_openclaws_shape() {
    let missing = [lacking("openai", &[]), lacking("google", &["ops"]), lacking("openai", &[])];
    let orders = order(&["anthropic:work", "anthropic:default"]);
    let found = as_json(&report(&profiles(), &orders, &state(), &missing, &[]));
    let path = "/srv/vault/agents/main/auth-profiles.json";
    assert_eq!(
        found["auth"],
        json!({
            "storePath": path,
            "providersWithOAuth": ["anthropic (2)", "openai-codex (1)"],
            "missingProvidersInUse": ["google", "openai"],
            "providers": [
                { "provider": "anthropic", "effective": { "kind": "profiles", "detail": path },
                  "profiles": { "count": 3, "oauth": 0, "token": 2, "apiKey": 1, "labels": [
                    "anthropic:default=ref(exec:main/anthropic:default)",
                    "anthropic:work=token:ref(exec:main/anthropic:work) [cooling down for 5m (rate_limit)]",
                    "anthropic:old=token:ref(exec:main/anthropic:old)" ] } },
                { "provider": "openai-codex", "effective": { "kind": "profiles", "detail": path },
                  "profiles": { "count": 1, "oauth": 1, "token": 0, "apiKey": 0, "labels": [
                    "openai-codex:me@x.io=oauth:ref(exec:main/openai-codex:me_40x.io)" ] } }
            ],
            "unusableProfiles": [
                { "profileId": "anthropic:work", "provider": "anthropic", "kind": "cooldown",
                  "reason": "rate_limit", "until": NOW + 300_000, "remainingMs": 300_000 } ],
            "oauth": {
                "warnAfterMs": 86_400_000,
                "profiles": [
                    { "profileId": "anthropic:default", "provider": "anthropic", "type": "api_key",
                      "status": "static", "source": "store", "label": "anthropic:default" },
                    { "profileId": "anthropic:work", "provider": "anthropic", "type": "token", "status": "ok",
                      "expiresAt": NOW + 30 * DAY, "remainingMs": 30 * DAY, "source": "store",
                      "label": "anthropic:work" },
                    { "profileId": "anthropic:old", "provider": "anthropic", "type": "token",
                      "status": "expired", "expiresAt": NOW - 2 * DAY, "remainingMs": -2 * DAY,
                      "source": "store", "label": "anthropic:old" },
                    { "profileId": "openai-codex:me@x.io", "provider": "openai-codex", "type": "oauth",
                      "status": "expiring", "expiresAt": NOW + 3 * HOUR, "remainingMs": 3 * HOUR,
                      "source": "store", "label": "openai-codex:me@x.io (me@x.io)" } ],
                "providers": [
                    { "provider": "anthropic", "status": "expired", "expiresAt": NOW - 2 * DAY,
                      "remainingMs": -2 * DAY },
                    { "provider": "openai-codex", "status": "expiring", "expiresAt": NOW + 3 * HOUR,
                      "remainingMs": 3 * HOUR } ]
            }
        })
    );
}

#[test]
fn the_vault_section_says_who_is_next_and_why_not_the_others() {
    let orders = order(&["anthropic:work", "anthropic:default"]);
    let warnings = ["auth-state.json is not valid JSON (line 1, column 1)".to_owned()];
    let found = as_json(&report(&profiles(), &orders, &state(), &[], &warnings));
    assert_eq!((&found["home"], &found["agent"]), (&json!("/srv/vault"), &json!("main")));
    assert_eq!(found["vault"]["warnings"], json!(warnings));
    assert_eq!(
        found["vault"]["providers"][0],
        json!({
            "provider": "anthropic", "order": "explicit", "orderFrom": "index", "next": "anthropic:default",
            "lastGood": "anthropic:work",
            "candidates": [
                { "profileId": "anthropic:default", "verdict": "eligible", "phrase": "usable" },
                { "profileId": "anthropic:work", "verdict": "cooldown", "reason": "rate_limit",
                  "phrase": "cooling down for 5m (rate_limit)", "until": NOW + 300_000 },
                { "profileId": "anthropic:old", "verdict": "excluded", "reason": "excluded_by_auth_order",
                  "phrase": "not in the order that is set" } ]
        })
    );
    assert_eq!(found["vault"]["providers"][1]["order"], "automatic");
    assert_eq!(
        found["vault"]["profiles"][3],
        json!({
            "profileId": "openai-codex:me@x.io", "provider": "openai-codex", "type": "oauth",
            "status": "expiring", "record": "verified", "store": "file",
            "reference": "exec:main/openai-codex:me_40x.io", "expires": "2027-01-15T11:00:00.000Z",
            "email": "me@x.io",
            "trouble": { "what": "Sign-in expires in 3h",
                "remedy": "sign in to openai-codex again in its own client, then run \
                           `strongroom import FILE --include-oauth --on-conflict replace`" }
        })
    );
}

#[test]
fn an_order_in_the_state_that_the_index_overrules_is_a_warning() {
    let mut state = state();
    let warnings = |index: &[&str], state: &AuthState| {
        as_json(&report(&profiles(), &order(index), state, &[], &[]))["vault"]["warnings"].clone()
    };
    state.order = order(&["anthropic:work", "anthropic:default"]);
    assert_eq!(warnings(&["anthropic:work", "anthropic:default"], &state), json!([]), "they are the same");
    assert_eq!(warnings(&[], &state), json!([]), "the index has none");
    assert_eq!(
        warnings(&["anthropic:default"], &state),
        json!([
            "auth-state.json has another order for anthropic than the index: anthropic:work, anthropic:default. \
             OpenClaw 2026.6.1 uses that order, Strongroom the one in the index; to make both use auth-state.json: \
             `strongroom order clear --provider anthropic`"
        ])
    );
}

#[test]
fn a_provider_is_served_by_the_profiles_of_its_alias() {
    let profiles = [
        view("claude-cli:x", CredentialType::OAuth, None),
        view("anthropic:y", CredentialType::ApiKey, None),
    ];
    let found = as_json(&report(&profiles, &Orders::new(), &AuthState::default(), &[], &[]));
    for (place, provider) in ["anthropic", "claude-cli"].into_iter().enumerate() {
        let selection = &found["vault"]["providers"][place];
        assert_eq!((&selection["provider"], &selection["next"]), (&json!(provider), &json!("claude-cli:x")));
        assert_eq!(selection["candidates"][1]["profileId"], "anthropic:y");
        assert_eq!(found["auth"]["providers"][place]["profiles"]["count"], 1);
    }
}

#[test]
fn an_expired_profile_outside_the_explicit_order_still_fails_the_check() {
    let profiles = [
        view("anthropic:work", CredentialType::Token, None),
        view("anthropic:old", CredentialType::Token, Some(NOW)),
    ];
    let found = as_json(&report(&profiles, &order(&["anthropic:work"]), &AuthState::default(), &[], &[]));
    assert_eq!(found["vault"]["providers"][0]["next"], "anthropic:work");
    assert_eq!(
        found["check"],
        json!({ "exit": 1, "reasons": [{ "code": "expired", "profileId": "anthropic:old" }] })
    );
}

#[test]
fn a_cooldown_does_not_fail_the_check() {
    let profiles = [view("anthropic:work", CredentialType::Token, None)];
    let found = as_json(&report(&profiles, &Orders::new(), &state(), &[], &[]));
    assert_eq!(found["auth"]["unusableProfiles"][0]["profileId"], "anthropic:work");
    assert_eq!(found["check"], json!({ "exit": 0, "reasons": [] }));
}

#[test]
fn an_agent_without_profiles_fails_the_check() {
    let found = as_json(&report(&[], &order(&["anthropic:work"]), &AuthState::default(), &[], &[]));
    assert_eq!(found["check"], json!({ "exit": 1, "reasons": [{ "code": "no_profile" }] }));
    assert_eq!(found["auth"]["providers"], json!([]));
    assert_eq!(found["vault"]["providers"], json!([]));
}

#[test]
fn a_profile_counts_for_the_provider_that_its_record_names() {
    let mut moved = view("anthropic:work", CredentialType::Token, None);
    moved.provider = "zai".parse().unwrap();
    let found = as_json(&report(&[moved], &Orders::new(), &AuthState::default(), &[], &[]));
    assert_eq!(found["auth"]["providers"][0]["provider"], "zai");
    assert_eq!(found["vault"]["providers"][0]["next"], "anthropic:work");
}

#[test]
fn a_session_is_told_the_endpoint_and_nobody_else() {
    let endpoint = |url: Option<&str>, api: Option<&str>| Endpoint {
        provider: "anthropic".parse().unwrap(),
        url: url.map(str::to_owned),
        api: api.map(str::to_owned),
        keyless: false,
        custom: false,
    };
    let session = "tg:1".parse().unwrap();
    for (configured, session, expected, said) in [
        (vec![], Some(&session), json!(["default", null]), "  endpoint: default"),
        (vec![], None, json!([null, null]), ""),
        (
            vec![endpoint(Some("https://llm.example/\u{202e}v1"), Some("openai-completions"))],
            Some(&session),
            json!(["https://llm.example/\u{202e}v1", "openai-completions"]),
            "  endpoint: https://llm.example/\\u{202e}v1 api: openai-completions",
        ),
        (
            vec![endpoint(None, Some("x"))],
            Some(&session),
            json!(["default", "x"]),
            "  endpoint: default api: x",
        ),
    ] {
        let (profiles, orders, state) = (profiles(), Orders::new(), state());
        let (agent, policy) = (AgentName::default(), policy());
        let rules = Chosen::default();
        let overview = Overview::of(Input {
            home: "/h",
            agent: &agent,
            store_path: "/h/i",
            profiles: &profiles,
            orders: &orders,
            state: &state,
            policy: &policy,
            session,
            model: None,
            rules: &rules,
            lacking: &[],
            only: &Only::All,
            of_client: &[],
            endpoints: &configured,
            warnings: &[],
            now: NOW,
            warn_after_ms: crate::select::health::WARN_AFTER_MS,
            unlocked_until: None,
            serving: None,
            elsewhere: &[],
            beside: false,
            has_vault: true,
        });
        let found = &as_json(&assemble(&overview))["vault"]["providers"][0];
        assert_eq!(json!([found["endpoint"], found["api"]]), expected);
        let lines = crate::select::text::text(&overview, crate::select::text::Layout::PLAIN);
        assert_eq!(lines.lines().find(|line| line.contains("endpoint")).unwrap_or_default(), said);
    }
}
