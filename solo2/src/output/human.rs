//! Events as a person reads them.
//!
//! Every field is somebody else's text until it went through the sanitiser;
//! [`field`] gives nothing else. An event without a human form is not shown.

use std::time::Duration;

use serde_json::Value;

use super::Text;
use super::sanitize::Untrusted;
use crate::size::Size;
use crate::{event, size};

/// The human form of an event, without line end.
pub(crate) fn event(event: &Value) -> Option<Text> {
    let text = match event::kind(event) {
        "message" => message(event),
        "edit" => who(event)
            .plain(" edited ")
            .untrusted(&field(event, "/id"))
            .plain(": ")
            .untrusted_body(&field(event, "/body/text")),
        "delete" => who(event)
            .plain(" took back ")
            .untrusted(&field(event, "/id")),
        "reaction" => who(event)
            .plain(" reacted ")
            .untrusted(&field(event, "/emoji"))
            .plain(" to ")
            .untrusted(&field(event, "/id")),
        "receipt" => Text::new()
            .untrusted(&field(event, "/id"))
            .plain(" ")
            .untrusted(&field(event, "/state")),
        "file" => file(event),
        "file.offer" => file_offer(event),
        "file.done" => file_done(event),
        "file.failed" => file_failed(event),
        "identity" => identity(event),
        "identity.changed" => Text::new()
            .red("the identity of ")
            .untrusted(&field(event, "/peer"))
            .plain(" changed; nothing is sent until you trust it: solo2 contact trust NAME --fingerprint ")
            .untrusted(&field(event, "/new")),
        "contact" => contact(event),
        "contact.removed" => Text::new()
            .untrusted(&field(event, "/name"))
            .plain(" is removed"),
        "pair.accepted" => paired(event),
        "pair.expired" => Text::new().plain("the invite ended without a peer"),
        "queue.item" => queue_item(event),
        "queue.flush" => Text::new()
            .untrusted(&field(event, "/left"))
            .plain(" left in the queue"),
        "route" => Text::new()
            .untrusted(&field(event, "/peer"))
            .plain(": now ")
            .untrusted(&field(event, "/to"))
            .plain(" (")
            .untrusted(&field(event, "/reason"))
            .plain(")"),
        "route.status" => route(event),
        "route.policy" => Text::new()
            .bold(&format!("{:<20}", field(event, "/name").line()))
            .plain(" ")
            .untrusted(&field(event, "/route"))
            .plain(match event["strict"] == true {
                true => " or not at all",
                false => "",
            })
            .plain(match event["now"].as_str().filter(|now| event["route"] != **now) {
                Some("relay") => "; a relay while something that insists on it is on its way",
                Some("onion") => "; Tor while something that insists on it is on its way",
                _ => "",
            }),
        "tor.status" => Text::new()
            .plain("tor: ")
            .untrusted(&field(event, "/bootstrap"))
            .plain(" %")
            .plain(if event["ready"] == true { ", ready" } else { "" })
            .plain(", ")
            .untrusted(&field(event, "/published"))
            .plain(" of ")
            .untrusted(&field(event, "/services"))
            .plain(" services published")
            .plain(if event["blocked"].is_string() { "; " } else { "" })
            .untrusted(&field(event, "/blocked")),
        "doctor.datagrams" => datagrams(event),
        "doctor.check" => Text::new()
            .bold(&format!("{:<14}", field(event, "/check").line()))
            .plain(if event["ok"] == true { " ok   " } else { " NOT  " })
            .untrusted(&field(event, "/found")),
        "relay" => Text::new().untrusted(&field(event, "/relay")),
        "relay.removed" => Text::new()
            .untrusted(&field(event, "/relay"))
            .plain(" is used no more"),
        "relay.test" => relay_test(event),
        "sync.done" => Text::new()
            .untrusted(&field(event, "/received"))
            .plain(" received, ")
            .untrusted(&field(event, "/sent"))
            .plain(" sent, ")
            .untrusted(&field(event, "/queued"))
            .plain(" still queued"),
        "gap" => Text::new().yellow("some events were dropped"),
        _ => return None,
    };
    Some(text)
}

