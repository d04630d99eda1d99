//! Finding our own addresses: the interfaces, and what STUN servers see of them.
//!
//! Interfaces are read from the system; server-reflexive addresses come from plain
//! binding requests (RFC 8489 §12) to the servers the user configured, and to nobody
//! else. [`Reflexive`] does no I/O: it is told the time and hands out datagrams.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use stun_types::attribute::XorMappedAddress;
use stun_types::message::{
    BINDING, Message, MessageClass, MessageWrite as _, MessageWriteVec, TransactionId,
};

use super::offer::is_unicast;

/// Own addresses considered; a host with more keeps its first ones.
const MAX_ADDRESSES: usize = 16;
/// Binding requests of one round; more bases than this are not asked for.
const MAX_QUERIES: usize = 12;
/// RFC 8445 §14.2: at least 50 ms between two transactions we start.
const PACE: Duration = Duration::from_millis(50);
/// RFC 8489 §6.2.1, with fewer repetitions: a candidate that comes late is no use.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const TRIES: u32 = 4;

/// The unicast addresses of every interface that is up; loopback ones last.
pub(crate) fn own_addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<IpAddr> = Vec::new();
    for interface in interfaces {
        let address = interface.ip();
        if interface.is_oper_up() && is_unicast(address) && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses.sort_by_key(IpAddr::is_loopback);
    addresses.truncate(MAX_ADDRESSES);
    addresses
}

/// A datagram for a STUN server.
pub(crate) struct Query {
    /// The own address it leaves from.
    pub(crate) base: SocketAddr,
    /// The server.
    pub(crate) server: SocketAddr,
    /// The binding request.
    pub(crate) request: Vec<u8>,
}

/// What one server said about one base.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mapped {
    /// The own address that was asked about.
    pub(crate) base: SocketAddr,
    /// How it looks from outside.
    pub(crate) mapped: SocketAddr,
}

struct Pending {
    base: SocketAddr,
    server: SocketAddr,
    transaction: TransactionId,
    request: Vec<u8>,
    sent: u32,
    next: Instant,
}

/// Asks STUN servers how our addresses look from outside.
pub(crate) struct Reflexive {
    servers: Vec<SocketAddr>,
    pending: Vec<Pending>,
}

impl Reflexive {
    pub(crate) fn new(servers: Vec<SocketAddr>) -> Self {
        Self {
            servers,
            pending: Vec::new(),
        }
    }

    /// Starts a new round for `bases`; what the last round still waits for is forgotten.
    pub(crate) fn ask(&mut self, bases: &[SocketAddr], now: Instant) {
        self.pending.clear();
        let questions = bases
            .iter()
            .filter(|base| !base.ip().is_loopback())
            .flat_map(|base| self.servers.iter().map(move |server| (*base, *server)))
            .filter(|(base, server)| base.is_ipv4() == server.is_ipv4());
        let mut next = now;
        for (base, server) in questions.take(MAX_QUERIES) {
            let request = Message::builder_request(BINDING, MessageWriteVec::new()).finish();
            let Ok(message) = Message::from_bytes(&request) else {
                continue;
            };
            let transaction = message.transaction_id();
            self.pending.push(Pending {
                base,
                server,
                transaction,
                request,
                sent: 0,
                next,
            });
            next += PACE;
        }
    }

    /// The next datagram that is due; call until `None`.
    pub(crate) fn poll_transmit(&mut self, now: Instant) -> Option<Query> {
        self.pending
            .retain(|pending| pending.sent < TRIES || now < pending.next);
        let due = self
            .pending
            .iter_mut()
            .find(|pending| pending.sent < TRIES && pending.next <= now)?;
        due.next = now + FIRST_RETRY * 2u32.pow(due.sent);
        due.sent += 1;
        Some(Query {
            base: due.base,
            server: due.server,
            request: due.request.clone(),
        })
    }

    /// When [`Self::poll_transmit`] has something again.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.pending.iter().map(|pending| pending.next).min()
    }

    /// Takes a STUN message; `Some` when it answers a question of ours.
    ///
    /// An answer counts only from the server that was asked, for the 96-bit
    /// transaction it was asked under.
    pub(crate) fn handle(&mut self, source: SocketAddr, datagram: &[u8]) -> Option<Mapped> {
        if !self.pending.iter().any(|pending| pending.server == source) {
            return None;
        }
        let message = Message::from_bytes(datagram).ok()?;
        if !message.has_method(BINDING) || !message.has_class(MessageClass::Success) {
            return None;
        }
        let transaction = message.transaction_id();
        let index = self
            .pending
            .iter()
            .position(|pending| pending.server == source && pending.transaction == transaction)?;
        let mapped = message
            .attribute::<XorMappedAddress>()
            .ok()?
            .addr(transaction);
        let pending = self.pending.swap_remove(index);
        (mapped.is_ipv4() == pending.base.is_ipv4()).then_some(Mapped {
            base: pending.base,
            mapped,
        })
    }
}

#[cfg(test)]
mod tests {
    use stun_types::message::MessageWriteExt as _;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("test address")
    }

    fn answer(request: &[u8], mapped: SocketAddr) -> Vec<u8> {
        let request = Message::from_bytes(request).expect("our own request");
        let mut answer = Message::builder_success(&request, MessageWriteVec::new());
        answer
            .add_attribute(&XorMappedAddress::new(mapped, request.transaction_id()))
            .expect("one attribute fits");
        answer.finish()
    }

    #[test]
    fn an_answer_counts_once_and_only_from_the_server_asked() {
        let (base, server) = (address("10.0.0.2:4000"), address("192.0.2.9:3478"));
        let mapped = address("203.0.113.7:61000");
        let now = Instant::now();
        let mut reflexive = Reflexive::new(vec![server]);
        reflexive.ask(
            &[base, address("127.0.0.1:4000"), address("[2001:db8::1]:4")],
            now,
        );
        let query = reflexive.poll_transmit(now).expect("a question");
        assert_eq!((query.base, query.server), (base, server));
        assert!(reflexive.poll_transmit(now).is_none());

        let answer = answer(&query.request, mapped);
        assert_eq!(reflexive.handle(address("192.0.2.8:3478"), &answer), None);
        assert_eq!(
            reflexive.handle(server, &answer),
            Some(Mapped { base, mapped })
        );
        assert_eq!(reflexive.handle(server, &answer), None);
        assert!(reflexive.poll_timeout().is_none());
    }

    #[test]
    fn a_silent_server_is_asked_four_times() {
        let mut now = Instant::now();
        let mut reflexive = Reflexive::new(vec![address("192.0.2.9:3478")]);
        reflexive.ask(&[address("10.0.0.2:4000")], now);
        let mut asked = 0;
        while let Some(due) = reflexive.poll_timeout() {
            now = now.max(due);
            asked += usize::from(reflexive.poll_transmit(now).is_some());
        }
        assert_eq!(asked, 4);
    }

    #[test]
    fn noise_from_a_server_is_ignored() {
        let server = address("192.0.2.9:3478");
        let mut reflexive = Reflexive::new(vec![server]);
        reflexive.ask(&[address("10.0.0.2:4000")], Instant::now());
        for noise in [&[][..], &[1, 1, 0, 0], &[0; 20], &[0xff; 1_500]] {
            assert_eq!(reflexive.handle(server, noise), None);
        }
    }
}
