//! The store's promises, on both databases.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod locked;
mod log;
mod mentions;
mod pins;
mod proven;
mod reactions;
mod reading;
mod retention;
mod schema;
mod search;
mod sessions;
mod skeletons;
mod threads;
mod tls;
mod world;

/// Runs a story on SQLite and on PostgreSQL, each as a test of its own.
#[macro_export]
macro_rules! on_both {
    (async fn $name:ident($world:ident: World) $body:block) => {
        mod $name {
            use super::*;

            async fn story($world: World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                story(World::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(world) = World::postgres().await {
                    story(world).await;
                }
            }
        }
    };
}
