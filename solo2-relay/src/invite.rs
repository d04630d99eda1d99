//! An invite: one line that tells a client all it needs to use a relay.
//!
//! ```text
//!   solo2-relay://ID.KEY@HOST/?udp=PORT
//! ```
//!
//! ID and KEY are base64url, HOST is a name, an IPv4 address, or an IPv6 address in
//! brackets. Parameters that a reader does not know are passed over, so that an invite
//! may say more one day; one that it knows and cannot read is an error.
//! Spec: docs/protocol/8-relay.md §3.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use thiserror::Error;
use zeroize::Zeroizing;

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
    /// The UDP port that it serves TURN on.
    pub udp: u16,
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
        let _ = write!(url, "@{}/?udp={}", self.host.in_a_url(), self.udp);
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
        let mut udp = None;
        for (name, value) in query
            .split('&')
            .filter_map(|parameter| parameter.split_once('='))
        {
            if name == "udp" && udp.is_none() {
                udp = Some(port(value).ok_or(InviteError::Part("port"))?);
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
        Ok(Self {
            id: id.parse().map_err(|_| InviteError::Part("id"))?,
            key: InviteKey::new(bytes),
            host: host.ok_or(InviteError::Part("host"))?,
            udp: udp.ok_or(InviteError::Part("port"))?,
        })
    }
}

/// Where a relay is: a DNS name or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name: letters, digits, hyphens and dots.
    Name(String),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
}

impl Host {
    /// As URLs and TURN URIs have it, IPv6 in brackets.
    #[must_use]
    pub fn in_a_url(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::V4(address) => address.to_string(),
            Self::V6(address) => format!("[{address}]"),
        }
    }
}

impl FromStr for Host {
    type Err = InviteError;

    /// IPv6 without brackets.
    fn from_str(text: &str) -> Result<Self, InviteError> {
        if let Ok(address) = text.parse() {
            return Ok(Self::V4(address));
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::V6(address));
        }
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        // A last label of digits would be read as an address by some.
        let numeric = text
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        if text.len() <= 253 && !numeric && text.split('.').all(label) {
            Ok(Self::Name(text.to_ascii_lowercase()))
        } else {
            Err(InviteError::Part("host"))
        }
    }
}

/// Where a relay serves TURN over UDP: `turn:HOST[:PORT]`, RFC 7065, port 3478 unless said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnUri {
    /// Where it is.
    pub host: Host,
    /// Its UDP port.
    pub udp: u16,
}

/// Text that is no such URI.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("expected turn:HOST:PORT, like turn:relay.example:3478")]
pub struct NotATurnUri;

impl FromStr for TurnUri {
    type Err = NotATurnUri;

    fn from_str(text: &str) -> Result<Self, NotATurnUri> {
        let rest = text.strip_prefix("turn:").ok_or(NotATurnUri)?;
        let rest = rest.strip_suffix("?transport=udp").unwrap_or(rest);
        let bracketed = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (host, tail) = match bracketed {
            Some((host, tail)) => (host.parse().map(Host::V6).map_err(|_| NotATurnUri)?, tail),
            None => {
                let (host, tail) = rest.split_at(rest.find(':').unwrap_or(rest.len()));
                (host.parse().map_err(|_| NotATurnUri)?, tail)
            }
        };
        let udp = match tail.strip_prefix(':') {
            Some(text) => port(text).ok_or(NotATurnUri)?,
            None if tail.is_empty() => 3478,
            None => return Err(NotATurnUri),
        };
        Ok(Self { host, udp })
    }
}

impl TurnUri {
    /// `turn:HOST:PORT?transport=udp`.
    #[must_use]
    pub fn to_uri(&self) -> String {
        format!("turn:{}:{}?transport=udp", self.host.in_a_url(), self.udp)
    }
}

fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// That of docs/protocol/8-relay.md §3.
    const SAMPLE: &str = "solo2-relay://a0nSAAECAwQFBgcI.cjktsQCp8REEnOSvMBtnfsAlde-DcNZ28xJEl1YL5Gk@relay.example/?udp=3478";

    #[test]
    fn the_sample_of_the_specification_is_read_and_written() {
        let invite: Invite = SAMPLE.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(invite.id.ends(), Some(1_800_000_000));
        assert!(invite.host == Host::Name("relay.example".into()));
        assert_eq!(invite.udp, 3478);
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
            Ok((Host::Name("relay.example".into()), 3478))
        );
        let host = |to: &str| SAMPLE.replace("relay.example", to);
        assert_eq!(
            read(&host("[2001:db8::1]")),
            Ok((Host::V6("2001:db8::1".parse().expect("valid")), 3478))
        );
        assert_eq!(
            read(&host("192.0.2.1")),
            Ok((Host::V4(Ipv4Addr::new(192, 0, 2, 1)), 3478))
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

    #[test]
    fn turn_uris_are_those_of_rfc_7065() {
        let read = |text: &str| text.parse::<TurnUri>().map(|uri| uri.to_uri());
        for (text, uri) in [
            ("turn:127.0.0.1:7478", "turn:127.0.0.1:7478?transport=udp"),
            (
                "turn:relay.example",
                "turn:relay.example:3478?transport=udp",
            ),
            ("turn:[::1]:5?transport=udp", "turn:[::1]:5?transport=udp"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(uri));
        }
        for bad in [
            "turns:relay.example",
            "turn:",
            "turn:a:0",
            "turn:a:x",
            "turn:a:+1",
            "turn:::1",
            "turn:a?transport=tcp",
            "127.0.0.1:7478",
        ] {
            assert_eq!(read(bad), Err(NotATurnUri), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(solo2-relay://)?[a-zA-Z0-9_.@/?=&:\\[\\]-]{0,120}") {
            let _ = text.parse::<Invite>().is_ok();
            let _ = text.parse::<TurnUri>().is_ok();
        }
    }
}
