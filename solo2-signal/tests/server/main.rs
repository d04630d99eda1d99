//! The real server binary, seen from outside: what it promises to devices, and
//! what it refuses to everybody else.

mod command;
mod hostile;
mod introduction;
mod memory;
mod stun;
mod support;
mod tls;
