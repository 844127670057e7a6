//! Support for tests: real servers that live as long as the tests that use them.
//!
//! Functions here block, and panic with what went wrong: a test has nothing better to do. They may
//! be called from async tests, where they hold up one thread for as long as they say.
#![expect(clippy::expect_used, reason = "in tests, a failure of the machine fails the test")]

mod ports;
mod postgres;
mod redis;

pub use postgres::PostgresCluster;
pub use redis::RedisServer;

fn random_hex() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the machine has randomness");
    format!("{:032x}", u128::from_be_bytes(bytes))
}
