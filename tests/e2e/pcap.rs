//! Reads what tcpdump wrote: IP packets on a loopback, UDP payloads, and the
//! WebSocket messages inside TCP streams, unmasked.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// One end of a packet.
pub(crate) type End = (IpAddr, u16);
/// Where a piece of a TCP stream begins, and its bytes.
type Segment = (u32, Vec<u8>);

/// A UDP datagram, or several of one size that the kernel kept together.
pub(crate) struct Datagram {
    /// When, since the epoch.
    pub(crate) at: Duration,
    pub(crate) from: End,
    pub(crate) to: End,
    pub(crate) payload: Vec<u8>,
}

/// What was on the wire.
#[derive(Default)]
pub(crate) struct Capture {
    pub(crate) datagrams: Vec<Datagram>,
    /// The bytes of each direction of each TCP connection, in order.
    pub(crate) streams: BTreeMap<(End, End), Vec<u8>>,
    /// Packets that are neither.
    pub(crate) others: usize,
}

/// Parses a pcap file of an Ethernet-like interface.
pub(crate) fn parse(file: &[u8]) -> Capture {
    assert!(
        matches!(
            &file[..4],
            [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1]
        ),
        "a little-endian pcap"
    );
    assert_eq!(u32_le(file, 20), 1, "an Ethernet-like link type");
    let mut capture = Capture::default();
    let mut segments: BTreeMap<(End, End), Vec<Segment>> = BTreeMap::new();
    let mut at = 24;
    while at + 16 <= file.len() {
        let kept = u32_le(file, at + 8) as usize;
        let whole = u32_le(file, at + 12) as usize;
        assert_eq!(kept, whole, "no packet is cut");
        let Some(frame) = file.get(at + 16..at + 16 + kept) else {
            break;
        };
        // In nanoseconds if the file's first byte says so, else in microseconds.
        let unit = if file[0] == 0x4d { 1 } else { 1_000 };
        let when = Duration::new(u32_le(file, at).into(), u32_le(file, at + 4) * unit);
        at += 16 + kept;
        match packet(frame) {
            Some((from, to, 17, body)) => {
                let len = usize::from(u16::from_be_bytes([body[4], body[5]]));
                // Zero means: the kernel kept several together.
                let end = if len == 0 { body.len() } else { len };
                let payload = body[8..end].to_vec();
                capture.datagrams.push(Datagram {
                    at: when,
                    from,
                    to,
                    payload,
                });
            }
            Some((from, to, 6, body)) => {
                let header = usize::from(body[12] >> 4) * 4;
                let sequence = u32::from_be_bytes(body[4..8].try_into().unwrap());
                if body.len() > header {
                    segments
                        .entry((from, to))
                        .or_default()
                        .push((sequence, body[header..].to_vec()));
                }
            }
            _ => capture.others += 1,
        }
    }
    for (ends, mut parts) in segments {
        let first = parts[0].0;
        parts.sort_by_key(|(sequence, _)| sequence.wrapping_sub(first));
        let mut stream = Vec::new();
        for (sequence, bytes) in parts {
            let offset = sequence.wrapping_sub(first) as usize;
            // What was sent again is known already.
            let known = stream.len().saturating_sub(offset).min(bytes.len());
            stream.extend_from_slice(&bytes[known..]);
        }
        capture.streams.insert(ends, stream);
    }
    capture
}

/// The ends, the protocol and the transport header with its payload.
fn packet(frame: &[u8]) -> Option<(End, End, u8, &[u8])> {
    let kind = u16::from_be_bytes([*frame.get(12)?, *frame.get(13)?]);
    let ip = frame.get(14..)?;
    let (from, to, protocol, body) = match kind {
        0x0800 => {
            let header = usize::from(ip.first()? & 15) * 4;
            let whole = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
            let whole = if whole == 0 { ip.len() } else { whole };
            let from: [u8; 4] = ip.get(12..16)?.try_into().ok()?;
            let to: [u8; 4] = ip.get(16..20)?.try_into().ok()?;
            (
                IpAddr::from(from),
                IpAddr::from(to),
                *ip.get(9)?,
                ip.get(header..whole)?,
            )
        }
        0x86dd => {
            let from: [u8; 16] = ip.get(8..24)?.try_into().ok()?;
            let to: [u8; 16] = ip.get(24..40)?.try_into().ok()?;
            (
                IpAddr::from(from),
                IpAddr::from(to),
                *ip.get(6)?,
                ip.get(40..)?,
            )
        }
        _ => return None,
    };
    if protocol != 6 && protocol != 17 {
        return None;
    }
    let port = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
    Some(((from, port(0)?), (to, port(2)?), protocol, body))
}

