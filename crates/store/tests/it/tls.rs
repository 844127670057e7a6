//! The way to PostgreSQL, encrypted and proven as its address says.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tertulia_domain::{
    Change, ChannelId, ChannelKind, ChannelName, Clock, Description, NewChannel, Timestamp, UserId,
};
use tertulia_store::{Error, Location, Store};
use tertulia_testing::PostgresCluster;

/// Certificates of one server, and what its clients have of them.
struct Papers {
    folder: TempDir,
    certificate: String,
    key: String,
}

impl Papers {
    /// For `localhost`, by an authority of its own.
    fn signed() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (authority, issuer) = authority();
        fs::write(folder.path().join("ca.pem"), authority).unwrap();
        fs::write(folder.path().join("other.pem"), self::authority().0).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = server.signed_by(&key, &issuer).unwrap().pem();
        Self { folder, certificate, key: key.serialize_pem() }
    }

    /// For `localhost`, by nobody but itself, as `openssl req -x509` makes them.
    fn self_signed() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        server.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = server.self_signed(&key).unwrap().pem();
        fs::write(folder.path().join("ca.pem"), &certificate).unwrap();
        Self { folder, certificate, key: key.serialize_pem() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    (certificate, Issuer::new(params, key))
}

fn has_postgres() -> bool {
    !std::env::var("TERTULIA_TEST_SKIP").is_ok_and(|skip| skip.contains("postgres"))
}

/// Opens the database, and uses the pool and the log.
async fn used(url: String) -> Result<(), Error> {
    let store = Store::open(Location::Postgres { url, connections: 2 }).await?;
    store.epoch("any".to_owned()).await?;
    let now = Clock::manual(Timestamp::from_unix_millis(1_795_000_000_000)).now();
    let change = Change::CreateChannel(NewChannel {
        id: ChannelId::new(now),
        kind: ChannelKind::Public,
        name: Some(ChannelName::parse("general").unwrap()),
        description: Description::default(),
        creator: UserId::new(now),
        others: Vec::new(),
        request: None,
    });
    store.commit(Arc::from([change]), now).await.map(drop)
}

async fn refused(url: String) -> String {
    match used(url.clone()).await {
        Err(Error::Setup(why)) => {
            assert_eq!(why.lines().count(), 1, "{why}");
            assert!(!why.contains("postgres://"), "{why}");
            why
        }
        other => panic!("{url}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_taken_for_what_its_certificate_proves_and_no_more() {
    if !has_postgres() {
        return;
    }
    let (cluster, papers) = (PostgresCluster::start(), Papers::signed());
    let by_address = cluster.database();
    let by_name = by_address.replace("127.0.0.1", "localhost");
    cluster.require_tls(&papers.certificate, &papers.key);
    let (ca, other) = (papers.file("ca.pem"), papers.file("other.pem"));
    let (ca, other) = (ca.display(), other.display());

    // The server lets nobody in who is not encrypted: all connections are.
    for url in [
        by_name.clone(),
        format!("{by_name}?sslmode=prefer"),
        format!("{by_name}?sslmode=require"),
        format!("{by_address}?sslmode=require&channel_binding=require"),
        format!("{by_address}?sslmode=require&sslrootcert={ca}"),
        format!("{by_address}?sslmode=verify-ca&sslrootcert={ca}"),
        format!("{by_name}?sslmode=verify-full&sslrootcert={ca}"),
    ] {
        used(url.clone()).await.unwrap_or_else(|why| panic!("{url}: {why}"));
    }
    for (url, why) in [
        (format!("{by_name}?sslmode=disable"), "pg_hba.conf"),
        (format!("{by_name}?sslmode=require&sslrootcert={other}"), "invalid peer certificate"),
        (format!("{by_name}?sslmode=verify-ca&sslrootcert={other}"), "invalid peer certificate"),
        (format!("{by_name}?sslmode=verify-full&sslrootcert={other}"), "invalid peer certificate"),
        (format!("{by_name}?sslmode=verify-full&sslrootcert=system"), "certificate"),
        (format!("{by_address}?sslmode=verify-full&sslrootcert={ca}"), "not valid for name"),
        (format!("{by_name}?sslmode=verify-full&sslrootcert={ca}.none"), "sslrootcert"),
        (format!("{by_name}?sslmode=verify-full&sslrootcert=/dev/null"), "no certificate"),
    ] {
        let said = refused(url.clone()).await;
        assert!(said.contains(why), "{url}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_signed_for_itself_can_be_named_as_its_own_authority() {
    if !has_postgres() {
        return;
    }
    let (cluster, papers) = (PostgresCluster::start(), Papers::self_signed());
    let by_address = cluster.database();
    let by_name = by_address.replace("127.0.0.1", "localhost");
    cluster.require_tls(&papers.certificate, &papers.key);
    let ca = papers.file("ca.pem");
    let ca = ca.display();
    used(format!("{by_address}?sslmode=verify-ca&sslrootcert={ca}")).await.unwrap();
    used(format!("{by_name}?sslmode=verify-full&sslrootcert={ca}")).await.unwrap();
    let said = refused(format!("{by_address}?sslmode=verify-full&sslrootcert={ca}")).await;
    assert!(said.contains("not valid for name"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_refused_by_who_asks_for_it() {
    if !has_postgres() {
        return;
    }
    let url = PostgresCluster::shared().database();
    for mode in ["prefer", "disable"] {
        used(format!("{url}?sslmode={mode}")).await.unwrap();
    }
    for mode in ["require", "verify-full&sslrootcert=system"] {
        let said = refused(format!("{url}?sslmode={mode}")).await;
        assert!(said.contains("TLS"), "{said}");
    }
}
