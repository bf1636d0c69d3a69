//! Bytes that are almost modules.
//!
//! Owns the ways to break a module: bit by bit, by moving parts about, and by what only someone who knows the
//! format does (numbers at their edges, sections in another order). The result is rarely valid; it must never
//! know whether.

use crate::random::Random;

/// Constants whose encodings decoders get wrong: edges of widths, and encodings longer than they need be or
/// may be.
const NUMBERS: [&[u8]; 14] = [
    &[0x00],
    &[0x01],
    &[0x7f],
    &[0x80, 0x00],
    &[0x80, 0x01],
    &[0xff, 0x7f],
    &[0x80, 0x80, 0x80, 0x80, 0x00],
    &[0xff, 0xff, 0xff, 0xff, 0x07],
    &[0x80, 0x80, 0x80, 0x80, 0x08],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0x7f],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f],
];

/// The mutant of `seed`: one of `corpus` changed in one to sixteen ways, which may take parts of others.
///
/// An empty corpus is as good as one empty module.
pub fn mutate<B: AsRef<[u8]>>(seed: u64, corpus: &[B]) -> Vec<u8> {
    let mut random = Random::new(seed);
    if corpus.is_empty() {
        let len = random.log_range(1, 4096) as usize;
        return random.bytes(len);
    }
    let mut bytes = corpus[random.below(corpus.len())].as_ref().to_vec();
    for _ in 0..random.log_range(1, 16) {
        let other = corpus[random.below(corpus.len())].as_ref();
        change(&mut random, &mut bytes, other);
    }
    bytes
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    if bytes.is_empty() {
        bytes.extend(other);
        return;
    }
    let at = random.below(bytes.len());
    match random.weighted(&[20, 15, 10, 10, 8, 4, 15, 8, 6, 4]) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.u32() as u8,
        2 => {
            let len = random.log_range(1, 16) as usize;
            let inserted = random.bytes(len);
            bytes.splice(at..at, inserted);
        }
        3 => {
            let end = (at + random.log_range(1, 64) as usize).min(bytes.len());
            bytes.drain(at..end);
        }
        4 => splice(random, bytes, other),
        5 => bytes.truncate(at),
        6 => renumber(random, bytes, at),
        7 => duplicate(random, bytes, at),
        8 => reorder_sections(random, bytes),
        _ => replace_section(random, bytes, other),
    }
}

/// Replaces a part by a part of another module.
fn splice(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    if other.is_empty() {
        return;
    }
    let part = |random: &mut Random, len: usize| {
        let start = random.below(len);
        start..(start + random.log_range(1, 256) as usize).min(len)
    };
    let from = part(random, other.len());
    let to = part(random, bytes.len());
    bytes.splice(to, other[from].iter().copied());
}

/// Replaces what may be a number by one at an edge.
fn renumber(random: &mut Random, bytes: &mut Vec<u8>, at: usize) {
    let len = bytes[at..].iter().take(9).take_while(|byte| **byte >= 0x80).count() + 1;
    let end = (at + len).min(bytes.len());
    let number = random.pick(&NUMBERS);
    bytes.splice(at..end, number.iter().copied());
}

/// Repeats a part right after itself.
fn duplicate(random: &mut Random, bytes: &mut Vec<u8>, at: usize) {
    let end = (at + random.log_range(1, 64) as usize).min(bytes.len());
    let times = random.log_range(1, 8) as usize;
    let part = bytes[at..end].repeat(times);
    bytes.splice(end..end, part);
}

/// The ranges of the sections, ids and sizes included, as far as they can be followed.
fn sections(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut sections = Vec::new();
    let mut at = 8;
    while at < bytes.len() {
        let Some((size, len)) = read_leb(&bytes[at + 1..]) else { break };
        let Some(end) = (at + 1 + len).checked_add(size).filter(|end| *end <= bytes.len()) else { break };
        sections.push(at..end);
        at = end;
    }
    sections
}

/// An unsigned LEB128 of at most five bytes and its length.
fn read_leb(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= ((byte & 0x7f) as usize) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

/// Swaps two sections.
fn reorder_sections(random: &mut Random, bytes: &mut Vec<u8>) {
    let ranges = sections(bytes);
    if ranges.len() < 2 {
        return;
    }
    let (first, second) = (random.below(ranges.len()), random.below(ranges.len()));
    let mut order: Vec<usize> = (0..ranges.len()).collect();
    order.swap(first, second);
    let mut out = bytes[..8].to_vec();
    for index in order {
        out.extend(&bytes[ranges[index].clone()]);
    }
    out.extend(&bytes[ranges[ranges.len() - 1].end..]);
    *bytes = out;
}

/// Puts a section of another module in the place of one here.
fn replace_section(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    let (here, there) = (sections(bytes), sections(other));
    if here.is_empty() || there.is_empty() {
        return;
    }
    let from = there[random.below(there.len())].clone();
    let to = here[random.below(here.len())].clone();
    bytes.splice(to, other[from].iter().copied());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::validate;
    use crate::generate::Allowed;
    use crate::generate::program::{Options, Size, program};

    fn corpus() -> Vec<Vec<u8>> {
        let options = Options { size: Size::Tiny, allowed: Allowed { floats: true, imports: true } };
        (0..20).map(|seed| program(seed, options)).collect()
    }

    #[test]
    fn mutants_follow_from_the_seed_and_differ() {
        let corpus = corpus();
        let mutants: std::collections::BTreeSet<Vec<u8>> =
            (0..1000).map(|seed| mutate(seed, &corpus)).collect();
        assert!(mutants.len() > 950, "{}", mutants.len());
        assert_eq!(mutate(7, &corpus), mutate(7, &corpus));
        assert!(!mutate::<Vec<u8>>(7, &[]).is_empty());
    }

    /// Mutants that are all refused at the first byte would test nothing.
    #[test]
    fn mutants_get_through_to_every_part_of_a_validator() {
        let corpus = corpus();
        let (mut valid, mut late) = (0, 0);
        for seed in 0..5_000 {
            let mutant = mutate(seed, &corpus);
            match validate(&mutant) {
                Ok(()) => valid += 1,
                Err(error) if error.offset() as usize * 2 > mutant.len() => late += 1,
                Err(_) => {}
            }
        }
        println!("of 5,000 mutants {valid} are valid and {late} are refused in their second half");
        assert!(valid > 100 && late > 500, "{valid} valid, {late} refused late");
    }
}
