//! A Brainfuck interpreter with matched brackets, on a program that counts.

use crate::random::mix;

/// Three counters from 10 to 0, and inside 10 * 7 + 10 * 3, moved about and added to a cell that is printed.
const PROGRAM: &[u8] = b"++++++++++[>++++++++++[>++++++++++[>++++++++++[>+++++++>+++<<-]\
    >[>+<-]>[<+>-]<[>>+<<-]>>.<<<<-]<-]<-]";

enum Op {
    Add(u8),
    Move(isize),
    Open(usize),
    Close(usize),
    Print,
}

fn compile(text: &[u8]) -> Vec<Op> {
    let (mut ops, mut open) = (Vec::new(), Vec::new());
    for &symbol in text {
        match (symbol, ops.last_mut()) {
            (b'+', Some(Op::Add(value))) => *value = value.wrapping_add(1),
            (b'-', Some(Op::Add(value))) => *value = value.wrapping_sub(1),
            (b'>', Some(Op::Move(by))) => *by += 1,
            (b'<', Some(Op::Move(by))) => *by -= 1,
            (b'+', _) => ops.push(Op::Add(1)),
            (b'-', _) => ops.push(Op::Add(255)),
            (b'>', _) => ops.push(Op::Move(1)),
            (b'<', _) => ops.push(Op::Move(-1)),
            (b'.', _) => ops.push(Op::Print),
            (b'[', _) => {
                open.push(ops.len());
                ops.push(Op::Open(0));
            }
            (b']', _) => {
                let start = open.pop().expect("an open bracket");
                ops[start] = Op::Open(ops.len());
                ops.push(Op::Close(start));
            }
            _ => {}
        }
    }
    ops
}

fn execute(ops: &[Op], mut print: impl FnMut(u8)) {
    let (mut tape, mut head, mut at) = ([0_u8; 1024], 0_usize, 0);
    while let Some(op) = ops.get(at) {
        match *op {
            Op::Add(value) => tape[head] = tape[head].wrapping_add(value),
            Op::Move(by) => head = head.wrapping_add_signed(by),
            Op::Open(end) if tape[head] == 0 => at = end,
            Op::Close(start) if tape[head] != 0 => at = start,
            Op::Open(_) | Op::Close(_) => {}
            Op::Print => print(tape[head]),
        }
        at += 1;
    }
}

/// Runs it `n` times.
pub fn run(n: i32) -> i64 {
    let ops = compile(PROGRAM);
    let mut sum = 0;
    for _ in 0..n {
        execute(&ops, |byte| sum = mix(sum, u64::from(byte)));
    }
    sum as i64
}

#[cfg(test)]
mod tests {
    #[test]
    fn counts() {
        let mut printed = Vec::new();
        super::execute(&super::compile(super::PROGRAM), |byte| printed.push(byte));
        let expected: Vec<u8> = (1..=1000).map(|i| (i * 100) as u8).collect();
        assert_eq!(printed, expected);
    }
}
