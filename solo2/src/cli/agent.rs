//! `solo2 agent`: the process that stays, holds the keys and the connections.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{Outcome, vault};
use crate::agent::client::Client;
use crate::agent::launch::{self, Launched, ONE_ARENA, Start};
use crate::agent::rpc::Service;
use crate::agent::server::{Keeper, Locking, Mode, Server, Setup};
use crate::agent::{self, OwnerLock, no_agent};
use crate::config::{NodeConfig, Settings};
use crate::context::{self, Context, Interrupts};
use crate::error::{Failure, Kind};
use crate::node::{self, Unlock};
use crate::output::Text;
use crate::paths::{self, Profile};
use crate::unlock;

/// Run, start and stop the agent that keeps you reachable
///
/// One agent per profile holds the open vault, the connections and the queue.
/// Every other verb uses it when it runs.
#[derive(Args)]
pub(crate) struct Agent {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the agent in the foreground, for systemd, containers and tmux
    Run(Run),
    /// Start the agent in the background; returns when it answers
    Start {
        /// Start with the vault locked
        #[arg(long)]
        locked: bool,
    },
    /// Stop the agent; returns when it is gone
    Stop,
    /// Tell whether the agent runs, and its pid; exit 4 when it does not
    Status,
    /// Wipe the agent's keys; it keeps running
    Lock,
    /// Let the agent open the vault again
    Unlock(vault::Unlock),
    /// Let the agent read the configuration again
    Reload,
    /// Print a service file for this machine
    Install(Install),
}

#[derive(Args)]
struct Run {
    /// Start with the vault locked
    #[arg(long)]
    locked: bool,
    /// Started by `agent start`: password on stdin, readiness on stdout
    #[arg(long, hide = true)]
    detached: bool,
    /// Started by `agent start`: the device secret instead of a password
    #[arg(long, hide = true)]
    device_secret: bool,
}

#[derive(Args)]
struct Install {
    /// A unit for systemd's user manager: the default
    #[arg(long, conflicts_with = "launchd")]
    systemd: bool,
    /// A property list for launchd
    #[arg(long)]
    launchd: bool,
    /// Write it where it belongs instead of printing it
    #[arg(long)]
    write: bool,
}

impl Agent {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        match self.verb {
            Verb::Run(verb) => verb.run(cx),
            Verb::Start { locked } => start(cx, locked),
            Verb::Stop => stop(cx),
            Verb::Status => status(cx, "agent.status"),
            Verb::Lock => vault::lock(cx),
            Verb::Unlock(verb) => verb.run(cx),
            Verb::Reload => status(cx, "agent.reload"),
            Verb::Install(verb) => verb.run(cx),
        }
    }
}

impl Run {
    fn run(self, cx: &Context) -> Outcome {
        if !self.detached {
            return cx.block_on(self.serve(cx, None));
        }
        let mut launched = Launched::take_over()?;
        let result = self
            .handed_over(cx, &launched)
            .and_then(|unlock| cx.block_on(self.serve_detached(cx, unlock, &mut launched)));
        if let Err(failure) = &result {
            launched.failed(&cx.out, failure);
        }
        result
    }

    /// What opens the vault, as `agent start` settled it; none when it stays locked.
    fn handed_over(&self, cx: &Context, launched: &Launched) -> Result<Option<Unlock>, Failure> {
        if self.locked {
            return Ok(None);
        }
        if !self.device_secret {
            return launched.password().map(|word| Some(Unlock::Password(word)));
        }
        let found = unlock::device(&cx.profile()?, &cx.settings()?)?;
        found.map(Some).ok_or_else(|| {
            Failure::new(Kind::Locked, "the device secret is gone")
                .hint("name a file: --password-file FILE")
        })
    }

    async fn serve_detached(
        &self,
        cx: &Context,
        unlock: Option<Unlock>,
        launched: &mut Launched,
    ) -> Outcome {
        let server = self.open(cx, Some(unlock)).await?;
        // Heard before anybody can know that we are here.
        let interrupts = Interrupts::listen()?;
        launched.ready(&cx.out)?;
        stay(server, interrupts).await
    }

    async fn serve(&self, cx: &Context, settled: Option<Option<Unlock>>) -> Outcome {
        let server = self.open(cx, settled).await?;
        let interrupts = Interrupts::listen()?;
        launch::notify("READY=1\nSTATUS=ready");
        cx.out.note("the agent is ready; Ctrl-C stops it");
        stay(server, interrupts).await
    }

