//! The pool, which keeps only connections that answer.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use futures_util::FutureExt;

use super::connect::Connector;
use super::{ANSWER_WITHIN, Conn};
use crate::Error;

/// Some connections. Clones share them.
#[derive(Clone)]
pub(super) struct Pool(diesel_async::pooled_connection::deadpool::Pool<AsyncPgConnection>);

impl Pool {
    pub(super) fn new(connector: Arc<Connector>, connections: usize) -> Result<Self, Error> {
        let mut config = ManagerConfig::default();
        config.custom_setup = Box::new(move |_| {
            let connector = Arc::clone(&connector);
            async move { connector.connect().await }.boxed()
        });
        config.recycling_method = RecyclingMethod::Fast;
        // The connector has the address.
        let manager = AsyncDieselConnectionManager::new_with_config("", config);
        diesel_async::pooled_connection::deadpool::Pool::builder(manager)
            .max_size(connections)
            .wait_timeout(Some(ANSWER_WITHIN))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map(Self)
            .map_err(|error| Error::Setup(error.to_string()))
    }

    /// A connection; [`Error::Busy`] when none is free within 5 s.
    pub(super) async fn take(self) -> Result<Lease, Error> {
        let taken = self.0.get().await.map_err(|error| match error {
            deadpool::managed::PoolError::Timeout(_) => Error::Busy,
            other => Error::Unavailable(other.to_string()),
        })?;
        Ok(Lease { taken: Some(taken), pool: self })
    }

    /// Closes all that nobody uses.
    fn clear(&self) {
        self.0.retain(|_, _| false);
    }
}

/// A connection on loan. Dropped without [`Lease::give_back`], as when it did not answer in time, it
/// is closed, and so are all that nobody uses: what has silenced one has silenced them too, and each
/// would cost somebody their time once it is over.
pub(crate) struct Lease {
    /// There until the end.
    taken: Option<Object<AsyncPgConnection>>,
    pool: Pool,
}

impl Lease {
    /// Gives it back, unless the result says that it is lost.
    pub(crate) fn give_back<T>(mut self, result: Result<T, Error>) -> Result<T, Error> {
        if !matches!(result, Err(Error::Unavailable(_))) {
            drop(self.taken.take());
        }
        result
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(silent) = self.taken.take() {
            drop(Object::take(silent));
            self.pool.clear();
        }
    }
}

impl Deref for Lease {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        match &self.taken {
            Some(taken) => taken,
            None => unreachable!("it is taken only when the lease ends"),
        }
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Conn {
        match &mut self.taken {
            Some(taken) => taken,
            None => unreachable!("it is taken only when the lease ends"),
        }
    }
}
