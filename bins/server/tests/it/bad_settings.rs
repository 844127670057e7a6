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
fn health_without_a_server_is_a_failure_that_is_no_fault_of_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let output = start(folder.path(), &["health"], &[("PORT", &port)]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!folder.path().join("data").exists());
}
