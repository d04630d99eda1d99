//! The command line: what may be typed, and which file carries it out.
//!
//! The doc comments here and in `cli/` are the help text, the man pages and
//! the completions. Arguments are parsed into values that are already right,
//! so that `run` never meets a malformed one.
//! Spec: docs/cli.md.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::config::{Route, Transport};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::output::{ColorWhen, Output};
use crate::paths::ProfileName;

pub(crate) mod agent;
mod amend;
mod chat;
mod completion;
mod config;
mod contact;
mod demo;
mod doctor;
mod document;
mod export;
mod file;
mod history;
mod identity;
mod import;
mod init;
mod man;
mod pair;
mod pipe;
mod queue;
mod recv;
mod relay;
mod route;
mod schema;
mod search;
mod send;
mod sync;
mod values;
mod vault;
mod version;
mod wipe;

use values::Span;

/// How a command ended well: the exit code to report, usually 0.
pub(crate) type Outcome = Result<u8, Failure>;

/// An end-to-end encrypted messenger for the command line
#[derive(Parser)]
#[command(
    name = "solo2",
    version,
    propagate_version = false,
    subcommand_required = true,
    arg_required_else_help = true,
    infer_subcommands = false,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that stand before or after every verb.
#[derive(Args, Clone)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Profile to use
    #[arg(
        short,
        long,
        global = true,
        value_name = "NAME",
        env = "SOLO2_PROFILE",
        hide_env_values = true
    )]
    pub(crate) profile: Option<ProfileName>,

    /// Keep vault, state, socket and config under this directory
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "SOLO2_HOME",
        hide_env_values = true
    )]
    pub(crate) home: Option<PathBuf>,

    /// Configuration file to use instead of the usual one
    #[arg(
        long = "config",
        id = "config_file",
        global = true,
        value_name = "FILE",
        env = "SOLO2_CONFIG",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub(crate) config: Option<PathBuf>,

    /// Print JSON Lines; errors too, as the last line
    #[arg(long, global = true, env = "SOLO2_JSON", hide_env_values = true, action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,

    /// Print words instead of glyphs, and no colour
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) plain: bool,

    /// Print nothing but what was asked for
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Log to stderr; twice for more
    #[arg(short, long, global = true, action = ArgAction::Count, hide_short_help = true)]
    pub(crate) verbose: u8,

    /// When to use colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        hide_short_help = true
    )]
    pub(crate) color: ColorWhen,

    /// Never ask; fail instead
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) no_input: bool,

    /// Answer yes to every question
    #[arg(short, long, global = true, hide_short_help = true)]
    pub(crate) yes: bool,

    /// Give up waiting after this time, such as 30s or 2m
    #[arg(
        long,
        global = true,
        value_name = "DUR",
        env = "SOLO2_TIMEOUT",
        hide_env_values = true
    )]
    pub(crate) timeout: Option<Span>,

    /// Whether to use a running agent
    #[arg(
        long = "agent",
        id = "agent_mode",
        global = true,
        value_name = "MODE",
        value_enum,
        default_value = "auto",
        env = "SOLO2_AGENT",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub(crate) agent: AgentUse,

    /// How long to wait for another process to let the profile go
    #[arg(
        long,
        global = true,
        value_name = "DUR",
        default_value = "5s",
        hide_short_help = true
    )]
    pub(crate) lock_timeout: Span,

    /// Route policy for this command
    #[arg(
        long = "route",
        id = "route_policy",
        global = true,
        value_name = "ROUTE",
        value_enum,
        env = "SOLO2_ROUTE",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub(crate) route: Option<Route>,

    /// Send over one of these routes or not at all
    #[arg(
        long,
        global = true,
        value_name = "ROUTE",
        value_enum,
        value_delimiter = ',',
        env = "SOLO2_REQUIRE_ROUTE",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub(crate) require_route: Vec<Route>,

    /// What may carry links, unless a running agent holds the profile
    #[arg(
        long,
        global = true,
        value_name = "TRANSPORT",
        value_enum,
        hide_short_help = true
    )]
    pub(crate) transport: Option<Transport>,

    /// Touch no network
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) offline: bool,

    /// Read the password from this file, or - for stdin
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SOLO2_PASSWORD_FILE",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub(crate) password_file: Option<PathBuf>,

    /// Read the password from this file descriptor
    #[arg(
        long,
        global = true,
        value_name = "N",
        conflicts_with = "password_file",
        hide_short_help = true
    )]
    pub(crate) password_fd: Option<u32>,
}

/// Whether a verb goes through a running agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AgentUse {
    /// Use the agent, or do the work in this process if none runs
    Auto,
    /// Fail when no agent runs
    Require,
    /// Always do the work in this process
    Never,
}

