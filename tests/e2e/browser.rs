//! A readable copy in the browser of whoever gets it: pictures are seen, markup of a peer is text.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::chromium::Browser;
use crate::export::{have, keep, path, tool, zip};
use crate::world::{World, eventually, pair};

/// A picture of 7 by 5, which a browser shows (GIF89a, one dot in it).
const PICTURE: &[u8] = b"GIF89a\x07\x00\x05\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// What a page of ours consists of.
const PLAIN: [&str; 15] = [
    "HTML", "HEAD", "META", "TITLE", "STYLE", "BODY", "H1", "BDI", "P", "MAIN", "ARTICLE",
    "HEADER", "A", "IMG", "BR",
];

/// Everything that is asked about a page, at once.
const LOOK: &str = "({
    owned: window.owned ?? null,
    title: document.title,
    heading: document.querySelector('h1')?.innerText ?? null,
    texts: [...document.querySelectorAll('article > p')].map(p => p.textContent.trim()),
    elements: [...new Set([...document.querySelectorAll('*')].map(one => one.tagName))],
    handlers: [...document.querySelectorAll('*')].flatMap(one => one.getAttributeNames())
        .filter(name => name.startsWith('on')),
    pictures: [...document.images].map(one => [one.complete, one.naturalWidth, one.naturalHeight]),
})";

impl Browser {
    /// Opens a page, waits until all of it is there, and looks at it.
    fn look(&mut self, page: &Path) -> Value {
        self.events.clear();
        let address = format!("file://{}", path(page));
        let gone = self.call("Page.navigate", json!({"url": address}));
        assert_eq!(gone["errorText"], Value::Null, "{gone}");
        while !self.happened("Page.loadEventFired") {
            let event = self.next();
            self.events.push(event);
        }
        // A handler runs behind the event that calls it.
        let pause = "new Promise(done => setTimeout(done, 200))";
        self.evaluate(pause);
        self.evaluate(LOOK)
    }

    fn happened(&self, method: &str) -> bool {
        self.events.iter().any(|event| event["method"] == method)
    }

    /// Everything that the page asked for.
    fn asked(&self) -> Vec<String> {
        self.events
            .iter()
            .filter(|event| event["method"] == "Network.requestWillBeSent")
            .map(|event| {
                event["params"]["request"]["url"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    }
}

#[test]
fn a_page_shows_its_pictures_in_chromium_and_markup_of_a_peer_is_inert() {
    if !have(&["chromium", "python3"]) {
        return;
    }
    let world = World::new();
    let alice = world.home("a", "<i>alice");
    let bob = world.home("b", "bob");
    alice.start();
    bob.start();
    let name = "<b><script>window.owned";
    pair(&alice, name, &bob, "alice");
    let evil = [
        "<img src=x onerror=\"window.owned='img'\">",
        "<script>window.owned='script'</script>",
        "</bdi></p></article></main><svg onload=\"window.owned='svg'\"><style>*{display:none}</style>",
        "<iframe srcdoc=\"<script>parent.owned='frame'</script>\"></iframe>",
        "<meta http-equiv=refresh content=\"0;url=file:///etc/passwd\"><base href=//example.org/>",
        "--><!--<![CDATA[<a href=\"javascript:window.owned='link'\">x</a>&lt;b&gt;",
    ];
    for text in evil {
        bob.deliver("alice", text);
    }
    alice.deliver(name, "an answer");
    keep(&bob, &alice, "alice", &world.file("holiday.gif", PICTURE));
    // What calls itself a picture and is a page of its own.
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' onload=\"window.owned='file'\"/>";
    keep(
        &bob,
        &alice,
        "alice",
        &world.file("\"><img src=x>.png", svg),
    );
    eventually(Duration::from_secs(20), "both files are kept", || {
        let files = alice.json(&["file", "list"]);
        files.iter().filter(|file| file["state"] == "done").count() == 2
    });
    let copy = zip(&world, &alice, "a.zip", &[]);
    let there = world.path("unzipped");
    let script = "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])";
    tool("python3", &["-c", script, path(&copy), path(&there)], b"");
    let mut conversations = std::fs::read_dir(there.join("conversations")).unwrap();
    let conversation = conversations.next().unwrap().unwrap().path();

    let mut browser = Browser::start(&world.path(""), &[]);
    // A page as ours must not be: what is looked for is seen if it is there.
    let bare = format!("<title>{name}</title><p>{}</p>", evil[0]);
    let seen = browser.look(Path::new(&world.file("bare.html", bare)));
    assert_eq!(seen["owned"], "img", "{seen}");

    let seen = browser.look(&conversation.join("messages.html"));
    assert_eq!(seen["owned"], Value::Null, "{seen}");
    assert_eq!(
        (&seen["title"], &seen["heading"]),
        (&json!(name), &json!(name))
    );
    assert_eq!(seen["handlers"], json!([]));
    for element in seen["elements"].as_array().unwrap() {
        let element = element.as_str().unwrap();
        assert!(PLAIN.contains(&element), "{element} in {seen}");
    }
    let texts: Vec<&str> = seen["texts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect();
    for text in evil.into_iter().chain(["an answer"]) {
        assert!(
            texts.contains(&text),
            "{text} is told as it was written: {seen}"
        );
    }
    // One is a picture, the other only says so.
    assert_eq!(
        seen["pictures"],
        json!([[true, 7, 5], [true, 0, 0]]),
        "{seen}"
    );
    let within = format!("file://{}/", path(&there));
    let asked = browser.asked();
    assert!(asked.len() >= 2, "{asked:?}");
    assert!(
        asked.iter().all(|url| url.starts_with(&within)),
        "{asked:?}"
    );
    assert!(!browser.happened("Page.javascriptDialogOpening"));
}
