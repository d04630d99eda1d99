//! What two contacts derive from their first secret, to find each other without saying so.
//!
//! ```text
//! SK ──► pair secret ──► token per hour and recipient   where they meet
//!  │         ├─────────► mask key per day               how a datagram looks
//!  │         ├─────────► signal psk                     who may leave a signal
//!  │         ├─────────► onion keys per owner            where Tor leads to it, and who may look
//!  │         └─────────► reset psk                      who may agree anew
//!  └───► session psk                                    the first Noise psk
//! ```
//!
//! A server that routes by tokens learns no pair of accounts; a token of one hour
//! says nothing about the next.
//! Spec: docs/protocol/1-keys.md §5.

use crate::identity::AccountId;
use crate::kdf;
use crate::label;
use crate::secret::Secret;

/// Seconds for which a token lasts.
pub const EPOCH_SECS: u64 = 3600;
/// Seconds for which a mask key lasts.
pub const DAY_SECS: u64 = 86_400;

/// The long-lived secret of a pair: `HKDF(SK, "solo2/pair/v1")`.
pub type PairSecret = Secret<32>;

/// `HKDF(SK, "solo2/pair/v1", 32)`.
#[must_use]
pub fn pair_secret(sk: &Secret<32>) -> PairSecret {
    kdf::hkdf(&[], sk.expose(), &[label::PAIR_SECRET])
}

/// The first psk of the pair's Noise sessions: `HKDF(SK, "solo2/session-psk", 32)`.
#[must_use]
pub fn session_psk(sk: &Secret<32>) -> Secret<32> {
    kdf::hkdf(&[], sk.expose(), &[label::SESSION_PSK])
}

/// The psk under which a pair whose session or psk chain is lost agrees anew.
///
/// It stems from the pair's first agreement, ML-KEM-1024 included, and never changes: so a
/// reset stays closed to a quantum computer, though not to whoever later reads the vault.
#[must_use]
pub fn reset_psk(pair: &PairSecret) -> Secret<32> {
    kdf::expand(pair.expose(), &[label::RESET_PSK])
}

/// Where `to` listens for this contact during `epoch`: opaque to everybody else.
#[must_use]
pub fn token(pair: &PairSecret, epoch: u64, to: &AccountId) -> [u8; 32] {
    *kdf::expand(
        pair.expose(),
        &[label::RENDEZVOUS, &epoch.to_be_bytes(), to.as_bytes()],
    )
    .expose()
}

/// Number of the epoch that a second since 1970 lies in.
#[must_use]
pub fn epoch(now_secs: u64) -> u64 {
    now_secs / EPOCH_SECS
}

/// Key of the datagram mask on a day since 1970.
#[must_use]
pub fn mask_key(pair: &PairSecret, day: u64) -> Secret<32> {
    kdf::expand(pair.expose(), &[label::MASK_KEY, &day.to_be_bytes()])
}

/// Number of the day that a second since 1970 lies in.
#[must_use]
pub fn day(now_secs: u64) -> u64 {
    now_secs / DAY_SECS
}

/// The psk that the pair's signals are sealed with.
#[must_use]
pub fn signal_psk(pair: &PairSecret) -> Secret<32> {
    kdf::expand(pair.expose(), &[label::SIGNAL_PSK])
}

/// The Ed25519 seed of the onion service that `owner` keeps for this contact alone.
///
/// Both sides know it, so neither has to tell the other an address; and nobody else can tell
/// that two services belong to one person.
#[must_use]
pub fn onion_service(pair: &Secret<32>, owner: &[u8]) -> Secret<32> {
    kdf::expand(pair.expose(), &[label::ONION_SERVICE, owner])
}

/// The X25519 key without which nobody learns whether that service is there (rend-spec-v3,
/// "restricted discovery").
#[must_use]
pub fn onion_discovery(pair: &Secret<32>, owner: &[u8]) -> Secret<32> {
    kdf::expand(pair.expose(), &[label::ONION_DISCOVERY, owner])
}

/// What a further Tor stream of a link says first, to be taken for one: from the psk and the
/// handshake hash of the link's first handshake, so it fits this link and no other.
#[must_use]
pub fn onion_strand(psk: &Secret<32>, handshake_hash: &[u8; 32]) -> Secret<32> {
    kdf::expand(psk.expose(), &[label::ONION_STRAND, handshake_hash])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::AccountKey;

    fn account(seed: u8) -> AccountId {
        AccountKey::from_secret(Secret::new(&[seed; 32])).public()
    }

    #[test]
    fn tokens_differ_by_pair_hour_and_recipient() {
        let (alice, bob) = (account(1), account(2));
        let pair = pair_secret(&Secret::new(&[7; 32]));
        let other = pair_secret(&Secret::new(&[8; 32]));
        let all = [
            token(&pair, 1, &alice),
            token(&pair, 1, &bob),
            token(&pair, 2, &alice),
            token(&other, 1, &alice),
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(!all[place + 1..].contains(one));
        }
        assert_eq!(token(&pair, 1, &alice), token(&pair, 1, &alice));
    }

    #[test]
    fn nothing_derived_equals_anything_else_derived() {
        let sk = Secret::new(&[7; 32]);
        let pair = pair_secret(&sk);
        let all = [
            sk.duplicate(),
            session_psk(&sk),
            signal_psk(&pair),
            mask_key(&pair, 0),
            mask_key(&pair, 1),
            Secret::new(&token(&pair, 0, &account(1))),
            onion_service(&pair, account(1).as_bytes()),
            onion_service(&pair, account(2).as_bytes()),
            onion_discovery(&pair, account(1).as_bytes()),
            onion_discovery(&pair, account(2).as_bytes()),
            onion_strand(&session_psk(&sk), &[1; 32]),
            onion_strand(&session_psk(&sk), &[2; 32]),
            pair,
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(all[place + 1..].iter().all(|other| !other.same_as(one)));
        }
    }

    #[test]
    fn hours_and_days_turn_on_the_second() {
        assert_eq!((epoch(3599), epoch(3600)), (0, 1));
        assert_eq!((day(86_399), day(86_400)), (0, 1));
    }
}
