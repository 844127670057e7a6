//! `tertulia health`: asks a running server whether it is alive, for containers without `curl`.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(3);

/// Asks `GET /health` of the server that listens on `host` and `port`; `Ok` if it answers 200 within
/// three seconds a step.
pub fn check(host: &str, port: u16) -> io::Result<()> {
    let host = match host {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        other => other,
    };
    let address = (host, port).to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut status = String::new();
    BufReader::new(io::Read::take(stream, 1024)).read_line(&mut status)?;
    if status.starts_with("HTTP/1.1 200 ") {
        Ok(())
    } else {
        Err(io::Error::other(format!("the server answered {:?}", status.trim_end())))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn answering(answer: &'static str) -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (stream, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(&stream).lines();
                assert_eq!(lines.next().unwrap().unwrap(), "GET /health HTTP/1.1");
                while !lines.next().unwrap().unwrap().is_empty() {}
                (&stream).write_all(answer.as_bytes()).unwrap();
            });
            check("0.0.0.0", port)
        })
    }

    #[test]
    fn only_200_is_alive() {
        assert!(answering("HTTP/1.1 200 OK\r\n\r\n").is_ok());
        assert!(answering("HTTP/1.1 503 Service Unavailable\r\n\r\n").is_err());
        assert!(answering("").is_err());
    }

    #[test]
    fn nobody_there_is_not_alive() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert!(check("127.0.0.1", port).is_err());
    }
}