/// Every verb of this program.
#[derive(Subcommand)]
pub(crate) enum Command {
    Init(init::Init),
    Identity(identity::Identity),
    Vault(vault::Vault),
    Pair(pair::Pair),
    Contact(contact::Contact),
    Send(send::Send),
    Recv(recv::Recv),
    Pipe(pipe::Pipe),
    File(file::File),
    Export(export::Export),
    Import(import::Import),
    Edit(amend::Edit),
    Delete(amend::Delete),
    React(amend::React),
    Read(amend::Read),
    Chat(chat::Chat),
    History(history::History),
    Search(search::Search),
    Queue(queue::Queue),
    Route(route::RouteVerb),
    Relay(relay::Relay),
    Doctor(doctor::Doctor),
    Sync(sync::Sync),
    Agent(agent::Agent),
    Config(config::Config),
    Wipe(wipe::Wipe),
    Schema(schema::Schema),
    Demo(demo::Demo),
    Completion(completion::Completion),
    Man(man::Man),
    Version(version::Version),
    #[command(hide = true)]
    Generate(crate::generate::Generate),
}

impl Command {
    fn run(self, cx: &Context) -> Outcome {
        match self {
            Command::Init(verb) => verb.run(cx),
            Command::Identity(verb) => verb.run(cx),
            Command::Vault(verb) => verb.run(cx),
            Command::Pair(verb) => verb.run(cx),
            Command::Contact(verb) => verb.run(cx),
            Command::Send(verb) => verb.run(cx),
            Command::Recv(verb) => verb.run(cx),
            Command::Pipe(verb) => verb.run(cx),
            Command::File(verb) => verb.run(cx),
            Command::Export(verb) => verb.run(cx),
            Command::Import(verb) => verb.run(cx),
            Command::Edit(verb) => verb.run(cx),
            Command::Delete(verb) => verb.run(cx),
            Command::React(verb) => verb.run(cx),
            Command::Read(verb) => verb.run(cx),
            Command::Chat(verb) => verb.run(cx),
            Command::History(verb) => verb.run(cx),
            Command::Search(verb) => verb.run(cx),
            Command::Queue(verb) => verb.run(cx),
            Command::Route(verb) => verb.run(cx),
            Command::Relay(verb) => verb.run(cx),
            Command::Doctor(verb) => verb.run(cx),
            Command::Sync(verb) => verb.run(cx),
            Command::Agent(verb) => verb.run(cx),
            Command::Config(verb) => verb.run(cx),
            Command::Wipe(verb) => verb.run(cx),
            Command::Schema(verb) => verb.run(cx),
            Command::Demo(verb) => verb.run(cx),
            Command::Completion(verb) => verb.run(cx),
            Command::Man(verb) => verb.run(cx),
            Command::Version(verb) => verb.run(cx),
            Command::Generate(verb) => verb.run(cx),
        }
    }
}

/// What a newcomer types first.
const FIRST: &str = "\
Three commands to begin with:
  solo2 init                   make an identity and its vault
  solo2 pair invite --as bob   speak the code to Bob: solo2 pair join CODE
  echo hi | solo2 send bob     and on the other side: solo2 recv

Try it all at once on this machine: solo2 demo";

/// The whole command tree, as help, man pages and completions show it.
pub(crate) fn tree() -> clap::Command {
    Cli::command()
        .after_help(FIRST)
        .after_long_help(format!("{FIRST}\n\n{}", exit_codes()))
}

/// Parses the process's arguments, runs the verb and reports how it ended.
pub(crate) fn main() -> ExitCode {
    let parsed = tree()
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(refuse(&error)),
    };
    let output = Output::new(&cli.globals);
    crate::context::start_log(&cli.globals, &output);
    let cx = Context::new(cli.globals, output);
    let code = match cli.command.run(&cx) {
        Ok(code) => code,
        Err(failure) => {
            cx.out.failure(&failure);
            failure.exit
        }
    };
    ExitCode::from(code)
}

/// Prints what clap has to say: help on stdout, errors on stderr, and with
/// `--json` the error object too.
fn refuse(error: &clap::Error) -> u8 {
    use clap::error::ErrorKind;
    let output = Output::before_parsing();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => output.clap(error, true),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if std::env::args_os().len() < 2 => {
            output.clap(error, true)
        }
        _ => {
            let message = error.to_string();
            let first = match error.kind() {
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a verb is missing",
                _ => message.lines().next().unwrap_or_default(),
            };
            let first = first.strip_prefix("error: ").unwrap_or(first);
            output.clap(error, false);
            output.failure_object(&Failure::usage(first));
            Kind::Usage.exit()
        }
    }
}

/// The exit codes, for `--help` and the man page.
pub(crate) fn exit_codes() -> String {
    let mut text = String::from("Exit codes:\n    0  the requested state is reached\n");
    for kind in Kind::ALL {
        let (code, _, meaning) = kind.row();
        text.push_str(&format!("  {code:>3}  {meaning}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        tree().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_or_after_the_verb() {
        for words in [
            ["solo2", "--home", "a", "--json", "version"],
            ["solo2", "version", "--home", "a", "--json"],
        ] {
            let cli = Cli::try_parse_from(words).expect("parse");
            assert!(cli.globals.json);
            assert_eq!(cli.globals.home.as_deref(), Some(std::path::Path::new("a")));
        }
    }

    #[test]
    fn a_verb_is_never_guessed_from_its_beginning() {
        assert!(Cli::try_parse_from(["solo2", "vers"]).is_err());
    }

    #[test]
    fn routes_that_do_not_exist_are_refused() {
        assert!(Cli::try_parse_from(["solo2", "--route", "direct", "version"]).is_ok());
        assert!(Cli::try_parse_from(["solo2", "--route", "sideways", "version"]).is_err());
    }
}
