//! A conversation as one page: no script, nothing loaded but its own files.
//!
//! Everything that a peer chose goes through [`escape`], and stands in a `<bdi>`
//! so that it cannot turn the direction of what is around it.

use solo2_store::Kind;

use crate::document::Placed;
use crate::jsonl::time;
use crate::{Numbered, Request, place};

/// What a picture's name ends with; SVG is not among them, it may hold a script.
const PICTURES: [&str; 5] = [".png", ".jpg", ".jpeg", ".gif", ".webp"];

/// Nothing runs, nothing is sent, nothing is loaded but pictures beside the page.
const POLICY: &str = "default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'; \
                      base-uri 'none'; form-action 'none'";

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:46em;margin:2em auto;padding:0 1em}\
article{margin:.6em 0;padding:.4em .8em;border-radius:.6em;background:#eee;color:#111}\
article.out{background:#def}\
header{font-size:.8em;color:#555}\
p{margin:.2em 0;white-space:pre-wrap;overflow-wrap:anywhere}\
img{max-width:100%;max-height:30em}";

pub(crate) const TAIL: &str = "</main>\n</body>\n</html>\n";

pub(crate) fn head(request: &Request<'_>, name: &str) -> String {
    let name = escape(name);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1><bdi>{name}</bdi></h1>\n<p>Exported {}</p>\n<main>\n",
        time(request.now_ms)
    )
}

pub(crate) fn message(
    request: &Request<'_>,
    (_, message, amendments): &Numbered,
    file: Option<&Placed>,
) -> String {
    let (class, who) = who(request, message.incoming);
    let id = escape(&(request.names.id)(message.kind, message.id));
    let mut text = format!(
        "<article class=\"{class}\" id=\"{id}\">\n<header>{} · {who}",
        time(message.sent_at_ms)
    );
    if let Some(reply) = message.reply_to {
        let target = escape(&(request.names.id)(Kind::Text, reply));
        text.push_str(&format!(" · <a href=\"#{target}\">reply</a>"));
    }
    if let Some(at) = amendments.edited_at_ms() {
        text.push_str(&format!(" · edited {}", time(at)));
    }
    text.push_str("</header>\n");
    let body = escape(amendments.body(message).unwrap_or_default());
    text.push_str(&match (message.kind, file) {
        (Kind::Text, _) => format!("<p><bdi>{body}</bdi></p>\n"),
        (Kind::Geo, _) => format!("<p>place: <bdi>{body}</bdi></p>\n"),
        (Kind::File, None) => format!("<p>file, not in this copy: <bdi>{body}</bdi></p>\n"),
        (Kind::File, Some(placed)) => {
            let link = place::reference(&placed.path);
            let lower = placed.path.to_ascii_lowercase();
            let picture = placed.files.is_none() && PICTURES.iter().any(|end| lower.ends_with(end));
            let picture = if picture {
                format!("<p><img src=\"{link}\" alt=\"\"></p>\n")
            } else {
                String::new()
            };
            format!(
                "<p>file: <a href=\"{link}\" rel=\"noreferrer\"><bdi>{body}</bdi></a></p>\n{picture}"
            )
        }
    });
    for incoming in [true, false] {
        if let Some(emoji) = amendments.reaction(incoming) {
            text.push_str(&format!("<p><bdi>{}</bdi></p>\n", escape(emoji)));
        }
    }
    text.push_str("</article>\n");
    text
}

fn who(request: &Request<'_>, incoming: bool) -> (&'static str, String) {
    match incoming {
        true => ("in", "received".to_owned()),
        false => (
            "out",
            format!("sent by <bdi>{}</bdi>", escape(&request.owner.name)),
        ),
    }
}

/// Text as text, in an element and in a quoted attribute; controls that no text needs are replaced.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(letter),
            letter if letter.is_control() => safe.push('\u{fffd}'),
            letter => safe.push(letter),
        }
    }
    safe
}
