//! An accepted connection whose client must keep pace. Actix has a deadline for a connection's
//! first head only; here are those for later heads and for answers, and what is answered to what
//! is no HTTP.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::farewell::{Farewell, Parting, bare_refusal};

/// How long clients of plain HTTP may take. Sockets have a heartbeat of their own.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// A request's head must be whole so long after its first byte, and a connection's first one so
    /// long after it was accepted.
    pub head: Duration,
    /// How long an unused connection is kept.
    pub idle: Duration,
    /// How long a client may leave an answer lying that the kernel cannot take for it; for each
    /// KiB that it does take, a second more.
    pub answer: Duration,
    /// How long a client that was answered for the last time may take to hang up.
    pub close: Duration,
}

impl Default for Deadlines {
    /// Heads: 5 s, as Actix has it for first ones. Unused: a minute, as common proxies expect it.
    /// Answers: 20 s. Goodbyes: 5 s.
    fn default() -> Self {
        Self {
            head: Duration::from_secs(5),
            idle: Duration::from_mins(1),
            answer: Duration::from_secs(20),
            close: Duration::from_secs(5),
        }
    }
}

/// The slowest that a client may read, in bytes a second.
const SLOWEST: f64 = 1024.0;

/// What the kernel holds of an answer that it has not sent yet; only then does it take more. Unbounded,
/// it takes some MiB at once and then nothing until a third of that is gone, and who reads 50 KiB a
/// second would be late. So he is who takes less than some 3 KiB a second.
const UNSENT: u32 = 64 * 1024;

/// How much of an answer the kernel is given at a time.
const PIECE: usize = 16 * 1024;

/// What is waited for.
#[derive(Clone, Copy)]
enum Stage {
    /// Nothing of the client's, or what others have a deadline for: the first head, a body.
    Busy,
    /// All was answered: until then the connection may lie unused.
    Idle(Instant),
    /// A head has begun, and must be whole by then.
    Head(Instant),
    /// It has become a socket.
    Socket,
    /// The socket has said goodbye: what is still to be written is written, and nothing more read.
    Over,
}

/// Where a connection stands: what its stream and the requests that come over it share.
#[derive(Clone)]
pub(crate) struct Course {
    stage: Rc<Cell<Stage>>,
    deadlines: Deadlines,
}

impl Course {
    /// A request has come, and is under way until this is dropped.
    pub(crate) fn answering(&self) -> Answering {
        self.stage.set(Stage::Busy);
        Answering(self.clone())
    }

    /// The connection is a socket, whose pace is not ours to keep, until this is dropped.
    pub(crate) fn becomes_socket(&self) -> Socket {
        self.stage.set(Stage::Socket);
        Socket(self.clone())
    }

    fn is_socket(&self) -> bool {
        matches!(self.stage.get(), Stage::Socket)
    }

    fn idle(&self) {
        self.stage.set(Stage::Idle(Instant::now() + self.deadlines.idle));
    }

    fn heard(&self) {
        if matches!(self.stage.get(), Stage::Idle(_)) {
            self.stage.set(Stage::Head(Instant::now() + self.deadlines.head));
        }
    }
}

/// A request that is under way.
pub(crate) struct Answering(Course);

impl Drop for Answering {
    fn drop(&mut self) {
        if !self.0.is_socket() {
            self.0.idle();
        }
    }
}

/// A connection that is a socket.
pub(crate) struct Socket(Course);

impl Drop for Socket {
    fn drop(&mut self) {
        // The last frames are an answer like any other: who does not take them is hung up on.
        self.0.stage.set(Stage::Over);
    }
}

/// The stream. Its clock is looked at once or twice a request, and its timer is set only when it
/// would be late: a busy connection sets it every few seconds.
pub(super) struct Paced {
    stream: TcpStream,
    course: Course,
    timer: Option<Pin<Box<Sleep>>>,
    /// When the kernel must have taken what is being written, if it did not at once.
    blocked: Option<Instant>,
    farewell: Option<Box<Farewell>>,
    parting: Option<Parting>,
}

