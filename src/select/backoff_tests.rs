use super::*;

const NOW: i64 = 1_800_000_000_000;
const FEBRUARY: BackoffPolicy = BackoffPolicy { generation: Generation::February, limits: LIMITS };
const JUNE: BackoffPolicy = BackoffPolicy { generation: Generation::June, limits: LIMITS };
const SEPTEMBER: BackoffPolicy = BackoffPolicy { generation: Generation::September, limits: LIMITS };
const LIMITS: Limits = Limits {
    billing: 5 * HOUR,
    billing_max: 24 * HOUR,
    auth_permanent: 10 * MINUTE,
    auth_permanent_max: HOUR,
    failure_window: DAY,
};

fn kind(text: &str) -> Failure {
    text.parse().unwrap()
}

fn failed(policy: &BackoffPolicy, usage: &Usage, of: &str, now: i64) -> Usage {
    let provider = "anthropic".parse().unwrap();
    let failed = Failed { provider: &provider, failure: kind(of), model: None };
    policy.after_failure(usage, failed, now).unwrap()
}

#[test]
fn each_generation_disables_as_published() {
    let minutes = |policy: BackoffPolicy, of| (1..10).map(move |n| policy.disablement(kind(of), n) / MINUTE);
    for policy in [FEBRUARY, JUNE] {
        assert!(minutes(policy, "billing").take(5).eq([300, 600, 1200, 1440, 1440]));
    }
    assert!(minutes(SEPTEMBER, "billing").eq([10, 20, 40, 80, 160, 320, 640, 1280, 1440]));
    assert!(minutes(FEBRUARY, "auth_permanent").take(5).eq([300, 600, 1200, 1440, 1440]));
    for policy in [JUNE, SEPTEMBER] {
        assert!(minutes(policy, "auth_permanent").take(5).eq([10, 20, 40, 60, 60]));
        assert_eq!(policy.disablement(kind("billing"), u64::MAX), DAY);
    }
    assert_eq!(BackoffPolicy::default(), JUNE);
}

#[test]
fn rate_limits_double_up_to_a_day_until_a_success() {
    let mut usage = Usage::default();
    let mut now = NOW;
    for seconds in [30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 30720, 61440, 86400, 86400] {
        usage = failed(&SEPTEMBER, &usage, "rate_limit", now);
        assert_eq!(usage.cooldown_until, Some(now + seconds * SECOND));
        now += seconds * SECOND;
        assert_eq!(usage.error_count, 1, "the window before was over");
    }
    // Nothing else counts them, and they do not count what else failed.
    usage = failed(&SEPTEMBER, &usage, "auth", now);
    assert_eq!((usage.cooldown_until, usage.error_count), (Some(now + 30 * SECOND), 1));
    assert_eq!(usage.failure_counts, [("rate_limit".to_owned(), 14), ("auth".to_owned(), 1)].into());
    usage = failed(&SEPTEMBER, &usage, "rate_limit", now + 2 * DAY);
    assert_eq!(usage.failure_counts, [("rate_limit".to_owned(), 15)].into());
    let fresh = failed(&SEPTEMBER, &after_success(&usage, now), "rate_limit", now + 3 * DAY);
    assert_eq!(fresh.cooldown_until, Some(now + 3 * DAY + 30 * SECOND));
    usage.failure_counts.insert("rate_limit".to_owned(), u64::MAX);
    assert_eq!(failed(&SEPTEMBER, &usage, "rate_limit", now + 9 * DAY).cooldown_until, Some(now + 10 * DAY));
}

#[test]
fn the_newest_client_reads_no_limits_from_its_configuration() {
    let limits = Limits { billing: HOUR, billing_max: HOUR, failure_window: HOUR, ..LIMITS };
    let policy = BackoffPolicy { limits, ..SEPTEMBER };
    assert_eq!(policy.disablement(kind("billing"), 1), 10 * MINUTE);
    let usage = Usage { error_count: 2, last_failure_at: Some(NOW - DAY), ..Usage::default() };
    assert_eq!(failed(&policy, &usage, "auth", NOW).error_count, 3);
}

#[test]
fn a_limit_whose_end_is_known_swallows_rate_limits() {
    let until = Some(NOW + HOUR);
    let reason = Some("subscription_limit".to_owned());
    let blocked = Usage { blocked_until: until, blocked_reason: reason.clone(), ..Usage::default() };
    assert_eq!(failed(&SEPTEMBER, &blocked, "rate_limit", NOW), blocked);
    let next = failed(&SEPTEMBER, &blocked, "timeout", NOW);
    assert_eq!((next.error_count, next.blocked_until, &next.blocked_reason), (1, until, &reason));
    for (policy, usage, now) in [
        (JUNE, blocked.clone(), NOW),
        (SEPTEMBER, blocked.clone(), NOW + HOUR),
        (SEPTEMBER, Usage { blocked_reason: Some("other".to_owned()), ..blocked.clone() }, NOW),
        // A block of one model says nothing about a request without one.
        (SEPTEMBER, Usage { blocked_model: Some("opus".parse().unwrap()), ..blocked.clone() }, NOW),
    ] {
        assert_eq!(failed(&policy, &usage, "rate_limit", now).error_count, 1);
    }
    let model = "opus".parse().unwrap();
    let usage = Usage { blocked_model: Some("opus".parse().unwrap()), ..blocked };
    let provider = "anthropic".parse().unwrap();
    let of_it = Failed { provider: &provider, failure: kind("rate_limit"), model: Some(&model) };
    assert_eq!(SEPTEMBER.after_failure(&usage, of_it, NOW), Some(usage));
}

