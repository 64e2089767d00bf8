//! Tasks on the threads of the current rayon pool.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::workspace::Slot;

/// Calls `task` once for each number below `tasks`. Threads take the next number when they are done with
/// one, so a slow thread holds up nobody; no two calls share a slot at the same time.
pub(crate) fn for_each_task(
    slots: &mut [Slot],
    tasks: usize,
    task: impl Fn(&mut Slot, usize) + Sync,
) {
    let next = AtomicUsize::new(0);
    let work = |slot: &mut Slot| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= tasks {
                return;
            }
            task(slot, number);
        }
    };
    let threads = slots.len().min(tasks);
    if threads == 1 {
        work(&mut slots[0]);
    } else {
        slots[..threads]
            .par_iter_mut()
            .with_max_len(1)
            .for_each(work);
    }
}

/// Part `index` of `0..length` cut into `parts` parts of nearly equal length.
pub(crate) fn part(length: usize, parts: usize, index: usize) -> std::ops::Range<usize> {
    // In 64 bits on any machine: a product of two lengths is no length.
    let start = |index: usize| (index as u64 * length as u64 / parts as u64) as usize;
    start(index)..start(index + 1)
}

/// Planes of a feature map that are worth a task of their own.
pub(crate) fn planes_per_task(plane: usize) -> usize {
    1 + (1 << 11) / plane
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_whole_in_order() {
        // So long that on 32 bits a product of it and of the number of parts is no length.
        let (length, parts) = ((1 << 25) + 7, 1 << 12);
        let mut end = 0;
        for index in 0..parts {
            let part = part(length, parts, index);
            assert_eq!(part.start, end);
            assert!((length / parts..=length / parts + 1).contains(&part.len()));
            end = part.end;
        }
        assert_eq!(end, length);
    }
}
