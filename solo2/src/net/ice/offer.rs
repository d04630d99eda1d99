//! What two ends tell each other through the signal server to find a path.
//!
//! ```text
//!   controlling ── Offer ──────► controlled
//!   controlling ◄────── Answer ── controlled
//!   either      ── Candidates ──► either       whenever its addresses change
//! ```
//!
//! A signal is sealed to the peer's device before it leaves, and read from a sealed
//! one: it comes from the contact, who may still be hostile, so every part is
//! bounded. Each `Candidates` carries the sender's whole set: what it no longer
//! lists is gone. Spec: docs/protocol/4-signal.md §2; RFC 8838 (trickle).

use std::net::{IpAddr, SocketAddr};

use minicbor::decode::{Decoder, Error};
use minicbor::{Decode, Encode};
use solo2_relay::invite::Pin;
use zeroize::Zeroizing;

use crate::net::turn::{Server, stands_in};
use crate::net::webrtc::Fingerprint;

/// Most relays that one side shares.
pub(crate) const MAX_RELAYS: usize = 2;
/// Bytes of a shared user name or password at most.
const MAX_CREDENTIAL: usize = 128;
/// Most candidates in one signal.
pub(crate) const MAX_CANDIDATES: usize = 24;
/// An encoded signal is never longer, so that it fits one sealed blob.
pub(crate) const MAX_ENCODED: usize = 2_958;

/// RFC 8839 §5.4: 4 to 256 and 22 to 256 characters; ours are 8 and 32.
const UFRAG_LEN: std::ops::RangeInclusive<usize> = 4..=64;
const PWD_LEN: std::ops::RangeInclusive<usize> = 22..=128;
/// RFC 8445 §5.1.2: 1 to 2^31 - 1.
const MAX_PRIORITY: u32 = 0x7fff_ffff;

/// One step of the exchange; `link` names the attempt.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum LinkSignal {
    /// The controlling side wants a link.
    #[n(0)]
    Offer {
        /// The attempt.
        #[cbor(n(0), with = "minicbor::bytes")]
        link: [u8; 16],
        /// User name fragment of our connectivity checks.
        #[cbor(n(1), decode_with = "read_ufrag")]
        ufrag: String,
        /// Password of our connectivity checks.
        #[cbor(n(2), decode_with = "read_pwd")]
        pwd: String,
        /// Where we may be reached.
        #[cbor(n(3), decode_with = "read_candidates")]
        candidates: Vec<CandidateInfo>,
        /// Relays of ours that the peer may use for this link.
        #[cbor(n(4), decode_with = "read_relays")]
        relays: Vec<SharedRelay>,
        /// Of our DTLS certificate, if the link is to be a WebRTC channel.
        #[n(5)]
        fingerprint: Option<Fingerprint>,
    },
    /// The controlled side agrees.
    #[n(1)]
    Answer {
        /// The attempt.
        #[cbor(n(0), with = "minicbor::bytes")]
        link: [u8; 16],
        /// User name fragment of our connectivity checks.
        #[cbor(n(1), decode_with = "read_ufrag")]
        ufrag: String,
        /// Password of our connectivity checks.
        #[cbor(n(2), decode_with = "read_pwd")]
        pwd: String,
        /// Where we may be reached.
        #[cbor(n(3), decode_with = "read_candidates")]
        candidates: Vec<CandidateInfo>,
        /// Relays of ours that the peer may use for this link.
        #[cbor(n(4), decode_with = "read_relays")]
        relays: Vec<SharedRelay>,
        /// Of our DTLS certificate, if the offer had one.
        #[n(5)]
        fingerprint: Option<Fingerprint>,
    },
    /// The sender's whole present set of candidates.
    #[n(2)]
    Candidates {
        /// The attempt.
        #[cbor(n(0), with = "minicbor::bytes")]
        link: [u8; 16],
        /// Counts up: an older set that arrives late is dropped.
        #[n(1)]
        serial: u32,
        /// Where we may be reached now.
        #[cbor(n(2), decode_with = "read_candidates")]
        candidates: Vec<CandidateInfo>,
    },
}

impl LinkSignal {
    /// The attempt this signal belongs to.
    pub(crate) fn link(&self) -> &[u8; 16] {
        match self {
            Self::Offer { link, .. }
            | Self::Answer { link, .. }
            | Self::Candidates { link, .. } => link,
        }
    }

    /// Whether the link is to be a WebRTC channel.
    pub(crate) fn is_webrtc(&self) -> bool {
        match self {
            Self::Offer { fingerprint, .. } | Self::Answer { fingerprint, .. } => {
                fingerprint.is_some()
            }
            Self::Candidates { .. } => false,
        }
    }