#[test]
fn each_generation_has_its_own_failures_of_one_model() {
    let provider = "anthropic".parse().unwrap();
    let model = "opus".parse().unwrap();
    for (of, february, june, september) in [
        ("rate_limit", false, true, true),
        ("timeout", false, true, true),
        ("model_not_found", false, false, true),
        ("auth", false, false, false),
    ] {
        for (policy, limited) in [(FEBRUARY, february), (JUNE, june), (SEPTEMBER, september)] {
            let failed = Failed { provider: &provider, failure: kind(of), model: Some(&model) };
            let next = policy.after_failure(&Usage::default(), failed, NOW).unwrap();
            assert_eq!(next.cooldown_model.is_some(), limited, "{of}");
        }
    }
    let of = kind("no_error_details");
    let failed = Failed { provider: &provider, failure: of, model: None };
    assert!(JUNE.after_failure(&Usage::default(), failed, NOW).is_some());
    assert_eq!(SEPTEMBER.after_failure(&Usage::default(), failed, NOW), None);
}

#[test]
fn the_configuration_overrides_within_reason() {
    let with =
        |billing, billing_max| BackoffPolicy { limits: Limits { billing, billing_max, ..LIMITS }, ..JUNE };
    for (billing, max, first, third) in [
        (HOUR, 3 * HOUR, HOUR, 3 * HOUR),
        (HOUR, MINUTE, HOUR, HOUR),
        (1, HOUR, MINUTE, 4 * MINUTE),
        (i64::MAX, i64::MAX, i64::MAX, i64::MAX),
    ] {
        let policy = with(billing, max);
        assert_eq!(policy.disablement(kind("billing"), 1), first);
        assert_eq!(policy.disablement(kind("billing"), 3), third);
    }
}

#[test]
fn an_open_window_is_never_extended() {
    let first = failed(&JUNE, &Usage::default(), "rate_limit", NOW);
    assert_eq!(first.cooldown_until, Some(NOW + 30_000));
    let second = failed(&JUNE, &first, "timeout", NOW + 29_999);
    assert_eq!((second.cooldown_until, second.error_count), (Some(NOW + 30_000), 2));
    assert_eq!(second.cooldown_reason.as_deref(), Some("timeout"));
    let billing = failed(&JUNE, &second, "billing", NOW + 29_999);
    assert_eq!(billing.disabled_until, Some(NOW + 29_999 + 5 * HOUR));
    let again = failed(&JUNE, &billing, "billing", NOW + 30_000);
    assert_eq!(again.disabled_until, billing.disabled_until);
    assert_eq!((again.error_count, again.cooldown_until), (4, None), "the cooldown is over");
}

#[test]
fn counters_begin_anew_when_all_windows_are_over() {
    let usage = failed(&JUNE, &failed(&JUNE, &Usage::default(), "auth", NOW), "auth", NOW);
    for (later, count, window) in [(29_999, 3, 30_000), (30_000, 1, 60_000), (30_001, 1, 60_001)] {
        let next = failed(&JUNE, &usage, "auth", NOW + later);
        assert_eq!((next.error_count, next.cooldown_until), (count, Some(NOW + window)), "{later}");
        assert_eq!(next.failure_counts["auth"], count);
    }
    // A disablement that is still in force keeps the count, so the next cooldown is longer.
    let usage = failed(&FEBRUARY, &failed(&FEBRUARY, &usage, "billing", NOW), "auth", NOW);
    let next = failed(&FEBRUARY, &usage, "auth", NOW + HOUR);
    assert_eq!((next.error_count, next.cooldown_until), (5, Some(NOW + 2 * HOUR)));
}

#[test]
fn counters_begin_anew_behind_the_window_of_failures() {
    let usage = Usage { error_count: 2, last_failure_at: Some(NOW - DAY), ..Usage::default() };
    for (later, count) in [(-1, 3), (0, 3), (1, 1)] {
        assert_eq!(failed(&JUNE, &usage, "auth", NOW + later).error_count, count, "{later}");
    }
    let short = BackoffPolicy { limits: Limits { failure_window: HOUR, ..LIMITS }, ..JUNE };
    assert_eq!(failed(&short, &usage, "auth", NOW).error_count, 1);
}

#[test]
fn exempt_providers_note_no_failure() {
    for (provider, noted) in [("openrouter", false), ("kilocode", false), ("anthropic", true)] {
        let provider = provider.parse().unwrap();
        let failed = Failed { provider: &provider, failure: kind("billing"), model: None };
        let next = JUNE.after_failure(&Usage::default(), failed, NOW);
        assert_eq!(next.is_some(), noted);
    }
}

#[test]
fn success_ends_every_window_and_keeps_the_last_failure() {
    let usage = failed(&JUNE, &failed(&JUNE, &Usage::default(), "billing", NOW), "auth", NOW);
    let good = after_success(&usage, NOW + 5);
    let expected = Usage { last_used: Some(NOW + 5), last_failure_at: Some(NOW), ..Usage::default() };
    assert_eq!(good, expected);
}

#[test]
fn a_new_secret_ends_every_window_and_keeps_the_instants() {
    let usage = failed(&JUNE, &failed(&JUNE, &Usage::default(), "billing", NOW), "auth", NOW);
    let usage = Usage { last_used: Some(7), blocked_until: Some(NOW + 9), ..usage };
    let expected = Usage { last_used: Some(7), last_failure_at: Some(NOW), ..Usage::default() };
    assert_eq!(after_new_secret(&usage), expected);
    assert_eq!(after_new_secret(&expected), expected);
}

#[test]
fn kinds_are_those_of_the_client() {
    for text in Failure::ALL {
        assert_eq!(kind(text).as_str(), text);
    }
    assert!("Billing".parse::<Failure>().is_err());
}
