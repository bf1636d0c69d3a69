//! Conway's Game of Life on a torus of 64 by 64 bytes.

use crate::random::{Random, mix};

const SIDE: usize = 64;

type Board = [[u8; SIDE]; SIDE];

fn step(from: &Board, to: &mut Board) {
    for y in 0..SIDE {
        let rows = [&from[(y + SIDE - 1) % SIDE], &from[y], &from[(y + 1) % SIDE]];
        for x in 0..SIDE {
            let columns = [(x + SIDE - 1) % SIDE, x, (x + 1) % SIDE];
            let mut with_itself = 0;
            for row in rows {
                for column in columns {
                    with_itself += row[column];
                }
            }
            to[y][x] = u8::from(with_itself == 3 || (with_itself == 4 && from[y][x] == 1));
        }
    }
}

/// `n` generations.
pub fn run(n: i32) -> i64 {
    let mut random = Random::new(11);
    let mut board = [[0; SIDE]; SIDE];
    for cell in board.iter_mut().flatten() {
        *cell = random.below(2) as u8;
    }
    let mut next = board;
    for _ in 0..n {
        step(&board, &mut next);
        std::mem::swap(&mut board, &mut next);
    }
    board.iter().flatten().fold(0, |sum, &cell| mix(sum, u64::from(cell))) as i64
}
