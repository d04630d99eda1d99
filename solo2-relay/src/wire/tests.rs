use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    data_encoding::HEXLOWER
        .decode(digits.as_bytes())
        .expect("hexadecimal")
}

fn read(bytes: &[u8]) -> Message<'_> {
    Message::parse(bytes).expect("a STUN message")
}

/// RFC 5769 §2.1 to §2.3; the password of all three.
const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
const REQUEST: &str = "00010058 2112a442 b7e7a701bc34d686fa87dfae
    80220010 5354554e207465737420636c69656e74 00240004 6e0001ff 80290008 932ff9b151263b36
    00060009 6576746a3a68367659202020 00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf";
const RESPONSE_V4: &str = "0101003c 2112a442 b7e7a701bc34d686fa87dfae
    8022000b 7465737420766563746f7220 00200008 0001a147e112a643
    00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96";
const RESPONSE_V6: &str = "01010048 2112a442 b7e7a701bc34d686fa87dfae
    8022000b 7465737420766563746f7220 00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c";
/// RFC 5769 §2.4: username in Japanese, realm `example.org`, password `TheMatrIX`.
const LONG_TERM: &str = "00010060 2112a442 78ad3433c6ad72c029da412e
    00060012 e3839ee38388e383aae38383e382afe382b90000
    0015001c 662f2f3439396b3935346436 4f4c33346f4c394653547679363473 41
    0014000b 6578616d706c652e6f726700 00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666";

#[test]
fn the_vectors_of_rfc_5769_are_read() {
    for vector in [REQUEST, RESPONSE_V4, RESPONSE_V6] {
        let bytes = hex(vector);
        let message = read(&bytes);
        assert_eq!(message.method(), method::BINDING);
        assert!(message.has_fingerprint());
        assert_eq!(message.integrity(), Some(Integrity::Sha1));
        assert!(message.verify_short_term(PASSWORD));
        assert!(!message.verify_short_term("VOkJxbRl1RmTxUk/WvJxBT"));
    }
    let (v4, v6) = (hex(RESPONSE_V4), hex(RESPONSE_V6));
    for (bytes, address) in [
        (&v4, "192.0.2.1:32853"),
        (&v6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let message = read(bytes);
        assert_eq!(message.class(), Class::Success);
        let mapped = message
            .attribute(attribute::XOR_MAPPED_ADDRESS)
            .expect("it is there");
        assert_eq!(
            mapped.xor_address(&message.transaction()),
            address.parse().ok()
        );
    }
}

#[test]
fn the_long_term_vector_of_rfc_5769_is_read() {
    let bytes = hex(LONG_TERM);
    let message = read(&bytes);
    let username = message
        .attribute(attribute::USERNAME)
        .and_then(|it| it.text().map(str::to_owned))
        .expect("text");
    assert_eq!(username, "\u{30DE}\u{30C8}\u{30EA}\u{30C3}\u{30AF}\u{30B9}");
    assert!(message.verify(&LongTermKey::derive(&username, "example.org", "TheMatrIX")));
    assert!(!message.verify(&LongTermKey::derive(&username, "example.org", "TheMatrix")));
}

#[test]
fn the_vectors_of_rfc_5769_are_written() {
    // Padding differs: the RFC fills with spaces. So only §2.4, which fills with zeros.
    let bytes = hex(LONG_TERM);
    let message = read(&bytes);
    let mut out = Vec::new();
    let mut writer = Writer::new(
        &mut out,
        Class::Request,
        method::BINDING,
        message.transaction(),
    );
    for attribute in message.attributes() {
        writer.attribute(attribute.kind, attribute.value);
    }
    let key = LongTermKey::derive(
        "\u{30DE}\u{30C8}\u{30EA}\u{30C3}\u{30AF}\u{30B9}",
        "example.org",
        "TheMatrIX",
    );
    writer.integrity(Integrity::Sha1, &key);
    assert_eq!(out, bytes);
}

/// Computed with Python's `hmac` and `hashlib`: Allocate, REQUESTED-TRANSPORT UDP,
/// key `MD5("user:realm:pass")`.
#[test]
fn message_integrity_sha256_is_that_of_an_independent_computation() {
    let bytes = hex(
        "0003002c2112a442000102030405060708090a0b0019000411000000001c002081c46080e3ec30cd5246a4231c48acd89bbdcab77ccec4a5380ff94740db463d",
    );
    let key = LongTermKey::derive("user", "realm", "pass");
    assert_eq!(read(&bytes).integrity(), Some(Integrity::Sha256));
    assert!(read(&bytes).verify(&key));
    let mut out = Vec::new();
    Writer::new(
        &mut out,
        Class::Request,
        method::ALLOCATE,
        read(&bytes).transaction(),
    )
    .attribute(attribute::REQUESTED_TRANSPORT, &[UDP, 0, 0, 0])
    .integrity(Integrity::Sha256, &key);
    assert_eq!(out, bytes);
}

#[test]
fn nothing_behind_the_integrity_code_is_obeyed() {
    let key = LongTermKey::derive("user", "realm", "pass");
    for integrity in [Integrity::Sha1, Integrity::Sha256] {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, Class::Request, method::REFRESH, [1; 12]);
        writer
            .attribute(attribute::USERNAME, b"user")
            .integrity(integrity, &key);
        let honest = out.clone();
        let mut writer = Writer::new(&mut out, Class::Request, method::REFRESH, [1; 12]);
        writer
            .attribute(attribute::USERNAME, b"user")
            .integrity(integrity, &key);
        writer
            .attribute(attribute::LIFETIME, &[0; 4])
            .attribute(attribute::USERNAME, b"root")
            .fingerprint();
        let message = read(&out);
        assert!(message.verify(&key));
        assert!(message.attribute(attribute::LIFETIME).is_none());
        assert_eq!(
            message.attributes().count(),
            read(&honest).attributes().count()
        );
        // A second code of the same kind does not move the end.
        let mut writer = Writer::new(&mut out, Class::Request, method::REFRESH, [1; 12]);
        writer.integrity(integrity, &key);
        writer
            .attribute(attribute::LIFETIME, &[0; 4])
            .integrity(integrity, &key);
        assert_eq!(read(&out).attributes().count(), 0);
    }
}

