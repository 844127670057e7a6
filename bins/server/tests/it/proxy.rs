//! A network between the server and its database that can fail.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Passes connections on to a server. Ends when dropped.
pub(crate) struct Proxy {
    /// Whether the network is whole.
    whole: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// In front of the server of this URL. Gives the URL that goes through it, too.
    pub(crate) async fn before(url: &str) -> (Self, String) {
        let begin = url.find('@').unwrap() + 1;
        let end = begin + url[begin..].find('/').unwrap();
        let server: SocketAddr = url[begin..end].parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (whole, state) = watch::channel(true);
        let accepting = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(pass(client, server, state.clone()));
            }
        });
        let through = format!("{}{address}{}", &url[..begin], &url[end..]);
        (Self { whole, accepting }, through)
    }

    /// Parts the network: from now on nothing comes through, and nobody is told. What is connected
    /// now, or connects meanwhile, stays dead for ever, as when a firewall has forgotten it.
    pub(crate) fn part(&self) {
        self.whole.send_replace(false);
    }

    /// Joins it again, for connections that are opened from now on.
    pub(crate) fn join(&self) {
        self.whole.send_replace(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Passes on what both ends say, until the network is parted; then holds both ends and is silent.
async fn pass(mut client: TcpStream, server: SocketAddr, mut whole: watch::Receiver<bool>) {
    if *whole.borrow_and_update() {
        let mut server = TcpStream::connect(server).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => return,
            _ = whole.changed() => {}
        }
        hold((client, server), whole).await;
    } else {
        hold(client, whole).await;
    }
}

/// Keeps connections open until the test is over.
async fn hold<T>(connections: T, mut whole: watch::Receiver<bool>) {
    while whole.changed().await.is_ok() {}
    drop(connections);
}
