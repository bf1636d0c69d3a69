//! Fibonacci numbers by double recursion: nothing but calls.

fn fibonacci(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

/// The `n`th.
pub fn run(n: i32) -> i64 {
    fibonacci(n as u32) as i64
}
