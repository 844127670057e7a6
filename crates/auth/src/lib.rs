//! Proof of identity: passwords, access tokens, opaque tokens, and brakes on guessing them.
//!
//! Everything here is pure: no database, no HTTP, and the time of a token is passed in. Rows
//! (password hashes, hashes of refresh tokens and tickets) belong to the store.
//!
//! - [`Keys`] are derived from the one secret of the server.
//! - [`Tokens`] issues and verifies access tokens.
//! - [`FileLink`] is an address of a file that is good by itself for a moment.
//! - [`secret`] makes opaque tokens, of which only hashes are stored.
//! - [`Passwords`] hashes and verifies passwords, off the runtime and bounded.
//! - [`Throttle`] bounds what anybody does in a time, without locking anybody else out.

mod error;
mod keys;
mod links;
mod passwords;
pub mod places;
pub mod secret;
mod server_secret;
mod throttle;
mod tokens;

pub use error::Error;
pub use keys::Keys;
pub use links::FileLink;
pub use passwords::Passwords;
pub use server_secret::WeakSecret;
pub use throttle::{
    Attempt, Charge, Gauge, Limit, Limits, NoLimit, Refused, Rule, Scope, Standing, Throttle,
};
pub use tokens::{AccessClaims, Tokens};
