//! One allocation: a client, the address it is reached under, and whom it lets in.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::Client;
use crate::credential::InviteId;
use crate::wire::TransactionId;

/// How long an allocation lives without a Refresh, in seconds: the only lifetime
/// that is given (RFC 8656 §7.2 has it as the default).
pub(super) const LIFETIME: u32 = 600;
/// How long a permission lives (RFC 8656 §9).
const PERMISSION: Duration = Duration::from_secs(300);
/// How long a channel lives (RFC 8656 §12).
const CHANNEL: Duration = Duration::from_secs(600);
/// Peers that an allocation may let in at a time.
const MOST_PERMISSIONS: usize = 8;
/// Channels that it may have at a time.
const MOST_CHANNELS: usize = 8;

pub(in crate::server) struct Allocation {
    pub(super) client: Client,
    /// Where peers find it.
    pub(super) relayed: SocketAddr,
    /// The invite whose credential made it.
    pub(super) owner: InviteId,
    /// The request that made it, to know it again when it is sent twice.
    pub(super) transaction: TransactionId,
    pub(super) expires: Instant,
    permissions: Vec<Permission>,
    channels: Vec<Channel>,
}

#[derive(Clone, Copy)]
struct Permission {
    ip: IpAddr,
    expires: Instant,
}

#[derive(Clone, Copy)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    expires: Instant,
}

/// Why a channel cannot be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BindError {
    /// The number has another peer, or the peer another number.
    Taken,
    /// There are as many as there may be.
    Full,
}

impl Allocation {
    pub(super) fn new(
        client: Client,
        relayed: SocketAddr,
        owner: InviteId,
        transaction: TransactionId,
        now: Instant,
    ) -> Self {
        Self {
            client,
            relayed,
            owner,
            transaction,
            expires: now + Duration::from_secs(LIFETIME.into()),
            permissions: Vec::new(),
            channels: Vec::new(),
        }
    }

    pub(super) fn refresh(&mut self, now: Instant) {
        self.expires = now + Duration::from_secs(LIFETIME.into());
    }

    /// Whether this peer may be sent to, and heard. By address without port, as
    /// RFC 8656 §9 has it.
    pub(super) fn permits(&self, ip: IpAddr, now: Instant) -> bool {
        self.permissions
            .iter()
            .any(|it| it.ip == ip && it.expires > now)
    }

    /// Lets all these in, or, if they are too many, none of them.
    pub(super) fn permit(&mut self, ips: impl Iterator<Item = IpAddr>, now: Instant) -> bool {
        let mut next: Vec<_> = self
            .permissions
            .iter()
            .copied()
            .filter(|it| it.expires > now)
            .collect();
        for ip in ips {
            next.retain(|it| it.ip != ip);
            next.push(Permission {
                ip,
                expires: now + PERMISSION,
            });
            if next.len() > MOST_PERMISSIONS {
                return false;
            }
        }
        self.permissions = next;
        true
    }

    /// The peer that this channel leads to.
    pub(super) fn peer_of(&self, number: u16, now: Instant) -> Option<SocketAddr> {
        let channel = self
            .channels
            .iter()
            .find(|it| it.number == number && it.expires > now)?;
        Some(channel.peer)
    }

    /// The channel that leads to this peer.
    pub(super) fn channel_to(&self, peer: SocketAddr, now: Instant) -> Option<u16> {
        let channel = self
            .channels
            .iter()
            .find(|it| it.peer == peer && it.expires > now)?;
        Some(channel.number)
    }

    /// Binds a channel, or binds it for longer. Its peer is let in as well.
    pub(super) fn bind(
        &mut self,
        number: u16,
        peer: SocketAddr,
        now: Instant,
    ) -> Result<(), BindError> {
        self.channels.retain(|it| it.expires > now);
        let expires = now + CHANNEL;
        let same = |it: &Channel| it.number == number && it.peer == peer;
        if self
            .channels
            .iter()
            .any(|it| (it.number == number || it.peer == peer) && !same(it))
        {
            return Err(BindError::Taken);
        }
        let bound = self.channels.iter().position(same);
        if bound.is_none() && self.channels.len() >= MOST_CHANNELS {
            return Err(BindError::Full);
        }
        if !self.permit([peer.ip()].into_iter(), now) {
            return Err(BindError::Full);
        }
        match bound.and_then(|at| self.channels.get_mut(at)) {
            Some(channel) => channel.expires = expires,
            None => self.channels.push(Channel {
                number,
                peer,
                expires,
            }),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::turn::Via;

    fn allocation() -> (Allocation, Instant) {
        let now = Instant::now();
        let any: SocketAddr = "192.0.2.1:1".parse().expect("an address");
        let client = Client {
            via: Via::Udp(0),
            address: any,
            local: None,
        };
        (
            Allocation::new(client, any, InviteId::new(None, [0; 8]), [0; 12], now),
            now,
        )
    }

    fn peer(last: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], port))
    }

    #[test]
    fn a_permission_is_for_an_address_and_five_minutes() {
        let (mut allocation, now) = allocation();
        assert!(allocation.permit([peer(2, 0).ip()].into_iter(), now));
        assert!(allocation.permits(peer(2, 9).ip(), now + Duration::from_secs(299)));
        assert!(!allocation.permits(peer(2, 9).ip(), now + Duration::from_secs(300)));
        assert!(!allocation.permits(peer(3, 9).ip(), now));
    }

    #[test]
    fn nine_peers_are_too_many_and_then_none_is_let_in() {
        let (mut allocation, now) = allocation();
        assert!(!allocation.permit((0..9).map(|last| peer(last, 0).ip()), now));
        assert!(!allocation.permits(peer(0, 0).ip(), now));
        assert!(allocation.permit((0..8).map(|last| peer(last, 0).ip()), now));
        assert!(
            allocation.permit([peer(3, 0).ip()].into_iter(), now),
            "one of the eight, again"
        );
        assert!(!allocation.permit([peer(8, 0).ip()].into_iter(), now));
        assert!(allocation.permit([peer(8, 0).ip()].into_iter(), now + PERMISSION));
    }

    #[test]
    fn a_channel_and_its_peer_belong_to_each_other() {
        let (mut allocation, now) = allocation();
        assert_eq!(allocation.bind(0x4000, peer(2, 5), now), Ok(()));
        assert_eq!(allocation.bind(0x4000, peer(2, 5), now), Ok(()));
        assert_eq!(
            allocation.bind(0x4000, peer(2, 6), now),
            Err(BindError::Taken)
        );
        assert_eq!(
            allocation.bind(0x4001, peer(2, 5), now),
            Err(BindError::Taken)
        );
        assert_eq!(allocation.peer_of(0x4000, now), Some(peer(2, 5)));
        assert_eq!(allocation.channel_to(peer(2, 5), now), Some(0x4000));
        assert!(allocation.permits(peer(2, 0).ip(), now));
        let later = now + CHANNEL;
        assert_eq!(allocation.peer_of(0x4000, later), None);
        assert_eq!(allocation.channel_to(peer(2, 5), later), None);
        assert_eq!(allocation.bind(0x4000, peer(2, 6), later), Ok(()));
    }

    #[test]
    fn the_ninth_channel_is_one_too_many() {
        let (mut allocation, now) = allocation();
        for port in 0..8 {
            assert_eq!(allocation.bind(0x4000 + port, peer(2, port), now), Ok(()));
        }
        assert_eq!(
            allocation.bind(0x4008, peer(2, 8), now),
            Err(BindError::Full)
        );
        assert_eq!(allocation.bind(0x4007, peer(2, 7), now), Ok(()));
    }
}