/// A field of an event: somebody else's text. Numbers and truths become text,
/// what is missing becomes nothing.
pub(crate) fn field(event: &Value, pointer: &str) -> Untrusted {
    Untrusted::new(match event.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    })
}

/// A contact with its safety number, as `contact show` tells it.
pub(crate) fn contact_card(contact: &Value) -> Text {
    let mut text = Text::new()
        .bold(&field(contact, "/name").line())
        .plain("\n  id             ")
        .untrusted(&field(contact, "/id"))
        .plain("\n  fingerprint    ")
        .line(&grouped(&field(contact, "/fingerprint").line(), 4))
        .plain("\n  safety number  ")
        .line(&grouped(&field(contact, "/safety_number").line(), 5))
        .plain("\n  trust          ");
    text = trust(text, contact);
    if contact["blocked"] == true {
        text = text.yellow(", blocked");
    }
    text = unpaired(text, contact);
    if let Some(route) = contact["route"].as_str() {
        text = text.plain("\n  route          ").line(route);
    }
    if let Value::Object(settings) = &contact["settings"] {
        for (key, value) in settings {
            let value = match value {
                Value::String(value) => value.clone(),
                other => other.to_string(),
            };
            let value = match value.parse() {
                Ok(bytes) if key == "max-file" => Size(bytes).to_string(),
                Ok(seconds) if key == "retain" => {
                    humantime::format_duration(Duration::from_secs(seconds)).to_string()
                }
                _ => value,
            };
            text = text.plain("\n  ").line(&format!("{key:<15}")).line(&value);
        }
    }
    text
}

/// `12345 67890 …`: a long number in groups.
pub(crate) fn grouped(digits: &str, size: usize) -> String {
    let letters: Vec<char> = digits.chars().filter(|c| !c.is_whitespace()).collect();
    letters
        .chunks(size)
        .map(|chunk| chunk.iter().collect::<String>())
        .collect::<Vec<_>>()
        .join(" ")
}

fn message(event: &Value) -> Text {
    let mut text = Text::new();
    if let Some(time) = event["ts"].as_str().and_then(local) {
        text = text.dim(&time).plain(" ");
    }
    let name = field(event, "/peer/name");
    text = if event["dir"] == "out" {
        text.plain("→ ").bold(&name.line())
    } else {
        text.bold(&name.line())
    };
    if event["dir"] != "out" && event["peer"]["verified"] == false {
        text = text.yellow(" (unverified)");
    }
    text = text.plain(": ");
    let geo = &event["body"]["geo"];
    if geo.is_object() {
        text = text
            .plain("geo:")
            .untrusted(&field(geo, "/lat"))
            .plain(",")
            .untrusted(&field(geo, "/lon"));
        if geo["accuracy_m"].is_number() {
            text = text
                .plain(" ±")
                .untrusted(&field(geo, "/accuracy_m"))
                .plain(" m");
        }
        return text;
    }
    if event["deleted_at"].is_string() {
        return text.dim("(deleted)");
    }
    let sent = &event["body"]["file"];
    if sent.is_object() {
        return named(text, sent)
            .plain(" (")
            .untrusted(&field(event, "/id"))
            .plain(")");
    }
    let part = if event["snippet"].is_string() {
        "/snippet"
    } else {
        "/body/text"
    };
    let text = text.untrusted_body(&field(event, part));
    if event["edited_at"].is_string() {
        return text.dim(" (edited)");
    }
    text
}

fn who(event: &Value) -> Text {
    let name = match &event["peer"] {
        Value::Object(_) => field(event, "/peer/name"),
        _ if event["peer_name"].is_string() => field(event, "/peer_name"),
        _ => field(event, "/peer"),
    };
    Text::new().bold(&name.line())
}

/// `the file a.tar, 10.0 GiB`.
fn named(text: Text, file: &Value) -> Text {
    let text = match file["shape"].as_str() {
        Some("directory") => text.plain("the directory "),
        Some("pipe") => text.plain("the pipe "),
        _ => text.plain("the file "),
    };
    let text = text.untrusted(&field(file, "/name"));
    match file["size"].as_u64() {
        Some(bytes) => text.plain(", ").line(&size::about(bytes)),
        None => text,
    }
}

