//! Who is let in, for how long, and what strangers get.

use super::*;

#[test]
fn nothing_is_kept_about_who_has_shown_no_password() {
    let mut world = World::new();
    let mut stranger = Device::new(1);
    stranger.knock(&mut world);
    stranger.username.invite = InviteId::new(None, [1; 8]);
    let mut guess = stranger.request(method::ALLOCATE, &[ASK_UDP], &[]);
    let at = guess.len() - 10;
    guess[at] ^= 1;
    // The last eight bytes are the fingerprint, which must be right.
    let message_end = guess.len() - 8;
    let crc = crc32fast::hash(&guess[..message_end]) ^ 0x5354_554e;
    guess[message_end + 4..].copy_from_slice(&crc.to_be_bytes());
    assert_eq!(world.ask(stranger.client, &guess), Some(401));
    assert_eq!(world.turn.allocations(), 0);
    assert_eq!(world.sockets.1, 0);
    assert_eq!(world.turn.table.held_by(stranger.username.invite), 0);
}

#[test]
fn a_nonce_is_good_for_its_address_and_an_hour() {
    let mut world = World::new();
    let mut alice = Device::new(1);
    alice.knock(&mut world);
    let mut mallory = Device {
        client: client(2),
        ..Device::new(2)
    };
    mallory.nonce.clone_from(&alice.nonce);
    assert_eq!(
        mallory.ask(&mut world, method::ALLOCATE, &[ASK_UDP], &[]),
        Some(438)
    );
    assert!(
        Message::parse(&world.reply)
            .expect("STUN")
            .attribute(attribute::NONCE)
            .is_some()
    );
    world.pass(3599);
    alice.username.expires += 3600;
    assert_eq!(
        alice.ask(&mut world, method::ALLOCATE, &[ASK_UDP], &[]),
        Some(0)
    );
    world.pass(1);
    assert_eq!(alice.refresh(&mut world, 600), Some(438));
    alice.nonce = vec![b'A'; auth::NONCE_TEXT_LEN];
    assert_eq!(alice.refresh(&mut world, 600), Some(438));
}

/// RFC 8656 §7.2: with the fresh nonce the same client is told that it has an allocation,
/// and that one goes on.
#[test]
fn who_allocates_again_after_a_stale_nonce_has_what_it_had() {
    let mut world = World::new();
    let mut device = Device::new(1);
    device.username.expires += 3600;
    device.knock(&mut world);
    world.pass(3500);
    assert_eq!(device.allocate(&mut world), Some(0));
    world.pass(150);
    assert_eq!(device.allocate(&mut world), Some(438));
    let answer = Message::parse(&world.reply).expect("STUN");
    let nonce = answer.attribute(attribute::NONCE).expect("a fresh one");
    assert_ne!(device.nonce, nonce.value);
    device.nonce = nonce.value.to_vec();
    assert_eq!(device.allocate(&mut world), Some(437));
    assert_eq!(
        (world.turn.allocations(), world.turn.counts().allocations),
        (1, 1)
    );
    let relayed = device.relayed;
    assert_eq!(device.refresh(&mut world, 600), Some(0));
    let mut other = Device::new(2);
    other.username = device.username;
    assert_eq!(other.allocate(&mut world), Some(0));
    assert_eq!(other.bind(&mut world, 0x4000, relayed), Some(0));
    assert_eq!(device.permit(&mut world, other.relayed), Some(0));
    let (action, _) = world.say(other.client, &channel_message(0x4000, b"still there"));
    assert_eq!(action, Action::Reply { to: device.client });
    // Given back, it may be had anew.
    assert_eq!(device.refresh(&mut world, 0), Some(0));
    assert_eq!(device.allocate(&mut world), Some(0));
}

#[test]
fn a_credential_ends_with_its_day_its_invite_or_by_revocation() {
    let mut world = World::new();
    let mut device = Device::new(1);
    device.knock(&mut world);
    let mut ask = |world: &mut World, expires: u64, ends: Option<u64>| {
        device.username = Username {
            expires,
            invite: InviteId::new(ends, [1; 8]),
        };
        let code = device.ask(world, method::ALLOCATE, &[ASK_UDP], &[]);
        if code == Some(0) {
            assert_eq!(device.refresh(world, 0), Some(0));
        }
        code
    };
    assert_eq!(ask(&mut world, UNIX + 86_400, None), Some(0));
    assert_eq!(
        ask(&mut world, UNIX + 86_401, None),
        Some(401),
        "more than a day ahead"
    );
    assert_eq!(ask(&mut world, UNIX, None), Some(401), "over");
    assert_eq!(ask(&mut world, UNIX + 10, Some(UNIX + 1)), Some(0));
    assert_eq!(
        ask(&mut world, UNIX + 10, Some(UNIX)),
        Some(401),
        "the invite is over"
    );
    let mut held = Device::with_allocation(&mut world, 2);
    world
        .turn
        .revoke([held.username.invite].into(), &mut world.sockets);
    assert_eq!(world.turn.allocations(), 0, "what it holds ends");
    assert!(world.sockets.0.is_empty());
    assert_eq!(held.allocate(&mut world), Some(401));
    world.turn.revoke(HashSet::new(), &mut world.sockets);
    assert_eq!(held.allocate(&mut world), Some(0));
}

