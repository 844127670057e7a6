//! A client's socket, and the task that drives it.

use crate::{
    api,
    http::{self, Http},
    session::Session,
    target::{Target, User},
    ws::Scanner,
};
use anyhow::Result;
use memchr::memmem;
use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    task::spawn_local,
    time::sleep,
};

/// How long a client waits before it sends again what was refused.
const PAUSE: Duration = Duration::from_millis(50);

/// A client, shared by the task that drives it and the scenario that gives it orders.
pub(crate) type Handle = Rc<RefCell<Client>>;

/// A session, and its socket while there is one.
pub(crate) struct Client {
    /// What the client knows.
    pub(crate) session: Session,
    target: Rc<Target>,
    /// Whose client it is.
    pub(crate) user: Rc<User>,
    link: Option<Link>,
    /// Of the driving task, for what others queue while the socket is full.
    waker: Option<Waker>,
    /// Counts connections, so that the task of an earlier one knows that it is over.
    generation: u64,
}

struct Link {
    stream: TcpStream,
    scanner: Scanner,
    written: usize,
}

/// How a socket proves whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Proof<'a> {
    /// An access token, in `Authorization`.
    Bearer(&'a str),
    /// A ticket, as a subprotocol, as browsers must.
    Ticket(&'a str),
}

/// Why there is no socket.
#[derive(Debug)]
pub(crate) struct Denied {
    /// The status, if there was an answer.
    pub(crate) status: Option<u16>,
    /// In words.
    pub(crate) why: String,
}

/// What the driving task has to do besides reading and writing.
enum Event {
    Refill,
    Pause,
    Ended,
}

impl Client {
    /// A client of `user` that is not connected yet.
    pub(crate) fn new(session: Session, target: Rc<Target>, user: Rc<User>) -> Handle {
        Rc::new(RefCell::new(Self {
            session,
            target,
            user,
            link: None,
            waker: None,
            generation: 0,
        }))
    }

    /// Sends one message, at once if the socket takes it.
    pub(crate) fn publish(&mut self) {
        let Some(publisher) = &mut self.session.publisher else {
            return;
        };
        publisher.send(&mut self.session.out);
        self.push();
    }

    /// Asks to be shown who is in the channel.
    pub(crate) fn focus(&mut self) {
        self.session.focus();
        self.push();
    }

    /// Keeps `outstanding` messages unacknowledged from now on.
    pub(crate) fn start_loop(&mut self, outstanding: usize) {
        let Some(publisher) = &mut self.session.publisher else {
            return;
        };
        publisher.closed_loop = true;
        (0..outstanding).for_each(|_| publisher.send(&mut self.session.out));
        self.push();
    }

    /// Cuts the connection without a word: the server gets a reset.
    pub(crate) fn cut(&mut self) {
        if let Some(link) = &self.link {
            let _ = link.stream.set_zero_linger();
        }
        self.disconnect();
        self.session.ready_at = None;
        self.session.out.clear();
    }

    /// Closes the connection.
    pub(crate) fn disconnect(&mut self) {
        self.link = None;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Writes what is queued, or leaves it to the driving task.
    fn push(&mut self) {
        match self.flush() {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => self.session.end(format!("writing: {error}")),
        }
        self.waker.iter().for_each(Waker::wake_by_ref);
    }

    /// Writes what the socket takes; `true` when nothing is left.
    fn flush(&mut self) -> io::Result<bool> {
        let Some(link) = &mut self.link else {
            return Ok(true);
        };
        let out = &mut self.session.out;
        while link.written < out.len() {
            match link.stream.try_write(&out[link.written..]) {
                Ok(count) => link.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        link.written = 0;
        out.clear();
        Ok(true)
    }

    fn poll(&mut self, generation: u64, context: &mut Context<'_>) -> Poll<Event> {
        if self.generation != generation || self.link.is_none() {
            return Poll::Ready(Event::Ended);
        }
        if let Err(error) = self.drive(context) {
            self.session.end(error.to_string());
        }
        if self.session.ended.is_some() {
            self.link = None;
            return Poll::Ready(Event::Ended);
        }
        if std::mem::take(&mut self.session.wants_history) {
            return Poll::Ready(Event::Refill);
        }
        if std::mem::take(&mut self.session.wants_pause) {
            return Poll::Ready(Event::Pause);
        }
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            self.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// Writes and reads until the socket has to be waited for.
    fn drive(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let tally = Rc::clone(self.session.tally());
        let mut buffer = tally.buffer.borrow_mut();
        loop {
            while !self.flush()? {
                let Some(link) = &self.link else { break };
                match link.stream.poll_write_ready(context) {
                    Poll::Ready(ready) => ready?,
                    Poll::Pending => break,
                }
            }
            let Some(link) = &mut self.link else {
                return Ok(());
            };
            let mut read = ReadBuf::new(&mut buffer);
            match Pin::new(&mut link.stream).poll_read(context, &mut read) {
                Poll::Pending => return Ok(()),
                Poll::Ready(result) => result?,
            }
            if read.filled().is_empty() {
                self.session.end("closed by the server without a close frame".into());
                return Ok(());
            }
            let now = tally.now();
            link.scanner
                .feed(read.filled(), |frame| self.session.frame(&frame, now))
                .map_err(io::Error::other)?;
            if self.session.ended.is_some() {
                return Ok(());
            }
        }
    }
}

/// Opens the client's socket and has it driven from then on.
pub(crate) async fn connect(client: &Handle, proof: Proof<'_>) -> Result<(), Denied> {
    let target = Rc::clone(&client.borrow().target);
    let (stream, rest) = open(&target, proof).await?;
    let generation = {
        let client = &mut *client.borrow_mut();
        let now = client.session.tally().now();
        let mut scanner = Scanner::default();
        scanner
            .feed(&rest, |frame| client.session.frame(&frame, now))
            .map_err(|error| denied(None, error))?;
        client.link = Some(Link { stream, scanner, written: 0 });
        client.generation += 1;
        client.generation
    };
    spawn_local(drive(Rc::clone(client), generation));
    Ok(())
}

async fn drive(client: Handle, generation: u64) {
    loop {
        match poll_fn(|context| client.borrow_mut().poll(generation, context)).await {
            Event::Ended => return,
            Event::Refill => {
                let client = Rc::clone(&client);
                spawn_local(async move {
                    if let Err(error) = refill(&client).await {
                        client.borrow_mut().session.end(format!("{error:#}"));
                    }
                });
            }
            Event::Pause => {
                let client = Rc::clone(&client);
                spawn_local(async move {
                    sleep(PAUSE).await;
                    let client = &mut *client.borrow_mut();
                    client.session.retry();
                    client.push();
                });
            }
        }
    }
}

/// Fills the hole that `reset` left from the channel's history.
async fn refill(client: &Handle) -> Result<()> {
    let (target, user) = (Rc::clone(&client.borrow().target), Rc::clone(&client.borrow().user));
    let mut http = Http::new(&target);
    loop {
        let (channel, last_seq) = {
            let session = &client.borrow().session;
            let last_seq = session.channel_feed().map_or(0, |feed| feed.last_seq);
            (Rc::clone(&session.channel), last_seq)
        };
        let page = api::history_after(&mut http, &user.token, &channel, last_seq).await?;
        let client = &mut *client.borrow_mut();
        let head = page.is_last.then_some(page.head);
        client.session.refill(&page.messages, head);
        if page.is_last {
            client.push();
            return Ok(());
        }
    }
}

/// Makes the handshake. Gives also the bytes that came right behind it.
async fn open(target: &Target, proof: Proof<'_>) -> Result<(TcpStream, Vec<u8>), Denied> {
    let proof = match proof {
        Proof::Bearer(token) => format!("Authorization: Bearer {token}"),
        Proof::Ticket(ticket) => format!("Sec-WebSocket-Protocol: tertulia.v1, ticket.{ticket}"),
    };
    let request = format!(
        "GET /api/v1/ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{proof}\r\n\r\n",
        target.authority
    );
    let failed = |error: io::Error| denied(None, &error.to_string());
    let mut stream = TcpStream::connect(target.address).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut bytes = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut bytes).await.map_err(failed)? == 0 {
            return Err(denied(None, "closed within the handshake"));
        }
        let Some(end) = memmem::find(&bytes, b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]);
        let line = head.lines().next().unwrap_or("");
        return match http::status(line) {
            Ok(101) => Ok((stream, bytes[end + 4..].to_vec())),
            Ok(status) => Err(denied(Some(status), line)),
            Err(error) => Err(denied(None, &error.to_string())),
        };
    }
}

fn denied(status: Option<u16>, why: &str) -> Denied {
    let why = why.to_owned();
    Denied { status, why }
}
