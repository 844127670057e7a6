//! What the API promises, told by a running server and real sockets, on both databases, and by two
//! servers on one.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set itself up has failed"
)]

mod accounts;
mod administration;
mod audit;
mod authorization;
mod bad_input;
mod bans;
mod beginning;
mod channels;
mod cluster;
mod convergence;
mod documented;
mod drafts;
mod erasure;
mod files;
mod groups;
mod guests;
mod headers;
mod idempotency;
mod invites;
mod limits;
mod logs;
mod looking;
mod mentions;
mod moderation;
mod notifications;
mod people;
mod raw;
mod raw_frames;
mod reactions;
mod reading;
mod repair;
mod retention;
mod revocation;
mod search;
mod server;
mod slow;
mod socket;
mod talking;
mod threads;

/// Tells a story on SQLite, on PostgreSQL, and to clients that are spread over two nodes on PostgreSQL and
/// Redis, each as a test of its own. `alone "why"`: not the last.
#[macro_export]
macro_rules! on_both {
    (alone $why:literal, async fn $name:ident($server:ident: TestServer) $body:block) => {
        $crate::on_both! {
            alone $why,
            with $crate::server::Setup::default(),
            async fn $name($server: TestServer) $body
        }
    };
    (
        alone $why:literal,
        with $setup:expr, async fn $name:ident($server:ident: TestServer) $body:block
    ) => {
        mod $name {
            use super::*;

            $crate::on_both!(@databases $setup, $server, $body);
        }
    };
    (async fn $name:ident($server:ident: TestServer) $body:block) => {
        $crate::on_both! {
            with $crate::server::Setup::default(),
            async fn $name($server: TestServer) $body
        }
    };
    (with $setup:expr, async fn $name:ident($server:ident: TestServer) $body:block) => {
        mod $name {
            use super::*;

            $crate::on_both!(@databases $setup, $server, $body);

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn cluster() {
                let server = $crate::server::TestServer::cluster_as($setup).await;
                let Some(server) = server else { return };
                story(&server).await;
                server.stop().await;
            }
        }
    };
    (@databases $setup:expr, $server:ident, $body:block) => {
        async fn story($server: &$crate::server::TestServer) $body

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn sqlite() {
            let server = $crate::server::TestServer::sqlite_as($setup).await;
            story(&server).await;
            server.stop().await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
            let server = $crate::server::TestServer::postgres_as($setup).await;
            let Some(server) = server else { return };
            story(&server).await;
            server.stop().await;
        }
    };
}