impl Paced {
    pub(super) fn new(stream: TcpStream, deadlines: Deadlines) -> Self {
        // Where there is no such setting, large answers have to be read faster.
        #[cfg(target_os = "linux")]
        let _ = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT);
        let course = Course { stage: Rc::new(Cell::new(Stage::Busy)), deadlines };
        let (timer, blocked, farewell, parting) = (None, None, None, None);
        Self { stream, course, timer, blocked, farewell, parting }
    }

    pub(super) fn course(&self) -> &Course {
        &self.course
    }

    /// Whether it is too late; if not, the task is woken when it is, or a while before.
    fn is_late(&mut self, cx: &mut Context<'_>, deadline: Instant) -> bool {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= deadline {
                return true;
            }
            timer.as_mut().reset(deadline);
        }
        false
    }
}

impl AsyncRead for Paced {
    /// Ends when the client is too late with a head: what has come of it is dropped, and the
    /// connection closed.
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if matches!(self.course.stage.get(), Stage::Over) {
            // Actix would wait for the client to hang up first: after the close frames it is the
            // server that does (RFC 6455 §7.1.1).
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, buffer) {
            if buffer.filled().len() > before {
                self.course.heard();
            }
            return Poll::Ready(read);
        }
        match self.course.stage.get() {
            Stage::Busy | Stage::Over => {}
            Stage::Socket => self.timer = None,
            Stage::Idle(deadline) | Stage::Head(deadline) => {
                // Who has yet to read the last answer has the deadline of that.
                if self.blocked.is_none() && self.is_late(cx, deadline) {
                    return Poll::Ready(Ok(()));
                }
            }
        }
        Poll::Pending
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.course.is_socket() {
            return Pin::new(&mut this.stream).poll_write(cx, bytes);
        }
        let bytes = match bare_refusal(bytes) {
            Some(0) => {
                let farewell = this.farewell.get_or_insert_with(|| Box::new(Farewell::new(bytes)));
                ready!(farewell.poll(&mut this.stream, cx));
                return Poll::Ready(Ok(bytes.len()));
            }
            Some(start) => &bytes[..start],
            None => bytes,
        };
        let piece = &bytes[..bytes.len().min(PIECE)];
        match Pin::new(&mut this.stream).poll_write(cx, piece) {
            Poll::Ready(written) => {
                if let (Some(deadline), Ok(written)) = (&mut this.blocked, &written) {
                    let written = u32::try_from(*written).unwrap_or(u32::MAX);
                    *deadline += Duration::from_secs_f64(f64::from(written) / SLOWEST);
                }
                Poll::Ready(written)
            }
            Poll::Pending => {
                let answer = this.course.deadlines.answer;
                let deadline = *this.blocked.get_or_insert_with(|| Instant::now() + answer);
                if !this.is_late(cx, deadline) {
                    return Poll::Pending;
                }
                // What the kernel has taken is dropped too.
                let _ = this.stream.set_zero_linger();
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }

    /// Actix flushes when the stream has taken all that there was to write.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let was_blocked = self.blocked.take().is_some();
        if let Stage::Idle(deadline) = self.course.stage.get() {
            if was_blocked {
                self.course.idle();
            }
            // Actix does not read again before something comes.
            if self.is_late(cx, deadline) {
                cx.waker().wake_by_ref();
            }
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Actix closes the connection when this is ready. Closed with unread bytes, or before some come,
    /// it would be reset, and the client might not see the last of what was said to it.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.farewell.is_none() {
            ready!(this.parting.get_or_insert_with(Parting::new).poll(&mut this.stream, cx));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn the_kernel_holds_little_of_what_nobody_reads() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut paced = Paced::new(stream, Deadlines::default());
        let answer = vec![b'x'; 1024 * 1024];
        let mut taken = 0;
        let a_while = Duration::from_millis(200);
        while let Ok(written) = tokio::time::timeout(a_while, paced.write(&answer)).await {
            taken += written.unwrap();
        }
        // Half of it is what the client's kernel takes.
        assert!(taken < 512 * 1024, "{taken}");
        drop(client);
    }
}
