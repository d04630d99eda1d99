//! The primitives behind snow: this crate's own generation of RustCrypto, nothing else.
//!
//! One suite, `25519_ChaChaPoly_SHA256`. An all-zero Diffie-Hellman result is
//! refused (Noise specification, revision 34, §12.1 leaves it to the application).
//! What these objects hold is wiped when snow drops them; snow's own copies are not.

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use sha2::{Digest as _, Sha256};
use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::CryptoResolver;
use snow::types::{Cipher, Dh, Hash, Random};
use zeroize::Zeroizing;

use crate::dh;
use crate::secret::Secret;

/// Resolves the one suite for one handshake, with an ephemeral key drawn beforehand.
///
/// Public only so that published vectors can be run through it.
pub struct Resolver {
    ephemeral: Secret<32>,
}

impl Resolver {
    /// A resolver whose handshake will use this ephemeral private key. Never twice.
    #[must_use]
    pub fn with_ephemeral(ephemeral: Secret<32>) -> Self {
        Self { ephemeral }
    }
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(OneKey(Some(self.ephemeral.duplicate()))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519).then(|| Box::new(X25519::empty()) as _)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        matches!(choice, HashChoice::SHA256).then(|| Box::<Sha256Hash>::default() as _)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        matches!(choice, CipherChoice::ChaChaPoly).then(|| Box::<ChaChaPoly>::default() as _)
    }
}

/// Gives one private key, once. A handshake that asked for more would not be ours.
struct OneKey(Option<Secret<32>>);

impl Random for OneKey {
    fn try_fill_bytes(&mut self, place: &mut [u8]) -> Result<(), Error> {
        let key = self.0.take().ok_or(Error::Rng)?;
        let place: &mut [u8; 32] = place.try_into().map_err(|_| Error::Rng)?;
        place.copy_from_slice(key.expose());
        Ok(())
    }
}

struct X25519 {
    private: Secret<32>,
    public: [u8; 32],
}

impl X25519 {
    fn empty() -> Self {
        Self {
            private: Secret::new(&[0; 32]),
            public: [0; 32],
        }
    }

    fn replace(&mut self, private: Secret<32>) {
        self.public = dh::public(&private);
        self.private = private;
    }
}

impl Dh for X25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    fn set(&mut self, private: &[u8]) {
        let private = Secret::from_slice(private).expect("callers pass whole keys");
        self.replace(private);
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), Error> {
        let mut drawn = Ok(());
        let private = Secret::fill(|place| drawn = rng.try_fill_bytes(place));
        drawn?;
        self.replace(private);
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        self.private.expose()
    }

    fn dh(&self, public: &[u8], out: &mut [u8]) -> Result<(), Error> {
        // snow passes its whole buffer, longer than the key.
        let public = public.first_chunk::<32>().ok_or(Error::Dh)?;
        let out = out.first_chunk_mut::<32>().ok_or(Error::Dh)?;
        let shared = dh::agree(&self.private, public).map_err(|_| Error::Dh)?;
        out.copy_from_slice(shared.expose());
        Ok(())
    }
}

#[derive(Default)]
struct ChaChaPoly {
    key: Zeroizing<[u8; 32]>,
}

/// Noise §12.3: 32 zero bits, then the counter, little-endian.
fn nonce(counter: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    let (_, low) = nonce.split_at_mut(4);
    low.copy_from_slice(&counter.to_le_bytes());
    nonce
}

impl Cipher for ChaChaPoly {
    fn name(&self) -> &'static str {
        "ChaChaPoly"
    }

    fn set(&mut self, key: &[u8; 32]) {
        self.key.copy_from_slice(key);
    }

    fn encrypt(&self, counter: u64, ad: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let length = plaintext.len() + 16;
        // snow checks the room before it calls.
        let (body, tag) = out
            .get_mut(..length)
            .and_then(<[u8]>::split_last_chunk_mut::<16>)
            .expect("snow leaves room for the tag");
        body.copy_from_slice(plaintext);
        let made = ChaCha20Poly1305::new((&*self.key).into())
            .encrypt_inout_detached(&nonce(counter).into(), ad, body.into())
            .expect("Noise messages are shorter than 256 GiB");
        tag.copy_from_slice(&made);
        length
    }

    fn decrypt(
        &self,
        counter: u64,
        ad: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let (body, tag) = ciphertext.split_last_chunk::<16>().ok_or(Error::Decrypt)?;
        let out = out.get_mut(..body.len()).ok_or(Error::Decrypt)?;
        out.copy_from_slice(body);
        ChaCha20Poly1305::new((&*self.key).into())
            .decrypt_inout_detached(&nonce(counter).into(), ad, out.into(), tag.into())
            .map_err(|_| Error::Decrypt)?;
        Ok(body.len())
    }

    /// Noise §4.2, `REKEY(k)`: the first 32 bytes of `ENCRYPT(k, 2^64-1, "", zeros)`.
    fn rekey(&mut self) {
        let mut sealed = Zeroizing::new([0; 48]);
        self.encrypt(u64::MAX, &[], &[0; 32], sealed.as_mut_slice());
        if let Some(key) = sealed.first_chunk::<32>() {
            self.key.copy_from_slice(key);
        }
    }
}

#[derive(Default)]
struct Sha256Hash {
    state: Sha256,
}

impl Hash for Sha256Hash {
    fn name(&self) -> &'static str {
        "SHA256"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        self.state.reset();
    }

    fn input(&mut self, data: &[u8]) {
        self.state.update(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        let hash = self.state.finalize_reset();
        for (place, byte) in out.iter_mut().zip(hash) {
            *place = byte;
        }
    }
}
