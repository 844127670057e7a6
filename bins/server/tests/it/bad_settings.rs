//! The program itself, started with settings that it must refuse.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn start(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tertulia"))
        .current_dir(folder)
        .args(arguments)
        .env_clear()
        .env("RUST_BACKTRACE", "1")
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn each_fault_is_one_line_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "PORT=http\nSECRET_KEY=your_secret_key_here\n").unwrap();
    let output = start(folder.path(), &["--workers", "0"], &[("LOG_LEVEL", "loud")]);
    let told = told(&output);
    let names: Vec<_> = told.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(names, ["PORT", "SECRET_KEY", "WORKERS", "LOG_LEVEL"], "{told}");
    assert!(!told.contains("your_secret_key_here"), "{told}");
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_data_directory_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let told = told(&start(folder.path(), &["--data-dir", "file/data"], &[]));
    assert!(told.starts_with("tertulia: DATA_DIR: file/data cannot be made: "), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn an_env_file_that_cannot_be_read_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), b"APP_NAME=\xff\n").unwrap();
    let told = told(&start(folder.path(), &[], &[]));
    assert!(told.starts_with("tertulia: .env: "), "{told}");
}

#[test]
fn a_settings_file_is_looked_for_and_one_that_is_asked_for_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    file("tertulia.toml", b"prot = 1\nworkers = 0\n");
    let told = told(&start(folder.path(), &[], &[]));
    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        [
            "tertulia: prot (tertulia.toml, line 1): this is no setting; did you mean port?",
            "tertulia: WORKERS = \"0\" (tertulia.toml, line 2): a whole number from 1 to 64 is wanted",
        ]
    );
    let missing = self::told(&start(folder.path(), &["--config", "other.toml"], &[]));
    assert!(missing.starts_with("tertulia: other.toml: "), "{missing}");
    file("other.toml", b"app_name = \"\xff\"");
    let unreadable = self::told(&start(folder.path(), &["--config", "other.toml"], &[]));
    assert!(unreadable.starts_with("tertulia: other.toml: "), "{unreadable}");
    file("other.toml", &vec![b'#'; 300 * 1024]);
    let huge = self::told(&start(folder.path(), &["--config", "other.toml"], &[]));
    assert!(huge.starts_with("tertulia: other.toml: "), "{huge}");
    assert!(!folder.path().join("data").exists());
}

#[test]
fn settings_are_checked_and_printed_and_nothing_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let secret = ("SECRET_KEY", "3f0c9a1e7b5d2846c1f3a09e8d7b6245");
    // Nobody is there to connect to, and nobody is asked.
    let database = ("DATABASE_URL", "postgres://ann:pa55@192.0.2.1/chat");
    fs::write(folder.path().join("tertulia.toml"), "port = 9000\n").unwrap();
    let checked = start(folder.path(), &["config", "check"], &[secret, database]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    assert_eq!(checked.stdout, b"the settings are good\n");
    let printed = start(folder.path(), &["config", "print"], &[secret, database]);
    assert_eq!((printed.status.code(), &*printed.stderr), (Some(0), &b""[..]));
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(text.contains("\nport = 9000 # tertulia.toml, line 1\n"), "{text}");
    assert!(!text.contains("pa55") && !text.contains(secret.1), "{text}");
    fs::write(folder.path().join("printed.toml"), &text).unwrap();
    let again = start(folder.path(), &["--config", "printed.toml", "config", "check"], &[]);
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    for command in ["check", "print"] {
        let bad = [("DATABASE_URL", "postgres://ann:pa55@host:port/chat"), ("LOG_LEVEL", "loud")];
        let told = told(&start(folder.path(), &["config", command], &bad));
        assert_eq!(told.lines().count(), 2, "{told}");
        assert!(!told.contains("pa55"), "{told}");
    }
    assert!(!folder.path().join("data").exists());
}

#[test]
fn health_without_a_server_is_a_failure_that_is_no_fault_of_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let output = start(folder.path(), &["health"], &[("PORT", &port)]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!folder.path().join("data").exists());
}
