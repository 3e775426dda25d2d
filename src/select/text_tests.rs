use super::*;
use crate::select::assemble::Input;
use crate::select::fixture::{NOW, lacking, order, overview, profiles, state, view, with_input};
use crate::select::profile::{ProfileView, Usable};
use crate::select::state::{AuthState, Orders};
use crate::vault::credential::CredentialType::{ApiKey, Token};

fn text_of(profiles: &[ProfileView], orders: &Orders, lacking: &[Lacking], warnings: &[String]) -> String {
    overview(profiles, orders, &state(), lacking, warnings, |of| text(of, Layout::PLAIN))
}

fn lines_of(profiles: &[ProfileView], orders: &Orders, state: &AuthState) -> Vec<String> {
    overview(profiles, orders, state, &[], &[], |of| text(of, Layout::PLAIN))
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_text_names_the_next_the_others_and_the_remedies() {
    let warnings = ["auth-state.json\u{1b}[2J".to_owned()];
    let in_use = [lacking("openai", &[])];
    let orders = order(&["anthropic:work", "anthropic:default", "anthropic:gone"]);
    let lines = text_of(&profiles(), &orders, &in_use, &warnings);
    let expected = "\
Home   /srv/vault
Agent  main
Index  /srv/vault/agents/main/auth-profiles.json
Warning: auth-state.json\\u{1b}[2J

anthropic: next is anthropic:default (order set)
  1  anthropic:default  api_key  static   no expiry       unverified
  2  anthropic:work     token    ok       expires in 30d  unverified; cooling down for 5m (rate_limit)
  -  anthropic:gone     -        -        -               not used: no stored credential (missing_credential)
  -  anthropic:old      token    expired  expired 2d ago  unverified; not used: not in the order that is set (excluded_by_auth_order)

openai-codex: next is openai-codex:me@x.io (by type and last use)
  1  openai-codex:me@x.io  oauth  expiring  expires in 3h (WHEN)  verified

No API key found for provider openai (agent main): each agent has its own profiles.
  strongroom paste-token --provider openai, or paste-api-key for an API key

Needs attention
  anthropic:old  Token expired: run `claude setup-token` again, then strongroom rotate anthropic:old
  openai-codex:me@x.io  Sign-in expires in 3h: sign in to openai-codex again in its own client, then run `strongroom import FILE --include-oauth --on-conflict replace`";
    let when = local(NOW + 3 * crate::time::HOUR);
    assert_eq!(lines.trim_end(), expected.replace("WHEN", &when));
}

#[test]
fn the_heading_says_when_nothing_can_be_used_now() {
    let cooled = [view("anthropic:work", Token, None)];
    let dead = [view("anthropic:work", Token, Some(NOW))];
    for (profiles, heading) in [
        (
            &cooled,
            "anthropic: No available auth profile (all in cooldown); first available in 5m: \
             anthropic:work (by type and last use)",
        ),
        (&dead, "anthropic: no usable profile (by type and last use)"),
    ] {
        assert_eq!(lines_of(profiles, &Orders::new(), &state())[4], heading);
    }
}

#[test]
fn an_agent_without_profiles_is_told_how_to_paste_one() {
    let lines = lines_of(&[], &Orders::new(), &AuthState::default());
    assert_eq!(lines[4], "No credentials found for agent main.");
    assert!(lines[5].contains("strongroom paste-token"));
}

#[test]
fn plain_is_one_line_a_profile() {
    let mut profiles = profiles();
    profiles[0].store = None;
    profiles[1].store = Some("x\ty\u{202e}".to_owned());
    let lines = overview(&profiles, &Orders::new(), &state(), &[], &[], plain);
    assert_eq!(
        lines.lines().collect::<Vec<_>>(),
        [
            "anthropic:default\tanthropic\tapi_key\tstatic\t-\t-",
            "anthropic:work\tanthropic\ttoken\tok\t2027-02-14T08:00:00.000Z\tx\\u{9}y\\u{202e}",
            "anthropic:old\tanthropic\ttoken\texpired\t2027-01-13T08:00:00.000Z\tfile",
            "openai-codex:me@x.io\topenai-codex\toauth\texpiring\t2027-01-15T11:00:00.000Z\tfile",
        ]
    );
    assert!(overview(&[], &Orders::new(), &state(), &[], &[], plain).is_empty());
}

#[test]
fn names_in_other_scripts_stay_readable_and_controls_do_not_act() {
    assert_eq!(safe("/home/żółw/Mü ller"), "/home/żółw/Mü ller");
    assert_eq!(safe("a\nb\u{9b}c\u{2066}"), "a\\u{a}b\\u{9b}c\\u{2066}");
}

#[test]
fn no_character_of_a_plaintext_secret_or_foreign_reference_acts_on_the_terminal() {
    let plaintext = ProfileView { usable: Usable::Plaintext, ..view("a:plain", ApiKey, None) };
    let foreign = ProfileView {
        foreign: Some("env:\u{1b}]0;x".to_owned()),
        usable: Usable::Reference,
        ..view("a:ref", ApiKey, None)
    };
    for line in lines_of(&[plaintext, foreign], &Orders::new(), &AuthState::default()) {
        assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
    }
}

#[test]
fn each_missing_provider_names_the_agents_that_have_it() {
    let missing = [lacking("openai", &["ops"]), lacking("google", &["dev", "ops"]), lacking("zai", &[])];
    let lines = text_of(&profiles(), &Orders::new(), &missing, &[]);
    for (provider, elsewhere) in [
        ("google", "  dev, ops have one: use `--agent dev`, or paste it for agent main as well\n"),
        ("openai", "  ops has one: use `--agent ops`, or paste it for agent main as well\n"),
        ("zai", "\nNeeds attention"),
    ] {
        let said = format!(
            "No API key found for provider {provider} (agent main): each agent has its own profiles.
  strongroom paste-token --provider {provider}, or paste-api-key for an API key
{elsewhere}"
        );
        assert!(lines.contains(&said), "{lines}");
    }
}

#[test]
fn what_is_asked_for_and_not_there_is_named() {
    for (only, said) in [
        (
            Only::All,
            "No credentials found for agent main.\n  strongroom paste-token --provider anthropic, or",
        ),
        (
            Only::Provider("groq".parse().unwrap()),
            "No profile for provider groq (agent main).\n  strongroom paste-token --provider groq, or",
        ),
        (
            Only::Profile("groq:nope".parse().unwrap()),
            "No credentials found for profile \"groq:nope\" (agent main)\n  run `strongroom list`",
        ),
    ] {
        let lines = with_input(&[], &Orders::new(), &state(), |input| {
            text(&Overview::of(Input { only: &only, ..input }), Layout::PLAIN)
        });
        assert!(lines.contains(said), "{lines}");
    }
}
