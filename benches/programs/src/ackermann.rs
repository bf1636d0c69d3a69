//! Ackermann's function of 2 and `n`: deep recursion.

#[inline(never)]
fn ackermann(m: u32, n: u32) -> u32 {
    match (m, n) {
        (0, n) => n + 1,
        (m, 0) => ackermann(m - 1, 1),
        (m, n) => ackermann(m - 1, ackermann(m, n - 1)),
    }
}

/// The sum for 2 and every number below `n`.
pub fn run(n: i32) -> i64 {
    (0..n as u32).map(|n| i64::from(ackermann(2, n))).sum()
}
