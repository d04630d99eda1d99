//! Machines with other networks than most.

use std::time::Duration;

use crate::namespace::Namespace;
use crate::world::World;

#[test]
fn two_people_meet_where_there_is_no_ipv4() {
    let namespace = match Namespace::ipv6_only() {
        Ok(namespace) => namespace,
        Err(missing) => {
            println!("skipped: needs {missing}");
            return;
        }
    };
    let (_world, a, b) = World::inside_ipv6(namespace).with_alice_and_bob();
    a.deliver("bob", "hello");
    b.deliver("alice", "and back");
    assert_eq!(b.recv_texts(1, Duration::from_secs(10)), ["hello"]);
    assert_eq!(a.recv_texts(1, Duration::from_secs(10)), ["and back"]);
    assert_eq!(a.route("bob")["route"], "direct");
}