fn file(event: &Value) -> Text {
    if !event["name"].is_string() {
        // What became of one, and nothing else.
        return Text::new()
            .untrusted(&field(event, "/id"))
            .plain(" ")
            .untrusted(&field(event, "/state"));
    }
    let whole = event["size"].as_u64();
    let bytes = event["bytes"].as_u64().unwrap_or_default();
    let text = Text::new()
        .untrusted(&field(event, "/id"))
        .plain(if event["dir"] == "out" {
            "  to   "
        } else {
            "  from "
        })
        .bold(&field(event, "/peer/name").line())
        .plain("  ");
    let text = match event["state"].as_str() {
        Some("done") => text.green("done"),
        Some("offered") => text.yellow("offered"),
        _ => text.untrusted(&field(event, "/state")),
    };
    let text = named(text.plain("  "), event);
    let text = match whole {
        Some(whole) if bytes > 0 && bytes < whole => {
            text.line(&format!(", {} so far", size::about(bytes)))
        }
        _ => text,
    };
    let text = match event["path"].as_str() {
        Some(path) => text.plain("  ").body(path),
        None => text,
    };
    match event["reason"].as_str() {
        Some(why) => text.plain("  ").yellow(why),
        None => text,
    }
}

fn file_offer(event: &Value) -> Text {
    if event["state"] != "offered" {
        return named(who(event).plain(" is sending "), event);
    }
    let id = field(event, "/id").line();
    if event["shape"] == "pipe" {
        return named(who(event).plain(" offers "), event)
            .plain("\n    read it: solo2 pipe --listen ")
            .line(&field(event, "/peer_name").line())
            .plain(":")
            .untrusted(&field(event, "/name"))
            .plain(", or not: solo2 file reject ")
            .line(&id);
    }
    named(who(event).plain(" offers "), event)
        .plain("\n    take it: solo2 file accept ")
        .line(&id)
        .plain(" -o PATH, or not: solo2 file reject ")
        .line(&id)
}

fn file_done(event: &Value) -> Text {
    let text = named(who(event).plain(" sent "), event);
    match event["path"].as_str() {
        Some("-") => text.plain(": written to stdout"),
        Some(path) => text.plain(": ").body(path),
        None => text
            .plain("\n    take it out: solo2 file accept ")
            .untrusted(&field(event, "/id"))
            .plain(" -o PATH"),
    }
}

fn file_failed(event: &Value) -> Text {
    let text = match event["name"].as_str() {
        Some(_) => named(who(event).plain(": "), event),
        None => who(event)
            .plain(": the file ")
            .untrusted(&field(event, "/id")),
    };
    text.plain(" ")
        .red(match event["reason"].as_str() {
            Some("rejected") => "was rejected",
            Some("cancelled") => "was cancelled",
            _ if event["retryable"] == true => "does not go on",
            _ => "failed",
        })
        .plain(": ")
        .untrusted(&field(event, "/message"))
}

fn identity(event: &Value) -> Text {
    Text::new()
        .bold(&field(event, "/name").line())
        .plain("\n  id           ")
        .untrusted(&field(event, "/id"))
        .plain("\n  fingerprint  ")
        .line(&grouped(&field(event, "/fingerprint").line(), 4))
}

fn contact(event: &Value) -> Text {
    let mut text = Text::new()
        .bold(&format!("{:<20}", field(event, "/name").line()))
        .plain(" ")
        .untrusted(&field(event, "/id"))
        .plain("  ");
    text = trust(text, event);
    if event["blocked"] == true {
        text = text.yellow(", blocked");
    }
    unpaired(text, event)
}

/// A contact out of an archive cannot be written to before a pairing.
fn unpaired(text: Text, contact: &Value) -> Text {
    match contact["paired"] == false {
        true => text.yellow(", from an archive: pair again"),
        false => text,
    }
}

