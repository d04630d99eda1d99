//! The address of a signal server: `wss://host[:port]`, or `ws://` on this
//! machine and through Tor, whose onion services prove and encrypt by themselves.

use std::net::IpAddr;
use std::str::FromStr;

use solo2_signal::wire::PATH;
use thiserror::Error;
use tokio_tungstenite::tungstenite::http::Uri;
use tor_hscrypto::pk::HsId;

use crate::net::socket::is_onion;

/// A checked address. Without TLS it names this machine or an onion service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignalUrl {
    tls: bool,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
    onion: Option<HsId>,
}

/// Why a text is no address of a signal server.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum SignalUrlError {
    /// Not `wss://host`, `wss://host:port` or the same with `ws`.
    #[error("a signal server is named wss://HOST[:PORT], or ws://NAME.onion behind Tor")]
    Malformed,
    /// Plain text would leave this machine.
    #[error("ws:// is for this machine and onion services only; use wss://{0}")]
    PlainText(String),
    /// It ends in `.onion` and names no service of this kind.
    #[error("{0} is no address of an onion service: 56 letters and digits, then .onion")]
    Onion(String),
    /// TLS inside of what needs none, and no certificate would be for it.
    #[error("{0} is an onion service: use ws://")]
    OnionTls(String),
}

impl SignalUrl {
    /// Whether it is spoken to through TLS.
    pub(crate) fn tls(&self) -> bool {
        self.tls
    }

    /// The name or address, as the dialer and TLS want it.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The onion service that it names, if it names one.
    pub(crate) fn onion(&self) -> Option<HsId> {
        self.onion
    }

    /// The URL of the WebSocket.
    pub(super) fn endpoint(&self) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        let (open, close) = if self.host.contains(':') {
            ("[", "]")
        } else {
            ("", "")
        };
        format!("{scheme}://{open}{}{close}:{}{PATH}", self.host, self.port)
    }

    fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let tls = match uri.scheme_str()? {
            "wss" => true,
            "ws" => false,
            _ => return None,
        };
        let authority = uri.authority()?.as_str();
        let bare = matches!(uri.path(), "" | "/" | PATH) && uri.query().is_none();
        if authority.contains('@') || !bare {
            return None;
        }
        let port = match uri.port() {
            Some(port) => port.as_str().parse().ok().filter(|port| *port != 0)?,
            None if tls => 443,
            None => 80,
        };
        // What is left beside the host is a port that is no number.
        let host = uri.host()?;
        if uri.port().is_none() && authority != host {
            return None;
        }
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_ascii_lowercase();
        if host.is_empty() {
            None
        } else {
            let onion = None;
            Some(Self {
                tls,
                host,
                port,
                onion,
            })
        }
    }

    fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host == "localhost",
        }
    }
}

impl FromStr for SignalUrl {
    type Err = SignalUrlError;

    fn from_str(text: &str) -> Result<Self, SignalUrlError> {
        let mut url = Self::parse(text).ok_or(SignalUrlError::Malformed)?;
        if is_onion(&url.host) {
            return match url.host.parse() {
                Err(_) => Err(SignalUrlError::Onion(url.host)),
                Ok(_) if url.tls => Err(SignalUrlError::OnionTls(url.host)),
                Ok(service) => {
                    url.onion = Some(service);
                    Ok(url)
                }
            };
        }
        if url.tls || url.is_loopback() {
            Ok(url)
        } else {
            Err(SignalUrlError::PlainText(url.host))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_host_and_port() {
        for (text, endpoint) in [
            ("wss://signal.example", "wss://signal.example:443/v1/signal"),
            (
                "wss://Signal.Example:7400/",
                "wss://signal.example:7400/v1/signal",
            ),
            (
                "wss://[2001:db8::1]:7400",
                "wss://[2001:db8::1]:7400/v1/signal",
            ),
            ("ws://127.0.0.1:7400", "ws://127.0.0.1:7400/v1/signal"),
            ("ws://[::1]:7400/v1/signal", "ws://[::1]:7400/v1/signal"),
            ("ws://localhost", "ws://localhost:80/v1/signal"),
        ] {
            let url: SignalUrl = text.parse().expect(text);
            assert_eq!(url.endpoint(), endpoint);
        }
    }

    #[test]
    fn plain_text_stays_on_this_machine() {
        for text in [
            "ws://signal.example",
            "ws://192.0.2.1:7400",
            "ws://127.0.0.1.example",
            "ws://[2001:db8::1]",
        ] {
            assert!(
                matches!(text.parse::<SignalUrl>(), Err(SignalUrlError::PlainText(_))),
                "{text}"
            );
        }
    }

    /// The address of the Tor Project's own site.
    const ONION: &str = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion";

    #[test]
    fn an_onion_service_needs_no_tls_and_a_whole_address() {
        let url: SignalUrl = format!("ws://{}", ONION.to_uppercase())
            .parse()
            .expect("an onion service");
        assert!(url.onion().is_some());
        assert_eq!(url.endpoint(), format!("ws://{ONION}:80/v1/signal"));
        let with_port: SignalUrl = format!("ws://{ONION}:7400").parse().expect("with a port");
        assert_eq!(with_port.port(), 7400);
        let refused = |text: String| text.parse::<SignalUrl>().expect_err("refused");
        assert!(matches!(
            refused(format!("wss://{ONION}")),
            SignalUrlError::OnionTls(_)
        ));
        // One letter, the checksum; an old address; a name below it.
        for host in [
            ONION.replacen('2', "3", 1),
            "expyuzz4wqqyqhjn.onion".to_owned(),
            format!("{ONION}."),
            format!("www.{ONION}"),
        ] {
            assert!(matches!(
                refused(format!("ws://{host}")),
                SignalUrlError::Onion(_)
            ));
        }
        let outside: SignalUrl = "wss://onion.example".parse().expect("no onion service");
        assert!(outside.onion().is_none());
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "signal.example",
            "https://signal.example",
            "wss://",
            "wss://user:pass@signal.example",
            "wss://a:0",
            "wss://a:70000",
            "wss://a/other",
            "wss://a/?q=1",
            "wss://a:b",
        ] {
            assert!(
                matches!(text.parse::<SignalUrl>(), Err(SignalUrlError::Malformed)),
                "{text}"
            );
        }
    }
}