#[test]
fn the_stronger_of_two_codes_must_hold() {
    let key = LongTermKey::derive("user", "realm", "pass");
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, Class::Request, method::REFRESH, [1; 12]);
    writer.integrity(Integrity::Sha1, &key);
    writer.integrity(
        Integrity::Sha256,
        &LongTermKey::derive("user", "realm", "guess"),
    );
    assert_eq!(read(&out).integrity(), Some(Integrity::Sha256));
    assert!(!read(&out).verify(&key));
}

#[test]
fn a_truncated_code_is_no_code() {
    let key = LongTermKey::derive("user", "realm", "pass");
    let mut out = Vec::new();
    let mut whole = Vec::new();
    Writer::new(&mut whole, Class::Request, method::REFRESH, [1; 12])
        .integrity(Integrity::Sha1, &key);
    let code = whole[24..].to_vec();
    for len in [0, 4, 16, 19] {
        Writer::new(&mut out, Class::Request, method::REFRESH, [1; 12])
            .attribute(attribute::MESSAGE_INTEGRITY, &code[..len]);
        assert!(!read(&out).verify(&key), "{len}");
    }
}

#[test]
fn lengths_that_lie_are_refused() {
    let good = hex(REQUEST);
    for len in 0..good.len() {
        assert!(Message::parse(&good[..len]).is_err(), "{len}");
    }
    let mut long = good.clone();
    long.push(0);
    assert_eq!(Message::parse(&long).err(), Some(WireError::Length));
    let mut attribute = good.clone();
    attribute[23] = 0xff;
    assert_eq!(Message::parse(&attribute).err(), Some(WireError::Length));
    let mut fingerprint = good;
    *fingerprint.last_mut().expect("bytes") ^= 1;
    assert_eq!(
        Message::parse(&fingerprint).err(),
        Some(WireError::Fingerprint)
    );
}

