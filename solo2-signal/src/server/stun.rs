//! Tells a device its address as seen from here: STUN Binding over UDP
//! (RFC 8489), and nothing else of that protocol.
//!
//! A request gets XOR-MAPPED-ADDRESS, with no word about this software. Whatever
//! is not such a request gets no answer at all. The answer is 32 bytes for IPv4
//! and 44 for IPv6, so with its headers it is never twice the packet that asked
//! for it, and there is a cap per second: not a tool to flood anybody with.

use std::io;
use std::net::SocketAddr;

use stun_types::attribute::{
    Attribute, AttributeStaticType, AttributeType, MessageIntegrity, MessageIntegritySha256, Nonce,
    PasswordAlgorithm, Realm, Userhash, Username, XorMappedAddress,
};
use stun_types::message::{
    BINDING, Message, MessageClass, MessageHeader, MessageWrite, MessageWriteExt,
    MessageWriteMutSlice,
};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::Instant;
use zeroize::Zeroize;

use super::limits::Bucket;

/// Longest request looked at, in bytes.
const REQUEST_LEN: usize = 1280;
/// Header and one XOR-MAPPED-ADDRESS for IPv6.
const RESPONSE_LEN: usize = 44;
/// Answers at once, and answers per second.
const ANSWERS: (u32, u32) = (2000, 1000);
/// Datagrams read before the task lets others run.
const TURN: usize = 32;

/// ICE attributes that must be understood (RFC 8445 §16.1).
const PRIORITY: AttributeType = AttributeType::new(0x0024);
const USE_CANDIDATE: AttributeType = AttributeType::new(0x0025);

/// Attributes that a request may carry although they must be understood: they
/// ask for nothing that changes the answer of an open server.
const UNDERSTOOD: [AttributeType; 9] = [
    Username::TYPE,
    MessageIntegrity::TYPE,
    MessageIntegritySha256::TYPE,
    Realm::TYPE,
    Nonce::TYPE,
    Userhash::TYPE,
    PasswordAlgorithm::TYPE,
    PRIORITY,
    USE_CANDIDATE,
];

/// Answers until the server stops.
pub(super) async fn serve(socket: UdpSocket, mut stop: watch::Receiver<bool>) {
    let mut desk = Desk {
        request: vec![0; REQUEST_LEN + 1].into_boxed_slice(),
        response: vec![0; RESPONSE_LEN].into_boxed_slice(),
        answers: Bucket::new(ANSWERS.0, ANSWERS.1, Instant::now()),
    };
    loop {
        let readable = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            readable = socket.readable() => readable,
        };
        if readable.is_err() {
            return;
        }
        for _ in 0..TURN {
            if desk.answer_one(&socket).is_err() {
                break;
            }
        }
        tokio::task::yield_now().await;
    }
}

/// The memory of one request and its answer.
struct Desk {
    request: Box<[u8]>,
    response: Box<[u8]>,
    answers: Bucket,
}

impl Desk {
    /// Reads a datagram and answers it if it deserves that. Not `async`, so that
    /// the address stays on the stack and is in no future that waits.
    fn answer_one(&mut self, socket: &UdpSocket) -> io::Result<()> {
        let (len, from) = socket.try_recv_from(&mut self.request)?;
        let request = self.request.get(..len).unwrap_or_default();
        if len <= REQUEST_LEN
            && self.answers.take(Instant::now())
            && let Some(len) = respond(request, from, &mut self.response)
        {
            // A full socket buffer loses the answer, as the network might.
            let _ = socket.try_send_to(self.response.get(..len).unwrap_or_default(), from);
        }
        self.request.zeroize();
        self.response.zeroize();
        Ok(())
    }
}

