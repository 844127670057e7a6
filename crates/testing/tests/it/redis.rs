//! Servers of Redis: what tests of the other crates rely on.

use std::io::{BufRead, BufReader, Write, stdin};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tertulia_testing::RedisServer;

#[test]
fn redis_is_available_here() {
    assert_eq!(RedisServer::available(), Ok(()));
}

#[test]
fn a_server_is_killed_comes_back_empty_and_is_paused() {
    let server = RedisServer::start();
    assert_eq!(server.command("SET a 1"), "+OK\r\n");
    server.kill();
    assert!(TcpStream::connect(address(&server.url())).is_err());
    server.start_again();
    assert_eq!(server.command("GET a"), "$-1\r\n");
    server.pause();
    thread::scope(|scope| {
        let asked = scope.spawn(|| server.command("PING"));
        thread::sleep(Duration::from_millis(200));
        assert!(!asked.is_finished());
        server.resume();
        assert_eq!(asked.join().unwrap(), "+PONG\r\n");
    });
}

#[test]
fn a_dropped_server_is_gone_paused_or_not() {
    for paused in [false, true] {
        let server = RedisServer::start();
        let address = address(&server.url());
        if paused {
            server.pause();
        }
        drop(server);
        assert!(TcpStream::connect(address).is_err(), "paused: {paused}");
    }
}

#[test]
fn a_killed_owner_leaves_nothing_behind_paused_or_not() {
    for paused in [false, true] {
        let mut owner = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "redis::owner", "--nocapture"])
            .env(OWNER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(owner.stdout.take().unwrap()).lines().map(Result::unwrap);
        let address = address(&output.find(|line| line.starts_with("redis://")).unwrap());
        assert!(TcpStream::connect(&address).is_ok());
        if paused {
            owner.stdin.as_mut().unwrap().write_all(b"pause\n").unwrap();
            output.find(|line| line == "paused").unwrap();
        }
        owner.kill().unwrap();
        owner.wait().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(&address).is_ok() {
            assert!(Instant::now() < deadline, "the server still runs; paused: {paused}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Makes [`owner`] the process that another test kills; without it, it is nothing.
const OWNER: &str = "TERTULIA_TEST_REDIS_OWNER";

#[test]
fn owner() {
    if std::env::var_os(OWNER).is_none() {
        return;
    }
    let server = RedisServer::start();
    println!("\n{}", server.url());
    // Until it is killed, or the test that started it is gone.
    for _ in stdin().lines() {
        server.pause();
        println!("\npaused");
    }
}

fn address(url: &str) -> String {
    url.rsplit('@').next().unwrap().to_owned()
}
