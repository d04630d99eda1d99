//! An invite: one line that tells a client all it needs to use a relay.
//!
//! ```text
//!   solo2-relay://ID.KEY@HOST/?udp=PORT[&tcp=PORT][&tls=PORT[&pin=PIN]]
//!   solo2-relay://ID.KEY@NAME.onion/?tcp=PORT
//! ```
//!
//! ID, KEY and PIN are base64url, HOST is a name, an IPv4 address, or an IPv6 address in
//! brackets. An onion service is reached over TCP alone. Parameters that a reader does not
//! know are passed over, so that an invite may say more one day; one that it knows and cannot
//! read is an error.
//! Spec: docs/protocol/8-relay.md §3.

mod uri;

use std::fmt::{self, Write as _};
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

pub use self::uri::{Host, NotATurnUri, Transport, TurnUri};
use crate::credential::{InviteId, InviteKey, MAX_LIFETIME, Password, Username};

/// What the URL begins with.
pub const SCHEME: &str = "solo2-relay://";
/// The longest invite that is read, in bytes.
pub const MAX_LEN: usize = 512;

/// A read invite. No `Debug`: it holds a key.
pub struct Invite {
    /// Names the invite to the relay.
    pub id: InviteId,
    /// Makes its passwords.
    pub key: InviteKey,
    /// Where the relay is.
    pub host: Host,
    /// The UDP port that it serves TURN on; `None` at an onion service only.
    pub udp: Option<u16>,
    /// The port where it serves TURN over TCP, if it does.
    pub tcp: Option<u16>,
    /// Where it serves TURN under TLS, if it does.
    pub tls: Option<Tls>,
}

/// TURN under TLS, for networks that let nothing else through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Its TCP port.
    pub port: u16,
    /// The certificate that it shows, and no other. Without one, the certificate is
    /// checked as any web site's is, for the host of the invite.
    pub pin: Option<Pin>,
}

/// Which certificate a relay shows: `SHA-256(certificate, DER)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin([u8; 32]);

impl Pin {
    /// That of a certificate in DER.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// Whether this is the certificate, in DER.
    #[must_use]
    pub fn matches(&self, certificate: &[u8]) -> bool {
        Self::of(certificate) == *self
    }
}

/// base64url without padding, 43 characters.
impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl FromStr for Pin {
    type Err = InviteError;

    fn from_str(text: &str) -> Result<Self, InviteError> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        let hash = bytes.and_then(|bytes| bytes.try_into().ok());
        hash.map(Self).ok_or(InviteError::Part("pin"))
    }
}

/// Why text is no invite.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InviteError {
    /// It does not begin like one.
    #[error("a relay's invite begins with {SCHEME}")]
    Scheme,
    /// Longer than any.
    #[error("a relay's invite has at most {MAX_LEN} bytes")]
    Long,
    /// A part is missing, or cannot be read.
    #[error("the {0} in this invite is missing or damaged")]
    Part(&'static str),
}

impl Invite {
    /// The URL. Who has it may use the relay.
    #[must_use]
    pub fn to_url(&self) -> Zeroizing<String> {
        // Long enough from the start, so that no piece of a key stays behind in a smaller buffer.
        let mut url = Zeroizing::new(String::with_capacity(MAX_LEN));
        url.push_str(SCHEME);
        // Writing to a string does not fail.
        let _ = write!(url, "{}.", self.id);
        BASE64URL_NOPAD.encode_append(self.key.expose(), &mut url);
        let _ = write!(url, "@{}/", self.host.in_a_url());
        for (name, port) in [("udp", self.udp), ("tcp", self.tcp)] {
            if let Some(port) = port {
                let before = if url.ends_with('/') { '?' } else { '&' };
                let _ = write!(url, "{before}{name}={port}");
            }
        }
        if let Some(Tls { port, pin }) = self.tls {
            let _ = write!(url, "&tls={port}");
            if let Some(Pin(hash)) = pin {
                url.push_str("&pin=");
                BASE64URL_NOPAD.encode_append(&hash, &mut url);
            }
        }
        url
    }

