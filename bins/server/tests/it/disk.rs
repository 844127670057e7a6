//! SQLite on a disk that is full.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::client::as_told;
use crate::process::Home;
use crate::socket::Socket;

/// A small file system in memory, unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, and why, where one may not mount.
    fn mount(at: PathBuf) -> Option<Self> {
        std::fs::create_dir(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m,mode=700", "tertulia-test"]).arg(&at);
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self(at)),
            Ok(output) => {
                let why = String::from_utf8_lossy(&output.stderr);
                println!("not tested, no small disk can be mounted: {}", why.trim());
                None
            }
            Err(why) => {
                println!("not tested, no small disk can be mounted: {why}");
                None
            }
        }
    }

    /// Takes all that is left.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("ballast");
        let mut file = File::create(&path).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that is just being killed may still have files open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_writing_not_reading_and_is_got_over() {
    let home = Home::sqlite();
    let Some(disk) = SmallDisk::mount(home.path("data")) else { return };
    let server = home.start();
    let ann = server.user("ann").await;
    let channel = ann.create_channel("general").await;
    let mut socket = Socket::open(&ann).await.unwrap();
    let long = "x".repeat(4000);
    let mut said = vec![ann.say(&channel, "before").await];

    let ballast = disk.fill();
    let refused = loop {
        let answer = ann.try_to_say(&channel, &long).await;
        if answer.status != 201 {
            break answer;
        }
        said.push(as_told(&answer.body));
        assert!(said.len() < 2000, "the disk does not fill up");
    };
    assert_eq!(refused.problem(507), "disk_full");
    for _ in 0..3 {
        assert_eq!(ann.try_to_say(&channel, &long).await.problem(507), "disk_full");
    }
    let send = json!({ "type": "message.send", "channel_id": channel, "content": long });
    let reply = socket.ask(send.clone()).await.unwrap();
    assert_eq!(reply["error"]["code"], "disk_full", "{reply}");
    server.look("/health").await.expect(200);
    ann.get("/users/me").await.expect(200);
    assert!(ann.history(&channel, 0).await == said, "what was acknowledged, and nothing else");

    std::fs::remove_file(ballast).unwrap();
    said.push(ann.say(&channel, "after").await);
    let reply = socket.ask(send).await.unwrap();
    assert_eq!(reply["ok"], true, "{reply}");
    said.push(reply["data"].clone());
    server.stop();
    let server = home.start();
    assert!(ann.at(&server).history(&channel, 0).await == said, "the same after a restart");
    for (place, message) in (1..).zip(&said) {
        assert_eq!(message["seq"], place);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_starts_on_a_full_disk_and_reads_what_is_there() {
    let home = Home::sqlite();
    let Some(disk) = SmallDisk::mount(home.path("data")) else { return };
    let server = home.start();
    let ann = server.user("ann").await;
    let channel = ann.create_channel("general").await;
    let mut said = vec![ann.say(&channel, "before").await];
    server.stop();

    // What was stopped in an orderly way has mostly left nothing behind that could be used again; what
    // was killed on the full disk, and started there, has.
    let left = home.path("data").join("tertulia.db-shm").exists();
    let ballast = disk.fill();
    let mut server = home.start();
    for killed in [true, false] {
        let ann = ann.at(&server);
        assert!(ann.history(&channel, 0).await == said, "killed before: {}", !killed);
        assert_eq!(ann.try_to_say(&channel, "full").await.problem(507), "disk_full");
        ann.get("/users/me/channels").await.expect(200);
        server.until_ready_is(200).await;
        if killed && !left {
            let warning = server.program.err.until("the disk is full");
            assert!(warning.contains(&home.path("data").display().to_string()), "{warning}");
        }
        if killed {
            server.program.kill();
            server = home.start();
        }
    }

    std::fs::remove_file(ballast).unwrap();
    said.push(ann.at(&server).say(&channel, "after").await);
    server.stop();
    let server = home.start();
    assert!(ann.at(&server).history(&channel, 0).await == said, "the same after a restart");
}

#[test]
fn a_first_start_on_a_full_disk_says_so_in_one_line() {
    let home = Home::sqlite();
    let Some(disk) = SmallDisk::mount(home.path("data")) else { return };
    disk.fill();
    let data = home.path("data").display().to_string();
    let told = |home: &Home| {
        let ended = home.run(&[]);
        assert_ne!(ended.code, Some(0), "{ended:?}");
        let mut lines = ended.err.iter().filter(|line| line.starts_with("tertulia: "));
        let told = lines.next().unwrap().clone();
        assert!(lines.next().is_none() && told.contains(&data), "{ended:?}");
        told
    };
    let secret = told(&home);
    assert!(secret.contains("No space left on device"), "{secret}");
    let database = told(&home.with("SECRET_KEY", "Zm9vYmFy-7Q2xKd9_wR4tLpVn8sJcYhGe1aUbMo3"));
    assert!(database.contains("the disk of"), "{database}");
}
