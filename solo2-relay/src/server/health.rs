//! Asks a running relay whether it is well: what a supervisor calls.
//!
//! It sends what any client would, a Binding request and an Allocate request without a
//! credential. A relay in good health answers at least one, with an address or with an
//! invitation to come back with a credential.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::time::{Duration, Instant};

use rand::TryRng as _;
use rand::rngs::SysRng;
use thiserror::Error;

use crate::invite::{Transport, TurnUri};
use crate::wire::{Class, Message, TransactionId, UDP, Writer, attribute, framed_len, method};

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
    /// Whether a certificate is good is not this command's to say.
    #[error("health asks over udp or tcp, not over tls: {0}")]
    Tls(String),
    /// The name of an onion service is for Tor, and no resolver's business.
    #[error("health does not ask through Tor: {0}")]
    Onion(String),
    /// Nothing answers.
    #[error("no answer from {0}")]
    Silent(String),
}

/// Asks until there is an answer, for five seconds at most.
///
/// # Errors
/// [`HealthError`] unless the relay answers.
pub fn check(uri: &TurnUri) -> Result<(), HealthError> {
    if uri.host.is_onion() {
        return Err(HealthError::Onion(uri.to_uri()));
    }
    let asked = match uri.transport {
        Transport::Udp => ask(uri),
        Transport::Tcp => ask_by_stream(uri),
        Transport::Tls => return Err(HealthError::Tls(uri.to_uri())),
    };
    match asked {
        Ok(true) => Ok(()),
        Ok(false) => Err(HealthError::Silent(uri.to_uri())),
        Err(source) => Err(HealthError::Ask {
            uri: uri.to_uri(),
            source,
        }),
    }
}

fn find(uri: &TurnUri) -> io::Result<SocketAddr> {
    let host = uri.host.in_a_url();
    let address = format!("{host}:{}", uri.port).to_socket_addrs()?.next();
    address.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// The two requests.
fn questions() -> io::Result<(TransactionId, [Vec<u8>; 2])> {
    let mut transaction: TransactionId = [0; 12];
    SysRng
        .try_fill_bytes(&mut transaction)
        .map_err(io::Error::other)?;
    let [mut bind, mut allocate] = [Vec::new(), Vec::new()];
    Writer::new(&mut bind, Class::Request, method::BINDING, transaction);
    Writer::new(&mut allocate, Class::Request, method::ALLOCATE, transaction)
        .attribute(attribute::REQUESTED_TRANSPORT, &[UDP, 0, 0, 0]);
    Ok((transaction, [bind, allocate]))
}

fn answers(bytes: &[u8], transaction: TransactionId) -> bool {
    Message::parse(bytes).is_ok_and(|message| {
        message.transaction() == transaction && message.class() != Class::Request
    })
}

fn ask_by_stream(uri: &TurnUri) -> io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&find(uri)?, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (transaction, questions) = questions()?;
    stream.write_all(&questions.concat())?;
    let (mut bytes, mut more) = (Vec::new(), [0; 1500]);
    loop {
        match framed_len(&bytes).ok() {
            Some(Some(len)) if len <= bytes.len() => {
                return Ok(bytes
                    .get(..len)
                    .is_some_and(|bytes| answers(bytes, transaction)));
            }
            Some(_) => {}
            None => return Ok(false),
        }
        match stream.read(&mut more) {
            Ok(0) => return Ok(false),
            Ok(len) => bytes.extend_from_slice(more.get(..len).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

fn ask(uri: &TurnUri) -> io::Result<bool> {
    let address = find(uri)?;
    let unspecified: SocketAddr = if address.is_ipv6() {
        ([0_u16; 8], 0).into()
    } else {
        ([0; 4], 0).into()
    };
    let socket = UdpSocket::bind(unspecified)?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(PAUSE))?;
    let (transaction, [bind, allocate]) = questions()?;
    let start = Instant::now();
    let mut answer = [0; 1500];
    while start.elapsed() < PATIENCE {
        // A port that is closed says so upon the next call; it may open yet.
        let _ = (socket.send(&bind), socket.send(&allocate));
        let Ok(len) = socket.recv(&mut answer) else {
            std::thread::sleep(PAUSE.saturating_sub(start.elapsed().min(PAUSE)));
            continue;
        };
        if answer
            .get(..len)
            .is_some_and(|bytes| answers(bytes, transaction))
        {
            return Ok(true);
        }
    }
    Ok(false)
}