    /// A credential for a TURN client: good for `lifetime` seconds from `now`,
    /// which is in seconds since 1970; a day at most, and no longer than the invite.
    #[must_use]
    pub fn credential(&self, now: u64, lifetime: u64) -> (Username, Password) {
        let expires = now.saturating_add(lifetime.min(MAX_LIFETIME));
        let username = Username {
            expires: self.id.ends().map_or(expires, |ends| ends.min(expires)),
            invite: self.id,
        };
        let password = self.key.password(&username);
        (username, password)
    }
}

impl FromStr for Invite {
    type Err = InviteError;

    fn from_str(text: &str) -> Result<Self, InviteError> {
        let rest = text.strip_prefix(SCHEME).ok_or(InviteError::Scheme)?;
        if text.len() > MAX_LEN {
            return Err(InviteError::Long);
        }
        let (user, rest) = rest.split_once('@').ok_or(InviteError::Part("key"))?;
        let (id, key) = user.split_once('.').ok_or(InviteError::Part("key"))?;
        let (host, query) = rest.split_once("/?").ok_or(InviteError::Part("port"))?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .map_or_else(
                || {
                    host.parse()
                        .ok()
                        .filter(|host| !matches!(host, Host::V6(_)))
                },
                |host| host.parse().ok().map(Host::V6),
            );
        let (mut udp, mut tcp, mut tls, mut pin) = (None, None, None, None);
        for (name, value) in query
            .split('&')
            .filter_map(|parameter| parameter.split_once('='))
        {
            // The first of a name counts.
            match name {
                "udp" if udp.is_none() => udp = Some(read_port(value)?),
                "tcp" if tcp.is_none() => tcp = Some(read_port(value)?),
                "tls" if tls.is_none() => tls = Some(read_port(value)?),
                "pin" if pin.is_none() => pin = Some(value.parse()?),
                _ => {}
            }
        }
        let mut bytes = Zeroizing::new([0; 32]);
        if BASE64URL_NOPAD.decode_len(key.len()) != Ok(bytes.len())
            || BASE64URL_NOPAD
                .decode_mut(key.as_bytes(), bytes.as_mut_slice())
                .is_err()
        {
            return Err(InviteError::Part("key"));
        }
        let host = host.ok_or(InviteError::Part("host"))?;
        let complete = match host.is_onion() {
            true => udp.is_none() && tcp.is_some() && tls.is_none(),
            false => udp.is_some(),
        };
        if !complete {
            return Err(InviteError::Part("port"));
        }
        Ok(Self {
            id: id.parse().map_err(|_| InviteError::Part("id"))?,
            key: InviteKey::new(bytes),
            host,
            udp,
            tcp,
            tls: tls.map(|port| Tls { port, pin }),
        })
    }
}