#[test]
fn channel_data_ends_where_it_says() {
    assert_eq!(
        channel_data(&hex("4000 0003 aabbcc 00")),
        Some((0x4000, &[0xaa, 0xbb, 0xcc][..]))
    );
    assert_eq!(channel_data(&hex("4fff 0000")), Some((0x4fff, &[][..])));
    for bad in [
        "",
        "4000",
        "4000 0004 aabbcc",
        "3fff 0000",
        "5000 0000",
        "7fff 0000",
    ] {
        assert_eq!(channel_data(&hex(bad)), None, "{bad}");
    }
}

#[test]
fn a_stream_is_cut_where_messages_end() {
    assert_eq!(framed_len(&hex("4000 0003 aa")), Ok(Some(8)));
    assert_eq!(framed_len(&hex("0001 0058")), Ok(Some(108)));
    assert_eq!(framed_len(&hex("0001 00")), Ok(None));
    for bad in ["0001 0057", "5000 0000", "80010000", "ffffffff"] {
        assert_eq!(framed_len(&hex(bad)), Err(WireError::NotStun), "{bad}");
    }
}

fn attributes() -> impl Strategy<Value = Vec<(u16, Vec<u8>)>> {
    let kind = any::<u16>().prop_filter("no code", |kind| {
        ![
            attribute::MESSAGE_INTEGRITY,
            attribute::MESSAGE_INTEGRITY_SHA256,
            attribute::FINGERPRINT,
        ]
        .contains(kind)
    });
    proptest::collection::vec((kind, proptest::collection::vec(any::<u8>(), 0..40)), 0..8)
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        attributes in attributes(), method in 0..0x1000_u16, class in 0..4_u8, transaction in any::<[u8; 12]>(),
        sha256 in any::<bool>(), address in any::<(std::net::IpAddr, u16)>(),
    ) {
        let class = [Class::Request, Class::Indication, Class::Success, Class::Error][usize::from(class)];
        let integrity = if sha256 { Integrity::Sha256 } else { Integrity::Sha1 };
        let key = LongTermKey::derive("user", "realm", "pass");
        let mut out = vec![0xaa; 7];
        let mut writer = Writer::new(&mut out, class, method, transaction);
        let address = std::net::SocketAddr::from(address);
        writer.xor_address(attribute::XOR_PEER_ADDRESS, address);
        for (kind, value) in &attributes {
            writer.attribute(*kind, value);
        }
        writer.integrity(integrity, &key).fingerprint();
        let message = read(&out);
        prop_assert_eq!((message.class(), message.method(), message.transaction()), (class, method, transaction));
        prop_assert!(message.has_fingerprint() && message.verify(&key));
        let back: Vec<_> = message.attributes().skip(1).map(|it| (it.kind, it.value.to_vec())).collect();
        prop_assert_eq!(back, attributes);
        let peer = message.attribute(attribute::XOR_PEER_ADDRESS).and_then(|it| it.xor_address(&transaction));
        prop_assert_eq!(peer, Some(address));
    }

    #[test]
    fn one_wrong_bit_is_noticed(bit in 0..32 * 8_usize) {
        let key = LongTermKey::derive("user", "realm", "pass");
        let mut out = Vec::new();
        Writer::new(&mut out, Class::Request, method::REFRESH, [1; 12])
            .attribute(attribute::LIFETIME, &[0, 0, 1, 0])
            .integrity(Integrity::Sha1, &key);
        out[bit / 8 % 28] ^= 1 << (bit % 8);
        prop_assert!(!Message::parse(&out).is_ok_and(|message| message.verify(&key)));
    }

    #[test]
    fn no_bytes_panic(head in any::<bool>(), bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut whole = if head { hex("00030000 2112a442 000102030405060708090a0b") } else { Vec::new() };
        whole.extend_from_slice(&bytes);
        if head {
            let length = u16::try_from(bytes.len()).expect("short");
            whole[2..4].copy_from_slice(&length.to_be_bytes());
        }
        let key = LongTermKey::derive("user", "realm", "pass");
        if let Ok(message) = Message::parse(&whole) {
            for attribute in message.attributes() {
                let _ = (attribute.text(), attribute.number(), attribute.xor_address(&message.transaction()));
            }
            prop_assert!(!message.verify(&key));
        }
        let _ = (channel_data(&whole), framed_len(&whole));
    }
}