    /// The signal as CBOR, at most [`MAX_ENCODED`] bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to memory does not fail")
    }

    /// Reads a peer's signal; trailing bytes are refused.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, SignalError> {
        if bytes.len() > MAX_ENCODED {
            return Err(SignalError);
        }
        let mut decoder = Decoder::new(bytes);
        let signal = decoder.decode().map_err(|_| SignalError)?;
        if decoder.position() != bytes.len() {
            return Err(SignalError);
        }
        Ok(signal)
    }
}

/// The peer's signal is not one.
#[derive(Debug, thiserror::Error)]
#[error("malformed link signal")]
pub(crate) struct SignalError;

/// How a candidate's address was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum CandidateKind {
    /// An interface of the sender's machine.
    #[n(0)]
    Host,
    /// What a STUN server saw.
    #[n(1)]
    ServerReflexive,
    /// What a relay lends.
    #[n(2)]
    Relayed,
}

/// An address at which a peer may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CandidateInfo {
    /// The address; always one that [`is_sendable`] accepts.
    pub(crate) address: SocketAddr,
    /// How it was found.
    pub(crate) kind: CandidateKind,
    /// RFC 8445 §5.1.2, chosen by the side that owns the address.
    pub(crate) priority: u32,
}

/// A relay, and a credential that ends within the hour, for who has none there.
///
/// A relay carries between its own clients only, so both sides must be one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SharedRelay {
    /// Where it answers TURN; an address is always one that [`is_sendable`] accepts.
    pub(crate) server: Server,
    /// RFC 8489 §14.3.
    pub(crate) username: String,
    /// Good for this user name.
    pub(crate) password: Zeroizing<String>,
    /// The port of TURN over TCP, if it serves that.
    pub(crate) tcp: Option<u16>,
    /// The port of TURN under TLS and the certificate there, if it serves that and names one.
    pub(crate) tls: Option<(u16, Pin)>,
}

/// Whether a peer may make us send connectivity checks to `address`.
///
/// Unicast addresses only, and none that needs an interface to be named. Loopback is
/// allowed: two homes on one machine meet there.
pub(crate) fn is_sendable(address: SocketAddr) -> bool {
    address.port() != 0 && is_unicast(address.ip())
}

/// Unicast without a scope: the part of [`is_sendable`] that concerns the address.
pub(crate) fn is_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let class_e = v4.octets()[0] >= 240;
            let this_network = v4.octets()[0] == 0;
            !(this_network || class_e || v4.is_multicast() || v4.is_link_local())
        }
        IpAddr::V6(v6) => {
            !(v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unicast_link_local()
                || v6.to_ipv4_mapped().is_some()
                || stands_in(address))
        }
    }
}

