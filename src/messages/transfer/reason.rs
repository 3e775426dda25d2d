//! Why an entry of an import is skipped or invalid.
//!
//! A reason that an entry is invalid follows its place: `profiles."a:b".key is missing`. A reason that it is skipped
//! follows its place and a colon.

use std::fmt::Display;

// Why an entry is skipped.

/// An OAuth sign-in, without the flag that takes it.
pub fn oauth_excluded() -> &'static str {
    "an OAuth sign-in; add `--include-oauth` to import it too"
}

/// A reference in place of a secret.
pub fn reference() -> &'static str {
    "a reference, not a secret"
}

/// A reference and a secret.
pub fn overriding_reference() -> &'static str {
    "a reference, which overrides the secret next to it"
}

/// A reference from the environment. `label` says to what.
pub fn reference_to(label: &str) -> String {
    format!("a reference ({label}), which is not resolved")
}

/// A marker that the AWS SDK finds its own credentials.
pub fn aws_marker() -> &'static str {
    "a marker for the AWS SDK, not a secret"
}

/// A marker that a service runs on this machine.
pub fn local_marker() -> &'static str {
    "a marker for a local service, not a secret"
}

/// A command or a variable in pi's `auth.json`.
pub fn looked_up_by_pi() -> &'static str {
    "a command or a variable that pi looks up, not a secret"
}

/// A sign-in of opencode.
pub fn opencode_server_sign_in() -> &'static str {
    "opencode's sign-in to a server, not a provider's key"
}

/// An empty variable.
pub fn empty() -> &'static str {
    "empty, not a secret"
}

/// A variable that is not used because another one is.
pub fn shadowed_by(name: &str) -> String {
    format!("shadowed by {name}")
}

/// A value of `openclaw secrets store`.
pub const NAMED_SECRET: &str = "kept by `openclaw secrets store` under a name; its provider is not known";

/// An earlier store has the same profile.
pub const IN_STORE_BEFORE: &str = "OpenClaw uses another one of this id";

// Why an entry or a field is invalid.

/// A required field is missing.
pub fn missing() -> &'static str {
    "is missing"
}

/// A field is not a string.
pub fn not_a_string() -> &'static str {
    "is not a string"
}

/// A field is not an object.
pub fn not_object() -> &'static str {
    "is not a JSON object"
}

/// A field is not a boolean.
pub fn not_a_bool() -> &'static str {
    "is not true or false"
}

/// A field is not a reference.
pub fn not_a_reference() -> &'static str {
    "is not a reference"
}

/// A field is not the name of a provider.
pub fn not_a_provider() -> &'static str {
    "is not a provider name"
}

/// A field is not the name of an agent.
pub fn not_an_agent() -> &'static str {
    "is not an agent name"
}

/// A field is not an instant.
pub fn not_an_instant() -> &'static str {
    "is not a time in Unix milliseconds"
}

/// A type is not known.
pub fn unknown_type() -> &'static str {
    "is not api_key, token or oauth"
}

/// A member of a bundle is not a profile.
pub fn not_a_profile() -> &'static str {
    "is not a profile"
}

/// `mode` and `type` differ.
pub fn contradicts_type() -> &'static str {
    "contradicts the entry's type"
}

/// Two spellings of a field differ.
pub fn contradicts_spelling() -> &'static str {
    "contradicts another spelling of the same field"
}

/// An entry says nothing of what it is.
pub fn no_type_and_no_secret() -> &'static str {
    "has neither a type nor a secret"
}

/// The token of a sign-in is blank.
pub fn signed_out() -> &'static str {
    "is signed out: its token is blank"
}

/// A value is too long.
pub fn longer_than(max: usize) -> String {
    format!("is longer than {max} bytes")
}

/// A credential does not fit a record.
pub fn credential_too_large(max: usize) -> String {
    format!("takes more than {max} bytes with all of its fields")
}

/// A secret has a character that no header can carry.
pub fn control_character() -> &'static str {
    "contains a control character or a line break"
}

/// A label has characters that a terminal does not show.
pub fn invisible_characters() -> &'static str {
    "contains invisible characters"
}

/// A list has an item that is not text, or is no list.
pub fn not_a_list_of_texts() -> &'static str {
    "is not a list of texts"
}

/// A field is not a list.
pub fn not_a_list() -> &'static str {
    "is not a list"
}

