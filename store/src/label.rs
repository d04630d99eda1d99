//! Every domain-separation string of this crate, in one table.
//!
//! Two uses of one key never share a label, so no output of one can stand for
//! an output of the other.

/// Branch of the data key under which record names become opaque database keys.
pub(crate) const INDEX: &[u8] = b"solo2/store/v1/index";
/// Branch that seals mutable records.
pub(crate) const MUTABLE: &[u8] = b"solo2/store/v1/mutable";
/// Branch that seals log records without a key of their own.
pub(crate) const LOG: &[u8] = b"solo2/store/v1/log";
/// Branch under which records are counted into the digests.
pub(crate) const DIGEST: &[u8] = b"solo2/store/v1/digest";
/// Branch that seals the key page.
pub(crate) const KEY_PAGE: &[u8] = b"solo2/store/v1/key-page";
/// Branch that seals the anchor.
pub(crate) const ANCHOR: &[u8] = b"solo2/store/v1/anchor";
/// Turns a slot key into the key of the record it protects.
pub(crate) const SLOT: &[u8] = b"solo2/store/v1/slot";
/// Turns a page's key into the key of one message.
pub(crate) const MESSAGE: &[u8] = b"solo2/store/v1/message";
/// Turns a message's key into the key of one amendment.
pub(crate) const AMENDMENT: &[u8] = b"solo2/store/v1/amendment";
/// Branch under which words become tokens of the search index.
pub(crate) const TOKEN: &[u8] = b"solo2/store/v1/token";
/// Associated data of the words' door.
pub(crate) const WORDS_DOOR: &[u8] = b"solo2/store/v1/door/words";
/// Associated data of the device secret's door, and info of its key.
pub(crate) const DEVICE_DOOR: &[u8] = b"solo2/store/v1/door/device";
/// Context of the password's door.
pub(crate) const PASSWORD_DOOR: &[u8] = b"solo2/store/v1/door/password";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_unique_and_none_begins_another() {
        let all = [
            INDEX,
            MUTABLE,
            LOG,
            DIGEST,
            KEY_PAGE,
            ANCHOR,
            TOKEN,
            SLOT,
            MESSAGE,
            AMENDMENT,
            WORDS_DOOR,
            DEVICE_DOOR,
            PASSWORD_DOOR,
        ];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert!(i == j || !a.starts_with(b), "labels {i} and {j}");
            }
        }
    }
}
