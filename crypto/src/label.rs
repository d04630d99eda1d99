//! Every domain-separation string of the crate, in one table.
//!
//! Two uses of one key must never share a string, so a new string is added here and
//! nowhere else; the test below refuses a second use of the same bytes.

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: &[u8] = $text;)*

        #[cfg(test)]
        const ALL: &[&[u8]] = &[$($name),*];
    };
}

labels! {
    // Ratchet.
    /// First root key, from the agreed `SK`.
    RATCHET_ROOT_KEY = b"solo2/dr/v1/rk";
    /// First header key of the initiator's sending direction.
    RATCHET_HEADER_KEY_A = b"solo2/dr/v1/hka";
    /// First *next* header key of the responder's sending direction.
    RATCHET_NEXT_HEADER_KEY_B = b"solo2/dr/v1/nhkb";
    /// One turn of the root chain.
    RATCHET_ROOT = b"solo2/dr/v1/root";
    /// Associated data of an encrypted header.
    RATCHET_HEADER = b"solo2/dr/v1/hdr";
    /// From a message key to the key of the body's cipher.
    RATCHET_MESSAGE = b"solo2/dr/v1/msg";

    // Session and content.
    /// Prefix of what a script's own message id is hashed with.
    CLIENT_ID = b"solo2/client-id/v1";
    /// The name both sides give to one session.
    SESSION_ID = b"solo2/session-id/v1";

    // Files.
    /// Info of the key of one attempt to send a file.
    FILE = b"solo2/file";
    /// Prefix of the proof of what a receiver has of a file.
    FILE_PREFIX = b"solo2/file/prefix";

    // Identity, agreement, invites, Noise, seals.
    /// Salt of the master extraction: `PRK = HKDF-Extract(MASTER, E)`.
    MASTER = b"solo2/master/v1";
    /// Prefix of every child of the master secret, followed by its name and index.
    CHILD = b"solo2/v1/";
    /// Prefix of what a recovery fingerprint hashes.
    RECOVERY_FINGERPRINT = b"solo2/recovery/v1";
    /// Prefix of the associated data of an 80-byte wrap.
    WRAP_AD = b"solo2/wrap/v1";
    /// Info of the key that a wrap is sealed under.
    WRAP_KEY = b"solo2/wrap";
    /// Prefix of what a recovery key signs.
    RECOVERY_NONCE = b"solo2/recovery/nonce/v1";
    /// Prefix of what an account key signs to make a device certificate.
    CERTIFICATE = b"solo2/certificate/v1";
    /// Prefix of what a device key signs to vouch for its one-time keys.
    BUNDLE = b"solo2/bundle/v1";
    /// Prefix of the associated data that both sides of an agreement derive.
    AGREEMENT_AD = b"solo2/ad/v1";
    /// PQXDH's info: application, curve, hash and KEM, as its §2.2 wants it.
    AGREEMENT = b"solo2_CURVE25519_SHA-256_ML-KEM-1024";
    /// Prefix of the hash that is an invite's meeting place.
    INVITE_TOKEN = b"solo2/invite/token/v1";
    /// SPAKE2's identity of the side that spoke the code.
    INVITER = b"solo2/invite/inviter/v1";
    /// SPAKE2's identity of the side that was told the code.
    JOINER = b"solo2/invite/joiner/v1";
    /// Info of the key that both sides of an invite end with.
    INVITE_KEY = b"solo2/invite/key/v1";
    /// Prefix of the proof that a side holds the invite's key.
    INVITE_CONFIRM = b"solo2/invite/confirm/v1";
    /// Info of the tokens on which both sides of a proven invite meet.
    INVITE_MEETING = b"solo2/invite/meeting/v1";
    /// Info of the key that the words of an onion invite stand for.
    ONION_INVITE = b"solo2/invite/onion/v1";
    /// Prefix of every Noise prologue.
    NOISE_PROLOGUE = b"solo2/noise/v1";
    /// Prefix of what a session over a WebRTC data channel is bound to.
    NOISE_CHANNEL = b"solo2/noise/webrtc/v1";
    /// Info of the psk that follows a handshake.
    NEXT_PSK = b"solo2/session-psk/next";
    /// Info of a contact's first psk.
    SESSION_PSK = b"solo2/session-psk";
    /// Info of the psk under which a pair that lost its session agrees anew.
    RESET_PSK = b"solo2/session-psk/reset";
    /// Info of the secret that a pair of contacts meets by.
    PAIR_SECRET = b"solo2/pair/v1";
    /// Info of a rendezvous token.
    RENDEZVOUS = b"solo2/rendezvous/v1";
    /// Info of a day's datagram mask key.
    MASK_KEY = b"solo2/mask/v1";
    /// Info of the Ed25519 seed of an onion service.
    ONION_SERVICE = b"solo2/onion/service/v1";
    /// Info of the X25519 key that reads where an onion service is.
    ONION_DISCOVERY = b"solo2/onion/discovery/v1";
    /// Info of what a further Tor stream of a link says first.
    ONION_STRAND = b"solo2/onion/strand/v1";
    /// Info of the psk that signals are sealed with.
    SIGNAL_PSK = b"solo2/signal-psk/v1";
    /// HPKE's info for a sealed signal.
    SIGNAL = b"solo2/signal/v1";
    /// HPKE's psk identifier for a sealed signal.
    SIGNAL_PSK_ID = b"solo2/signal/psk/v1";
    /// Associated data of a signal sealed under a shared key.
    SIGNAL_SHARED = b"solo2/signal/shared/v1";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ALL;

    #[test]
    fn no_two_labels_are_alike() {
        let unique: BTreeSet<_> = ALL.iter().collect();
        assert_eq!(unique.len(), ALL.len());
    }

    #[test]
    fn every_label_names_the_program_and_is_printable() {
        for label in ALL {
            assert!(label.starts_with(b"solo2"));
            assert!(label.iter().all(u8::is_ascii_graphic));
        }
    }
}