/// A field is not a generation.
pub fn not_a_generation() -> &'static str {
    "is not a number from 1 to 2^52"
}

/// An earlier version has a generation like the current one's, or a greater one.
pub fn not_earlier() -> &'static str {
    "is not below the generation of the profile"
}

/// Two earlier versions have the same generation.
pub fn generation_twice() -> &'static str {
    "is that of another version too"
}

/// An earlier version names another profile.
pub fn of_another_profile() -> &'static str {
    "is not the profile that the version is listed in"
}

/// A list is too long.
pub fn more_items_than(max: usize) -> String {
    format!("has more than {max} items")
}

/// A text of a profile is not accepted. `why` is a sentence.
pub fn not_accepted(why: &str) -> String {
    format!("is not accepted: {why}")
}

/// A text of a profile looks like a secret. It is not quoted.
pub fn looks_secret() -> &'static str {
    "looks like a secret"
}

/// A label looks like a secret.
pub fn label_looks_secret() -> &'static str {
    "looks like a secret, but would be stored unencrypted"
}

/// The provider of an entry and that of its id differ.
pub fn other_provider(provider: impl Display, of_id: impl Display) -> String {
    format!("is {provider}, but the id belongs to {of_id}")
}

/// The name of an entry looks like a secret. It is not quoted.
pub fn name_looks_secret() -> &'static str {
    "has a name that looks like a secret"
}

/// The name of an entry is not a profile id. `why` is a sentence.
pub fn no_valid_id(why: &str) -> String {
    format!("has no valid id: {why}")
}

/// The id has no colon.
pub fn id_without_colon() -> String {
    "it has no provider and colon before the name".to_owned()
}

/// The id is too long.
pub fn id_too_long(max: usize) -> String {
    format!("it is longer than {max} bytes")
}

/// The part before the colon is not a provider.
pub fn id_without_provider() -> String {
    "the part before the colon is not a provider".to_owned()
}

/// The part after the colon is missing.
pub fn id_without_name() -> String {
    "nothing follows the colon".to_owned()
}

/// The name has a character that is not accepted. `character` is quoted or named.
pub fn id_with_character(character: impl Display) -> String {
    format!("its name contains {character}")
}

/// The name begins with a character that only the rest may have.
pub fn id_with_bad_start() -> String {
    "its name does not begin with a letter or digit".to_owned()
}

/// The name is reserved.
pub fn id_reserved() -> String {
    "that name is reserved".to_owned()
}

/// An order is under a name that is not a provider's.
pub fn order_without_provider() -> &'static str {
    "has a name that is not a provider"
}

/// An order is not a list of ids.
pub fn order_without_ids() -> &'static str {
    "is not a list of profile ids"
}

/// Two entries of one source have the same id.
pub fn same_id(id: impl Display) -> String {
    format!("both are {id}, with different contents")
}

/// The places of two entries with the same id.
pub fn two_places(one: &str, other: &str) -> String {
    format!("{one} and {other}")
}

/// A line is not an assignment. It is not quoted.
pub fn not_an_assignment(holds_key: bool) -> String {
    let holds = if holds_key { "seems to contain a key, but " } else { "" };
    format!("{holds}is not of the form NAME=value")
}

// Expiry.

/// A value is not an instant.
pub fn expiry_not_understood() -> &'static str {
    "is not a time that is understood: use Unix milliseconds, or a date such as 2027-01-31T12:00:00Z"
}

/// Two fields say different instants.
pub fn expiry_contradicts() -> &'static str {
    "contradicts another expiry of the same entry"
}

/// The expiry is inside another field, and may not be the credential's.
pub fn expiry_inside() -> &'static str {
    "has an expiry inside another field; put `expires` next to the secret"
}

/// The expiry is a duration.
pub fn expiry_is_duration() -> &'static str {
    "is a duration, and its start is unknown; put `expires` with a time in its place"
}

/// A number is outside the range of instants.
pub fn expiry_out_of_range(max: i64) -> String {
    format!("is not a number of milliseconds from 1 to {max}")
}

/// A number overflows.
pub fn expiry_too_large() -> &'static str {
    "is too large"
}

/// A number is too small for either unit.
pub fn expiry_too_early() -> &'static str {
    "is before 2001, in seconds and in milliseconds"
}

/// A number is too large for either unit.
pub fn expiry_of_no_unit() -> &'static str {
    "is neither in seconds nor in milliseconds"
}