/// The binary messages of one direction of a WebSocket, unmasked, and whatever
/// else was said, also unmasked.
pub(crate) fn websocket(stream: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let head = stream
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map_or(stream.len(), |at| at + 4);
    let mut rest = stream[..head].to_vec();
    let mut messages = Vec::new();
    let mut at = head;
    while let Some((opcode, payload, next)) = frame(stream, at) {
        match opcode {
            2 => messages.push(payload),
            _ => rest.extend(payload),
        }
        at = next;
    }
    rest.extend_from_slice(&stream[at..]);
    (messages, rest)
}

fn frame(stream: &[u8], at: usize) -> Option<(u8, Vec<u8>, usize)> {
    let first = *stream.get(at)?;
    let second = *stream.get(at + 1)?;
    let (len, mut next) = match second & 0x7f {
        126 => (
            usize::from(u16::from_be_bytes(
                stream.get(at + 2..at + 4)?.try_into().ok()?,
            )),
            at + 4,
        ),
        127 => (
            usize::try_from(u64::from_be_bytes(
                stream.get(at + 2..at + 10)?.try_into().ok()?,
            ))
            .ok()?,
            at + 10,
        ),
        len => (usize::from(len), at + 2),
    };
    let mut mask = [0; 4];
    if second & 0x80 != 0 {
        mask.copy_from_slice(stream.get(next..next + 4)?);
        next += 4;
    }
    let payload = stream.get(next..next.checked_add(len)?)?;
    let payload = payload
        .iter()
        .zip(mask.iter().cycle())
        .map(|(byte, mask)| byte ^ mask)
        .collect();
    Some((first & 15, payload, next + len))
}

fn u32_le(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// A secret as it might appear: as it is, in hex, in base64 at each alignment.
pub(crate) fn disguises(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![
        secret.to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
    ];
    for shift in 0..3 {
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(secret);
        for table in [STANDARD, URL_SAFE] {
            let text = base64(&shifted, table);
            // The first and last letters depend on the neighbours.
            let from = if shift == 0 { 0 } else { shift + 1 };
            let to = shifted.len() * 8 / 6;
            all.push(text[from..to].to_vec());
        }
    }
    all.sort();
    all.dedup();
    all
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base64(bytes: &[u8], table: &[u8; 64]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for letter in 0..=chunk.len() {
            out.push(table[(word >> (18 - 6 * letter) & 63) as usize]);
        }
    }
    out
}

#[test]
fn disguises_are_found_wherever_they_stand() {
    let secret = b"canary-0451";
    for before in 0..4 {
        let mut text = vec![b'.'; before];
        text.extend_from_slice(secret);
        text.extend_from_slice(b"....");
        let shown = base64(&text, STANDARD);
        assert!(
            disguises(secret)
                .iter()
                .any(|disguise| crate::world::contains(&shown, disguise)),
            "{before} bytes before"
        );
    }
}

#[test]
fn a_masked_websocket_frame_is_read() {
    let mut stream = b"GET / HTTP/1.1\r\n\r\n".to_vec();
    stream.extend([0x82, 0x83, 1, 2, 3, 4, b'a' ^ 1, b'b' ^ 2, b'c' ^ 3]);
    stream.extend([0x82, 0x02, b'd', b'e']);
    let (messages, rest) = websocket(&stream);
    assert_eq!(messages, [b"abc".to_vec(), b"de".to_vec()]);
    assert_eq!(rest, b"GET / HTTP/1.1\r\n\r\n");
}