    /// Takes the profile and serves it. What was `settled` as `Some(None)` is none, as whoever
    /// started this process wants it.
    async fn open(&self, cx: &Context, settled: Option<Option<Unlock>>) -> Result<Server, Failure> {
        let profile = cx.profile()?;
        profile.must_exist()?;
        profile.check_permissions()?;
        refuse_duplicate(&profile).await?;
        let settings = cx.settings()?;
        let opens = match settled {
            Some(settled) => settled,
            None if self.locked => None,
            None => Some(unlock::need(cx, &profile)?),
        };
        let lock = OwnerLock::take(&profile, cx.globals.lock_timeout.0).await?;
        unlock::enforce(&profile, &settings)?;
        let keeper = Reopen {
            profile: profile.clone(),
            config_file: cx.config_file()?,
            signal_url: context::env("SOLO2_SIGNAL_URL"),
            fixed: cx.node_config()?,
        };
        let service = match opens {
            Some(unlock) => Some(keeper.open(unlock).await?),
            None => None,
        };
        Server::start(Setup {
            lock,
            socket: profile.socket.clone(),
            profile: profile.name.as_str().to_owned(),
            vault: profile.paths.vault.clone(),
            mode: Mode::Agent,
            service,
            keeper: Some(Box::new(keeper)),
            locking: Locking::of(&settings),
        })
        .await
    }
}

/// Serves until a signal or `agent stop`.
async fn stay(server: Server, interrupts: Interrupts) -> Outcome {
    let asked = tokio::select! {
        () = server.stop_asked() => Ok(0),
        failure = interrupts.wait() => Err(failure),
    };
    launch::notify("STOPPING=1");
    server.close().await;
    asked
}

async fn refuse_duplicate(profile: &Profile) -> Result<(), Failure> {
    if let Some((_, hello)) = Client::greet(&profile.socket).await?
        && hello["mode"] == Mode::Agent.as_str()
    {
        let pid = hello["pid"].as_u64().unwrap_or_default();
        return Err(Failure::new(
            Kind::Busy,
            format!("an agent is running already, process {pid}"),
        )
        .code("agent_running")
        .with("pid", pid)
        .hint("see it: solo2 agent status"));
    }
    Ok(())
}

/// Opens the vault again after a lock, and reads the configuration again.
struct Reopen {
    profile: Profile,
    config_file: PathBuf,
    signal_url: Option<String>,
    /// What the flags settled.
    fixed: NodeConfig,
}

impl Keeper for Reopen {
    fn open(&self, unlock: Unlock) -> BoxFuture<'static, Result<Arc<dyn Service>, Failure>> {
        let paths = self.profile.paths.clone();
        // Under maximum security this takes a device secret's door away first.
        let config = self.config();
        Box::pin(async move { node::open(&paths, unlock, config?.0).await })
    }

    fn config(&self) -> Result<(NodeConfig, Locking), Failure> {
        let settings = Settings::load(&self.config_file, self.signal_url.as_deref())?;
        unlock::enforce(&self.profile, &settings)?;
        let locking = Locking::of(&settings);
        let config = NodeConfig {
            signal: settings.signal,
            stun: settings.stun,
            relays: settings.relays,
            strict: settings.strict,
            route_is_fixed: self.fixed.route_is_fixed,
            route: if self.fixed.route_is_fixed {
                self.fixed.route
            } else {
                settings.route
            },
            transport_is_fixed: self.fixed.transport_is_fixed,
            transport: if self.fixed.transport_is_fixed {
                self.fixed.transport
            } else {
                settings.transport
            },
            tor: settings.tor,
            cover: settings.cover,
            receipts: settings.receipts,
            files: settings.files,
            offline: self.fixed.offline,
            profile: self.fixed.profile.clone(),
        };
        Ok((config, locking))
    }
}

fn start(cx: &Context, locked: bool) -> Outcome {
    let profile = cx.profile()?;
    profile.must_exist()?;
    profile.check_permissions()?;
    // Tells of a mistake here rather than in a process nobody sees.
    cx.settings()?;
    cx.block_on(refuse_duplicate(&profile))?;
    let with = if locked {
        Start::Locked
    } else {
        match unlock::need(cx, &profile)? {
            Unlock::Password(password) => Start::Password(password),
            _ => Start::Device,
        }
    };
    launch::start(cx, &with)?;
    if cx.globals.quiet && !cx.out.is_json() {
        return Ok(0);
    }
    status(cx, "agent.status")
}

fn stop(cx: &Context) -> Outcome {
    let profile = cx.profile()?;
    let stopped = cx.block_on(stop_owner(&profile))?;
    if cx.out.is_json() {
        cx.out.object(&crate::event::event(
            "agent.status",
            json!({"running": false, "pid": stopped}),
        ))?;
    } else if stopped.is_none() {
        cx.out.note("no agent was running");
    }
    Ok(0)
}

/// Stops the agent of a profile and waits until it is gone; its pid, if one ran.
pub(super) async fn stop_owner(profile: &Profile) -> Result<Option<u32>, Failure> {
    let Some((client, hello)) = Client::greet(&profile.socket).await? else {
        return Ok(None);
    };
    let pid = hello["pid"]
        .as_u64()
        .and_then(|pid| u32::try_from(pid).ok());
    client.call("agent.stop", json!({})).await?;
    drop(client);
    if agent::wait_gone(profile, pid, vault::STOPPING).await? {
        return Ok(pid);
    }
    let pid = pid.unwrap_or_default();
    Err(Failure::new(
        Kind::Busy,
        format!("the agent does not stop, process {pid}"),
    )
    .retry(Some(1000))
    .hint(format!("end it: kill {pid}")))
}

/// A running agent follows the configuration as it stands now.
pub(super) fn reload(cx: &Context) -> Result<(), Failure> {
    agent::ask_agent(cx, "agent.reload", json!({})).map(drop)
}

