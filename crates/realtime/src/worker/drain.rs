//! Closing all sockets of a thread because the node stops.

use std::rc::{Rc, Weak};
use std::time::Duration;

use super::{Local, Socket};
use crate::outbox::CloseReason;
use crate::wire::text_frame;

/// In how many steps the sockets are closed, so that their clients do not all return at once.
const WAVES: usize = 20;

/// Within how long clients are asked to come back: each gets its own part of it.
const RETURN_WITHIN: Duration = Duration::from_secs(5);

/// Tells every socket that the server stops, when to come back, and closes it.
pub(super) fn start(local: &Rc<Local>, within: Duration) {
    if local.draining.replace(true) {
        return;
    }
    let sockets: Vec<Weak<Socket>> = local.sockets.borrow().clone();
    tokio::task::spawn_local(async move {
        let wave = sockets.len().div_ceil(WAVES).max(1);
        for some in sockets.chunks(wave) {
            for socket in some.iter().filter_map(Weak::upgrade) {
                let retry = jitter(RETURN_WITHIN);
                let json =
                    format!(r#"{{"type":"closing","retry_after_ms":{}}}"#, retry.as_millis());
                let mut outbox = socket.outbox.borrow_mut();
                outbox.push_control(text_frame(json.as_bytes()));
                outbox.close(CloseReason::GoingAway);
            }
            tokio::time::sleep(within / u32::try_from(WAVES).unwrap_or(1)).await;
        }
    });
}

/// A random part of `most`.
fn jitter(most: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or_default();
    most.mul_f64(f64::from(random) / f64::from(u32::MAX))
}
