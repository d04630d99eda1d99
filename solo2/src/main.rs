//! Solo2: an end-to-end encrypted messenger for the command line.
//!
//! This file hardens the process and hands over to [`cli`].

use std::process::ExitCode;

mod agent;
mod cli;
mod config;
mod context;
mod device_secret;
mod error;
mod event;
mod files;
mod generate;
mod harden;
mod net;
mod node;
mod output;
mod password;
mod paths;
mod size;
mod unlock;

fn main() -> ExitCode {
    harden::process();
    cli::main()
}
