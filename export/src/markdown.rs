//! A conversation as Markdown (CommonMark 0.31): every mark that a peer typed is escaped.

use solo2_store::Kind;

use crate::document::Placed;
use crate::jsonl::time;
use crate::{Numbered, Request, place};

pub(crate) fn head(request: &Request<'_>, name: &str) -> String {
    format!("# {}\n\nExported {}\n\n", line(name), time(request.now_ms))
}

pub(crate) fn message(
    request: &Request<'_>,
    (_, message, amendments): &Numbered,
    file: Option<&Placed>,
) -> String {
    let who = match message.incoming {
        true => "received".to_owned(),
        false => format!("sent by {}", line(&request.owner.name)),
    };
    let edited = amendments
        .edited_at_ms()
        .map(|at| format!(" · edited {}", time(at)))
        .unwrap_or_default();
    let mut text = format!("**{}** · {who}{edited}\n\n", time(message.sent_at_ms));
    let body = amendments.body(message).unwrap_or_default();
    match (message.kind, file) {
        (Kind::Text, _) => {
            for part in body.split('\n') {
                text.push_str(&format!("> {}\\\n", escape(part)));
            }
            // A hard break belongs between lines, not behind the last.
            text.truncate(text.len() - 2);
            text.push('\n');
        }
        (Kind::Geo, _) => text.push_str(&format!("> place: {}\n", line(body))),
        (Kind::File, None) => {
            text.push_str(&format!("> file, not in this copy: {}\n", line(body)));
        }
        (Kind::File, Some(placed)) => text.push_str(&format!(
            "> file: [{}](<{}>)\n",
            line(body),
            place::reference(&placed.path)
        )),
    }
    for incoming in [true, false] {
        if let Some(emoji) = amendments.reaction(incoming) {
            text.push_str(&format!(">\n> reaction: {}\n", line(emoji)));
        }
    }
    text.push('\n');
    text
}

/// Text that stays on its line.
fn line(text: &str) -> String {
    escape(&text.replace('\n', " "))
}

/// Text as text: all ASCII punctuation escaped (CommonMark §2.4), what HTML begins with as an
/// entity, white space in front kept from making a code block.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            ' ' | '\t' if safe.chars().all(|before| before == '\u{a0}') => safe.push('\u{a0}'),
            '\t' => safe.push(' '),
            letter if letter.is_control() => safe.push('\u{fffd}'),
            letter if letter.is_ascii_punctuation() => {
                safe.push('\\');
                safe.push(letter);
            }
            letter => safe.push(letter),
        }
    }
    safe
}