fn status(cx: &Context, method: &str) -> Outcome {
    let status = agent::ask_agent(cx, method, json!({}))?
        .filter(|status| status["mode"] == Mode::Agent.as_str())
        .ok_or_else(no_agent)?;
    if cx.out.is_json() {
        cx.out.object(&status)?;
    } else {
        cx.out.text(&card(&status))?;
    }
    Ok(0)
}

fn card(status: &Value) -> Text {
    let number = |key: &str| status[key].as_u64().unwrap_or_default().to_string();
    let up = humantime::format_duration(Duration::from_secs(
        status["uptime_s"].as_u64().unwrap_or_default(),
    ))
    .to_string();
    let text = Text::new()
        .green("running")
        .plain(", process ")
        .line(&number("pid"))
        .plain(", for ")
        .line(&up);
    if status["locked"] == true {
        text.yellow(", locked")
    } else {
        text.plain("\n  connected  ")
            .line(&number("connected"))
            .plain(" of ")
            .line(&number("peers"))
            .plain("\n  queued     ")
            .line(&number("queued"))
    }
}

impl Install {
    fn run(self, cx: &Context) -> Outcome {
        let profile = cx.profile()?;
        let _ = self.systemd;
        let program = std::env::current_exe()
            .map_err(|error| Failure::io("cannot find this program", &error))?;
        let words = launch::arguments(cx, &program)?;
        let name = profile.name.as_str();
        let (text, place) = if self.launchd {
            let place = format!("Library/LaunchAgents/io.solo2.agent.{name}.plist");
            (launchd(name, &words), place)
        } else {
            let place = format!(".config/systemd/user/solo2-{name}.service");
            (systemd(name, &words), place)
        };
        if !self.write {
            cx.out.raw(text.as_bytes())?;
            return Ok(0);
        }
        let home = std::env::var_os("HOME")
            .ok_or_else(|| Failure::new(Kind::Io, "no home directory: HOME is not set"))?;
        let file = Path::new(&home).join(place);
        if let Some(dir) = file.parent() {
            paths::make_private(dir)?;
        }
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&file)
            .and_then(|mut to| to.write_all(text.as_bytes()))
            .map_err(|error| Failure::io(format!("cannot write {}", file.display()), &error))?;
        cx.out.result(&file.display().to_string())?;
        Ok(0)
    }
}

fn systemd(name: &str, words: &[String]) -> String {
    let command: Vec<String> = words.iter().map(|word| systemd_quote(word)).collect();
    format!(
        "[Unit]\n\
         Description=Solo2 agent, profile {name}\n\
         Documentation=man:solo2-agent(1)\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         Type=notify\n\
         ExecStart={}\n\
         Environment={}={}\n\
         # The password, encrypted to this machine:\n\
         #   systemd-creds encrypt --user --name=solo2-password - ~/.config/solo2-password.cred\n\
         #LoadCredentialEncrypted=solo2-password:%h/.config/solo2-password.cred\n\
         # Or a secret that is of no use elsewhere (solo2 vault device-secret on -o -):\n\
         #LoadCredentialEncrypted=solo2-device-secret:%h/.config/solo2-device-secret.cred\n\
         Restart=on-failure\n\
         RestartPreventExitStatus=2 3 4 14\n\
         SuccessExitStatus=130 143\n\
         NoNewPrivileges=yes\n\
         LockPersonality=yes\n\
         RestrictRealtime=yes\n\
         RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\n\
         UMask=0077\n\
         LimitCORE=0\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
        command.join(" "),
        ONE_ARENA.0,
        ONE_ARENA.1
    )
}

fn systemd_quote(word: &str) -> String {
    let escaped = word
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%")
        .replace('$', "$$");
    format!("\"{escaped}\"")
}

fn launchd(name: &str, words: &[String]) -> String {
    let command: String = words
        .iter()
        .map(|word| format!("    <string>{}</string>\n", xml(word)))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n  <key>Label</key>\n  <string>io.solo2.agent.{}</string>\n  \
         <key>ProgramArguments</key>\n  <array>\n{command}  </array>\n  \
         <key>RunAtLoad</key>\n  <true/>\n  <key>KeepAlive</key>\n  \
         <dict>\n    <key>SuccessfulExit</key>\n    <false/>\n  </dict>\n</dict>\n</plist>\n",
        xml(name)
    )
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_file_quotes_what_systemd_would_expand() {
        assert_eq!(
            systemd_quote(r#"/x/%h $A "b" \"#),
            r#""/x/%%h $$A \"b\" \\""#
        );
        let unit = systemd("work", &["/usr/bin/solo2".to_owned(), "agent".to_owned()]);
        assert!(unit.contains("ExecStart=\"/usr/bin/solo2\" \"agent\"\n"));
        assert!(unit.starts_with("[Unit]\nDescription=Solo2 agent, profile work\n"));
    }

    #[test]
    fn a_property_list_escapes_markup() {
        assert!(launchd("x", &["a<b&c".to_owned()]).contains("<string>a&lt;b&amp;c</string>"));
    }
}
