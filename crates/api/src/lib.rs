//! HTTP and WebSocket adapters: unpack, call the use case, wrap. No rule of who may do what is
//! here, and no SQL can be: this crate does not depend on the store.

mod config;
mod docs;
mod extract;
mod fields;
mod guard;
mod limits;
mod problem;
mod routes;
mod server;
mod socket;

pub use config::{Config, Cors};
pub use docs::openapi;
pub use server::{Deadlines, Server, Serving};
pub use socket::CLIENT_FRAMES;
