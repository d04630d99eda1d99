//! UDP sockets, bound before they are served: of each listening address every worker has
//! one, and the kernel gives all datagrams of one client to the same (SO_REUSEPORT).

use std::io;
use std::net::SocketAddr;

use quinn_udp::UdpSocketState;
use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use socket2::{Domain, Protocol, Socket, Type};

use super::egress::Udp;

/// What the kernel may keep for a listening socket, each way, in bytes.
const LISTENER_QUEUE: usize = 8 << 20;

/// A socket that is bound, and served by no thread yet.
pub(super) struct Bound {
    pub(super) address: SocketAddr,
    socket: std::net::UdpSocket,
    state: UdpSocketState,
}

impl Bound {
    /// From now on it belongs to the runtime of this thread.
    pub(super) fn serve(self) -> io::Result<Udp> {
        Ok(Udp {
            socket: tokio::net::UdpSocket::from_std(self.socket)?,
            state: self.state,
        })
    }
}

/// Opens a UDP socket that nobody shares.
pub(super) fn open(address: SocketAddr, queue: usize) -> io::Result<Bound> {
    let socket = prepare(address, queue)?;
    socket.bind(&address.into())?;
    bound(socket)
}

/// Opens a listening socket for each of so many workers.
///
/// The first is bound as one that shares with nobody, so a port that another process has,
/// even a relay of the same user, is refused; only then it lets the others in.
pub(super) fn listen(address: SocketAddr, workers: usize) -> io::Result<Vec<Bound>> {
    let first = prepare(address, LISTENER_QUEUE)?;
    first.bind(&address.into())?;
    if workers > 1 {
        first.set_reuse_port(true)?;
    }
    let first = bound(first)?;
    let address = first.address;
    let mut all = vec![first];
    for _ in 1..workers {
        let next = prepare(address, LISTENER_QUEUE)?;
        next.set_reuse_port(true)?;
        next.bind(&address.into())?;
        all.push(bound(next)?);
    }
    Ok(all)
}

/// IPv6 sockets take no IPv4, so that nobody has two addresses.
fn prepare(address: SocketAddr, queue: usize) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM.nonblocking(),
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Only root gets more than the system's usual; others get what there is. Then more is
    // lost under load, and nothing else.
    if set_socket_recv_buffer_size_force(&socket, queue).is_err() {
        let _ = socket.set_recv_buffer_size(queue);
    }
    let _ = socket.set_send_buffer_size(queue);
    Ok(socket)
}

fn bound(socket: Socket) -> io::Result<Bound> {
    let state = UdpSocketState::new((&socket).into())?;
    let socket = std::net::UdpSocket::from(socket);
    Ok(Bound {
        address: socket.local_addr()?,
        socket,
        state,
    })
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn any(ip: &str) -> SocketAddr {
        SocketAddr::new(ip.parse().expect("an address"), 0)
    }

    #[test]
    fn workers_share_a_port_that_nobody_else_gets() {
        for ip in ["127.0.0.1", "0.0.0.0", "::1", "::"] {
            let sockets = listen(any(ip), 3).expect("bound");
            let address = sockets[0].address;
            let same = |it: &Bound| it.address == address;
            assert!(sockets.len() == 3 && sockets.iter().all(same));
            for workers in [1, 3] {
                let again = listen(address, workers).map(|_| ());
                let refused = again.expect_err(ip).kind();
                assert_eq!(refused, io::ErrorKind::AddrInUse, "{ip}");
            }
        }
    }

    /// Who sends from one port is heard by one worker, and others by others.
    #[test]
    fn every_worker_hears_its_clients_and_each_client_is_heard_by_one() {
        for ip in ["127.0.0.1", "::1"] {
            let sockets = listen(any(ip), 2).expect("bound");
            let address = sockets[0].address;
            let mut heard = [0; 2];
            for _ in 0..64 {
                let client = UdpSocket::bind(any(ip)).expect("a port");
                for _ in 0..4 {
                    client.send_to(b"hello", address).expect("sent");
                }
                let of_this = sockets
                    .iter()
                    .map(|it| std::iter::from_fn(|| it.socket.recv(&mut [0; 9]).ok()).count());
                let of_this: Vec<usize> = of_this.collect();
                assert!(of_this == [4, 0] || of_this == [0, 4], "{ip}: {of_this:?}");
                heard[usize::from(of_this[0] == 0)] += 1;
            }
            assert!(heard.iter().all(|clients| *clients > 8), "{ip}: {heard:?}");
        }
    }
}
