//! Asks a running relay whether it is well: what a supervisor calls.
//!
//! It sends what any client would, a Binding request and an Allocate request without a
//! credential. A relay in good health answers at least one, with an address or with an
//! invitation to come back with a credential.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::time::{Duration, Instant};

use rand::TryRng as _;
use rand::rngs::SysRng;
use thiserror::Error;

use crate::invite::TurnUri;
use crate::wire::{Class, Message, TransactionId, UDP, Writer, attribute, method};

/// How long an answer is waited for, and how often the question is asked again.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(500);

/// Why the relay is not known to be well.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HealthError {
    /// Its name leads nowhere, or this machine cannot send.
    #[error("cannot ask {uri}")]
    Ask {
        /// The relay asked.
        uri: String,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing answers.
    #[error("no answer from {0}")]
    Silent(String),
}

/// Asks until there is an answer, for five seconds at most.
///
/// # Errors
/// [`HealthError`] unless the relay answers.
pub fn check(uri: &TurnUri) -> Result<(), HealthError> {
    match ask(uri) {
        Ok(true) => Ok(()),
        Ok(false) => Err(HealthError::Silent(uri.to_uri())),
        Err(source) => Err(HealthError::Ask {
            uri: uri.to_uri(),
            source,
        }),
    }
}

fn ask(uri: &TurnUri) -> io::Result<bool> {
    let host = uri.host.in_a_url();
    let address = format!("{host}:{}", uri.udp).to_socket_addrs()?.next();
    let address = address.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let unspecified: SocketAddr = if address.is_ipv6() {
        ([0_u16; 8], 0).into()
    } else {
        ([0; 4], 0).into()
    };
    let socket = UdpSocket::bind(unspecified)?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(PAUSE))?;
    let mut transaction: TransactionId = [0; 12];
    SysRng
        .try_fill_bytes(&mut transaction)
        .map_err(io::Error::other)?;
    let start = Instant::now();
    let mut request = Vec::new();
    let mut answer = [0; 1500];
    while start.elapsed() < PATIENCE {
        Writer::new(&mut request, Class::Request, method::BINDING, transaction);
        let bound = socket.send(&request);
        Writer::new(&mut request, Class::Request, method::ALLOCATE, transaction)
            .attribute(attribute::REQUESTED_TRANSPORT, &[UDP, 0, 0, 0]);
        // A port that is closed says so upon the next call; it may open yet.
        let _ = (bound, socket.send(&request));
        let Ok(len) = socket.recv(&mut answer) else {
            std::thread::sleep(PAUSE.saturating_sub(start.elapsed().min(PAUSE)));
            continue;
        };
        let message = answer
            .get(..len)
            .and_then(|bytes| Message::parse(bytes).ok());
        if message.is_some_and(|message| {
            message.transaction() == transaction && message.class() != Class::Request
        }) {
            return Ok(true);
        }
    }
    Ok(false)
}
