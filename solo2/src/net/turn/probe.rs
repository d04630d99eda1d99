//! Asks one relay for an address, to see whether and how fast it answers.

use std::future::poll_fn;
use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::{Duration, Instant};

use quinn_udp::{RecvMeta, Transmit};

use tokio::sync::mpsc;

use super::stream::{self, Over, ThroughTor};
use super::{RelayAccess, RelayNews, RelayTrouble, Relays, Server};
use crate::net::RoutePolicy;
use crate::net::ice::Ports;
use crate::net::socket::{self, DoorError, UdpDoor};

/// Longer than any answer without data.
const ANSWER_MAX: usize = 1_500;

/// What a relay that works says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lent {
    /// The address that it lent, and took back at once.
    pub(crate) address: SocketAddr,
    /// From the first datagram to the address: two round trips.
    pub(crate) took: Duration,
}

/// Borrows an address and gives it back.
///
/// # Errors
///
/// No socket, or [`RelayTrouble`].
pub(crate) async fn probe(
    access: RelayAccess,
    tor: Option<ThroughTor>,
) -> Result<Result<Lent, RelayTrouble>, DoorError> {
    let server = access.server.key();
    // Only the relay is written to, so the strictest policy fits.
    let doors = socket::bind_udp(RoutePolicy::Relay, &std::sync::Arc::default())?;
    let door = match access.server {
        Server::At(address) => {
            doors.let_in(&[address]);
            let Some(door) = doors.for_address(address.ip()) else {
                return Ok(Err(RelayTrouble::Silent));
            };
            Some(door)
        }
        Server::Onion(..) => None,
    };
    let port = door.map(UdpDoor::port);
    let ports = Ports {
        v4: port.filter(|_| server.is_ipv4()),
        v6: port.filter(|_| server.is_ipv6()),
    };
    let began = Instant::now();
    let mut relays = Relays::new(ports, began);
    relays.add(access, began);
    let mut connection: Option<Connection> = None;
    loop {
        let now = Instant::now();
        relays.handle_timeout(now);
        for (server, over) in relays.streams() {
            if connection.as_ref().is_none_or(|open| open.server != server) {
                connection = Some(Connection::open(server, over, tor.clone()));
            }
        }
        send(door, connection.as_ref(), &mut relays);
        if let Some(RelayNews::Lent(address)) = relays.poll_news() {
            let took = began.elapsed();
            relays.release(Instant::now());
            send(door, connection.as_ref(), &mut relays);
            return Ok(Ok(Lent { address, took }));
        }
        if let Some((_, trouble)) = relays.trouble() {
            return Ok(Err(trouble));
        }
        let due = relays.poll_timeout(now).unwrap_or(now);
        tokio::select! {
            () = tokio::time::sleep(due.saturating_duration_since(now)) => {}
            datagram = receive(door, server) => {
                let _ = relays.handle(server, &datagram, Instant::now());
            }
            (server, message) = heard(&mut connection) => match message {
                Some(message) => {
                    let _ = relays.handle(server, &message, Instant::now());
                }
                None => {
                    relays.stream_ended(server, Instant::now());
                    connection = None;
                }
            },
        }
    }
}

/// A connection to the relay; it ends with this.
struct Connection {
    server: SocketAddr,
    into: mpsc::Sender<Vec<u8>>,
    from: mpsc::Receiver<Vec<u8>>,
}

impl Connection {
    fn open(server: SocketAddr, over: Over, tor: Option<ThroughTor>) -> Self {
        let (into, mut outgoing) = mpsc::channel(8);
        let (heard, from) = mpsc::channel(8);
        tokio::spawn(async move {
            let deliver = |message: &mut [u8]| {
                let _ = heard.try_send(message.to_vec());
            };
            let to = (server, over, tor);
            let _ = stream::carry(RoutePolicy::Relay, to, &mut outgoing, deliver).await;
        });
        Self { server, into, from }
    }
}

/// The next message out of the connection, or its end.
async fn heard(connection: &mut Option<Connection>) -> (SocketAddr, Option<Vec<u8>>) {
    match connection {
        Some(open) => (open.server, open.from.recv().await),
        None => std::future::pending().await,
    }
}

fn send(door: Option<&UdpDoor>, connection: Option<&Connection>, relays: &mut Relays) {
    while let Some(sent) = relays.poll_transmit() {
        if let Some(open) = connection.filter(|open| open.server == sent.server) {
            let _ = open.into.try_send(stream::framed(sent.datagram));
            continue;
        }
        if let Some(door) = door {
            door.try_path(&Transmit {
                destination: sent.server,
                ecn: None,
                contents: &sent.datagram,
                segment_size: None,
                src_ip: None,
            });
        }
    }
}

/// The next datagram from `server`; none ever without a door.
async fn receive(door: Option<&UdpDoor>, server: SocketAddr) -> Vec<u8> {
    let Some(door) = door else {
        return std::future::pending().await;
    };
    let mut buffer = vec![0; ANSWER_MAX];
    let len = poll_fn(|cx| {
        loop {
            let mut meta = [RecvMeta::default()];
            let mut buffers = [IoSliceMut::new(&mut buffer)];
            match door.poll_recv(cx, &mut buffers, &mut meta) {
                Poll::Ready(1) if meta[0].addr == server => return Poll::Ready(meta[0].len),
                Poll::Ready(_) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
    buffer.truncate(len);
    buffer
}
