//! Solo2: an end-to-end encrypted messenger for the command line.
//!
//! This file hardens the process and hands over to [`cli`].

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

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

/// Whatever is freed is wiped: texts, passwords and what libraries copied of them leave memory
/// with their last owner.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    harden::process();
    cli::main()
}
