//! Sudoku by backtracking over sets of candidates.

use crate::random::mix;

/// Puzzles, row by row, from easy to the one with most guesses.
const PUZZLES: [&[u8; 81]; 3] = [
    b"530070000600195000098000060800060003400803001700020006060000280000419005000080079",
    b"000000907000420180000705026100904000050000040000507009920108000034059000507000000",
    b"800000000003600000070090200050007000000045700000100030001000068008500010090000400",
];

struct Board {
    cells: [u8; 81],
    rows: [u16; 9],
    columns: [u16; 9],
    boxes: [u16; 9],
    guesses: u64,
}

impl Board {
    fn set(&mut self, at: usize, digit: u8) {
        self.cells[at] = digit;
        let bit = 1 << digit;
        self.rows[at / 9] ^= bit;
        self.columns[at % 9] ^= bit;
        self.boxes[at / 27 * 3 + at % 9 / 3] ^= bit;
    }

    fn unset(&mut self, at: usize) {
        self.set(at, self.cells[at]);
        self.cells[at] = 0;
    }

    fn solve(&mut self) -> bool {
        let mut best: Option<(u32, usize, u16)> = None;
        for at in 0..81 {
            if self.cells[at] == 0 {
                let used = self.rows[at / 9] | self.columns[at % 9] | self.boxes[at / 27 * 3 + at % 9 / 3];
                let free = !used & 0x3fe;
                if best.is_none_or(|(count, ..)| free.count_ones() < count) {
                    best = Some((free.count_ones(), at, free));
                }
            }
        }
        let Some((_, at, mut free)) = best else { return true };
        while free != 0 {
            let digit = free.trailing_zeros() as u8;
            free &= free - 1;
            self.guesses += 1;
            self.set(at, digit);
            if self.solve() {
                return true;
            }
            self.unset(at);
        }
        false
    }
}

/// Solves the puzzles `n` times.
pub fn run(n: i32) -> i64 {
    let mut sum = 0;
    for i in 0..n as usize {
        let mut board =
            Board { cells: [0; 81], rows: [0; 9], columns: [0; 9], boxes: [0; 9], guesses: 0 };
        for (at, &digit) in PUZZLES[i % PUZZLES.len()].iter().enumerate() {
            if digit != b'0' {
                board.set(at, digit - b'0');
            }
        }
        assert!(board.solve());
        sum = board.cells.iter().fold(mix(sum, board.guesses), |sum, &digit| mix(sum, u64::from(digit)));
    }
    sum as i64
}
