//! The sockets of relayed addresses.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use tokio::task::{AbortHandle, spawn_local};

use super::egress::{Target, Udp};
use super::io::Pump;
use super::listen::open;
use super::shared::lock;
use super::turn::Sockets;

/// What the kernel may keep for the socket of a relayed address, each way, in bytes.
const QUEUE: usize = 1 << 18;

/// The sockets of relayed addresses, where peers beyond this relay are allowed.
/// Where they are not, a relayed address is a number in a table.
///
/// Each is served by the worker that opened it; all send by it, and any closes it.
pub(super) struct RelayedSockets {
    /// The addresses of this machine that they are bound to.
    bind: Option<Vec<IpAddr>>,
    open: Mutex<HashMap<SocketAddr, RelayedSocket>>,
}

struct RelayedSocket {
    udp: Arc<Udp>,
    task: AbortHandle,
}

impl Drop for RelayedSocket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RelayedSockets {
    /// `bind` says on which addresses of this machine they are bound; without it, there
    /// are none.
    pub(super) fn new(bind: Option<Vec<IpAddr>>) -> Self {
        Self {
            bind,
            open: Mutex::default(),
        }
    }

    /// Sends by the socket of this relayed address, if it is open.
    pub(super) fn send(&self, relayed: SocketAddr, to: &Target, bytes: &[u8], segment: usize) {
        let udp = lock(&self.open).get(&relayed).map(|it| Arc::clone(&it.udp));
        if let Some(udp) = udp {
            udp.send(to, bytes, segment);
        }
    }
}

/// The same for one worker.
pub(super) struct WorkersSockets<'a>(pub(super) &'a Rc<Pump>);

impl Sockets for WorkersSockets<'_> {
    fn open(&mut self, relayed: SocketAddr) -> io::Result<()> {
        let sockets = &self.0.shared().relayed;
        let Some(bind) = &sockets.bind else {
            return Ok(());
        };
        let here = bind.iter().find(|ip| ip.is_ipv6() == relayed.is_ipv6());
        let here = here.ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
        let udp = Arc::new(open(SocketAddr::new(*here, relayed.port()), QUEUE)?.serve()?);
        let serve = Rc::clone(self.0).serve_peers(relayed, Arc::clone(&udp));
        let task = spawn_local(serve).abort_handle();
        lock(&sockets.open).insert(relayed, RelayedSocket { udp, task });
        Ok(())
    }

    fn close(&mut self, relayed: SocketAddr) {
        let closed = lock(&self.0.shared().relayed.open).remove(&relayed);
        drop(closed);
    }
}