fn trust(text: Text, contact: &Value) -> Text {
    if contact["verified"] == true {
        text.green("verified")
    } else {
        text.yellow(&format!("{}, unverified", field(contact, "/trust").line()))
    }
}

fn paired(event: &Value) -> Text {
    let text = Text::new()
        .green("paired with ")
        .bold(&field(event, "/name").line());
    let text = if event["verified"] == true {
        text.plain(", verified")
    } else {
        text.yellow(", unverified")
    };
    text.plain("\n  safety number  ")
        .line(&grouped(&field(event, "/safety_number").line(), 5))
}

fn queue_item(event: &Value) -> Text {
    let mut text = Text::new()
        .untrusted(&field(event, "/id"))
        .plain("  ")
        .untrusted(&field(event, "/state"))
        .plain("  ");
    text = match &event["peer"] {
        Value::Object(_) => text.untrusted(&field(event, "/peer/name")),
        _ => text.untrusted(&field(event, "/peer")),
    };
    match event["queued_at"].as_str().and_then(local) {
        Some(time) => text.plain("  ").dim(&time),
        None => text,
    }
}

fn relay_test(event: &Value) -> Text {
    let text = Text::new().bold(&field(event, "/host").line()).plain(" ");
    if event["ok"] != true {
        return text
            .yellow("lends no address: ")
            .untrusted(&field(event, "/reason"));
    }
    let took = event["took_ms"].as_f64().unwrap_or_default();
    text.green("ok")
        .plain(", lent ")
        .untrusted(&field(event, "/lent"))
        .line(&format!(" after {took:.1} ms"))
}

fn route(event: &Value) -> Text {
    let text = Text::new()
        .bold(&format!("{:<20}", field(event, "/name").line()))
        .plain(" ");
    if event["connected"] != true {
        return text.dim("not connected");
    }
    let text = text
        .untrusted(&field(event, "/route"))
        .plain(" over ")
        .untrusted(&field(event, "/transport"));
    let text = match event["rtt_ms"].as_f64() {
        Some(rtt) => text.line(&format!(", {rtt:.1} ms")),
        None => text,
    };
    match event["cover"].as_str() {
        None | Some("off") => text,
        Some(_) => text.plain(", cover ").untrusted(&field(event, "/cover")),
    }
}

/// A row of a histogram.
fn datagrams(event: &Value) -> Text {
    const WIDTH: f64 = 30.0;
    let share = event["share"].as_f64().unwrap_or_default().clamp(0.0, 1.0);
    let bar = "#".repeat((share * WIDTH).ceil() as usize);
    let kind = if event["stun"] == true {
        "STUN"
    } else {
        "data"
    };
    let [size, count] = ["/size", "/count"].map(|name| field(event, name).line().to_string());
    let direction = field(event, "/direction").line().to_string();
    Text::new().line(&format!(
        "{direction:<9}{kind} {size:>6} B {count:>10}  {bar}"
    ))
}

