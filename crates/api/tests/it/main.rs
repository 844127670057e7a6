//! What the API promises, told by a running server and real sockets, on both databases.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set itself up has failed"
)]

mod channels;
mod people;
mod server;
mod socket;
mod talking;

/// Runs a story on SQLite and on PostgreSQL, each as a test of its own.
#[macro_export]
macro_rules! on_both {
    (async fn $name:ident($server:ident: TestServer) $body:block) => {
        mod $name {
            use super::*;

            async fn story($server: &$crate::server::TestServer) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let server = $crate::server::TestServer::sqlite().await;
                story(&server).await;
                server.stop().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let Some(server) = $crate::server::TestServer::postgres().await else { return };
                story(&server).await;
                server.stop().await;
            }
        }
    };
}
