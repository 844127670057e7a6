//! Ports for servers of tests.

use std::net::{Ipv4Addr, TcpListener};

/// A port that nobody uses now. Not one that the kernel gives to outgoing connections (those begin
/// at 32768 on Linux), lest one of them takes it while the server is stopped.
pub(crate) fn free_port() -> u16 {
    for _ in 0..100 {
        let mut random = [0; 2];
        getrandom::fill(&mut random).expect("the machine has randomness");
        let port = 0x4000 | (u16::from_be_bytes(random) & 0x3fff);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between 16384 and 32767")
}
