//! A network device whose wire is this process: each read is a packet that the kernel sends,
//! each write one that it receives. Needs root.
//!
//! Source: Documentation/networking/tuntap.rst of the kernel, §3.2.
#![allow(
    unsafe_code,
    reason = "a TUN device is made by an ioctl and by nothing else"
)]

use std::ffi::{c_int, c_short};
use std::fs::{File, OpenOptions};
use std::io;

use rustix::ioctl::{Opcode, Setter, ioctl, opcode};

/// `struct ifreq` of netdevice(7), as TUNSETIFF reads it.
#[repr(C)]
struct Request {
    name: [u8; 16],
    flags: c_short,
    rest: [u8; 22],
}

const TUNSETIFF: Opcode = opcode::write::<c_int>(b'T', 202);
/// IP packets, without the four bytes that would say so.
const IFF_TUN: c_short = 0x0001;
const IFF_NO_PI: c_short = 0x1000;

/// Makes a device of this name. It lives as long as the file is open.
pub(crate) fn open(name: &str) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")?;
    let mut request = Request {
        name: [0; 16],
        flags: IFF_TUN | IFF_NO_PI,
        rest: [0; 22],
    };
    request.name[..name.len()].copy_from_slice(name.as_bytes());
    // SAFETY: TUNSETIFF reads a `struct ifreq`, which the request is laid out as.
    unsafe {
        ioctl(&file, Setter::<{ TUNSETIFF }, Request>::new(request))?;
    }
    Ok(file)
}
