//! `solo2 chat`: a conversation in the terminal, line by line.

use std::collections::HashSet;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::values::PeerRef;
use super::{Outcome, file, pair, send};
use crate::agent::client::{Call, Step};
use crate::agent::{self, Session};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::event;
use crate::output::editor::{Editor, Typed};
use crate::output::{Text, human, qr};

/// How many earlier messages open the conversation.
const EARLIER: u64 = 10;

/// Talk with one contact, line by line
///
/// What you type is sent with Enter; what arrives appears above the prompt.
/// Commands: /quit, /verify, /route, /edit TEXT (your last message), /file PATH,
/// /help.
#[derive(Args)]
pub(crate) struct Chat {
    /// Name or id
    name: PeerRef,
}

impl Chat {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        if cx.out.is_json() || !Editor::possible() {
            return Err(Failure::usage("chat needs a terminal")
                .hint("in a script: solo2 send and solo2 recv"));
        }
        agent::with_session(cx, async |session| {
            Conversation::open(cx, session, &self.name)
                .await?
                .run()
                .await
        })
    }
}

/// One conversation on the terminal.
struct Conversation<'a> {
    cx: &'a Context,
    session: &'a Session,
    peer: &'a PeerRef,
    editor: Editor,
    arriving: Call,
    /// The ids of what was sent from here, which needs no echo.
    own: HashSet<String>,
    last_own: Option<String>,
}

