//! A message's file once it is whole: what it is and where.

use minicbor::{Decode, Encode};
use solo2_crypto::file::FileKey;

use super::{MAX_PATH, at_most};
use crate::error::TxError;

/// A whole file that belongs to a message.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StoredFile {
    /// When this was stored, Unix time in milliseconds.
    #[n(0)]
    pub at_ms: u64,
    /// Bytes of its stream.
    #[n(1)]
    pub size: u64,
    /// BLAKE3 of its stream.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub root: [u8; 32],
    /// The number of its shape: [`solo2_crypto::content::Shape::code`].
    #[n(3)]
    pub shape: u8,
    /// Where the vault keeps it; `None` when it does not, or no more.
    #[n(4)]
    pub kept: Option<Kept>,
    /// Where outside the vault it was put, or comes from; at most 4096 bytes.
    #[n(5)]
    pub path: Option<String>,
}

/// A sealed file in the directory [`crate::VaultPaths::files`].
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Kept {
    /// Its name there, random; in hexadecimal.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub blob: [u8; 16],
    /// What it is sealed under, drawn for it alone.
    #[n(1)]
    #[cbor(with = "key")]
    pub key: FileKey,
}

impl StoredFile {
    pub(crate) fn check(&self) -> Result<(), TxError> {
        let len = self.path.as_ref().map_or(0, String::len);
        at_most(len, MAX_PATH, "the file's path")
    }
}

/// A key as a byte string of 32.
mod key {
    use minicbor::decode::{Decoder, Error};
    use minicbor::encode::{Encoder, Error as EncodeError, Write};
    use solo2_crypto::file::FileKey;

    pub(super) fn encode<C, W: Write>(
        key: &FileKey,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.bytes(key.expose())?.ok()
    }

    pub(super) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<FileKey, Error> {
        let bytes = d.bytes()?;
        let key = bytes
            .try_into()
            .map_err(|_| Error::message("a key has 32 bytes"))?;
        Ok(FileKey::new(key))
    }
}
