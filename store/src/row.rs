//! Records as they lie in the database: opaque keys, sealed and padded values.
//!
//! ```text
//! key            = HMAC[index branch](table || id)[..16]
//! mutable value  = version u64be || seal[mutable branch](pad(table || id || body), ad = "m" || key || version)
//! log value      = seal[record key](pad(body), ad = "l" || key)
//! secret body    = seal[slot key](body, ad = table || id || version), inside a mutable value
//! ```
//! `version` is the number of the commit that wrote the record. A log record is
//! written once, under a key that is its alone wherever it holds a text.

pub(crate) mod conversation;
pub(crate) mod head;
pub(crate) mod indexed;
pub(crate) mod page;
pub(crate) mod queue;

use rand_core::CryptoRng;
use solo2_crypto::aead;
use solo2_crypto::secret::Secret;
use zeroize::Zeroizing;

use crate::bytes::{self, Reader};
use crate::error::Damage;
use crate::keys::VaultKeys;

/// A database key.
pub(crate) type Key = [u8; 16];

/// What a record is. The number is part of its name, so it never changes.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Table {
    /// The head of the vault; no id.
    Head = 0,
    /// A contact and its slots; id = contact.
    Contact = 1,
    /// The counters of a conversation; id = contact.
    Conversation = 2,
    /// The keys of 64 messages; id = contact || number. Secret.
    Page = 3,
    /// The keys of 64 places in an outbox; id = contact || number. Secret.
    Queue = 4,
    /// A session; id = contact. Secret.
    Session = 5,
    /// A setting; id = its name.
    Setting = 6,
    /// The segments of the search index; no id.
    Index = 7,
    /// The keys of those segments; no id. Secret.
    IndexKeys = 8,
    /// How far the search index has come with a conversation; id = contact.
    Indexed = 9,
    /// A message; id = contact || seq || rewritten.
    Message = 32,
    /// An amendment; id = contact || seq || rewritten || number.
    Amendment = 33,
    /// An outbox item; id = contact || position || revision.
    Outbox = 34,
    /// Where a message is; id = contact || message id.
    MessageId = 35,
    /// An inbox entry; id = number.
    Inbox = 36,
    /// A block of a segment; id = segment || part || number. Sealed by the segment's key.
    IndexBlock = 37,
}

impl Table {
    fn of_mutable(number: u8) -> Option<Self> {
        [
            Self::Head,
            Self::Contact,
            Self::Conversation,
            Self::Page,
            Self::Queue,
            Self::Session,
            Self::Setting,
            Self::Index,
            Self::IndexKeys,
            Self::Indexed,
        ]
        .into_iter()
        .find(|table| *table as u8 == number)
    }
}

/// A mutable record, opened.
pub(crate) struct Row {
    pub(crate) table: Table,
    pub(crate) id: Vec<u8>,
    pub(crate) version: u64,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Seals a mutable record.
pub(crate) fn seal_mutable<R: CryptoRng>(
    keys: &VaultKeys,
    table: Table,
    id: &[u8],
    version: u64,
    body: &[u8],
    rng: &mut R,
) -> (Key, Vec<u8>) {
    let key = keys.name(table, id);
    let id_len = u16::try_from(id.len()).expect("record names are short");
    let mut plain = Zeroizing::new(Vec::with_capacity(3 + id.len() + body.len()));
    plain.push(table as u8);
    plain.extend_from_slice(&id_len.to_be_bytes());
    plain.extend_from_slice(id);
    plain.extend_from_slice(body);
    let sealed = aead::seal(
        &keys.mutable,
        &bytes::pad(&plain),
        &mutable_ad(&key, version),
        rng,
    );
    let mut value = Vec::with_capacity(8 + sealed.len());
    value.extend_from_slice(&version.to_be_bytes());
    value.extend_from_slice(&sealed);
    (key, value)
}

/// The version of a stored mutable value, not yet authenticated.
pub(crate) fn version_of(value: &[u8]) -> Option<u64> {
    Reader::new(value).u64()
}

/// Opens a mutable value and checks that it lies under its own name.
pub(crate) fn open_mutable(keys: &VaultKeys, key: &[u8], value: &[u8]) -> Result<Row, Damage> {
    open_row(keys, key, value).ok_or(Damage {
        what: "a record does not open",
    })
}

fn open_row(keys: &VaultKeys, key: &[u8], value: &[u8]) -> Option<Row> {
    let key: Key = key.try_into().ok()?;
    let mut reader = Reader::new(value);
    let version = reader.u64()?;
    let padded = aead::open(&keys.mutable, reader.rest(), &mutable_ad(&key, version)).ok()?;
    let mut plain = Reader::new(bytes::unpad(&padded)?);
    let table = Table::of_mutable(plain.u8()?)?;
    let id_len = usize::from(plain.u16()?);
    let id = plain.take(id_len)?.to_vec();
    (keys.name(table, &id) == key).then(|| Row {
        table,
        id,
        version,
        body: Zeroizing::new(plain.rest().to_vec()),
    })
}

fn mutable_ad(key: &Key, version: u64) -> Vec<u8> {
    [b"m", key.as_slice(), &version.to_be_bytes()].concat()
}

/// Seals the body of a secret record under its slot's key.
pub(crate) fn seal_secret<R: CryptoRng>(
    slot_key: &Secret<32>,
    table: Table,
    id: &[u8],
    version: u64,
    body: &[u8],
    rng: &mut R,
) -> Vec<u8> {
    aead::seal(slot_key, body, &secret_ad(table, id, version), rng)
}

/// Opens the body of a secret record.
pub(crate) fn open_secret(slot_key: &Secret<32>, row: &Row) -> Option<Zeroizing<Vec<u8>>> {
    aead::open(
        slot_key,
        &row.body,
        &secret_ad(row.table, &row.id, row.version),
    )
    .ok()
}

fn secret_ad(table: Table, id: &[u8], version: u64) -> Vec<u8> {
    [&[b's', table as u8], id, &version.to_be_bytes()].concat()
}

/// Seals a log record.
pub(crate) fn seal_log<R: CryptoRng>(
    record_key: &Secret<32>,
    key: &Key,
    body: &[u8],
    rng: &mut R,
) -> Vec<u8> {
    aead::seal(record_key, &bytes::pad(body), &log_ad(key), rng)
}

/// Opens a log record.
pub(crate) fn open_log(
    record_key: &Secret<32>,
    key: &Key,
    value: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let padded = aead::open(record_key, value, &log_ad(key)).ok()?;
    bytes::unpad(&padded).map(|body| Zeroizing::new(body.to_vec()))
}

fn log_ad(key: &Key) -> Vec<u8> {
    [b"l", key.as_slice()].concat()
}
