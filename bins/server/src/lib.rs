//! What the `tertulia` program is wired of: settings, data directory, logs. It holds no rules of
//! chat; those are in the crates.

pub mod admin;
pub mod cli;
pub mod config;
pub mod data_dir;
pub mod health;
pub mod logging;
pub mod serve;
