//! Messages about a person's YAML file. `member` is a path in it: the names that lead there, with dots between them. The
//! empty path is the whole file. No message quotes a value of the file.

use crate::error::{Code, Error};

/// What the file is called in messages.
pub const FILE: &str = "the YAML file";

/// What to do about a value that nothing can be inserted into.
const IF_EMPTY: &str = "if it is empty, remove its lines, and run the command again";

/// The file is not YAML, or is more deeply nested than what is read. Lines count from 1.
pub fn not_yaml(line: usize) -> Error {
    Error::new(Code::BadData, format!("{FILE} is not valid YAML (line {line})"))
        .with_remedy("fix that line, and run the command again")
}

/// The file has more keys and values than what is read.
pub fn too_many_values(max: usize) -> Error {
    Error::new(Code::TooLarge, format!("{FILE} contains more than {max} keys and values"))
}

/// The file has several documents.
pub fn several_documents() -> Error {
    Error::new(Code::Config, format!("{FILE} contains more than one document (`---`)"))
        .with_remedy("keep one document in the file, and run the command again")
}

/// The file says where its document ends, so nothing can follow it.
pub fn explicit_end() -> Error {
    Error::new(Code::Config, format!("{FILE} ends its document with `...`, so nothing can be added after it"))
        .with_remedy("remove that line, and run the command again")
}

/// A line end would change the text at the end of the file.
pub fn open_block() -> Error {
    Error::new(
        Code::Config,
        format!(
            "{FILE} ends in a block of text without a line end, and a line after it would change that text"
        ),
    )
    .with_remedy(
        "end the last line with a line break, if the text may end with one, and run the command again",
    )
}

/// The file has carriage returns that are not part of a line end of Windows.
pub fn other_line_ends() -> Error {
    Error::new(Code::Config, format!("{FILE} has line ends that are neither LF nor CRLF"))
        .with_remedy("save the file with LF line ends, and run the command again")
}

/// A value is not a mapping.
pub fn not_a_mapping(member: &str) -> Error {
    Error::new(Code::BadData, format!("{} is not a mapping", place(member))).with_remedy(IF_EMPTY)
}

/// A value is not a list.
pub fn not_a_list(member: &str) -> Error {
    Error::new(Code::BadData, format!("{} is not a list", place(member))).with_remedy(IF_EMPTY)
}

/// A value is written in brackets or braces.
pub fn flow_style(member: &str) -> Error {
    Error::new(
        Code::Config,
        format!("{} is written in brackets or braces, which Strongroom does not edit", place(member)),
    )
    .with_remedy(
        "write it in lines (block style), or remove its lines if it is empty, and run the command again",
    )
}

/// A value has an anchor, so that it may also be used elsewhere.
pub fn anchored(member: &str) -> Error {
    Error::new(Code::Config, format!("{} has an anchor (`&`), which Strongroom does not edit", place(member)))
        .with_remedy("remove the anchor, and run the command again")
}

/// A value is defined elsewhere.
pub fn alias(member: &str) -> Error {
    Error::new(Code::Config, format!("{} is an alias (`*`), which Strongroom does not follow", place(member)))
        .with_remedy("put the value itself in its place, and run the command again")
}

/// A mapping takes members from elsewhere.
pub fn merged(member: &str) -> Error {
    Error::new(
        Code::Config,
        format!("{} has a merge key (`<<`), which Strongroom does not follow", place(member)),
    )
    .with_remedy("put the members themselves in its place, and run the command again")
}

/// A value has a tag that changes what it says.
pub fn tagged(member: &str) -> Error {
    Error::new(Code::Config, format!("{} has a tag (`!`), which Strongroom does not follow", place(member)))
        .with_remedy("remove the tag, and run the command again")
}

/// The key of a member is not alone at the beginning of a line.
pub fn explicit_key(member: &str) -> Error {
    Error::new(
        Code::Config,
        format!(
            "{} does not begin its line after spaces alone, and Strongroom does not edit such a mapping",
            place(member)
        ),
    )
    .with_remedy("write its members as `name: value`, each on a line of its own, and run the command again")
}

/// A mapping has a key that is not a string.
pub fn key_not_text(member: &str) -> Error {
    Error::new(Code::Config, format!("{} has a key that is not a string", place(member)))
        .with_remedy("write its members as `name: value`, and run the command again")
}

/// A mapping names a member twice.
pub fn named_twice(member: &str) -> Error {
    Error::new(Code::DuplicateKey, format!("{FILE} names {member} twice"))
}

/// A mapping names one of its members twice.
pub fn names_one_twice(member: &str) -> Error {
    Error::new(Code::DuplicateKey, format!("{} names a member twice", place(member)))
}

/// A member is there already.
pub fn already_there(member: &str) -> Error {
    Error::new(Code::Exists, format!("{} already exists", place(member)))
        .with_remedy("remove it, if it is no longer needed, and run the command again")
}

/// A bug: an insertion does not do what it should.
pub fn not_edited() -> Error {
    Error::new(Code::Internal, format!("cannot edit {FILE}; nothing was changed"))
}

fn place(member: &str) -> String {
    if member.is_empty() { FILE.to_owned() } else { format!("{member} in {FILE}") }
}
