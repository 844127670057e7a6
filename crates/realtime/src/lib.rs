//! Who is listening, and what they hear. Knows neither a database nor HTTP: what was missed is
//! asked for ([`Hub::gaps`]) and handed in ([`Hub::fill`]) by whoever can read it.
//!
//! A [`Hub`] is shared by the whole node and releases each feed's frames in the order of their
//! revs, without holes. Each worker thread has a [`Worker`], which holds the sockets of its thread
//! and puts what the hub releases into their outboxes: one shared, already framed chunk for all
//! listeners of a feed, one wake-up a worker.

mod bus;
mod event;
mod hub;
mod outbox;
mod people;
mod signal;
mod wire;
mod worker;

pub use bus::{Bus, RedisAddress};
pub use event::{Effect, Event};
pub use hub::{Fill, GapRequest, Hub, Sighting};
pub use outbox::CloseReason;
pub use people::Round;
pub use signal::{NodeId, Signal};
pub use wire::text_frame;
pub use worker::{Connection, Worker};
