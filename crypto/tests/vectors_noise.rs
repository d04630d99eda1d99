//! Published Noise vectors, run through our resolver and through our states.
//!
//! `vectors/noise.json` names the source of each: cacophony (the Haskell
//! implementation), snow, and flynn/noise (the Go implementation), which has `XXpsk0`.

#[path = "support/given.rs"]
mod given;

use given::Given;
use serde_json::Value;
use snow::params::{HandshakeModifier, NoiseParams};
use snow::{Builder, HandshakeState};
use solo2_crypto::dh;
use solo2_crypto::noise::resolver::Resolver;
use solo2_crypto::noise::{IkInitiator, IkResponder, Transport, XxInitiator, XxResponder};
use solo2_crypto::secret::Secret;

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hex")
}

struct Vector {
    name: String,
    protocol: String,
    prologue: Vec<u8>,
    psks: Vec<[u8; 32]>,
    statics: [Secret<32>; 2],
    ephemerals: [Secret<32>; 2],
    handshake_hash: Option<Vec<u8>>,
    /// flynn/noise lets the initiator speak first after every handshake; the others go on taking turns.
    initiator_first: bool,
    /// Payload and ciphertext.
    messages: Vec<(Vec<u8>, Vec<u8>)>,
}

fn vectors() -> Vec<Vector> {
    let all: Vec<Value> =
        serde_json::from_str(include_str!("vectors/noise.json")).expect("our own file");
    all.iter().map(Vector::read).collect()
}

impl Vector {
    fn read(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let secret =
            |name: &str| Secret::from_slice(&hex(&text(&value[name]))).expect("a key of 32 bytes");
        let list = |value: &Value| value.as_array().expect("a list").clone();
        Self {
            name: format!("{} {}", text(&value["source"]), text(&value["protocol"])),
            protocol: text(&value["protocol"]),
            prologue: hex(&text(&value["prologue"])),
            psks: list(&value["psks"])
                .iter()
                .map(|psk| hex(&text(psk)).try_into().expect("32 bytes"))
                .collect(),
            statics: [secret("init_static"), secret("resp_static")],
            ephemerals: [secret("init_ephemeral"), secret("resp_ephemeral")],
            handshake_hash: value["handshake_hash"].as_str().map(hex),
            initiator_first: text(&value["source"]).starts_with("flynn"),
            messages: list(&value["messages"])
                .iter()
                .map(|message| (hex(&text(&message[0])), hex(&text(&message[1]))))
                .collect(),
        }
    }

    /// Turns left out after a handshake of so many messages.
    fn skipped_turns(&self, handshake: usize) -> usize {
        usize::from(self.initiator_first && handshake % 2 == 1)
    }

    fn state(&self, side: usize) -> HandshakeState {
        let params: NoiseParams = self.protocol.parse().expect("a protocol name");
        let places = params.handshake.modifiers.list.iter().map(|modifier| {
            let HandshakeModifier::Psk(place) = modifier else {
                panic!("not in our vectors");
            };
            *place
        });
        let places: Vec<u8> = places.collect();
        assert_eq!(places.len(), self.psks.len());
        let remote = dh::public(&self.statics[1]);
        let resolver = Resolver::with_ephemeral(self.ephemerals[side].duplicate());
        let mut builder = Builder::with_resolver(params, Box::new(resolver))
            .local_private_key(self.statics[side].expose())
            .and_then(|builder| builder.prologue(&self.prologue))
            .expect("set once");
        for (place, psk) in places.into_iter().zip(&self.psks) {
            builder = builder.psk(place, psk).expect("set once");
        }
        if side == 1 {
            return builder.build_responder().expect("complete");
        }
        if self.protocol.starts_with("Noise_IK") {
            builder = builder.remote_public_key(&remote).expect("set once");
        }
        builder.build_initiator().expect("complete")
    }
}

#[test]
fn every_vector_passes_through_our_resolver() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 11);
    for vector in &vectors {
        let mut states = [vector.state(0), vector.state(1)];
        let mut messages = vector.messages.iter().enumerate();
        while !states[0].is_handshake_finished() {
            let (turn, (payload, ciphertext)) = messages.next().expect("a whole handshake");
            let [from, to] = sides(&mut states, turn);
            let mut buffer = [0; 1024];
            let length = from.write_message(payload, &mut buffer).expect("our turn");
            assert_eq!(buffer[..length], ciphertext[..], "{} {turn}", vector.name);
            let mut read = [0; 1024];
            let length = to.read_message(ciphertext, &mut read).expect("their turn");
            assert_eq!(read[..length], payload[..], "{} {turn}", vector.name);
        }
        let hashes = states
            .each_ref()
            .map(|state| state.get_handshake_hash().to_vec());
        assert_eq!(hashes[0], hashes[1]);
        if let Some(hash) = &vector.handshake_hash {
            assert_eq!(&hashes[0], hash, "{}", vector.name);
        }
        let mut states = states.map(|state| state.into_transport_mode().expect("finished"));
        let skipped = vector.skipped_turns(vector.messages.len() - messages.len());
        for (turn, (payload, ciphertext)) in messages {
            let [from, to] = sides(&mut states, turn + skipped);
            let mut buffer = [0; 1024];
            let length = from.write_message(payload, &mut buffer).expect("fits");
            assert_eq!(buffer[..length], ciphertext[..], "{} {turn}", vector.name);
            let mut read = [0; 1024];
            let length = to.read_message(ciphertext, &mut read).expect("opens");
            assert_eq!(read[..length], payload[..], "{} {turn}", vector.name);
        }
    }
}