/// The day and minute in this machine's time zone.
fn local(time: &str) -> Option<String> {
    let moment: jiff::Timestamp = time.parse().ok()?;
    let zoned = moment.to_zoned(jiff::tz::TimeZone::system());
    Some(zoned.strftime("%Y-%m-%d %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(value: Value) -> String {
        event(&value).expect("a human form").render(false)
    }

    #[test]
    fn a_message_names_its_sender_and_says_when_nobody_verified_it() {
        let line = shown(json!({"v":1,"type":"message","dir":"in",
            "peer":{"name":"alice","verified":false},"body":{"text":"hi\n"}}));
        assert_eq!(line, "alice (unverified): hi");
    }

    #[test]
    fn a_hostile_message_stays_in_its_cell() {
        let line = shown(json!({"v":1,"type":"message","dir":"in",
            "peer":{"name":"al\u{1b}[2Jice\nroot","verified":true},
            "body":{"text":"x\u{1b}]0;own\u{7}\nbob: hello\u{202e}"}}));
        assert_eq!(
            line,
            "al\u{fffd}[2Jice root: x\u{fffd}]0;own\u{fffd}\n    bob: hello"
        );
    }

    #[test]
    fn every_field_of_every_event_is_sanitised() {
        let evil = "\u{1b}]0;x\u{7}\u{9b}2J\u{202e}";
        for kind in event::types() {
            let value = json!({"v":1,"type":kind,"id":evil,"name":evil,"peer":{"name":evil,"id":evil},
                "state":evil,"emoji":evil,"body":{"text":evil},"fingerprint":evil,"safety_number":evil,
                "trust":evil,"route":evil,"transport":evil,"connected":true,"new":evil,"to":evil,
                "reason":evil,"left":evil,"received":evil,"sent":evil,"queued":evil,"ts":evil,"queued_at":evil,
                "settings":{evil:evil},"dir":evil,"shape":evil,"path":evil,"message":evil,"peer_name":evil});
            let texts = [event(&value), Some(contact_card(&value))];
            for text in texts.into_iter().flatten() {
                let line = text.render(false);
                assert!(
                    !line.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']),
                    "{kind}: {line:?}"
                );
            }
        }
    }

    #[test]
    fn a_file_is_named_with_its_size_and_what_to_do() {
        let file = |kind: &str, more: Value| {
            let mut file = json!({"v":1,"type":kind,"id":"f_1","peer":"p_1","peer_name":"bob",
                "name":"a.tar\n\u{1b}[2J","shape":"file","size":10_u64 << 30});
            let fields = file.as_object_mut().expect("an object");
            fields.extend(more.as_object().expect("an object").clone());
            shown(file)
        };
        assert_eq!(
            file("file.offer", json!({"state": "offered"})),
            "bob offers the file a.tar \u{fffd}[2J, 10.0 GiB\n    \
             take it: solo2 file accept f_1 -o PATH, or not: solo2 file reject f_1"
        );
        assert_eq!(
            file("file.done", json!({"path": "/in/a.tar"})),
            "bob sent the file a.tar \u{fffd}[2J, 10.0 GiB: /in/a.tar"
        );
        assert_eq!(
            file("file.done", json!({"path": null})),
            "bob sent the file a.tar \u{fffd}[2J, 10.0 GiB\n    \
             take it out: solo2 file accept f_1 -o PATH"
        );
        assert_eq!(
            file(
                "file.failed",
                json!({"reason": "disk_full", "retryable": true, "message": "full"})
            ),
            "bob: the file a.tar \u{fffd}[2J, 10.0 GiB does not go on: full"
        );
        assert_eq!(
            shown(json!({"v":1,"type":"file.failed","id":"f_1","peer":"p_1",
                "reason":"cancelled","message":"the sender called the file off"})),
            "p_1: the file f_1 was cancelled: the sender called the file off"
        );
        assert_eq!(
            file(
                "file.offer",
                json!({"state": "accepted", "shape": "directory"})
            ),
            "bob is sending the directory a.tar \u{fffd}[2J, 10.0 GiB"
        );
        assert_eq!(
            shown(json!({"v":1,"type":"file","id":"f_1","state":"rejected"})),
            "f_1 rejected"
        );
        assert_eq!(
            file(
                "file",
                json!({"dir": "in", "peer": {"name": "bob"}, "state": "running",
                "bytes": 1 << 30, "path": null})
            ),
            "f_1  from bob  running  the file a.tar \u{fffd}[2J, 10.0 GiB, 1.0 GiB so far"
        );
    }

    #[test]
    fn how_far_a_file_came_is_no_line_of_its_own() {
        assert!(event(&json!({"v":1,"type":"file.progress","id":"f_1","bytes":1})).is_none());
    }

    #[test]
    fn a_message_that_is_a_file_shows_its_id() {
        let line = shown(json!({"v":1,"type":"message","id":"f_1","dir":"in",
            "peer":{"name":"alice","verified":true},"body":{"file":{"name":"a","size":2}}}));
        assert_eq!(line, "alice: the file a, 2 B (f_1)");
    }

    #[test]
    fn a_safety_number_is_read_aloud_in_groups_of_five() {
        assert_eq!(grouped("123456789012", 5), "12345 67890 12");
    }
}