/// Writes the answer to a Binding request, and says how long it is. `None` if
/// this is no Binding request.
fn respond(request: &[u8], from: SocketAddr, response: &mut [u8]) -> Option<usize> {
    let header = MessageHeader::from_bytes(request).ok()?;
    if usize::from(header.data_length()) + MessageHeader::LENGTH != request.len() {
        return None;
    }
    let request = Message::from_bytes(request).ok()?;
    if !request.has_method(BINDING) || !request.has_class(MessageClass::Request) {
        return None;
    }
    let understood =
        |kind: AttributeType| !kind.comprehension_required() || UNDERSTOOD.contains(&kind);
    if !request
        .iter_attributes()
        .all(|(_, attribute)| understood(attribute.get_type()))
    {
        return None;
    }
    let from = SocketAddr::new(from.ip().to_canonical(), from.port());
    let address = XorMappedAddress::new(from, request.transaction_id());
    let mut writer = Message::builder_success(&request, MessageWriteMutSlice::new(response));
    writer.add_attribute(&address).ok()?;
    Some(writer.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 5769 §2.1, the sample request.
    const SAMPLE_REQUEST: [u8; 108] = [
        0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6,
        0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74,
        0x65, 0x73, 0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e,
        0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36,
        0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20,
        0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e,
        0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5,
        0x7a, 0x3b, 0xcf,
    ];
    fn ask(request: &[u8], from: &str) -> Option<Vec<u8>> {
        let mut response = vec![0; RESPONSE_LEN];
        let len = respond(request, from.parse().expect("an address"), &mut response)?;
        response.truncate(len);
        Some(response)
    }

    fn bare() -> Vec<u8> {
        let mut request = vec![0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42];
        request.extend_from_slice(&[
            0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
        ]);
        request
    }

    #[test]
    fn the_rfc_5769_request_is_read_and_answered() {
        let message = Message::from_bytes(&SAMPLE_REQUEST).expect("the sample parses");
        assert!(message.has_method(BINDING));
        let username = message.attribute::<Username>().expect("it has a username");
        assert_eq!(username.username(), "evtj:h6vY");
        assert!(ask(&SAMPLE_REQUEST, "192.0.2.1:32853").is_some());
    }

    #[test]
    fn the_mapped_address_is_that_of_rfc_5769() {
        // §2.2 and §2.3 map 192.0.2.1:32853 and an IPv6 address under this id.
        let response = ask(&bare(), "192.0.2.1:32853").expect("answered");
        assert_eq!(response[..4], [0x01, 0x01, 0x00, 0x0c]);
        assert_eq!(response[4..20], bare()[4..20]);
        let mapped = [
            0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
        ];
        assert_eq!(response[20..], mapped);

        let response =
            ask(&bare(), "[2001:db8:1234:5678:11:2233:4455:6677]:32853").expect("answered");
        let mapped = [
            0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3,
            0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
        ];
        assert_eq!(response[20..], mapped);
    }

    #[test]
    fn an_answer_is_less_than_twice_the_packet_that_asked() {
        for (from, headers) in [("192.0.2.1:1", 28), ("[2001:db8::1]:1", 48)] {
            let response = ask(&bare(), from).expect("answered");
            assert!(response.len() + headers <= 2 * (bare().len() + headers));
        }
    }

    #[test]
    fn a_mapped_ipv4_sender_is_told_its_ipv4_address() {
        assert!(ask(&bare(), "[::ffff:192.0.2.1]:32853") == ask(&bare(), "192.0.2.1:32853"));
    }

    #[test]
    fn anything_else_is_dropped() {
        let edits: [(usize, u8); 5] = [
            (0, 0x01), // a response
            (1, 0x11), // an indication
            (1, 0x03), // TURN Allocate
            (3, 0x04), // a length that lies
            (4, 0x22), // another cookie
        ];
        for (position, value) in edits {
            let mut request = bare();
            request[position] = value;
            assert!(ask(&request, "192.0.2.1:1").is_none());
        }
        let mut change_request = bare();
        change_request[3] = 8;
        change_request.extend_from_slice(&[0x00, 0x03, 0x00, 0x04, 0, 0, 0, 6]);
        assert!(
            ask(&change_request, "192.0.2.1:1").is_none(),
            "no reflecting to other ports"
        );
        let mut trailing = bare();
        trailing.push(0);
        assert!(ask(&trailing, "192.0.2.1:1").is_none());
    }

    proptest! {
        #[test]
        fn no_datagram_panics_or_gets_a_long_answer(
            head in proptest::bool::ANY,
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            let mut request = if head { bare() } else { Vec::new() };
            if head {
                request[2..4].copy_from_slice(&u16::try_from(bytes.len()).expect("short").to_be_bytes());
            }
            request.extend_from_slice(&bytes);
            if let Some(response) = ask(&request, "[2001:db8::1]:1") {
                prop_assert!(response.len() <= RESPONSE_LEN);
            }
        }
    }
}
