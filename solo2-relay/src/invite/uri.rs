//! Where a relay is reached, in the words of TURN clients: RFC 7065.
//!
//! ```text
//!   turn:HOST[:PORT][?transport=udp]      UDP, port 3478 unless said
//!   turn:HOST[:PORT]?transport=tcp        TCP, port 3478 unless said
//!   turns:HOST[:PORT][?transport=tcp]     TLS over TCP, port 5349 unless said
//! ```

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

use super::InviteError;

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
    /// Whether it is an onion service, which Tor leads to.
    #[must_use]
    pub fn is_onion(&self) -> bool {
        matches!(self, Self::Name(name) if name.ends_with(".onion"))
    }

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

/// What carries messages between a client and a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream in the clear.
    Tcp,
    /// A stream under TLS.
    Tls,
}

/// Where a relay serves TURN, and over what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnUri {
    /// Where it is.
    pub host: Host,
    /// What to talk to it over.
    pub transport: Transport,
    /// Its port there.
    pub port: u16,
}

/// Text that is no such URI.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("expected turn:HOST:PORT, turn:HOST:PORT?transport=tcp or turns:HOST:PORT")]
pub struct NotATurnUri;

impl FromStr for TurnUri {
    type Err = NotATurnUri;

    fn from_str(text: &str) -> Result<Self, NotATurnUri> {
        let (scheme, rest) = text.split_once(':').ok_or(NotATurnUri)?;
        let (rest, asked) = match rest.split_once("?transport=") {
            Some((rest, asked)) => (rest, Some(asked)),
            None => (rest, None),
        };
        let (transport, usual) = match (scheme, asked) {
            ("turn", None | Some("udp")) => (Transport::Udp, 3478),
            ("turn", Some("tcp")) => (Transport::Tcp, 3478),
            ("turns", None | Some("tcp")) => (Transport::Tls, 5349),
            _ => return Err(NotATurnUri),
        };
        let bracketed = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (host, tail) = match bracketed {
            Some((host, tail)) => (host.parse().map(Host::V6).map_err(|_| NotATurnUri)?, tail),
            None => {
                let (host, tail) = rest.split_at(rest.find(':').unwrap_or(rest.len()));
                (host.parse().map_err(|_| NotATurnUri)?, tail)
            }
        };
        let port = match tail.strip_prefix(':') {
            Some(text) => port(text).ok_or(NotATurnUri)?,
            None if tail.is_empty() => usual,
            None => return Err(NotATurnUri),
        };
        Ok(Self {
            host,
            transport,
            port,
        })
    }
}

impl TurnUri {
    /// Like `turn:HOST:PORT?transport=udp`: nothing is left to what is usual.
    #[must_use]
    pub fn to_uri(&self) -> String {
        let (scheme, transport) = match self.transport {
            Transport::Udp => ("turn", "udp"),
            Transport::Tcp => ("turn", "tcp"),
            Transport::Tls => ("turns", "tcp"),
        };
        let host = self.host.in_a_url();
        format!("{scheme}:{host}:{}?transport={transport}", self.port)
    }
}

/// A port: digits, and not 0.
pub(super) fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
            ("turn:a?transport=tcp", "turn:a:3478?transport=tcp"),
            ("turns:[::1]", "turns:[::1]:5349?transport=tcp"),
            ("turns:a:443?transport=tcp", "turns:a:443?transport=tcp"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(uri));
        }
        for bad in [
            "turns:relay.example?transport=udp",
            "turn:",
            "turn:a:0",
            "turn:a:x",
            "turn:a:+1",
            "turn:::1",
            "turn:a?transport=sctp",
            "stun:a",
            "127.0.0.1:7478",
        ] {
            assert_eq!(read(bad), Err(NotATurnUri), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(turns?:)?[a-z0-9.:\\[\\]-]{0,60}(\\?transport=)?[a-z]{0,4}") {
            let _ = text.parse::<TurnUri>().is_ok();
        }
    }
}
