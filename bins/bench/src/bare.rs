//! What the machine itself asks for one write to one of many sockets: the floor under what a paced
//! delivery can cost a server that gives every client a connection, and the way to compare figures
//! of different machines.

use crate::proc::thread_time;
use anyhow::{Result, anyhow};
use std::{
    io::Write,
    net::TcpStream as Blocking,
    thread,
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinSet,
};

/// How often every socket is written to, and how far apart, as a room with 50 messages/s does.
const ROUNDS: u32 = 100;
const APART: Duration = Duration::from_millis(20);

/// CPU time in microseconds of one write of so many bytes to one of so many loopback sockets, by a
/// thread that does nothing else. They are read as the bench reads its clients'.
pub(crate) async fn write(sockets: usize, bytes: usize) -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut writing = Vec::with_capacity(sockets);
    let mut reading = JoinSet::new();
    for _ in 0..sockets {
        let client = TcpStream::connect(address).await?;
        let (server, _) = listener.accept().await?;
        let server = server.into_std()?;
        server.set_nonblocking(false)?;
        server.set_nodelay(true)?;
        writing.push(server);
        reading.spawn(drain(client));
    }
    let (done, result) = oneshot::channel();
    thread::spawn(move || done.send(write_all(writing, bytes)));
    let spent = result.await.map_err(|_| anyhow!("the writing thread ended"))??;
    Ok(spent.as_secs_f64() * 1e6 / f64::from(ROUNDS) / crate::report::float(sockets as u64))
}

fn write_all(mut sockets: Vec<Blocking>, bytes: usize) -> Result<Duration> {
    let frame = vec![b'x'; bytes];
    let begun = Instant::now();
    let before = thread_time();
    for round in 1..=ROUNDS {
        for socket in &mut sockets {
            socket.write_all(&frame)?;
        }
        thread::sleep((APART * round).saturating_sub(begun.elapsed()));
    }
    Ok(thread_time().saturating_sub(before))
}

/// Reads to the end.
async fn drain(mut socket: TcpStream) {
    let mut buffer = [0; 4096];
    while matches!(socket.read(&mut buffer).await, Ok(1..)) {}
}
