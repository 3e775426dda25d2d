//! Messages about encryption: keys, recipients and identities.
//!
//! `what` names a file or an item as the subject of a sentence: `the bundle`, `unlock/passphrase.age`.

use std::fmt::Display;

use crate::error::{Code, Error};

const RESEND: &str =
    "ask the sender for it again, as text from `strongroom export --armor`; nothing was changed";
const ASK_FOR_RECIPIENT: &str = "ask the receiver for the output of `strongroom recipient`";
const ONE_IDENTITY: &str =
    "give a file with an AGE-SECRET-KEY-1… line, as `strongroom recovery-key` or `age-keygen` prints it";

// Failures that only a bug or a broken system causes.

/// The age library failed to encrypt.
pub fn encryption_failed() -> Error {
    Error::new(Code::Internal, "encryption failed")
}

/// The system has no random bytes.
pub fn no_random_bytes() -> Error {
    Error::new(Code::Internal, "the system returned no random bytes")
}

/// HMAC refused a key, which it never does.
pub fn hmac_refused() -> Error {
    Error::new(Code::Internal, "HMAC refused its key")
}

/// Argon2id refused parameters that passed our own bounds.
pub fn argon2_refused() -> Error {
    Error::new(Code::Internal, "Argon2id refused its parameters")
}

/// Encrypted bytes could not be written as armor.
pub fn armoring_failed() -> Error {
    Error::new(Code::Internal, "cannot write encrypted bytes as text")
}

// Argon2id.

/// The cost in an unlock file is outside the bounds.
pub fn kdf_out_of_bounds(memory_kib: u32, passes: u32, lanes: u32) -> Error {
    Error::new(
        Code::KdfBounds,
        format!(
            "the unlock file asks for Argon2id with {memory_kib} KiB, {passes} passes and {lanes} lanes, which is outside the accepted bounds"
        ),
    )
}

/// The system does not give the memory that Argon2id needs.
pub fn no_memory_for_passphrase(mib: u32) -> Error {
    Error::new(
        Code::NoMemory,
        format!("not enough memory to derive the key from the passphrase ({mib} MiB needed)"),
    )
}

// The keys of a vault.

/// The vault's id does not parse.
pub fn damaged_vault_id() -> Error {
    Error::new(Code::Corrupt, "the vault's id is damaged")
}

/// The machine's id does not parse.
pub fn damaged_machine_id() -> Error {
    Error::new(Code::Corrupt, "the machine's id is damaged")
}

/// The id of a vault key does not parse.
pub fn damaged_key_id() -> Error {
    Error::new(Code::Corrupt, "the id of a vault key is damaged")
}

/// The keys of an agent do not include exactly one current key.
pub fn no_current_agent_key() -> Error {
    Error::new(Code::Corrupt, "the agent's keys do not include the current one")
}

/// The unlock file does not contain the key that it calls current.
pub fn no_current_key() -> Error {
    Error::new(Code::Corrupt, "the unlock file does not contain the key that it names as current")
}

/// The vault is unlocked for one agent, and another one's keys are needed.
pub fn unlocked_for_one_agent(agent: &str) -> Error {
    Error::new(Code::Locked, format!("the vault is unlocked for agent {agent} only"))
        .with_remedy("run `strongroom unlock` without `--agent` to unlock it for all agents")
}

// Encrypted files.

/// A file is larger than its kind may be.
pub fn larger_than(what: &str, max: usize) -> Error {
    Error::new(Code::TooLarge, format!("{what} is larger than {max} bytes"))
}

/// A record or the operations of a transaction would be too large once encrypted.
pub fn would_be_too_large(bytes: usize, max: usize) -> Error {
    Error::new(Code::TooLarge, format!("the encrypted record would take {bytes} bytes; the limit is {max}"))
}

/// An unlock file would be too large.
pub fn unlock_file_too_large(max: usize) -> Error {
    Error::new(Code::TooLarge, format!("the unlock file would be larger than {max} bytes"))
}

/// Armor is larger than any record's.
pub fn larger_than_any_record(what: &str) -> Error {
    Error::new(Code::TooLarge, format!("{what} is larger than any record can be"))
}