fn read_port(text: &str) -> Result<u16, InviteError> {
    uri::port(text).ok_or(InviteError::Part("port"))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use proptest::prelude::*;

    /// That of docs/protocol/8-relay.md §3.
    const SAMPLE: &str = "solo2-relay://a0nSAAECAwQFBgcI.cjktsQCp8REEnOSvMBtnfsAlde-DcNZ28xJEl1YL5Gk@relay.example/?udp=3478";

    #[test]
    fn the_sample_of_the_specification_is_read_and_written() {
        let invite: Invite = SAMPLE.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(invite.id.ends(), Some(1_800_000_000));
        assert!(invite.host == Host::Name("relay.example".into()));
        assert_eq!(invite.udp, Some(3478));
        assert_eq!(*invite.to_url(), SAMPLE);
        let (username, password) = invite.credential(1_790_000_000 - 3600, 3600);
        assert_eq!(username.to_string(), "1790000000:a0nSAAECAwQFBgcI");
        assert_eq!(password.expose(), "2CvbwE2UQCRZHw3Or6Ee/LLWMPk=");
    }

    #[test]
    fn a_credential_lives_a_day_at_most_and_not_longer_than_its_invite() {
        let invite: Invite = SAMPLE.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            invite.credential(1_700_000_000, u64::MAX).0.expires,
            1_700_086_400
        );
        assert_eq!(
            invite.credential(1_799_999_000, 3600).0.expires,
            1_800_000_000
        );
    }

    #[test]
    fn what_is_not_known_is_passed_over_and_what_is_damaged_is_named() {
        let read = |text: &str| {
            text.parse::<Invite>()
                .map(|invite| (invite.host, invite.udp))
        };
        assert_eq!(
            read(&format!("{SAMPLE}&color=blue")),
            Ok((Host::Name("relay.example".into()), Some(3478)))
        );
        let host = |to: &str| SAMPLE.replace("relay.example", to);
        assert_eq!(
            read(&host("[2001:db8::1]")),
            Ok((Host::V6("2001:db8::1".parse().expect("valid")), Some(3478)))
        );
        assert_eq!(
            read(&host("192.0.2.1")),
            Ok((Host::V4(Ipv4Addr::new(192, 0, 2, 1)), Some(3478)))
        );
        for bad in [
            "",
            "2001:db8::1",
            "a b",
            "192.0.2.256",
            "-\u{e4}",
            "a..b",
            "[::1",
            "a/b",
        ] {
            assert_eq!(read(&host(bad)), Err(InviteError::Part("host")), "{bad}");
        }
        assert_eq!(
            read(&SAMPLE.replace("3478", "0")),
            Err(InviteError::Part("port"))
        );
        assert_eq!(
            read(&SAMPLE.replace("udp=", "tcp=")),
            Err(InviteError::Part("port"))
        );
        assert_eq!(
            read(&SAMPLE.replace('.', "")),
            Err(InviteError::Part("key"))
        );
        assert_eq!(
            read(&SAMPLE.replacen(".", ".A", 1)),
            Err(InviteError::Part("key"))
        );
        assert_eq!(
            read(&SAMPLE.replace("://a", "://")),
            Err(InviteError::Part("id"))
        );
        assert_eq!(read("https://relay.example"), Err(InviteError::Scheme));
        assert_eq!(
            read(&format!("{SAMPLE}&{}", "x".repeat(MAX_LEN))),
            Err(InviteError::Long)
        );
    }

    /// The second sample of docs/protocol/8-relay.md §3: `pin` is SHA-256 of "abc", FIPS 180-4's example.
    #[test]
    fn an_invite_names_the_transports_on_offer() {
        const PIN: &str = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";
        let read = |more: &str| {
            format!("{SAMPLE}{more}")
                .parse::<Invite>()
                .map(|invite| (invite.tcp, invite.tls, invite.to_url().to_string()))
        };
        let (tcp, tls, _) = read("").expect("valid");
        assert_eq!((tcp, tls), (None, None));
        let both = format!("&tcp=3478&tls=443&pin={PIN}");
        let (tcp, tls, again) = read(&both).expect("valid");
        assert_eq!(tcp, Some(3478));
        let pin = tls.and_then(|tls| tls.pin).expect("a pin");
        assert!(pin.matches(b"abc") && !pin.matches(b"abd"));
        assert_eq!(again, format!("{SAMPLE}{both}"));
        let (_, tls, _) = read("&tls=443&tls=444").expect("valid");
        assert_eq!(
            tls,
            Some(Tls {
                port: 443,
                pin: None
            })
        );
        // An onion service: TCP, and nothing else.
        let named = SAMPLE.replace("relay.example", &format!("{}.onion", "a".repeat(56)));
        let onion = named.replace("udp=", "tcp=");
        let invite: Invite = onion.parse().expect("valid");
        assert_eq!((invite.udp, invite.tcp), (None, Some(3478)));
        assert_eq!(*invite.to_url(), onion);
        for bad in [named, format!("{onion}&udp=1"), format!("{onion}&tls=443")] {
            let refused = bad.parse::<Invite>().err();
            assert_eq!(refused, Some(InviteError::Part("port")), "{bad}");
        }
        for (bad, part) in [
            ("&tcp=0", "port"),
            ("&tls=65536", "port"),
            ("&tls=443&pin=AAAA", "pin"),
            ("&tls=443&pin=", "pin"),
        ] {
            assert_eq!(read(bad).err(), Some(InviteError::Part(part)), "{bad}");
        }
        let longest = Invite {
            host: Host::Name("a".repeat(253)),
            tcp: Some(u16::MAX),
            tls: Some(Tls {
                port: u16::MAX,
                pin: Some(pin),
            }),
            ..SAMPLE.parse().unwrap_or_else(|error| panic!("{error}"))
        };
        assert!(longest.to_url().len() <= MAX_LEN);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(solo2-relay://)?[a-zA-Z0-9_.@/?=&:\\[\\]-]{0,120}") {
            let _ = text.parse::<Invite>().is_ok();
        }
    }
}
