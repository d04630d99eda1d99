//! The line to the signal server: tokens listened on, sealed signals posted.
//!
//! One task keeps one WebSocket to the first server that answers, and listens again on
//! every token after a reconnect. It moves sealed blobs and knows nothing of what is in
//! them. When no server answers, links that stand go on; only new ones cannot be made.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

use crate::net::signal::{Connector, SignalClient, SignalEvent, SignalUrl, TOR_CONNECT_TIME};

/// An opaque meeting place at the server.
pub(crate) type Token = solo2_signal::wire::Token;
/// What crosses it.
pub(crate) type Blob = Box<solo2_signal::wire::Blob>;

const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_LAST: Duration = Duration::from_secs(30);
/// How long whoever needs a server waits for one; for one behind Tor, as long as it may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a server is reachable, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    Connecting { by_tor: bool },
    Online,
    Offline { reason: String },
}

impl Reach {
    fn connecting(servers: &[String]) -> Self {
        let by_tor = servers.iter().any(|server| {
            let url = server.parse::<SignalUrl>();
            url.is_ok_and(|url| url.onion().is_some())
        });
        Self::Connecting { by_tor }
    }
}

/// The other listener got there first.
#[derive(Debug)]
pub(crate) struct TokenTaken;

enum Command {
    Listen {
        token: Token,
        exclusive: bool,
        blobs: mpsc::Sender<Blob>,
        outcome: Option<oneshot::Sender<Result<(), TokenTaken>>>,
    },
    Unlisten(Token),
    Post(Token, Blob),
    Servers(Vec<String>),
}

/// A handle on the line; clones share it.
#[derive(Clone)]
pub(crate) struct Introductions {
    commands: mpsc::UnboundedSender<Command>,
    reach: watch::Receiver<Reach>,
}

/// Ends the listening when dropped.
pub(crate) struct Listening {
    token: Token,
    commands: mpsc::UnboundedSender<Command>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Unlisten(self.token));
    }
}

impl Introductions {
    /// Starts the line. Without a server to call it stays offline.
    pub(crate) fn start(servers: Vec<String>, connector: Connector) -> Self {
        let (commands, inbox) = mpsc::unbounded_channel();
        let (reach_tx, reach) = watch::channel(Reach::connecting(&servers));
        tokio::spawn(run(servers, connector, inbox, reach_tx));
        Self { commands, reach }
    }

    pub(crate) fn reach(&self) -> watch::Receiver<Reach> {
        self.reach.clone()
    }

    /// Listens on a token that several may share; blobs go to `blobs`.
    pub(crate) fn listen(&self, token: Token, blobs: mpsc::Sender<Blob>) -> Listening {
        let _ = self.commands.send(Command::Listen {
            token,
            exclusive: false,
            blobs,
            outcome: None,
        });
        Listening {
            token,
            commands: self.commands.clone(),
        }
    }

    /// Listens on a token alone, once the server has said that nobody else does.
    pub(crate) async fn listen_alone(
        &self,
        token: Token,
        blobs: mpsc::Sender<Blob>,
    ) -> Result<Listening, TokenTaken> {
        let (outcome_tx, outcome) = oneshot::channel();
        let _ = self.commands.send(Command::Listen {
            token,
            exclusive: true,
            blobs,
            outcome: Some(outcome_tx),
        });
        outcome.await.map_err(|_| TokenTaken)??;
        Ok(Listening {
            token,
            commands: self.commands.clone(),
        })
    }

    /// Posts a blob; lost when no server is reachable.
    pub(crate) fn post(&self, token: Token, blob: Blob) {
        let _ = self.commands.send(Command::Post(token, blob));
    }

    /// Calls other servers from now on; a list that did not change changes nothing.
    pub(crate) fn set_servers(&self, servers: Vec<String>) {
        let _ = self.commands.send(Command::Servers(servers));
    }

    /// Waits until a server is reachable, or says why none is.
    pub(crate) async fn online(&self) -> Result<(), String> {
        let mut reach = self.reach.clone();
        let by_tor = *reach.borrow() == (Reach::Connecting { by_tor: true });
        let patience = if by_tor { TOR_CONNECT_TIME } else { PATIENCE };
        // Tor tries for as long as it makes sense to: what it says then is the answer.
        let settled = |reach: &Reach| match reach {
            Reach::Online => true,
            Reach::Connecting { .. } => false,
            Reach::Offline { .. } => by_tor,
        };
        let _ = tokio::time::timeout(patience, reach.wait_for(settled)).await;
        match &*reach.borrow() {
            Reach::Online => Ok(()),
            Reach::Connecting { .. } => Err("no answer from the signal server".into()),
            Reach::Offline { reason } => Err(reason.clone()),
        }
    }
}

