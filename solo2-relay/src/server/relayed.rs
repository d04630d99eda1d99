//! The sockets of relayed addresses.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::{Rc, Weak};

use tokio::task::JoinHandle;

use super::egress::{Target, Udp};
use super::io::{Pump, open};
use super::turn::Sockets;

/// What the kernel may keep for the socket of a relayed address, each way, in bytes.
const QUEUE: usize = 1 << 18;

/// The sockets of relayed addresses, where peers beyond this relay are allowed.
/// Where they are not, a relayed address is a number in a table.
pub(super) struct RelayedSockets {
    pump: Weak<Pump>,
    /// The addresses of this machine that they are bound to.
    bind: Option<Vec<IpAddr>>,
    open: HashMap<SocketAddr, RelayedSocket>,
}

struct RelayedSocket {
    udp: Rc<Udp>,
    task: JoinHandle<()>,
}

impl Drop for RelayedSocket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RelayedSockets {
    /// `bind` says on which addresses of this machine they are bound; without it, there
    /// are none.
    pub(super) fn new(pump: Weak<Pump>, bind: Option<Vec<IpAddr>>) -> Self {
        Self {
            pump,
            bind,
            open: HashMap::new(),
        }
    }

    /// Sends by the socket of this relayed address, if it is open.
    pub(super) fn send(&self, relayed: SocketAddr, to: &Target, bytes: &[u8], segment: usize) {
        if let Some(socket) = self.open.get(&relayed) {
            socket.udp.send(to, bytes, segment);
        }
    }
}

impl Sockets for RelayedSockets {
    fn open(&mut self, relayed: SocketAddr) -> io::Result<()> {
        let (Some(bind), Some(pump)) = (&self.bind, self.pump.upgrade()) else {
            return Ok(());
        };
        let here = bind.iter().find(|ip| ip.is_ipv6() == relayed.is_ipv6());
        let here = here.ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
        let udp = Rc::new(open(SocketAddr::new(*here, relayed.port()), QUEUE)?);
        let task = tokio::task::spawn_local(pump.serve_peers(relayed, Rc::clone(&udp)));
        self.open.insert(relayed, RelayedSocket { udp, task });
        Ok(())
    }

    fn close(&mut self, relayed: SocketAddr) {
        self.open.remove(&relayed);
    }
}
