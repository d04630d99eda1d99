//! One file on its way, as the vault remembers it until it has arrived or was called off.
//!
//! Transfers are part of a contact's secret record: their keys live and die with its slot.
//!
//! ```text
//!   ours:    Outgoing, Live ──the peer's receipt──► forgotten
//!   theirs:  Offered ──accept──► Wanted ──all there, verified──► Arrived ──renamed──► a message
//!               └──reject──► forgotten ◄──cancelled, failed──┘
//! ```

use solo2_crypto::content::Shape;
use solo2_crypto::secret::Secret;
use solo2_store::{Contact, Trust};
use zeroize::Zeroizing;

use super::route;
use crate::config::AcceptLimits;
use crate::files::target::Existing;
use crate::net::RoutePolicy;

/// Transfers with one contact that may be open at a time, in both directions together.
pub(crate) const OPEN_MAX: usize = 256;
/// Stands where a size would that is not known yet: no file is that long.
const UNKNOWN: u64 = u64::MAX;
/// Stands before the side of a transfer that may take one route only.
const DEMAND: u8 = 6;
/// Bytes of a path at most, as Linux has it.
const PATH_LEN: usize = 4096;

/// A file that was offered.
pub(crate) struct Transfer {
    /// The message that offers it.
    pub(crate) id: [u8; 16],
    pub(crate) name: String,
    pub(crate) shape: Shape,
    /// Bytes of the file, or of a directory's stream; `None` where only the end will tell.
    pub(crate) size: Option<u64>,
    pub(crate) key: Secret<32>,
    pub(crate) sent_at_ms: u64,
    pub(crate) reply_to: Option<[u8; 16]>,
    pub(crate) expires_in_s: Option<u64>,
    /// The one route that a file of ours may take.
    pub(crate) demand: Option<RoutePolicy>,
    pub(crate) side: Side,
}

/// Whose file it is, and how far it came.
pub(crate) enum Side {
    /// Ours: where it is, and what it looked like when it was offered.
    Outgoing { path: String, stamp: [u8; 32] },
    /// Ours, and a command of this user's reads it from its stdin.
    Live,
    /// Theirs, and nobody has decided; a pipe stays so until it has been listened to.
    Offered,
    /// Theirs, and it is to go there.
    Wanted(Place),
    /// The same, taken unasked and of unknown size: not more than so many bytes of it.
    WantedUpTo(u64, Place),
    /// Theirs, all of it is here; this is its hash. Only its name is still to be given.
    Arrived(Place, [u8; 32]),
}

/// Where a file goes.
pub(crate) enum Place {
    /// Into the vault, sealed.
    Vault { blob: [u8; 16], key: Secret<32> },
    /// Into a directory of the user's.
    Directory {
        path: String,
        /// The name there.
        name: String,
        existing: Existing,
    },
}

impl Transfer {
    pub(crate) fn is_incoming(&self) -> bool {
        !matches!(self.side, Side::Outgoing { .. } | Side::Live)
    }

    /// Bytes that may come of it before it is given up.
    pub(crate) fn most(&self) -> u64 {
        match &self.side {
            Side::WantedUpTo(most, _) => *most,
            _ => u64::MAX,
        }
    }

    pub(crate) fn place(&self) -> Option<&Place> {
        match &self.side {
            Side::Wanted(place) | Side::WantedUpTo(_, place) | Side::Arrived(place, _) => {
                Some(place)
            }
            Side::Outgoing { .. } | Side::Live | Side::Offered => None,
        }
    }
}

impl Place {
    pub(crate) fn duplicate(&self) -> Self {
        match self {
            Self::Vault { blob, key } => Self::Vault {
                blob: *blob,
                key: key.duplicate(),
            },
            Self::Directory {
                path,
                name,
                existing,
            } => Self::Directory {
                path: path.clone(),
                name: name.clone(),
                existing: *existing,
            },
        }
    }
}

/// The largest file of this contact that is taken without asking, in bytes.
pub(crate) fn accepted_size(contact: &Contact, limits: &AcceptLimits) -> Option<u64> {
    match contact.settings.get("max-file").map(String::as_str) {
        Some("off") => None,
        Some(bytes) => bytes.parse().ok(),
        None => match contact.trust {
            Trust::New => limits.new,
            Trust::Known => limits.known,
            Trust::Trusted => limits.trusted,
            Trust::Verified => limits.verified,
        },
    }
}

