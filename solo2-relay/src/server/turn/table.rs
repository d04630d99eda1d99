//! All allocations, found by client, by relayed address, and counted by owner.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Instant;

use rand::Rng;

use super::Client;
use super::allocation::Allocation;
use crate::credential::InviteId;
use crate::server::limits::Bucket;

/// Names an allocation while it lives.
pub(in crate::server) type Id = u32;

/// Says in a port table that nobody has the port.
const FREE: Id = Id::MAX;
/// Says that the relay has it: a listening socket is no relayed address.
const OURS: Id = Id::MAX - 1;

pub(in crate::server) struct Table {
    slots: Vec<Option<Allocation>>,
    vacant: Vec<Id>,
    clients: HashMap<Client, Id>,
    ports: Vec<Ports>,
    owners: HashMap<InviteId, Owner>,
}

/// The relayed addresses that one IP address is good for.
struct Ports {
    ip: IpAddr,
    first: u16,
    ids: Box<[Id]>,
}

/// What an invite holds at the moment.
struct Owner {
    allocations: u32,
    bytes: Bucket,
}

impl Table {
    pub(in crate::server) fn new(
        ips: &[IpAddr],
        ports: &RangeInclusive<u16>,
        taken: &[SocketAddr],
    ) -> Self {
        let mut ids = vec![FREE; ports.len()].into_boxed_slice();
        for at in taken
            .iter()
            .filter_map(|address| address.port().checked_sub(*ports.start()))
        {
            if let Some(id) = ids.get_mut(usize::from(at)) {
                *id = OURS;
            }
        }
        Self {
            slots: Vec::new(),
            vacant: Vec::new(),
            clients: HashMap::new(),
            ports: ips
                .iter()
                .map(|ip| Ports {
                    ip: *ip,
                    first: *ports.start(),
                    ids: ids.clone(),
                })
                .collect(),
            owners: HashMap::new(),
        }
    }

    pub(in crate::server) fn len(&self) -> usize {
        self.clients.len()
    }

    /// Whether there are relayed addresses of this kind.
    pub(in crate::server) fn ip(&self, ipv6: bool) -> Option<IpAddr> {
        self.ports
            .iter()
            .map(|ports| ports.ip)
            .find(|ip| ip.is_ipv6() == ipv6)
    }

    /// A relayed address that nobody has, drawn at random: who does not know it
    /// shall not guess it. With an even port if need be.
    pub(in crate::server) fn draw(
        &self,
        ip: IpAddr,
        even: bool,
        rng: &mut impl Rng,
    ) -> Option<SocketAddr> {
        let ports = self.ports.iter().find(|ports| ports.ip == ip)?;
        let len = ports.ids.len();
        let start = usize::try_from(rng.next_u32()).ok()? % len;
        let port = |at: usize| ports.first.checked_add(u16::try_from(at).ok()?);
        let fits = |at: &usize| !even || port(*at).is_some_and(|port| port.is_multiple_of(2));
        let mut free = (start..len)
            .chain(0..start)
            .filter(|at| ports.ids.get(*at) == Some(&FREE));
        Some(SocketAddr::new(ip, port(free.find(fits)?)?))
    }

    pub(in crate::server) fn by_client(&self, client: &Client) -> Option<Id> {
        self.clients.get(client).copied()
    }

    pub(in crate::server) fn clients(&self) -> impl Iterator<Item = &Client> {
        self.clients.keys()
    }

    pub(in crate::server) fn by_relayed(&self, address: SocketAddr) -> Option<&Allocation> {
        let ports = self.ports.iter().find(|ports| ports.ip == address.ip())?;
        let at = usize::from(address.port().checked_sub(ports.first)?);
        self.get(*ports.ids.get(at)?)
    }

    pub(in crate::server) fn get(&self, id: Id) -> Option<&Allocation> {
        self.slots.get(id as usize)?.as_ref()
    }

    pub(in crate::server) fn get_mut(&mut self, id: Id) -> Option<&mut Allocation> {
        self.slots.get_mut(id as usize)?.as_mut()
    }

    /// Places that were ever needed at the same time.
    #[cfg(test)]
    pub(in crate::server) fn places(&self) -> usize {
        self.slots.len()
    }

    /// Allocations of this owner.
    pub(in crate::server) fn held_by(&self, owner: InviteId) -> u32 {
        self.owners.get(&owner).map_or(0, |owner| owner.allocations)
    }

    /// Takes an allocation in. Its client and its relayed address have no other.
    pub(in crate::server) fn insert(&mut self, allocation: Allocation, burst: f64, now: Instant) {
        let owner = self
            .owners
            .entry(allocation.owner)
            .or_insert_with(|| Owner {
                allocations: 0,
                bytes: Bucket::new(burst, now),
            });
        owner.allocations += 1;
        let (client, relayed) = (allocation.client, allocation.relayed);
        let id = match self.vacant.pop() {
            Some(id) => {
                if let Some(slot) = self.slots.get_mut(id as usize) {
                    *slot = Some(allocation);
                }
                id
            }
            None => {
                self.slots.push(Some(allocation));
                Id::try_from(self.slots.len() - 1).unwrap_or(FREE)
            }
        };
        self.clients.insert(client, id);
        self.set_port(relayed, id);
    }

    /// Takes an allocation out, and everything that led to it.
    pub(in crate::server) fn remove(&mut self, id: Id) -> Option<Allocation> {
        let allocation = self.slots.get_mut(id as usize)?.take()?;
        self.vacant.push(id);
        self.clients.remove(&allocation.client);
        self.set_port(allocation.relayed, FREE);
        if let Some(owner) = self.owners.get_mut(&allocation.owner) {
            owner.allocations -= 1;
            if owner.allocations == 0 {
                self.owners.remove(&allocation.owner);
            }
        }
        Some(allocation)
    }

    /// The allocations of which this is true.
    pub(in crate::server) fn those(&self, is: impl Fn(&Allocation) -> bool) -> Vec<Id> {
        let known = self.clients.values().copied();
        known.filter(|id| self.get(*id).is_some_and(&is)).collect()
    }

    /// Whether this owner may send so many bytes more, at `rate` bytes a second.
    pub(in crate::server) fn spend(
        &mut self,
        owner: InviteId,
        bytes: usize,
        rate: f64,
        now: Instant,
    ) -> bool {
        let Some(owner) = self.owners.get_mut(&owner) else {
            return false;
        };
        #[expect(clippy::cast_precision_loss, reason = "a datagram's length")]
        owner.bytes.take(bytes as f64, (rate, rate), now)
    }

    fn set_port(&mut self, address: SocketAddr, id: Id) {
        let ports = self.ports.iter_mut().find(|ports| ports.ip == address.ip());
        let slot = ports.and_then(|ports| {
            let at = address.port().checked_sub(ports.first)?;
            ports.ids.get_mut(usize::from(at))
        });
        if let Some(slot) = slot {
            *slot = id;
        }
    }
}
