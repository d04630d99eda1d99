//! Solo2: an end-to-end encrypted messenger for the command line.
//!
//! This file hardens the process and hands over to [`cli`].

use std::process::ExitCode;

mod agent;
mod cli;
mod config;
mod context;
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

fn main() -> ExitCode {
    harden::process();
    cli::main()
}
