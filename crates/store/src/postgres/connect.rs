//! How every connection is opened: the pool's, the log's, and the one that migrates.

use std::error::Error as _;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{PostgresAddress, tls};
use crate::Error;

/// A stopped node must not hold the heads of feeds; a batch that waits longer is run again. Every
/// statement names few rows and has an index that leads to them: of a table that it has not yet
/// analysed, PostgreSQL may believe otherwise, and keep such a plan.
const SESSION: &str = "SET synchronous_commit = on; SET lock_timeout = '2s'; \
    SET idle_in_transaction_session_timeout = '5s'; SET statement_timeout = '15s'; \
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
    SET random_page_cost = 1.1; SET jit = off; SET plan_cache_mode = force_generic_plan";

/// Opens connections to one server.
pub(super) struct Connector {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Connector {
    /// To this address. Reads the files that it names; connects to nothing.
    pub(super) fn new(address: PostgresAddress) -> Result<Self, Error> {
        let tls = tls::connector(&address.proof).map_err(Error::Setup)?;
        Ok(Self { config: address.config, tls })
    }

    /// A connection for requests and changes.
    pub(super) async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let mut connection = self.connect_plainly().await?;
        let set = connection.batch_execute(SESSION).await;
        set.map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }

    /// One without any bounds on how long a statement may take.
    pub(super) async fn connect_plainly(&self) -> ConnectionResult<AsyncPgConnection> {
        let connected = self.config.connect(self.tls.clone()).await;
        let (client, connection) =
            connected.map_err(|error| ConnectionError::BadConnection(with_causes(&error)))?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }
}

/// On one line. The error's own text says what was done ("db error"), its causes what went wrong.
fn with_causes(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(error.to_string().lines().next().unwrap_or_default());
        cause = error.source();
    }
    text
}
