//! What a process holds in memory, for those who may look.

use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// Everything that a process can write to: heaps, stacks, statics.
pub(crate) fn of(pid: i32) -> Vec<u8> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let file = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut found = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap(), words.next().unwrap());
        if !rights.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let [from, to] = [from, to].map(|end| u64::from_str_radix(end, 16).unwrap());
        let mut at = from;
        while at < to {
            // Piece by piece: some pages of the kernel's are not to be read.
            let mut piece = vec![0; usize::try_from((to - at).min(1 << 16)).unwrap()];
            if file.read_exact_at(&mut piece, at).is_ok() {
                found.extend_from_slice(&piece);
            }
            at += 1 << 16;
        }
    }
    found
}

/// The first of these, each of 8 bytes at least, that is in memory. In one pass: they are many.
pub(crate) fn search<'a>(memory: &[u8], needles: &'a [Vec<u8>]) -> Option<&'a Vec<u8>> {
    let fronts: HashSet<[u8; 8]> = needles
        .iter()
        .map(|needle| *needle.first_chunk().expect("8 bytes"))
        .collect();
    memory
        .windows(8)
        .enumerate()
        .filter(|(_, window)| window.first_chunk().is_some_and(|it| fronts.contains(it)))
        .find_map(|(at, _)| {
            needles
                .iter()
                .find(|needle| memory[at..].starts_with(needle))
        })
}
