//! What the program promises as a process: how it starts, drains, dies and comes back, and what it
//! logs, on both databases.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set itself up has failed"
)]

mod admins;
mod bad_settings;
mod client;
mod cluster;
mod commands;
mod disk;
mod drain;
mod erasure;
mod kill;
mod load;
mod logs;
mod outage;
mod process;
mod proxy;
mod retention;
mod socket;
mod start;
mod telling;
mod uploads;

/// Runs a story on SQLite and on PostgreSQL, each as a test of its own.
#[macro_export]
macro_rules! on_both {
    (async fn $name:ident($home:ident: Home) $body:block) => {
        mod $name {
            use super::*;

            async fn story($home: Home) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                story($crate::process::Home::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let Some(home) = $crate::process::Home::postgres() else { return };
                story(home).await;
            }
        }
    };
}