impl<'a> Conversation<'a> {
    async fn open(
        cx: &'a Context,
        session: &'a Session,
        peer: &'a PeerRef,
    ) -> Result<Conversation<'a>, Failure> {
        let contact = session
            .client
            .call("contact.show", json!({"name": peer}))
            .await?;
        let params = json!({
            "peer": peer,
            "types": ["message", "edit", "delete", "reaction", "receipt", "identity.changed", "route",
                "file.offer", "file.done", "file.failed"],
        });
        let arriving = session.client.stream("subscribe", params).await?;
        let params = json!({"peer": peer, "limit": EARLIER});
        pair::report(session, "history", params, |event| cx.out.event(event)).await?;
        if contact["verified"] != true {
            cx.out
                .note("this contact is not verified; compare safety numbers with /verify");
        }
        Ok(Conversation {
            cx,
            session,
            peer,
            editor: Editor::open(cx.out.is_colored())?,
            arriving,
            own: HashSet::new(),
            last_own: None,
        })
    }

    async fn run(mut self) -> Outcome {
        self.prompt().await;
        loop {
            tokio::select! {
                typed = self.editor.typed() => match typed {
                    Typed::Line(line) => {
                        if line.trim() == "/quit" {
                            return Ok(0);
                        }
                        if let Err(failure) = self.line(line).await {
                            self.complain(&failure)?;
                        }
                        self.prompt().await;
                    }
                    Typed::End => return Ok(0),
                    Typed::Interrupt => return Err(Failure::new(Kind::Interrupted, "interrupted")),
                    Typed::Failed(why) => {
                        return Err(Failure::new(Kind::Io, format!("the terminal failed: {why}")));
                    }
                },
                step = self.arriving.next() => match step {
                    Step::Event(event) => self.arrived(&event).await?,
                    Step::Done(result) => {
                        result?;
                        return Ok(0);
                    }
                },
            }
        }
    }

    async fn line(&mut self, line: String) -> Result<(), Failure> {
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match word {
            "" if rest.trim().is_empty() => Ok(()),
            "/help" => self.editor.above(&Text::new().plain(
                "/quit  /verify  /route  /edit TEXT  /file PATH  /help; a line that starts with // is sent with one /",
            )),
            "/verify" => self.verify().await,
            "/route" => self.route().await,
            "/edit" => self.edit(rest).await,
            "/file" => self.send_file(rest.trim()).await,
            _ if word.starts_with("//") => self.send(line.get(1..).unwrap_or_default()).await,
            _ if word.starts_with('/') => {
                Err(Failure::usage("no such command").hint("the commands: /help"))
            }
            _ => self.send(&line).await,
        }
    }

    async fn send(&mut self, text: &str) -> Result<(), Failure> {
        let text = send::checked(text.to_owned())?;
        self.last_own = self.deliver(json!({ "text": text })).await?;
        Ok(())
    }

    async fn send_file(&mut self, path: &str) -> Result<(), Failure> {
        if path.is_empty() {
            return Err(Failure::usage("no file is named").hint("/file PATH"));
        }
        let files = file::sources(&[PathBuf::from(path)])?;
        self.deliver(json!({ "files": files })).await.map(drop)
    }

    /// Queues a message and gives its id.
    async fn deliver(&mut self, mut params: Value) -> Result<Option<String>, Failure> {
        if let Value::Object(params) = &mut params {
            params.insert("peers".to_owned(), json!([self.peer]));
            params.insert("wait".to_owned(), "queued".into());
            params.insert("timeout_ms".to_owned(), self.cx.timeout_ms().into());
        }
        let params = self.cx.routed(params);
        let sent = self.session.client.call("send", params).await?;
        let line = &sent["results"][0];
        let id = line["id"]
            .as_str()
            .or(sent["id"].as_str())
            .map(str::to_owned);
        self.own.extend(id.clone());
        match line["error"]["message"].as_str() {
            Some(why) => Err(Failure::new(Kind::NotDelivered, why)),
            None => Ok(id),
        }
    }

    async fn edit(&mut self, text: &str) -> Result<(), Failure> {
        let Some(id) = &self.last_own else {
            return Err(Failure::usage("nothing was sent from here yet"));
        };
        let text = send::checked(text.to_owned())?;
        let params = self
            .cx
            .routed(json!({"id": id, "text": text, "wait": "queued",
            "timeout_ms": self.cx.timeout_ms()}));
        self.session.client.call("edit", params).await.map(drop)
    }

    async fn verify(&mut self) -> Result<(), Failure> {
        let contact = self
            .session
            .client
            .call("contact.show", json!({"name": self.peer}))
            .await?;
        let digits = contact["safety_number"].as_str().unwrap_or_default();
        self.editor.above(&human::contact_card(&contact))?;
        self.editor.above(&Text::new().body(&qr::draw(digits)?))?;
        self.editor.above(
            &Text::new()
                .plain("does your contact see the same number? then, in another window: solo2 contact verify ")
                .line(&self.peer.0),
        )
    }

    async fn route(&mut self) -> Result<(), Failure> {
        match self.find_route().await? {
            Some(found) => match human::event(&event::event("route.status", found)) {
                Some(text) => self.editor.above(&text),
                None => Ok(()),
            },
            None => self.editor.above(&Text::new().plain("not connected")),
        }
    }

    async fn find_route(&self) -> Result<Option<Value>, Failure> {
        let found = self.session.client.call("route.status", json!({})).await?;
        let mut peers = found["peers"].as_array().into_iter().flatten();
        let wanted = self.peer.0.as_str();
        Ok(peers
            .find(|peer| peer["name"] == wanted || peer["peer"] == wanted)
            .cloned())
    }

    /// The next prompt, with how the peer is reached.
    async fn prompt(&self) {
        let found = self.find_route().await.ok().flatten();
        let way = match found.filter(|peer| peer["connected"] == true) {
            Some(peer) => match (peer["route"].as_str(), self.cx.out.is_plain()) {
                (Some("relay"), true) => "(relay)",
                (Some("onion"), true) => "(onion)",
                (_, true) => "(direct)",
                (Some("relay"), false) => "◐",
                (Some("onion"), false) => "🧅",
                (_, false) => "⇄",
            },
            None if self.cx.out.is_plain() => "(offline)",
            None => "·",
        };
        self.editor.ask(&format!("{} {way} > ", self.peer.0));
    }

    async fn arrived(&mut self, event: &Value) -> Result<(), Failure> {
        let id = event["id"].as_str().unwrap_or_default();
        let mine = self.own.contains(id);
        match event::kind(event) {
            "message" if mine => return Ok(()),
            "receipt" if mine => {
                let state = human::field(event, "/state");
                return self
                    .editor
                    .above(&Text::new().dim(&format!("  {}", state.line())));
            }
            "receipt" | "hello" => return Ok(()),
            "message" if event["dir"] == "in" => {
                let params = self.cx.routed(json!({"ids": [id], "wait": "none"}));
                // A receipt that cannot be sent is no reason to hide a message.
                let _ = self.session.client.call("read", params).await;
            }
            _ => {}
        }
        match human::event(event) {
            Some(text) => self.editor.above(&text),
            None => Ok(()),
        }
    }

    fn complain(&mut self, failure: &Failure) -> Result<(), Failure> {
        let mut text = Text::new().red("solo2: ").body(&failure.message);
        if let Some(hint) = &failure.hint {
            text = text.plain("\n").dim("hint: ").body(hint);
        }
        self.editor.above(&text)
    }
}