/// `count u16be`, then the transfers. Layout: docs/protocol/5-vault.md §4.
pub(crate) fn write(transfers: &[Transfer], out: &mut Zeroizing<Vec<u8>>) {
    let count = u16::try_from(transfers.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&count.to_be_bytes());
    for transfer in transfers.iter().take(usize::from(count)) {
        out.extend_from_slice(&transfer.id);
        text(out, &transfer.name);
        out.push(transfer.shape.code());
        out.extend_from_slice(&transfer.size.unwrap_or(UNKNOWN).to_be_bytes());
        out.extend_from_slice(transfer.key.expose());
        out.extend_from_slice(&transfer.sent_at_ms.to_be_bytes());
        option(out, transfer.reply_to.as_ref().map(|id| id.as_slice()));
        let expires = transfer.expires_in_s.map(u64::to_be_bytes);
        option(out, expires.as_ref().map(|bytes| bytes.as_slice()));
        if let Some(code) = transfer.demand.and_then(route::to_code) {
            out.extend_from_slice(&[DEMAND, code]);
        }
        match &transfer.side {
            Side::Outgoing { path, stamp } => {
                out.push(0);
                text(out, path);
                out.extend_from_slice(stamp);
            }
            Side::Offered => out.push(1),
            Side::Wanted(place) => {
                out.push(2);
                write_place(place, out);
            }
            Side::Arrived(place, root) => {
                out.push(3);
                write_place(place, out);
                out.extend_from_slice(root);
            }
            Side::Live => out.push(4),
            Side::WantedUpTo(most, place) => {
                out.push(5);
                out.extend_from_slice(&most.to_be_bytes());
                write_place(place, out);
            }
        }
    }
}

fn write_place(place: &Place, out: &mut Zeroizing<Vec<u8>>) {
    match place {
        Place::Vault { blob, key } => {
            out.push(0);
            out.extend_from_slice(blob);
            out.extend_from_slice(key.expose());
        }
        Place::Directory {
            path,
            name,
            existing,
        } => {
            out.push(match existing {
                Existing::Refuse => 1,
                Existing::Rename => 2,
                Existing::Overwrite => 3,
            });
            text(out, path);
            text(out, name);
        }
    }
}

fn text(out: &mut Zeroizing<Vec<u8>>, text: &str) {
    let len = u16::try_from(text.len()).unwrap_or(0);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(text.as_bytes().get(..usize::from(len)).unwrap_or_default());
}

fn option(out: &mut Zeroizing<Vec<u8>>, bytes: Option<&[u8]>) {
    out.push(u8::from(bytes.is_some()));
    out.extend_from_slice(bytes.unwrap_or_default());
}

/// Reads what [`write()`] wrote and moves `bytes` behind it.
pub(crate) fn read(bytes: &mut &[u8]) -> Option<Vec<Transfer>> {
    let count = u16::from_be_bytes(take(bytes)?);
    (0..count).map(|_| read_one(bytes)).collect()
}

fn read_one(bytes: &mut &[u8]) -> Option<Transfer> {
    let mut transfer = Transfer {
        id: take(bytes)?,
        name: read_text(bytes, 255)?,
        shape: take(bytes).and_then(|[code]| Shape::from_code(code))?,
        size: Some(u64::from_be_bytes(take(bytes)?)).filter(|size| *size != UNKNOWN),
        key: Secret::new(&take(bytes)?),
        sent_at_ms: u64::from_be_bytes(take(bytes)?),
        reply_to: read_option(bytes)?,
        expires_in_s: read_option(bytes)?.map(u64::from_be_bytes),
        demand: None,
        side: Side::Offered,
    };
    let mut tag = take(bytes)?;
    if tag == [DEMAND] {
        let [code] = take(bytes)?;
        transfer.demand = Some(route::from_code(code)?);
        tag = take(bytes)?;
    }
    transfer.side = match tag {
        [0] => Side::Outgoing {
            path: read_text(bytes, PATH_LEN)?,
            stamp: take(bytes)?,
        },
        [1] => Side::Offered,
        [2] => Side::Wanted(read_place(bytes)?),
        [3] => Side::Arrived(read_place(bytes)?, take(bytes)?),
        [4] => Side::Live,
        [5] => Side::WantedUpTo(u64::from_be_bytes(take(bytes)?), read_place(bytes)?),
        _ => return None,
    };
    Some(transfer)
}

