//! What takes long, on several processors at once.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

/// More than this wait for the disk and for each other.
const MOST: usize = 4;

/// Does `work` for every part, the caller's thread among others; what came of it, in the order of
/// the parts. Where no thread can be had, the caller's does it all.
pub(crate) fn share<T: Sync, R: Send>(parts: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(at) else {
                return done;
            };
            done.push((at, work(part)));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..processors().min(parts.len()))
            .map_while(|_| Builder::new().spawn_scoped(scope, run).ok())
            .collect();
        let mut done = run();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn processors() -> usize {
    static FOUND: OnceLock<usize> = OnceLock::new();
    *FOUND.get_or_init(|| {
        thread::available_parallelism()
            .map_or(1, NonZero::get)
            .min(MOST)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_their_parts() {
        for count in [0, 1, 2, 100] {
            let parts: Vec<usize> = (0..count).collect();
            let done = share(&parts, |part| {
                // The first take longest.
                thread::sleep(std::time::Duration::from_micros(200 / (*part as u64 + 1)));
                part * 2
            });
            assert_eq!(done, parts.iter().map(|part| part * 2).collect::<Vec<_>>());
        }
    }
}