/// `[address, port, kind, priority]`
impl<C> Encode<C> for CandidateInfo {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(4)?;
        write_address(self.address, e)?;
        e.encode(self.kind)?;
        e.u32(self.priority)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for CandidateInfo {
    fn decode(d: &mut Decoder<'b>, _ctx: &mut C) -> Result<Self, Error> {
        if d.array()? != Some(4) {
            return Err(Error::message("a candidate has four parts"));
        }
        let address = read_address(d)?;
        let kind = d.decode()?;
        let priority = d.u32()?;
        if !(1..=MAX_PRIORITY).contains(&priority) {
            return Err(Error::message("not a candidate"));
        }
        Ok(Self {
            address,
            kind,
            priority,
        })
    }
}

/// `[address, port, username, password, tcp, tls, pin]`: ports of 0 and an empty pin for what is
/// not there; in place of an address the key of an onion service, with its TCP port
impl<C> Encode<C> for SharedRelay {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(7)?;
        match self.server {
            Server::At(address) => write_address(address, e)?,
            Server::Onion(service, port) => {
                e.bytes(&service)?.u16(port)?;
            }
        }
        e.str(&self.username)?.str(&self.password)?;
        e.u16(self.tcp.unwrap_or(0))?;
        match &self.tls {
            Some((port, pin)) => e.u16(*port)?.str(&pin.to_string())?,
            None => e.u16(0)?.str("")?,
        };
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for SharedRelay {
    fn decode(d: &mut Decoder<'b>, _ctx: &mut C) -> Result<Self, Error> {
        if d.array()? != Some(7) {
            return Err(Error::message("a relay has seven parts"));
        }
        let server = read_server(d)?;
        let (username, password) = (d.str()?, d.str()?);
        let fits = |text: &str| (1..=MAX_CREDENTIAL).contains(&text.len());
        if !fits(username) || !fits(password) {
            return Err(Error::message("not a credential"));
        }
        let tcp = Some(d.u16()?).filter(|port| *port != 0);
        let tls = match (d.u16()?, d.str()?) {
            (0, "") => None,
            (0, _) => return Err(Error::message("a pin without a port")),
            (port, pin) => {
                let pin = pin.parse().map_err(|_| Error::message("not a pin"))?;
                Some((port, pin))
            }
        };
        Ok(Self {
            server,
            username: username.to_owned(),
            password: Zeroizing::new(password.to_owned()),
            tcp,
            tls,
        })
    }
}

/// `bytes .size 32`
impl<C> Encode<C> for Fingerprint {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Fingerprint {
    fn decode(d: &mut Decoder<'b>, _ctx: &mut C) -> Result<Self, Error> {
        let bytes = <[u8; 32]>::try_from(d.bytes()?);
        bytes
            .map(Self)
            .map_err(|_| Error::message("a fingerprint has 32 bytes"))
    }
}

/// `bytes, port`
fn write_address<W: minicbor::encode::Write>(
    address: SocketAddr,
    e: &mut minicbor::Encoder<W>,
) -> Result<(), minicbor::encode::Error<W::Error>> {
    match address.ip() {
        IpAddr::V4(v4) => e.bytes(&v4.octets())?,
        IpAddr::V6(v6) => e.bytes(&v6.octets())?,
    };
    e.u16(address.port())?.ok()
}

fn read_server(d: &mut Decoder<'_>) -> Result<Server, Error> {
    let Ok(service) = <[u8; 32]>::try_from(d.probe().bytes()?) else {
        return read_address(d).map(Server::At);
    };
    d.skip()?;
    match d.u16()? {
        0 => Err(Error::message("a port of 0")),
        port => Ok(Server::Onion(service, port)),
    }
}

fn read_address(d: &mut Decoder<'_>) -> Result<SocketAddr, Error> {
    let bytes = d.bytes()?;
    let address = if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        IpAddr::from(v4)
    } else if let Ok(v6) = <[u8; 16]>::try_from(bytes) {
        IpAddr::from(v6)
    } else {
        return Err(Error::message("an address has 4 or 16 bytes"));
    };
    let address = SocketAddr::new(address, d.u16()?);
    if !is_sendable(address) {
        return Err(Error::message("not one host"));
    }
    Ok(address)
}

fn read_ufrag<C>(d: &mut Decoder<'_>, _ctx: &mut C) -> Result<String, Error> {
    credential(d, UFRAG_LEN)
}

fn read_pwd<C>(d: &mut Decoder<'_>, _ctx: &mut C) -> Result<String, Error> {
    credential(d, PWD_LEN)
}

/// RFC 8839 §5.4: `ice-char = ALPHA / DIGIT / "+" / "/"`.
fn credential(d: &mut Decoder<'_>, len: std::ops::RangeInclusive<usize>) -> Result<String, Error> {
    let text = d.str()?;
    let ice_chars = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/');
    if !len.contains(&text.len()) || !ice_chars {
        return Err(Error::message("not an ICE credential"));
    }
    Ok(text.to_owned())
}

fn read_candidates<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Vec<CandidateInfo>, Error> {
    read_list(d, ctx, MAX_CANDIDATES)
}

fn read_relays<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Vec<SharedRelay>, Error> {
    read_list(d, ctx, MAX_RELAYS)
}

fn read_list<'b, C, T: Decode<'b, C>>(
    d: &mut Decoder<'b>,
    ctx: &mut C,
    most: usize,
) -> Result<Vec<T>, Error> {
    let count = d
        .array()?
        .and_then(|count| usize::try_from(count).ok())
        .filter(|count| *count <= most)
        .ok_or_else(|| Error::message("too many parts"))?;
    (0..count).map(|_| d.decode_with(ctx)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn info(address: &str) -> CandidateInfo {
        CandidateInfo {
            address: address.parse().expect("test address"),
            kind: CandidateKind::Host,
            priority: MAX_PRIORITY,
        }
    }

    fn offer(candidates: Vec<CandidateInfo>) -> LinkSignal {
        LinkSignal::Offer {
            link: [7; 16],
            ufrag: "u".repeat(*UFRAG_LEN.end()),
            pwd: "p".repeat(*PWD_LEN.end()),
            candidates,
            relays: vec![
                SharedRelay {
                    server: Server::At(
                        "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535"
                            .parse()
                            .expect("test address"),
                    ),
                    username: "u".repeat(MAX_CREDENTIAL),
                    password: Zeroizing::new("p".repeat(MAX_CREDENTIAL)),
                    tcp: Some(u16::MAX),
                    tls: Some((u16::MAX, Pin::of(b"a certificate"))),
                };
                MAX_RELAYS
            ],
            fingerprint: Some(Fingerprint([0xff; 32])),
        }
    }

    #[test]
    fn a_relay_behind_tor_is_named_by_its_key() {
        let mut signal = offer(Vec::new());
        let LinkSignal::Offer { relays, .. } = &mut signal else {
            panic!("an offer");
        };
        relays.truncate(1);
        relays[0].server = Server::Onion([0x11; 32], 3478);
        (relays[0].tcp, relays[0].tls) = (None, None);
        let bytes = signal.to_bytes();
        let again = LinkSignal::from_bytes(&bytes).expect("read");
        assert!(again == signal);
        // Its port, 3478, and none.
        let at = bytes.windows(3).position(|it| it == [0x19, 0x0d, 0x96]);
        let at = at.expect("a port");
        let without = [&bytes[..at], &[0x00], &bytes[at + 3..]].concat();
        assert!(LinkSignal::from_bytes(&without).is_err());
        let short = [&bytes[..at - 34], &[0x58, 31], &bytes[at - 31..]].concat();
        assert!(LinkSignal::from_bytes(&short).is_err());
    }

    #[test]
    fn the_largest_signal_fits_a_sealed_blob() {
        let address = "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535";
        let largest = offer(vec![info(address); MAX_CANDIDATES]);
        let bytes = largest.to_bytes();
        assert!(bytes.len() <= MAX_ENCODED, "{}", bytes.len());
        assert!(LinkSignal::from_bytes(&bytes).is_ok_and(|read| read == largest));
    }

    #[test]
    fn one_candidate_too_many_is_refused() {
        let bytes = offer(vec![info("10.0.0.1:9"); MAX_CANDIDATES + 1]).to_bytes();
        assert!(LinkSignal::from_bytes(&bytes).is_err());
    }

    #[test]
    fn addresses_that_are_not_one_host_are_refused() {
        for address in [
            "0.0.0.0:9",
            "0.1.2.3:9",
            "255.255.255.255:9",
            "240.0.0.1:9",
            "224.0.0.251:5353",
            "169.254.1.1:9",
            "10.0.0.1:0",
            "[::]:9",
            "[ff02::1]:9",
            "[fe80::1]:9",
            "[100::1]:9",
            "[::ffff:10.0.0.1]:9",
        ] {
            let bytes = offer(vec![info(address)]).to_bytes();
            assert!(LinkSignal::from_bytes(&bytes).is_err(), "{address}");
        }
        for address in ["127.0.0.1:9", "10.0.0.1:9", "[::1]:9", "[2001:db8::1]:9"] {
            let bytes = offer(vec![info(address)]).to_bytes();
            assert!(LinkSignal::from_bytes(&bytes).is_ok(), "{address}");
        }
    }

    #[test]
    fn credentials_that_could_confuse_a_check_are_refused() {
        for ufrag in ["abc", "with:colon", "späße", &"u".repeat(65)] {
            let signal = LinkSignal::Answer {
                link: [1; 16],
                ufrag: ufrag.to_owned(),
                pwd: "p".repeat(32),
                candidates: Vec::new(),
                relays: Vec::new(),
                fingerprint: None,
            };
            assert!(LinkSignal::from_bytes(&signal.to_bytes()).is_err());
        }
    }

    #[test]
    fn an_offer_without_a_fingerprint_is_one_for_quic_and_no_other_length_is_one() {
        let mut quic = offer(Vec::new());
        if let LinkSignal::Offer { fingerprint, .. } = &mut quic {
            *fingerprint = None;
        }
        let bytes = quic.to_bytes();
        assert!(LinkSignal::from_bytes(&bytes).is_ok_and(|read| read == quic));
        // The last part of an offer: its length is the byte before it.
        let mut bytes = offer(Vec::new()).to_bytes();
        let length = bytes.len() - 33;
        assert_eq!(bytes.split_at(length).1[..2], [32, 0xff], "after 0x58");
        bytes[length] = 31;
        bytes.pop();
        assert!(LinkSignal::from_bytes(&bytes).is_err());
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = LinkSignal::from_bytes(&bytes);
        }

        #[test]
        fn a_damaged_signal_never_panics(at in 0usize..80, byte: u8) {
            let mut bytes = offer(vec![info("10.0.0.1:9"); 3]).to_bytes();
            bytes[at] = byte;
            let _ = LinkSignal::from_bytes(&bytes);
        }

        #[test]
        fn bytes_behind_a_signal_are_refused(behind in prop::collection::vec(any::<u8>(), 1..9)) {
            let mut bytes = offer(vec![info("10.0.0.1:9"); 3]).to_bytes();
            bytes.extend_from_slice(&behind);
            prop_assert!(LinkSignal::from_bytes(&bytes).is_err());
        }
    }
}
