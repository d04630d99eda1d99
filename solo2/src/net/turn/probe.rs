//! Asks one relay for an address, to see whether and how fast it answers.

use std::future::poll_fn;
use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::{Duration, Instant};

use quinn_udp::{RecvMeta, Transmit};

use super::{RelayAccess, RelayNews, RelayTrouble, Relays};
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
pub(crate) async fn probe(access: RelayAccess) -> Result<Result<Lent, RelayTrouble>, DoorError> {
    let server = access.server;
    // Only the relay is written to, so the strictest policy fits.
    let doors = socket::bind_udp(RoutePolicy::Relay)?;
    doors.let_in(&[server]);
    let Some(door) = doors.for_address(server.ip()) else {
        return Ok(Err(RelayTrouble::Silent));
    };
    let ports = Ports {
        v4: server.is_ipv4().then(|| door.port()),
        v6: server.is_ipv6().then(|| door.port()),
    };
    let began = Instant::now();
    let mut relays = Relays::new(ports, began);
    relays.add(access, began);
    loop {
        let now = Instant::now();
        relays.handle_timeout(now);
        send(door, &mut relays);
        if let Some(RelayNews::Lent(address)) = relays.poll_news() {
            let took = began.elapsed();
            relays.release(Instant::now());
            send(door, &mut relays);
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
        }
    }
}

fn send(door: &UdpDoor, relays: &mut Relays) {
    while let Some(sent) = relays.poll_transmit() {
        door.try_path(&Transmit {
            destination: sent.server,
            ecn: None,
            contents: &sent.datagram,
            segment_size: None,
            src_ip: None,
        });
    }
}

/// The next datagram from `server`.
async fn receive(door: &UdpDoor, server: SocketAddr) -> Vec<u8> {
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
