//! Takeuchi's function: four calls a step, three parameters.

fn takeuchi(x: i32, y: i32, z: i32) -> i32 {
    if y >= x {
        z
    } else {
        takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y))
    }
}

/// Of `n`, `2 n / 3`, `n / 3`.
pub fn run(n: i32) -> i64 {
    i64::from(takeuchi(n, n * 2 / 3, n / 3))
}
