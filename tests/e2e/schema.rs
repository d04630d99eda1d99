//! What `solo2 schema` prints is what the verbs print.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::command::event;
use crate::world::{Home, World};

/// Checks one line against the printed schema: every required field is there,
/// and every field that the schema knows has its type.
fn fits(schema: &Value, line: &Value) -> Result<(), String> {
    let kind = line["type"].as_str().ok_or("no type")?;
    let definition = &schema["$defs"][kind];
    if definition.is_null() {
        return Err(format!("{kind} is not in the schema: {line}"));
    }
    for field in definition["required"].as_array().into_iter().flatten() {
        let field = field.as_str().unwrap_or_default();
        if line.get(field).is_none() {
            return Err(format!("{kind} has no {field}: {line}"));
        }
    }
    for (field, shape) in definition["properties"].as_object().into_iter().flatten() {
        let (Some(value), Some(shape)) = (line.get(field), shape.get("type")) else {
            continue;
        };
        let is = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let allowed = match shape {
            Value::String(one) => one == is,
            Value::Array(several) => several.iter().any(|one| one == is),
            _ => false,
        };
        if !allowed {
            return Err(format!("{kind}.{field} is {is}, not {shape}: {line}"));
        }
    }
    Ok(())
}

#[test]
fn every_line_fits_the_printed_schema() {
    let world = World::new();
    let a = world.empty_home("a");
    let mut lines = a.init("alice").ok().events();
    let b = world.home("b", "bob");
    lines.extend(a.try_start().ok().events());
    b.start();
    let mut watch = a.stream(&["recv", "--follow", "--json"]);
    let mut invite = a.stream(&["pair", "invite", "--as", "bob", "--json"]);
    let opened = invite.event("pair.invite");
    lines.extend(a.json(&["pair", "list"]));
    let code = opened["code"].as_str().unwrap().to_owned();
    lines.extend(b.json(&["pair", "join", &code, "--as", "alice"]));
    lines.extend([opened, invite.event("pair.accepted")]);
    invite.end().ok();

    let id = a.deliver("bob", "one");
    lines.extend(b.json(&["recv"]));
    b.deliver("alice", "two");
    b.run(&["react", &id, "👍", "--wait", "delivered"]).ok();
    let mine = b.deliver("alice", "three");
    b.run(&["edit", &mine, "-m", "four", "--wait", "delivered"])
        .ok();
    b.run(&["delete", &mine, "--for-everyone", "--wait", "delivered"])
        .ok();
    b.run(&["send", "alice", "--geo", "1,2", "--wait", "delivered"])
        .ok();
    lines.extend(files(&world, &a, &b));
    b.stop();
    lines.extend(
        a.run(&[
            "send",
            "bob",
            "-m",
            "x",
            "--wait",
            "delivered",
            "--timeout",
            "1s",
            "--json",
        ])
        .exits(7)
        .events(),
    );
    for verb in [
        &["identity", "show"][..],
        &["identity", "fingerprint"],
        &["contact", "list"],
        &["contact", "show", "bob"],
        &["contact", "set", "bob", "receipts=read"],
        &["route", "status"],
        &["queue", "list"],
        &["history", "bob"],
        &["agent", "status"],
        &["agent", "reload"],
        &["vault", "status"],
        &["vault", "check"],
        &["config", "list"],
        &["config", "get", "net.signal"],
        &["version"],
        &["sync", "--for", "1s"],
    ] {
        lines.extend(a.json(verb));
    }
    lines.extend(
        a.run(&["send", "nobody", "-m", "x", "--json"])
            .exits(5)
            .events(),
    );
    lines.extend(a.run(&["nonsense", "--json"]).exits(2).events());
    lines.extend(followed(&mut watch));
    lines.extend(a.json(&["contact", "remove", "bob", "--yes"]));
    lines.extend(a.json(&["agent", "stop"]));

    let schema: Value = serde_json::from_str(a.run(&["schema"]).ok().text()).unwrap();
    let wrong: Vec<_> = lines
        .iter()
        .filter_map(|line| fits(&schema, line).err())
        .collect();
    let kinds: BTreeSet<_> = lines.iter().map(|line| line["type"].to_string()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!(
        "{} lines of {} types fit: {kinds:?}",
        lines.len(),
        kinds.len()
    );
    one_type(&a);
}

/// A file that is taken, and one that is not.
fn files(world: &World, a: &Home, b: &Home) -> Vec<Value> {
    let file = world.file("some.bin", vec![7; 96 << 20]);
    let inbox = world.path("in");
    std::fs::create_dir(&inbox).unwrap();
    let mut lines = a.json(&[
        "send",
        "bob",
        "-m",
        "see",
        "-f",
        &file,
        "--wait",
        "delivered",
    ]);
    lines.extend(b.json(&["recv", "--files-to", inbox.to_str().unwrap()]));
    b.run(&["contact", "set", "alice", "max-file=off"]).ok();
    let mut sending = a.stream(&["send", "bob", "-f", &file, "--wait", "delivered", "--json"]);
    lines.push(sending.event("send.result"));
    let mut watch = b.stream(&["recv", "--follow", "--type", "file.offer", "--json"]);
    let offer = watch.event("file.offer");
    let id = offer["id"].as_str().unwrap();
    lines.extend(b.json(&["file", "list"]));
    lines.extend(b.json(&["file", "reject", id]));
    lines.extend([sending.event("file.failed"), sending.event("send.result")]);
    sending.end().exits(11);
    for kind in [
        "file",
        "file.offer",
        "file.progress",
        "file.done",
        "file.failed",
    ] {
        let some = lines
            .iter()
            .chain([&offer])
            .any(|line| line["type"] == kind);
        assert!(some, "no {kind}");
    }
    lines.push(offer);
    lines
}

/// What a follower saw until now.
fn followed(watch: &mut crate::command::Stream) -> Vec<Value> {
    let mut seen = Vec::new();
    for _ in 0..8 {
        seen.push(event(&watch.line(Duration::from_secs(5)).unwrap()));
    }
    seen
}

fn one_type(home: &Home) {
    let one: Value = serde_json::from_str(home.run(&["schema", "message"]).ok().text()).unwrap();
    assert_eq!(one["$defs"].as_object().unwrap().len(), 1);
    home.run(&["schema", "nonsense"]).exits(2);
}
