//! The real relay binary, seen from outside: by clients made here, by the tools of
//! another TURN implementation, and by an operator.
//!
//! A test that needs a tool which is not installed says `skipped: needs X` and passes.

mod abuse;
mod aioice;
mod aiortc;
mod browser;
#[path = "../../../tests/e2e/chromium.rs"]
mod chromium;
mod command;
mod coturn;
mod relaying;
mod streams;
mod support;
mod threads;
