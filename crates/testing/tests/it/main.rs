//! What tests of the other crates rely on, and that the page of guarantees names tests that exist.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod guarantees;
mod postgres;
mod redis;
