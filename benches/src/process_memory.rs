//! Memory as the system counts it: that of this process, and what is free.

/// Bytes of memory that are free for use, where the system says so.
pub fn available_memory() -> Option<u64> {
    proc_kilobytes("/proc/meminfo", "MemAvailable:")
}

/// The most memory that this process has held, where the system says so.
pub fn peak_memory() -> Option<u64> {
    proc_kilobytes("/proc/self/status", "VmHWM:")
}

fn proc_kilobytes(path: &str, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