fn read_place(bytes: &mut &[u8]) -> Option<Place> {
    let existing = match take(bytes)? {
        [0] => {
            return Some(Place::Vault {
                blob: take(bytes)?,
                key: Secret::new(&take(bytes)?),
            });
        }
        [1] => Existing::Refuse,
        [2] => Existing::Rename,
        [3] => Existing::Overwrite,
        _ => return None,
    };
    Some(Place::Directory {
        path: read_text(bytes, PATH_LEN)?,
        name: read_text(bytes, 255)?,
        existing,
    })
}

fn read_text(bytes: &mut &[u8], most: usize) -> Option<String> {
    let len = usize::from(u16::from_be_bytes(take(bytes)?));
    let (text, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    (len <= most).then(|| String::from_utf8(text.to_vec()).ok())?
}

fn read_option<const N: usize>(bytes: &mut &[u8]) -> Option<Option<[u8; N]>> {
    match take(bytes)? {
        [0] => Some(None),
        [1] => Some(Some(take(bytes)?)),
        _ => None,
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (field, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*field)
}

#[cfg(test)]
mod tests {
    use solo2_store::ContactId;

    use super::*;

    fn transfer(side: Side) -> Transfer {
        Transfer {
            id: [1; 16],
            name: "a.tar".into(),
            shape: Shape::Directory,
            size: (!matches!(side, Side::Live)).then_some(7),
            key: Secret::new(&[2; 32]),
            sent_at_ms: 3,
            reply_to: Some([4; 16]),
            expires_in_s: None,
            demand: None,
            side,
        }
    }

    fn all() -> Vec<Transfer> {
        let vault = || Place::Vault {
            blob: [5; 16],
            key: Secret::new(&[6; 32]),
        };
        let directory = Place::Directory {
            path: "/in".into(),
            name: "a.tar".into(),
            existing: Existing::Rename,
        };
        let outgoing = Side::Outgoing {
            path: "/out/a".into(),
            stamp: [7; 32],
        };
        [
            outgoing,
            Side::Offered,
            Side::Wanted(directory),
            Side::Wanted(vault()),
            Side::Arrived(vault(), [8; 32]),
            Side::Live,
            Side::WantedUpTo(9, vault()),
        ]
        .map(transfer)
        .into()
    }

    #[test]
    fn every_transfer_comes_back_and_no_beginning_of_one_does() {
        let mut bytes = Zeroizing::new(Vec::new());
        write(&all(), &mut bytes);
        let mut rest = bytes.as_slice();
        let read_back = read(&mut rest).expect("our own bytes");
        assert!(rest.is_empty());
        let mut again = Zeroizing::new(Vec::new());
        write(&read_back, &mut again);
        assert_eq!(*again, *bytes);
        assert_eq!(read_back.len(), 7);
        assert_eq!((read_back[0].size, read_back[5].size), (Some(7), None));
        assert_eq!((read_back[0].most(), read_back[6].most()), (u64::MAX, 9));
        for cut in 0..bytes.len() {
            assert!(read(&mut &bytes[..cut]).is_none(), "{cut} bytes");
        }
    }

    #[test]
    fn a_contacts_own_limit_stands_above_that_of_its_trust() {
        let limits = AcceptLimits {
            new: Some(1),
            known: Some(2),
            trusted: None,
            verified: Some(4),
        };
        let mut contact = Contact {
            id: ContactId([0; 16]),
            name: "bob".into(),
            account: [0; 32],
            certificate: Vec::new(),
            verified: false,
            trust: Trust::Known,
            blocked: false,
            changed_to: None,
            added_at_ms: 0,
            settings: std::collections::BTreeMap::new(),
        };
        assert_eq!(accepted_size(&contact, &limits), Some(2));
        contact.trust = Trust::Trusted;
        assert_eq!(accepted_size(&contact, &limits), None);
        contact.settings.insert("max-file".into(), "7".into());
        assert_eq!(accepted_size(&contact, &limits), Some(7));
        contact.settings.insert("max-file".into(), "off".into());
        assert_eq!(accepted_size(&contact, &limits), None);
    }
}
