//! What taking an archive in does to a vault, and what it must not do.

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixListener;

use super::export::archived;
use super::*;

/// Sends a tar to a node, as the command does.
async fn import(node: &Arc<Node>, tar: &[u8], dry_run: bool) -> Result<Value, Failure> {
    let place = tempfile::tempdir().expect("a directory");
    let from = place.path().join("in");
    let listener = UnixListener::bind(&from).expect("a socket");
    let tar = tar.to_vec();
    let params = json!({ "from": from, "size": tar.len(), "dry_run": dry_run });
    let send = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("the node");
        // A node that refuses it stops reading.
        let _ = stream.write_all(&tar).await;
    });
    let done = call(node, "import", params).await;
    send.abort();
    done
}

async fn commits(node: &Arc<Node>) -> u64 {
    let commits = node.call(|core| Ok(core.vault.commits())).await;
    commits.expect("a vault")
}

/// An archive of Alice's, and somebody who has none of it.
async fn archive() -> (World, TempDir, Vec<u8>, Arc<Node>) {
    let world = world().await;
    let params = json!({ "peers": ["bob"], "text": "hello", "wait": "queued" });
    call(&world.alice, "send", params).await.expect("a message");
    let place = tempfile::tempdir().expect("a directory");
    let tar = archived(&world.alice, place.path()).await;
    let (_, carol) = person(place.path(), "carol", "ws://127.0.0.1:1").await;
    (world, place, tar, carol)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_a_dry_run_nor_a_second_import_commits_anything() {
    let (_world, _place, tar, carol) = archive().await;
    let before = commits(&carol).await;
    let dry = import(&carol, &tar, true).await.expect("a dry run");
    assert_eq!(
        (&dry["contacts"], &dry["unpaired"][0]["name"]),
        (&json!(1), &json!("bob"))
    );
    assert_eq!(commits(&carol).await, before);
    let first = import(&carol, &tar, false).await.expect("an import");
    assert_eq!(first["messages"], dry["messages"]);
    assert_eq!(first["unpaired"][0]["name"], "bob");
    let after = commits(&carol).await;
    assert!(after > before);
    let second = import(&carol, &tar, false).await.expect("an import");
    assert_eq!(
        (&second["messages"], &second["known"]),
        (&json!(0), &first["messages"])
    );
    assert_eq!(commits(&carol).await, after);
    // What its owner changes meanwhile is not changed back.
    let rename = json!({ "name": "bob", "to": "robert" });
    call(&carol, "contact.rename", rename).await.expect("bob");
    let third = import(&carol, &tar, false).await.expect("an import");
    assert_eq!(third["contacts_changed"], 0);
    assert_eq!(third["unpaired"][0]["name"], "robert");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tar_that_ends_early_or_lies_of_a_certificate_is_refused() {
    let (_world, _place, tar, carol) = archive().await;
    let cut = import(&carol, &tar[..tar.len() / 2], false).await;
    assert_eq!(cut.expect_err("half of it").code, "archive_damaged");
    // One digit of the certificate, where its signature stands, and the sums as they should be.
    let text = String::from_utf8_lossy(&tar).into_owned();
    let at = text.find("\"certificate\":\"").expect("ours") + 20;
    let at = at + text[at..].find("\"certificate\":\"").expect("bob's") + 20;
    let (_, other) = person(_place.path(), "dave", "ws://127.0.0.1:1").await;
    let mut forged = tar.clone();
    forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
    let refused = import(&other, &forged, false)
        .await
        .expect_err("a forged contact");
    assert_eq!(
        (refused.exit, refused.code.as_ref()),
        (12, "archive_damaged")
    );
    let peers = other.call(|core| Ok(core.peers.len())).await;
    assert_eq!(peers.expect("a vault"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_out_of_an_archive_has_no_keys_and_no_courier_after_a_restart_too() {
    let (_world, place, tar, carol) = archive().await;
    import(&carol, &tar, false).await.expect("an import");
    NodeService(carol.clone()).shutdown().await;
    drop(carol);
    let home = place.path().join("carol");
    let paths = Paths {
        vault: home.join("vault"),
        state: home.join("state"),
    };
    let carol = setup::start(&paths, password(), config("ws://127.0.0.1:1"))
        .await
        .expect("a node");
    let shown = call(&carol, "contact.show", json!({ "name": "bob" })).await;
    assert_eq!(shown.expect("bob")["paired"], false);
    let params = json!({ "peers": ["bob"], "text": "x", "wait": "queued" });
    let refused = call(&carol, "send", params).await.expect_err("not paired");
    assert_eq!((refused.exit, refused.code.as_ref()), (5, "not_paired"));
    let kept = carol
        .call(|core| {
            let contact = *core.peers.keys().next().expect("bob");
            let session = core.vault.session(contact).expect("a vault");
            let secret = core.vault.setting(&super::super::core::pair_key(contact));
            let deaf = core.peers[&contact].courier.is_closed();
            Ok((session.is_none(), secret.expect("a vault").is_none(), deaf))
        })
        .await;
    assert_eq!(kept.expect("a vault"), (true, true, true));
}
