//! Where things lie in a document: names of peers, made fit and unique.

use solo2_store::{Contact, Message};

use crate::Names;

/// What a document is.
pub(crate) const MANIFEST: &str = "manifest.json";
/// Who is in it.
pub(crate) const CONTACTS: &str = "contacts.jsonl";
/// What it holds, for the next one to leave out.
pub(crate) const KNOWN: &str = "records.idx";
/// Where conversations are.
pub(crate) const CONVERSATIONS: &str = "conversations/";
/// Where files are, and what the streams of directories have besides files.
pub(crate) const FILES: &str = "files/";
pub(crate) const TREES: &str = "trees/";
/// SHA-256 of everything before it, as sha256sum writes and checks it.
pub(crate) const SUMS: &str = "SHA256SUMS";

/// Longest part of a path that a name becomes, in bytes.
const LONGEST: usize = 80;

/// The directory of a conversation: the contact's name and the beginning of its id.
pub(crate) fn conversation(contact: &Contact, names: &Names) -> String {
    let id = contact.id.to_string();
    let short = id.get(2..18).unwrap_or_default();
    let name = (names.file)(&contact.name);
    format!("{CONVERSATIONS}{}-{short}", cut(&plain(&name), LONGEST))
}

/// The path in the conversation of a message's file: its number makes it unique.
pub(crate) fn attachment(seq: u64, message: &Message, names: &Names) -> String {
    let name = plain(&(names.file)(&message.body));
    // The end is kept: an extension tells what it is.
    let start = name.len().saturating_sub(LONGEST);
    let name = name.get(name.ceil_char_boundary(start)..).unwrap_or(&name);
    format!("{FILES}{seq:08}-{name}")
}

/// The path of what a directory's stream has besides the files in `path`.
pub(crate) fn tree(path: &str) -> String {
    format!("{TREES}{}", path.strip_prefix(FILES).unwrap_or(path))
}

/// A path inside a received directory, or `None` for one that no honest directory has.
pub(crate) fn inside(path: &str, names: &Names) -> Option<String> {
    let parts: Option<Vec<String>> = path
        .split('/')
        .map(|part| (names.component)(part).map(|part| plain(&part)))
        .collect();
    parts.map(|parts| parts.join("/"))
}

/// Without what the sums' format or another system's paths would read as their own.
fn plain(name: &str) -> String {
    name.replace(['\\', '/', '\n', '\r', '\0'], "_")
}

fn cut(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}

/// A path as a relative reference (RFC 3986 §2.1): everything but the unreserved is escaped.
pub(crate) fn reference(path: &str) -> String {
    let mut text = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
