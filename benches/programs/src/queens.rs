//! Queens that attack none other, counted by backtracking over bits.

fn place(all: u32, columns: u32, left: u32, right: u32) -> u64 {
    if columns == all {
        return 1;
    }
    let mut free = all & !(columns | left | right);
    let mut count = 0;
    while free != 0 {
        let bit = free & free.wrapping_neg();
        free ^= bit;
        count += place(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    count
}

/// On a board of `n` by `n`.
pub fn run(n: i32) -> i64 {
    place((1 << n) - 1, 0, 0, 0) as i64
}