struct Ear {
    exclusive: bool,
    blobs: mpsc::Sender<Blob>,
    outcome: Option<oneshot::Sender<Result<(), TokenTaken>>>,
}

async fn run(
    mut servers: Vec<String>,
    connector: Connector,
    mut commands: mpsc::UnboundedReceiver<Command>,
    reach: watch::Sender<Reach>,
) {
    let mut ears: HashMap<Token, Ear> = HashMap::new();
    let mut retry = RETRY_FIRST;
    loop {
        let mut reason = "no signal server is configured".to_owned();
        let mut changed = None;
        for server in &servers {
            match SignalClient::connect(server, &connector).await {
                Ok((client, events)) => {
                    retry = RETRY_FIRST;
                    for (token, ear) in &ears {
                        let _ = client.listen(token, ear.exclusive).await;
                    }
                    reach.send_replace(Reach::Online);
                    match serve(&client, events, &servers, &mut commands, &mut ears).await {
                        Served::Lost => {
                            reason = format!("the signal server {server} closed the connection");
                        }
                        Served::Servers(new) => changed = Some(new),
                        Served::Over => return,
                    }
                    break;
                }
                Err(error) => reason = format!("cannot reach the signal server {server}: {error}"),
            }
        }
        if let Some(new) = changed {
            servers = new;
            reach.send_replace(Reach::connecting(&servers));
            continue;
        }
        reach.send_replace(Reach::Offline { reason });
        let pause = sleep(retry);
        tokio::pin!(pause);
        retry = (retry * 2).min(RETRY_LAST);
        loop {
            tokio::select! {
                () = &mut pause, if !servers.is_empty() => break,
                command = commands.recv() => match command {
                    Some(Command::Servers(new)) => {
                        servers = new;
                        reach.send_replace(Reach::connecting(&servers));
                        retry = RETRY_FIRST;
                        break;
                    }
                    Some(command) => note(command, &mut ears),
                    None => return,
                },
            }
        }
    }
}

/// Remembers what to listen on while no server is there; posts are lost.
fn note(command: Command, ears: &mut HashMap<Token, Ear>) {
    match command {
        Command::Listen {
            token,
            exclusive,
            blobs,
            outcome,
        } => {
            ears.insert(
                token,
                Ear {
                    exclusive,
                    blobs,
                    outcome,
                },
            );
        }
        Command::Unlisten(token) => {
            ears.remove(&token);
        }
        Command::Post(..) | Command::Servers(_) => {}
    }
}

/// How a connection ended.
enum Served {
    Lost,
    /// Other servers are to be called.
    Servers(Vec<String>),
    /// Nobody needs the line any more.
    Over,
}

async fn serve(
    client: &SignalClient,
    mut events: mpsc::Receiver<SignalEvent>,
    servers: &[String],
    commands: &mut mpsc::UnboundedReceiver<Command>,
    ears: &mut HashMap<Token, Ear>,
) -> Served {
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                // A line that broke says so by its last event.
                Some(Command::Post(token, blob)) => {
                    let _ = client.post(&token, &blob).await;
                }
                Some(Command::Servers(new)) if new == servers => {}
                Some(Command::Servers(new)) => return Served::Servers(new),
                Some(command) => {
                    let _ = match &command {
                        Command::Listen { token, exclusive, .. } => client.listen(token, *exclusive).await,
                        Command::Unlisten(token) => client.unlisten(token).await,
                        Command::Post(..) | Command::Servers(_) => Ok(()),
                    };
                    note(command, ears);
                }
                None => return Served::Over,
            },
            event = events.recv() => match event {
                Some(SignalEvent::Deliver { token, blob }) => {
                    if let Some(ear) = ears.get(&token) {
                        // A flood by whoever knows the token fills this queue and no more.
                        let _ = ear.blobs.try_send(blob);
                    }
                }
                Some(SignalEvent::Listening(token)) => settle(ears, token, Ok(())),
                Some(SignalEvent::Busy(token)) => {
                    settle(ears, token, Err(TokenTaken));
                    ears.remove(&token);
                }
                Some(SignalEvent::Posted | SignalEvent::Refused(_)) => {}
                Some(SignalEvent::Closed(_)) | None => return Served::Lost,
            },
        }
    }
}

fn settle(ears: &mut HashMap<Token, Ear>, token: Token, outcome: Result<(), TokenTaken>) {
    if let Some(waiting) = ears.get_mut(&token).and_then(|ear| ear.outcome.take()) {
        let _ = waiting.send(outcome);
    }
}