#[test]
fn a_later_credential_of_the_same_invite_goes_on_and_another_invite_does_not() {
    let mut world = World::new();
    let mut device = Device::with_allocation(&mut world, 1);
    device.username.expires += 60;
    assert_eq!(device.refresh(&mut world, 600), Some(0));
    device.username.invite = InviteId::new(None, [2; 8]);
    assert_eq!(device.refresh(&mut world, 600), Some(441));
    assert_eq!(
        device.permit(&mut world, SocketAddr::new(ip(RELAY), 50_001)),
        Some(441)
    );
}

/// RFC 8489 §9.2.2: the realm is a part of the key.
#[test]
fn a_realm_of_the_operators_is_named_and_keys_are_derived_with_it() {
    let longest = "a-relay-with-a-name-of-forty.example.org";
    let mut world = World::with(Peers::OwnRelays, |rules| {
        rules.realm = longest.parse().expect("a realm");
    });
    let mut device = Device::new(1);
    device.realm = longest.to_owned();
    device.knock(&mut world);
    assert!(world.reply.len() <= 128, "{} bytes", world.reply.len());
    assert_eq!(device.allocate(&mut world), Some(0));
    device.realm = REALM.to_owned();
    assert_eq!(device.refresh(&mut world, 600), Some(401));
}

/// stun-post-mi: what stands behind the integrity code changes nothing.
#[test]
fn an_attribute_behind_the_integrity_code_is_not_obeyed() {
    let mut world = World::new();
    let mut device = Device::with_allocation(&mut world, 1);
    let mut request = Vec::new();
    let mut writer = Writer::new(&mut request, Class::Request, method::REFRESH, [99; 12]);
    writer
        .attribute(attribute::USERNAME, device.username.to_string().as_bytes())
        .attribute(attribute::REALM, REALM.as_bytes())
        .attribute(attribute::NONCE, &device.nonce)
        .integrity(Integrity::Sha1, &device.key())
        .attribute(attribute::LIFETIME, &[0; 4]);
    assert_eq!(world.ask(device.client, &request), Some(0));
    assert_eq!(world.turn.allocations(), 1, "it was not deleted");
    assert_eq!(device.refresh(&mut world, 0), Some(0));
}

#[test]
fn strangers_are_answered_a_bounded_number_of_times() {
    let mut world = World::new();
    let mut bare = Vec::new();
    Writer::new(&mut bare, Class::Request, method::ALLOCATE, [9; 12]);
    let mut device = Device::with_allocation(&mut world, 1);
    let answered = (0..2000)
        .filter(|_| world.ask(client(7), &bare).is_some())
        .count();
    assert_eq!(answered, 499, "500 less the one that brought the nonce");
    assert!(
        world.reply.len() <= 128,
        "{} bytes for {}",
        world.reply.len(),
        bare.len()
    );
    // Who has a password is served all the same.
    assert_eq!(device.refresh(&mut world, 600), Some(0));
}

#[test]
fn binding_tells_the_address_and_nothing_else() {
    let mut world = World::new();
    let mut request = Vec::new();
    Writer::new(&mut request, Class::Request, method::BINDING, [5; 12]);
    assert_eq!(world.ask(client(4), &request), Some(0));
    assert_eq!(
        told(&world.reply, attribute::XOR_MAPPED_ADDRESS),
        client(4).address
    );
    assert_eq!(
        Message::parse(&world.reply)
            .expect("STUN")
            .attributes()
            .count(),
        1
    );
    assert_eq!(
        world.ask(client(0), &request),
        None,
        "nobody sends from port 0"
    );
    Writer::new(&mut request, Class::Request, method::BINDING, [5; 12])
        .attribute(0x0003, &[0, 0, 0, 6]);
    assert_eq!(
        world.ask(client(4), &request),
        Some(420),
        "no reflecting to other ports"
    );
    world.turn.rules.stun = false;
    Writer::new(&mut request, Class::Request, method::BINDING, [5; 12]);
    assert_eq!(world.ask(client(4), &request), None);
}
