//! An interpreter by `match`: a stack machine that counts primes by trial division.

use crate::random::mix;

/// The operators; a jump's target and a constant are in the next word.
mod op {
    pub(super) const HALT: u32 = 0;
    pub(super) const PUSH: u32 = 1;
    pub(super) const LOAD: u32 = 2;
    pub(super) const STORE: u32 = 3;
    pub(super) const ADD: u32 = 4;
    pub(super) const MUL: u32 = 5;
    pub(super) const REM: u32 = 6;
    pub(super) const LESS: u32 = 7;
    pub(super) const JUMP: u32 = 8;
    pub(super) const JUMP_IF: u32 = 9;
    pub(super) const NOT: u32 = 10;
}

use op::{ADD, HALT, JUMP, JUMP_IF, LESS, LOAD, MUL, NOT, PUSH, REM, STORE};

/// The code. Variables: 0 the bound, 1 the candidate, 2 the divisor, 3 the count.
fn assemble() -> Vec<u32> {
    let mut code = vec![PUSH, 2, STORE, 1, PUSH, 0, STORE, 3];
    let outer = code.len() as u32;
    code.extend([LOAD, 1, LOAD, 0, LESS, NOT, JUMP_IF, 0]);
    let to_end = code.len() - 1;
    code.extend([PUSH, 2, STORE, 2]);
    let inner = code.len() as u32;
    code.extend([LOAD, 1, LOAD, 2, LOAD, 2, MUL, LESS, JUMP_IF, 0]);
    let to_prime = code.len() - 1;
    code.extend([LOAD, 1, LOAD, 2, REM, NOT, JUMP_IF, 0]);
    let to_next = code.len() - 1;
    code.extend([LOAD, 2, PUSH, 1, ADD, STORE, 2, JUMP, inner]);
    code[to_prime] = code.len() as u32;
    code.extend([LOAD, 3, PUSH, 1, ADD, STORE, 3]);
    code[to_next] = code.len() as u32;
    code.extend([LOAD, 1, PUSH, 1, ADD, STORE, 1, JUMP, outer]);
    code[to_end] = code.len() as u32;
    code.push(HALT);
    code
}

fn execute(code: &[u32], variables: &mut [u64; 4]) -> u64 {
    let (mut stack, mut at, mut steps) = (Vec::with_capacity(16), 0, 0);
    loop {
        steps += 1;
        let op = code[at];
        at += 1;
        match op {
            PUSH => {
                stack.push(u64::from(code[at]));
                at += 1;
            }
            LOAD => {
                stack.push(variables[code[at] as usize]);
                at += 1;
            }
            STORE => {
                variables[code[at] as usize] = stack.pop().unwrap();
                at += 1;
            }
            ADD | MUL | REM | LESS => {
                let (right, left) = (stack.pop().unwrap(), stack.pop().unwrap());
                stack.push(match op {
                    ADD => left.wrapping_add(right),
                    MUL => left.wrapping_mul(right),
                    REM => left % right,
                    _ => u64::from(left < right),
                });
            }
            NOT => {
                let value = stack.pop().unwrap();
                stack.push(u64::from(value == 0));
            }
            JUMP => at = code[at] as usize,
            JUMP_IF => {
                let condition = stack.pop().unwrap();
                at = if condition != 0 { code[at] as usize } else { at + 1 };
            }
            HALT => return steps,
            _ => panic!("an operator of the machine"),
        }
    }
}

/// Counts the primes below `n`.
pub fn run(n: i32) -> i64 {
    let mut variables = [n as u64, 0, 0, 0];
    let steps = execute(&assemble(), &mut variables);
    mix(steps, variables[3]) as i64
}

#[cfg(test)]
mod tests {
    #[test]
    fn primes() {
        let mut variables = [100, 0, 0, 0];
        super::execute(&super::assemble(), &mut variables);
        assert_eq!(variables[3], 25);
    }
}
