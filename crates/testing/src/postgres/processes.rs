//! All processes of a server at once.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// Stops the server's first process, so that no others come, and then all others.
pub(crate) fn pause(server: Pid) {
    send(server, Signal::STOP);
    for child in children(server) {
        send(child, Signal::STOP);
    }
}

/// Lets all processes of the server go on.
pub(crate) fn resume(server: Pid) {
    for child in children(server) {
        send(child, Signal::CONT);
    }
    send(server, Signal::CONT);
}

fn send(process: Pid, signal: Signal) {
    match kill_process(process, signal) {
        // One that has just ended needs no signal.
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => panic!("cannot send {signal:?} to a process of PostgreSQL: {error}"),
    }
}

fn children(parent: Pid) -> Vec<Pid> {
    fs::read_dir("/proc")
        .expect("there is /proc")
        .flatten()
        .filter_map(|entry| {
            let process = entry.file_name().to_str()?.parse().ok()?;
            let status = fs::read_to_string(entry.path().join("stat")).ok()?;
            (parent_of(&status)? == parent.as_raw_nonzero().get()).then_some(process)
        })
        .filter_map(Pid::from_raw)
        .collect()
}

/// The fourth field of a process's `stat` (proc(5)); the second, its name, may hold anything.
fn parent_of(status: &str) -> Option<i32> {
    let (_, after_name) = status.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_read_whatever_the_name_of_the_process() {
        assert_eq!(parent_of("42 (postgres) S 7 42 42 0 -1"), Some(7));
        assert_eq!(parent_of("42 (a) S 9 (b c) R 7 42"), Some(7));
        assert_eq!(parent_of(""), None);
    }
}
