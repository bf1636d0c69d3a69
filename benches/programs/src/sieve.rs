//! The sieve of Eratosthenes over bits.

/// Counts the primes below `n` thousand and sums them.
pub fn run(n: i32) -> i64 {
    let bound = n as usize * 1000;
    let mut composite = vec![0_u32; bound.div_ceil(32)];
    let (mut count, mut sum) = (0_u64, 0_u64);
    for candidate in 2..bound {
        if composite[candidate / 32] >> (candidate % 32) & 1 == 0 {
            count += 1;
            sum += candidate as u64;
            let mut multiple = candidate.saturating_mul(candidate);
            while multiple < bound {
                composite[multiple / 32] |= 1 << (multiple % 32);
                multiple += candidate;
            }
        }
    }
    (sum << 20 | count) as i64
}
