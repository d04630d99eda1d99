//! The address of a signal server: `wss://host[:port]`, or `ws://` on this
//! machine.

use std::net::IpAddr;
use std::str::FromStr;

use solo2_signal::wire::PATH;
use thiserror::Error;
use tokio_tungstenite::tungstenite::http::Uri;

/// A checked address. Without TLS it names this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignalUrl {
    tls: bool,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
}

/// Why a text is no address of a signal server.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum SignalUrlError {
    /// Not `wss://host`, `wss://host:port` or the same with `ws`.
    #[error("not a signal server address: {0}")]
    Malformed(String),
    /// Plain text would leave this machine.
    #[error("{0} is not this machine: use wss://")]
    PlainText(String),
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
            Some(Self { tls, host, port })
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
        let url = Self::parse(text).ok_or_else(|| SignalUrlError::Malformed(text.to_owned()))?;
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
                matches!(text.parse::<SignalUrl>(), Err(SignalUrlError::Malformed(_))),
                "{text}"
            );
        }
    }
}