/// The sender and the receiver of the message at `turn`.
fn sides<T>(states: &mut [T; 2], turn: usize) -> [&mut T; 2] {
    let [initiator, responder] = states;
    if turn.is_multiple_of(2) {
        [initiator, responder]
    } else {
        [responder, initiator]
    }
}

fn transport(vector: &Vector, handshake: usize, mut states: [Transport; 2]) {
    let (hash, other) = (states[0].handshake_hash(), states[1].handshake_hash());
    assert_eq!(hash, other);
    let skipped = vector.skipped_turns(handshake);
    for (turn, (payload, ciphertext)) in vector.messages.iter().enumerate().skip(handshake) {
        let [from, to] = sides(&mut states, turn + skipped);
        assert_eq!(
            &from.seal(payload).expect("fits"),
            ciphertext,
            "{}",
            vector.name
        );
        assert_eq!(
            &to.open(ciphertext).expect("opens"),
            payload,
            "{}",
            vector.name
        );
    }
}

/// Those with payloads where our states allow none have been run above.
fn ours(protocol: &str, empty: usize) -> Vec<Vector> {
    let mut vectors = vectors();
    vectors.retain(|vector| {
        vector.protocol == protocol
            && vector
                .messages
                .iter()
                .take(empty)
                .all(|(payload, _)| payload.is_empty())
    });
    vectors
}

#[test]
fn ikpsk2_vectors_pass_through_our_states() {
    let vectors = ours("Noise_IKpsk2_25519_ChaChaPoly_SHA256", 2);
    assert_eq!(vectors.len(), 2);
    for vector in &vectors {
        let [alice, bob] = &vector.statics;
        let [here, there] = vector.ephemerals.each_ref().map(|e| Given::new(e.expose()));
        let (mut here, mut there, psk) = (here, there, Secret::new(&vector.psks[0]));
        let remote = dh::public(bob);
        let (waiting, first) =
            IkInitiator::start(alice, &remote, &vector.prologue, &mut here).expect("a good key");
        assert_eq!(first, vector.messages[0].1, "{}", vector.name);
        let called =
            IkResponder::read(bob, &vector.prologue, &first, &mut there).expect("well made");
        assert_eq!(called.remote(), dh::public(alice));
        let (responder, reply) = called.reply(&psk).expect("good keys");
        assert_eq!(reply, vector.messages[1].1, "{}", vector.name);
        let initiator = waiting.finish(&reply, &psk).expect("well made");
        transport(vector, 2, [initiator, responder]);
    }
}

#[test]
fn xxpsk0_vectors_pass_through_our_states() {
    let vectors = ours("Noise_XXpsk0_25519_ChaChaPoly_SHA256", 1);
    assert_eq!(vectors.len(), 2);
    for vector in &vectors {
        let [alice, bob] = &vector.statics;
        let [here, there] = vector.ephemerals.each_ref().map(|e| Given::new(e.expose()));
        let (mut here, mut there, psk) = (here, there, Secret::new(&vector.psks[0]));
        let (waiting, first) = XxInitiator::start(alice, &psk, &vector.prologue, &mut here);
        assert_eq!(first, vector.messages[0].1, "{}", vector.name);
        let (two, three) = (&vector.messages[1], &vector.messages[2]);
        let (last, second) =
            XxResponder::start(bob, &psk, &vector.prologue, &first, &two.0, &mut there)
                .expect("well made");
        assert_eq!(second, two.1, "{}", vector.name);
        let reply = waiting.read(&second).expect("well made");
        assert_eq!(
            (reply.payload(), reply.remote()),
            (&two.0[..], dh::public(bob))
        );
        let (initiator, third) = reply.finish(&three.0).expect("fits");
        assert_eq!(third, three.1, "{}", vector.name);
        let (responder, remote, payload) = last.finish(&third).expect("well made");
        assert_eq!((payload, remote), (three.0.clone(), dh::public(alice)));
        transport(vector, 3, [initiator, responder]);
    }
}
