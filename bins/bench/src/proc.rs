//! CPU time and memory of processes, from `/proc`.

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use std::{
    collections::BTreeMap,
    fs,
    ops::{Add, Sub},
    time::Duration,
};

/// CPU time in seconds. The kernel counts in ticks of 10 ms and divides user from system by sampling;
/// their sum is exact to a tick.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) struct Cpu {
    /// In the program.
    pub(crate) user: f64,
    /// In the kernel, for the program.
    pub(crate) system: f64,
}

impl Cpu {
    /// User and system together.
    pub(crate) fn total(self) -> f64 {
        self.user + self.system
    }
}

impl Add for Cpu {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { user: self.user + other.user, system: self.system + other.system }
    }
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { user: self.user - other.user, system: self.system - other.system }
    }
}

/// What `/proc/<pid>/stat` says, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    pid: u32,
    parent: u32,
    user: u64,
    system: u64,
    /// Of children that ended and were waited for.
    children_user: u64,
    children_system: u64,
}

/// CPU time of the calling thread.
pub(crate) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanoseconds)
}

/// CPU time of all threads of a process, also of those that ended, and of children that ended.
pub(crate) fn process(pid: u32) -> Result<Cpu> {
    Ok(stat(pid)?.cpu())
}

/// CPU time of a process and all below it, also of those that ended.
///
/// A process that ends moves its time to its parent's account of children at the moment it is waited
/// for, so the sum only grows.
pub(crate) fn tree(root: u32) -> Result<Cpu> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc").context("/proc")? {
        let name = entry?.file_name();
        if let Some(pid) = name.to_str().and_then(|name| name.parse().ok())
            && let Ok(stat) = stat(pid)
        {
            all.insert(pid, stat);
        }
    }
    anyhow::ensure!(all.contains_key(&root), "no process {root}");
    let below = all.values().filter(|stat| descends(&all, **stat, root));
    Ok(below.map(|stat| stat.cpu()).fold(Cpu::default(), Add::add))
}

/// Resident memory in KiB.
pub(crate) fn resident(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| path.clone())?;
    parse_resident(&status).with_context(|| format!("{path} has no VmRSS"))
}

/// The processor's name and the kernel's version.
pub(crate) fn machine() -> (String, String) {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown", |(_, name)| name.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    (model.to_owned(), kernel.trim().to_owned())
}

fn stat(pid: u32) -> Result<Stat> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    parse_stat(&text).with_context(|| format!("{path} is of another form"))
}

fn descends(all: &BTreeMap<u32, Stat>, stat: Stat, root: u32) -> bool {
    let mut current = stat;
    loop {
        if current.pid == root {
            return true;
        }
        // Pids below their parent's exist (they wrap), but no process is its own ancestor.
        match all.get(&current.parent) {
            Some(parent) if parent.pid != current.pid => current = *parent,
            _ => return false,
        }
    }
}

impl Stat {
    fn cpu(self) -> Cpu {
        Cpu {
            user: seconds(self.user + self.children_user),
            system: seconds(self.system + self.children_system),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "ticks of a machine's uptime fit into 52 bits")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// The command's name stands in parentheses and may itself hold spaces and parentheses.
fn parse_stat(text: &str) -> Option<Stat> {
    let pid = text.split(' ').next()?.parse().ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        pid,
        parent: u32::try_from(number(1)?).ok()?,
        user: number(11)?,
        system: number(12)?,
        children_user: number(13)?,
        children_system: number(14)?,
    })
}

fn parse_resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_behind_the_last_parenthesis() {
        let text =
            "4242 (a) (b c) S 17 4242 4242 0 -1 4194304 97 0 1 0 31 32 33 34 20 0 9 0 99084\n";
        assert_eq!(
            parse_stat(text),
            Some(Stat {
                pid: 4242,
                parent: 17,
                user: 31,
                system: 32,
                children_user: 33,
                children_system: 34,
            })
        );
        assert_eq!(parse_stat("4242 (a S 1 2"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn resident_memory_is_in_kib() {
        let status = "Name:\tx\nVmHWM:\t   90 kB\nVmRSS:\t   1234 kB\nThreads:\t1\n";
        assert_eq!(parse_resident(status), Some(1234));
        assert_eq!(parse_resident("Name:\tx\n"), None);
    }

    #[test]
    fn a_tree_is_the_root_and_all_below() {
        let one = |pid, parent| Stat {
            pid,
            parent,
            user: 0,
            system: 0,
            children_user: 0,
            children_system: 0,
        };
        let all: BTreeMap<u32, Stat> = [(1, 0), (5, 1), (9, 5), (3, 9), (7, 1)]
            .into_iter()
            .map(|(pid, parent)| (pid, one(pid, parent)))
            .collect();
        let below: Vec<u32> =
            all.values().filter(|stat| descends(&all, **stat, 5)).map(|stat| stat.pid).collect();
        assert_eq!(below, [3, 5, 9]);
    }

    #[test]
    fn this_process_has_used_time_and_memory() {
        let pid = std::process::id();
        let before = tree(pid).unwrap();
        let mut waste = 0_u64;
        while process(pid).unwrap().total() < before.total() + 0.03 {
            waste = (0..100_000).fold(waste, |sum: u64, n| sum.wrapping_mul(31) ^ n);
        }
        assert!(tree(pid).unwrap().total() > before.total(), "{waste}");
        assert!(resident(pid).unwrap() > 500);
    }

    #[test]
    fn an_ended_child_stays_in_the_sum() {
        let pid = std::process::id();
        let before = tree(pid).unwrap().total();
        let script = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let ended = std::process::Command::new("sh").args(["-c", script]).status();
        assert!(ended.unwrap().success());
        assert!(tree(pid).unwrap().total() > before);
    }
}
