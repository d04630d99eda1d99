//! Events as a person reads them.
//!
//! Every field is somebody else's text until it went through the sanitiser;
//! [`field`] gives nothing else. An event without a human form is not shown.

use serde_json::Value;

use super::Text;
use super::sanitize::Untrusted;
use crate::event;

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
    if let Some(route) = contact["route"].as_str() {
        text = text.plain("\n  route          ").line(route);
    }
    if let Value::Object(settings) = &contact["settings"] {
        for (key, value) in settings {
            let value = match value {
                Value::String(value) => value.clone(),
                other => other.to_string(),
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
    let text = text.untrusted_body(&field(event, "/body/text"));
    if event["edited_at"].is_string() {
        return text.dim(" (edited)");
    }
    text
}

fn who(event: &Value) -> Text {
    Text::new().bold(&field(event, "/peer/name").line())
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
    text
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
    match event["rtt_ms"].as_f64() {
        Some(rtt) => text.line(&format!(", {rtt:.1} ms")),
        None => text,
    }
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
                "settings":{evil:evil}});
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
    fn a_safety_number_is_read_aloud_in_groups_of_five() {
        assert_eq!(grouped("123456789012", 5), "12345 67890 12");
    }
}