/// The bytes are not an age file.
pub fn not_encrypted(what: &str) -> Error {
    Error::new(Code::Corrupt, format!("{what} is not an encrypted file"))
}

/// The text is not an armored record.
pub fn not_a_record(what: &str) -> Error {
    Error::new(Code::Corrupt, format!("{what} is not an encrypted record"))
}

/// The age file has a version that is not read here.
pub fn unknown_age_version(what: &str) -> Error {
    Error::new(Code::NewerFormat, format!("{what} has an age version that this Strongroom does not read"))
}

/// The header is cut off.
pub fn header_cut_off(what: &str) -> Error {
    Error::new(Code::Corrupt, format!("{what} is cut off in its header"))
}

/// The header does not parse.
pub fn damaged_header(what: &str) -> Error {
    Error::new(Code::Corrupt, format!("{what} has a damaged header"))
}

/// The header has more stanzas than are accepted.
pub fn too_many_stanzas(what: &str) -> Error {
    Error::new(Code::Corrupt, format!("{what} has too many stanzas in its header"))
}

/// The header has more bytes than are accepted.
pub fn header_too_large(what: &str) -> Error {
    Error::new(Code::Corrupt, format!("{what} has a header that is too large"))
}

/// A program that handles text changed the line endings.
pub fn line_endings_changed(what: &str) -> Error {
    Error::new(Code::Corrupt, format!("{what} was damaged in transfer: its line endings were changed"))
}

/// The contents do not parse.
pub fn damaged(what: &str) -> Error {
    Error::new(Code::Corrupt, format!("{what} is damaged"))
}

/// The contents fail authentication.
pub fn altered(what: &str) -> Error {
    Error::new(Code::Corrupt, format!("{what} was altered"))
}

/// The stanza fails authentication under the agent's key.
pub fn altered_or_other_agent(what: &str) -> Error {
    Error::new(Code::Corrupt, format!("{what} was altered, or was encrypted for another agent"))
}

/// There is no stanza of this vault.
pub fn not_by_this_vault(what: &str) -> Error {
    Error::new(Code::Tampered, format!("{what} was not encrypted by this vault"))
}

/// The stanza names a key that the vault does not have.
pub fn unknown_key(what: &str) -> Error {
    Error::new(Code::Tampered, format!("{what} is encrypted with a key that this vault does not have"))
}

/// The plaintext is not the one that the vault's key authenticates.
pub fn rewritten(what: &str) -> Error {
    Error::new(Code::Tampered, format!("{what} was rewritten without the vault's key"))
}

/// There is no stanza of an unlock file.
pub fn not_an_unlock_file(what: &str) -> Error {
    Error::new(Code::Tampered, format!("{what} was not created by strongroom"))
}

// Identities.

/// A text that has to hold one identity holds several.
pub fn several_identities(what: &str) -> Error {
    Error::new(Code::BadData, format!("{what} contains more than one AGE-SECRET-KEY-1… line"))
        .with_remedy("give a file with exactly one AGE-SECRET-KEY-1… line")
}

/// A file has more identities than are tried.
pub fn too_many_identities(what: &str, max: usize) -> Error {
    Error::new(Code::BadData, format!("{what} contains more than {max} identities"))
        .with_remedy("give a file with only the identities that may fit")
}

/// A file has no identity.
pub fn no_identity(what: &str) -> Error {
    Error::new(Code::BadData, format!("{what} does not contain an AGE-SECRET-KEY-1… line"))
        .with_remedy(ONE_IDENTITY)
}

/// A line is neither an identity nor a comment. It is not quoted.
pub fn not_an_identity(what: &str, line: usize) -> Error {
    Error::new(Code::BadData, format!("line {line} of {what} is not an AGE-SECRET-KEY-1… line"))
        .with_remedy(ONE_IDENTITY)
}

/// A file has keys of other kinds only. `kind` is with its article.
pub fn other_identity(what: &str, kind: &str) -> Error {
    Error::new(Code::BadData, format!("{what} contains {kind}, which Strongroom cannot use"))
        .with_remedy(ONE_IDENTITY)
}

/// An identity file is not text.
pub fn not_text(what: &str) -> Error {
    Error::new(Code::BadData, format!("{what} is not text"))
}

