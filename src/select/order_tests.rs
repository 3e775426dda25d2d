use super::*;
use crate::select::fixture::policy;
use crate::select::generation::Generation;
use crate::select::state::Usage;

const NOW: i64 = 1_800_000_000_000;
use CredentialType::{ApiKey, OAuth, Token};

fn view(id: &str, kind: CredentialType) -> ProfileView {
    ProfileView::new(id.parse().unwrap(), kind)
}

fn ids(list: &[&str]) -> Vec<ProfileId> {
    list.iter().map(|id| id.parse().unwrap()).collect()
}

fn state(usage: &[(&str, Usage)]) -> AuthState {
    AuthState {
        usage: usage.iter().map(|(id, usage)| (id.parse().unwrap(), usage.clone())).collect(),
        ..AuthState::default()
    }
}

fn cooled(until: i64) -> Usage {
    Usage { cooldown_until: Some(until), cooldown_reason: Some("rate_limit".to_owned()), ..Usage::default() }
}

fn used(at: i64) -> Usage {
    Usage { last_used: Some(at), ..Usage::default() }
}

/// Returns one word per choice: the profile's name and its verdict.
fn told(choices: &[Choice<'_>]) -> String {
    let word = |choice: &Choice<'_>| {
        let verdict = match &choice.verdict {
            Verdict::Eligible => "ok".to_owned(),
            Verdict::CoolingDown { until, .. } => format!("cool+{}", until - NOW),
            Verdict::Disabled { until, .. } => format!("off+{}", until - NOW),
            Verdict::Excluded(reason) => reason.as_str().to_owned(),
        };
        format!("{}={verdict}", choice.id.name())
    };
    choices.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn candidates(
    provider: &Provider,
    profiles: &[ProfileView],
    order: Option<&[ProfileId]>,
    state: &AuthState,
    now: i64,
) -> String {
    let own: Vec<_> = profiles.iter().filter(|view| view.provider == *provider).collect();
    let policy = policy();
    let generation = Generation::default();
    let rules = Rules { order, state, policy: &policy, pin: None, model: None, generation, now };
    told(&select(provider, &own, &rules).choices)
}

fn of_a(profiles: &[ProfileView], order: Option<&[&str]>, state: &AuthState) -> String {
    let order = order.map(ids);
    candidates(&"a".parse().unwrap(), profiles, order.as_deref(), state, NOW)
}

#[test]
fn without_an_order_type_then_least_recent_use_decides() {
    let profiles = [
        view("a:key", ApiKey),
        view("a:late", Token),
        view("a:early", Token),
        view("a:never", Token),
        view("b:other", OAuth),
        view("a:sign", OAuth),
        view("a:never2", Token),
    ];
    let state = state(&[("a:late", used(20)), ("a:early", used(10)), ("a:sign", used(99))]);
    assert_eq!(
        of_a(&profiles, None, &state),
        "sign=ok never=ok never2=ok early=ok late=ok key=ok",
        "OAuth first though used last; the never used before the used; ties as in the index"
    );
}

#[test]
fn cooled_profiles_go_to_the_end_by_the_end_of_their_window() {
    let profiles = [view("a:x", Token), view("a:y", Token), view("a:z", ApiKey), view("a:w", ApiKey)];
    let disabled = Usage {
        disabled_until: Some(NOW + 50),
        disabled_reason: Some("billing".to_owned()),
        ..Usage::default()
    };
    let state = state(&[("a:x", cooled(NOW + 100)), ("a:y", disabled), ("a:w", cooled(NOW))]);
    for (order, expected) in [
        (None, "z=ok w=ok y=off+50 x=cool+100"),
        (Some(&["a:x", "a:w", "a:y", "a:z"][..]), "w=ok z=ok y=off+50 x=cool+100"),
    ] {
        assert_eq!(of_a(&profiles, order, &state), expected);
    }
}

#[test]
fn a_window_is_over_at_its_last_millisecond() {
    for (until, word) in [(NOW - 1, "x=ok"), (NOW, "x=ok"), (NOW + 1, "x=cool+1")] {
        assert_eq!(of_a(&[view("a:x", Token)], None, &state(&[("a:x", cooled(until))])), word);
    }
}

#[test]
fn of_two_windows_the_later_end_counts() {
    for (cooldown, disabled, word) in [(9, 5, "x=off+9"), (5, 9, "x=off+9"), (9, -1, "x=cool+9")] {
        let usage = Usage { disabled_until: Some(NOW + disabled), ..cooled(NOW + cooldown) };
        assert_eq!(of_a(&[view("a:x", Token)], None, &state(&[("a:x", usage)])), word);
    }
}

#[test]
fn openrouter_is_exempt_from_cooldown() {
    let usage = Usage { disabled_until: Some(NOW + 9), ..cooled(NOW + 9) };
    let state = state(&[("openrouter:x", usage.clone()), ("a:x", usage)]);
    let profiles = [view("openrouter:x", ApiKey), view("a:x", ApiKey)];
    let openrouter = candidates(&"openrouter".parse().unwrap(), &profiles, None, &state, NOW);
    assert_eq!(openrouter, "x=ok");
    assert_eq!(of_a(&profiles, None, &state), "x=off+9");
}

#[test]
fn an_explicit_order_is_kept_and_excludes_the_rest() {
    let mut foreign = view("b:x", Token);
    foreign.provider = "a".parse().unwrap();
    let profiles = [view("a:x", OAuth), view("a:y", Token), view("a:z", ApiKey), foreign];
    for (order, expected) in [
        (&["a:z", "a:y"][..], "z=ok y=ok x=excluded_by_auth_order x=excluded_by_auth_order"),
        (
            &["a:z", "a:gone", "c:y", "a:z"][..],
            "z=ok gone=missing_credential y=ineligible_profile x=excluded_by_auth_order \
             y=excluded_by_auth_order x=excluded_by_auth_order",
        ),
        (&["b:x"][..], "x=ok x=excluded_by_auth_order y=excluded_by_auth_order z=excluded_by_auth_order"),
        (&[][..], "x=ok y=ok x=ok z=ok"),
    ] {
        assert_eq!(of_a(&profiles, Some(order), &AuthState::default()), expected, "{order:?}");
    }
}

#[test]
fn profiles_whose_windows_end_together_stay_as_they_are_stored() {
    let profiles = [view("a:k", ApiKey), view("a:o", OAuth), view("a:t", Token), view("a:z", ApiKey)];
    let ends = |id| (id, cooled(NOW + 5));
    let state = state(&[ends("a:k"), ends("a:o"), ends("a:t")]);
    assert_eq!(of_a(&profiles, None, &state), "z=ok k=cool+5 o=cool+5 t=cool+5");
}

#[test]
fn the_index_order_comes_before_the_one_in_the_state() {
    let profiles = [view("a:x", Token), view("a:y", Token)];
    let mut state = AuthState::default();
    state.order.insert("a".parse().unwrap(), ids(&["a:y"]));
    for (order, expected) in [
        (None, "y=ok x=excluded_by_auth_order"),
        (Some(&[][..]), "y=ok x=excluded_by_auth_order"),
        (Some(&["a:x"][..]), "x=ok y=excluded_by_auth_order"),
    ] {
        assert_eq!(of_a(&profiles, order, &state), expected);
    }
}

#[test]
fn profiles_without_a_usable_secret_are_excluded_with_their_reason() {
    for (usable, expires, invalid_expires, word) in [
        (Usable::Verified, None, false, "x=ok"),
        (Usable::Unverified, Some(NOW + 1), false, "x=ok"),
        (Usable::Verified, Some(NOW), false, "x=expired"),
        (Usable::Verified, Some(NOW - 1), false, "x=expired"),
        (Usable::Verified, Some(i64::MIN), false, "x=expired"),
        (Usable::Verified, None, true, "x=invalid_expires"),
        (Usable::Missing, Some(NOW - 1), false, "x=missing_credential"),
        (Usable::Corrupt, None, false, "x=unresolved_ref"),
        (Usable::RolledBack, None, false, "x=unresolved_ref"),
        (Usable::Reference, None, false, "x=unresolved_ref"),
        (Usable::Plaintext, None, false, "x=ineligible_profile"),
    ] {
        let profile = ProfileView { expires, invalid_expires, usable, ..view("a:x", Token) };
        for order in [None, Some(&["a:x"][..])] {
            let choices = of_a(std::slice::from_ref(&profile), order, &AuthState::default());
            assert_eq!(choices, word, "{usable:?} {expires:?}");
        }
    }
}

#[test]
fn the_best_is_eligible_else_free_soonest_and_never_expired() {
    let x = view("a:x", Token);
    let y = view("a:y", Token);
    let dead = ProfileView { expires: Some(NOW), ..view("a:dead", OAuth) };
    let both = [("a:x", cooled(NOW + 9)), ("a:y", cooled(NOW + 5)), ("a:dead", cooled(NOW + 1))];
    for (profiles, usage, expected) in [
        (vec![], &both[..0], None),
        (vec![dead.clone()], &both[..0], None),
        (vec![dead.clone(), x.clone(), y.clone()], &both[..0], Some("a:x")),
        (vec![dead.clone(), x.clone(), y.clone()], &both[..1], Some("a:y")),
        (vec![dead, x, y], &both[..], Some("a:y")),
    ] {
        let (state, policy) = (state(usage), policy());
        let generation = Generation::default();
        let (order, policy) = (None, &policy);
        let rules = Rules { order, state: &state, policy, pin: None, model: None, generation, now: NOW };
        let choices = select(&"a".parse().unwrap(), &profiles.iter().collect::<Vec<_>>(), &rules).choices;
        assert_eq!(best(&choices).map(|choice| choice.id.as_str()), expected, "{}", told(&choices));
    }
}

#[test]
fn programs_read_where_an_order_is_named() {
    use super::OrderSource::{Config, ConfigProfiles, Index, State};
    let words = serde_json::json!([Index, State, Config, ConfigProfiles]);
    assert_eq!(words, serde_json::json!(["index", "state", "config", "config-profiles"]));
}
