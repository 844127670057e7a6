//! Clusters of PostgreSQL: what tests of the other crates rely on.

use std::io::{BufRead, BufReader, Write, stdin};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tertulia_testing::PostgresCluster;
use tokio_postgres::{Client, Config, NoTls};

#[test]
fn postgresql_is_available_here() {
    assert_eq!(PostgresCluster::available(), Ok(()));
}

#[tokio::test]
async fn databases_are_distinct_and_made_from_async_tests_too() {
    let cluster = PostgresCluster::shared();
    let (one, two) = (cluster.database(), cluster.database());
    assert_ne!(one, two);
    let (one, two) = (connect(&one).await, connect(&two).await);
    one.batch_execute("CREATE TABLE t (x int)").await.unwrap();
    two.batch_execute("SELECT * FROM t").await.unwrap_err();
    assert_eq!(show(&one, "fsync").await, "off");
    assert_eq!(show(&one, "max_connections").await, "200");
    assert_eq!(show(&one, "server_encoding").await, "UTF8");
}

#[test]
fn many_databases_can_be_made_at_once() {
    let cluster = PostgresCluster::shared();
    let mut urls: Vec<String> = thread::scope(|scope| {
        let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| cluster.database())).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    urls.sort();
    urls.dedup();
    assert_eq!(urls.len(), 8);
}

#[tokio::test]
async fn a_password_is_needed() {
    let mut config: Config = PostgresCluster::shared().database().parse().unwrap();
    config.password("guess");
    assert!(config.connect(NoTls).await.is_err());
}

#[tokio::test]
async fn what_was_committed_survives_a_crash() {
    let cluster = PostgresCluster::durable();
    let url = cluster.database();
    let client = connect(&url).await;
    assert_eq!(show(&client, "fsync").await, "on");
    client.batch_execute("CREATE TABLE t (x int); INSERT INTO t VALUES (7)").await.unwrap();
    cluster.stop_immediately();
    client.query("SELECT 1", &[]).await.unwrap_err();
    assert!(tokio_postgres::connect(&url, NoTls).await.is_err());
    cluster.start_again();
    let client = connect(&url).await;
    let row = client.query_one("SELECT x FROM t", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 7);
}

#[tokio::test]
async fn a_paused_server_answers_nothing_until_it_is_resumed() {
    let cluster = PostgresCluster::start();
    let client = connect(&cluster.database()).await;
    cluster.pause();
    let mut answer = Box::pin(client.query_one("SELECT 7", &[]));
    tokio::time::timeout(Duration::from_millis(300), &mut answer).await.unwrap_err();
    cluster.resume();
    assert_eq!(answer.await.unwrap().get::<_, i32>(0), 7);
}

#[tokio::test]
async fn a_dropped_cluster_is_gone_paused_or_not() {
    for paused in [false, true] {
        let cluster = PostgresCluster::start();
        let place = Place::of(&cluster.database()).await;
        if paused {
            cluster.pause();
        }
        drop(cluster);
        assert!(place.is_gone(), "paused: {paused}");
    }
}

#[tokio::test]
async fn a_killed_owner_leaves_nothing_behind_paused_or_not() {
    for paused in [false, true] {
        let mut owner = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "postgres::owner", "--nocapture"])
            .env(OWNER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(owner.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = output.find(|line| line.starts_with("postgres://")).unwrap();
        let place = Place::of(&url).await;
        assert!(!place.is_gone());
        if paused {
            owner.stdin.as_mut().unwrap().write_all(b"pause\n").unwrap();
            output.find(|line| line == "paused").unwrap();
        }
        owner.kill().unwrap();
        owner.wait().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while !place.is_gone() {
            assert!(Instant::now() < deadline, "the server still runs; paused: {paused}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Makes [`owner`] the process that another test kills; without it, it is nothing.
const OWNER: &str = "TERTULIA_TEST_CLUSTER_OWNER";

#[test]
fn owner() {
    if std::env::var_os(OWNER).is_none() {
        return;
    }
    let cluster = PostgresCluster::shared();
    println!("\n{}", cluster.database());
    // Until it is killed, or the test that started it is gone.
    for _ in stdin().lines() {
        cluster.pause();
        println!("\npaused");
    }
}

/// Where a server can be seen from outside.
struct Place {
    port: u16,
    folder: String,
}

impl Place {
    async fn of(url: &str) -> Self {
        let config: Config = url.parse().unwrap();
        let folder = show(&connect(url).await, "data_directory").await;
        assert!(Path::new(&folder).is_dir());
        Self { port: config.get_ports()[0], folder }
    }

    fn is_gone(&self) -> bool {
        let folder = Path::new(&self.folder).parent().unwrap();
        TcpStream::connect(("127.0.0.1", self.port)).is_err() && !folder.exists()
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    // Ends with the client.
    tokio::spawn(connection);
    client
}

async fn show(client: &Client, setting: &str) -> String {
    client.query_one(&format!("SHOW {setting}"), &[]).await.unwrap().get(0)
}