/// An identity file is itself encrypted.
pub fn encrypted_identity(what: &str) -> Error {
    Error::new(Code::BadData, format!("{what} is itself encrypted with a passphrase"))
        .with_remedy("decrypt it first: `age -d -o FILE ENCRYPTED`; delete FILE afterwards")
}

/// A record is not encrypted to the recovery key.
pub fn wrong_recovery_key(what: &str) -> Error {
    Error::new(Code::WrongKey, format!("{what} cannot be decrypted with this recovery key"))
}

// Bundles.

/// An identity was given as a recipient. It is not quoted.
pub fn identity_as_recipient() -> Error {
    Error::new(Code::BadData, "this is a secret identity, not a recipient; recipients begin with age1")
        .with_remedy(ASK_FOR_RECIPIENT)
}

/// The text is not a recipient.
pub fn not_a_recipient() -> Error {
    Error::new(Code::BadData, "the recipient is not a valid age1… (X25519) recipient")
        .with_remedy(ASK_FOR_RECIPIENT)
}

/// A bundle has no recipient or too many.
pub fn recipients_out_of_bounds(max: usize) -> Error {
    Error::new(Code::Usage, format!("a bundle takes 1 to {max} recipients"))
}

/// A bundle would be too large.
pub fn bundle_too_large(max: usize) -> Error {
    Error::new(Code::TooLarge, format!("the bundle would be larger than {max} bytes"))
}

/// The scrypt cost of a bundle is too high. Both numbers are powers of two.
pub fn scrypt_too_expensive(required: u8, max: u8) -> Error {
    Error::new(
        Code::KdfBounds,
        format!("the bundle asks for scrypt with work factor 2^{required}; at most 2^{max} is accepted"),
    )
    .with_remedy("ask the sender for a bundle made with `strongroom export`")
}

/// The passphrase does not decrypt the bundle.
pub fn wrong_bundle_passphrase() -> Error {
    Error::new(Code::WrongKey, "the bundle cannot be decrypted with this passphrase")
        .with_remedy("give the right passphrase with `--bundle-passphrase-file FILE`")
}

/// The bundle has no X25519 recipient.
pub fn other_recipients() -> Error {
    Error::new(Code::WrongKey, "the bundle has no age1… recipient")
        .with_remedy("ask the sender to export it to the output of `strongroom recipient`")
}

/// No identity decrypts the bundle.
pub fn not_a_recipient_of_bundle() -> Error {
    Error::new(Code::WrongKey, "the bundle is not encrypted to this vault or to any identity given").with_remedy(
        "name the identity with `--bundle-identity FILE`, or ask the sender to export it to the output of `strongroom recipient`",
    )
}

/// A bundle that was decrypted in part is damaged. `how` is the rest of the sentence.
pub fn damaged_bundle(how: &str) -> Error {
    Error::new(Code::Corrupt, format!("the bundle {how}")).with_remedy(RESEND)
}

/// The line endings of a binary bundle were changed.
pub fn bundle_line_endings_changed() -> Error {
    line_endings_changed("the bundle").with_remedy(RESEND)
}

/// A binary bundle was saved as text.
pub fn bundle_saved_as_text(encoding: &str) -> Error {
    damaged_bundle(&format!("was damaged in transfer: it is binary, but was saved as {encoding} text"))
}

/// The armor of a bundle is damaged. `how` is the rest of the sentence.
pub fn damaged_armor(how: &str) -> Error {
    Error::new(Code::Corrupt, format!("the bundle's armor {how}")).with_remedy(RESEND)
}

/// The armor of a bundle has no first and last line.
pub fn armor_without_markers(begin: impl Display, end: impl Display) -> Error {
    Error::new(Code::Corrupt, "the bundle's armor has lost its first and last line")
        .with_remedy(format!("add the line {begin} before it and {end} after it"))
}

/// What was received is not a bundle.
pub fn not_a_bundle() -> Error {
    not_encrypted("the bundle")
        .with_remedy("give a file that `strongroom export` wrote, or name another format with `--from`")
}

/// What was received contains several bundles.
pub fn several_bundles(count: usize) -> Error {
    Error::new(Code::BadData, format!("the file contains {count} armored bundles"))
        .with_remedy("save each one in a file of its own, and import them one by one")
}
