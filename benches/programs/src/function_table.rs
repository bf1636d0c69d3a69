//! An interpreter by function pointers: a register machine whose operators are functions in a table.

use crate::random::mix;

struct Machine {
    registers: [u64; 8],
    at: usize,
    running: bool,
}

#[derive(Clone, Copy)]
struct Step {
    function: fn(&mut Machine, Step),
    to: u8,
    left: u8,
    right: u8,
}

impl Machine {
    fn binary(&mut self, step: Step, operator: impl FnOnce(u64, u64) -> u64) {
        let (left, right) = (self.registers[usize::from(step.left & 7)], self.registers[usize::from(step.right & 7)]);
        self.registers[usize::from(step.to & 7)] = operator(left, right);
        self.at += 1;
    }
}

fn add(machine: &mut Machine, step: Step) {
    machine.binary(step, u64::wrapping_add);
}

fn subtract(machine: &mut Machine, step: Step) {
    machine.binary(step, u64::wrapping_sub);
}

fn multiply(machine: &mut Machine, step: Step) {
    machine.binary(step, u64::wrapping_mul);
}

fn exclusive_or(machine: &mut Machine, step: Step) {
    machine.binary(step, |left, right| left ^ right);
}

fn rotate(machine: &mut Machine, step: Step) {
    machine.binary(step, |left, right| left.rotate_left(right as u32 & 63));
}

fn jump_if(machine: &mut Machine, step: Step) {
    if machine.registers[usize::from(step.left & 7)] != 0 {
        machine.at = usize::from(step.to);
    } else {
        machine.at += 1;
    }
}

fn halt(machine: &mut Machine, _: Step) {
    machine.running = false;
}

const fn step(function: fn(&mut Machine, Step), to: u8, left: u8, right: u8) -> Step {
    Step { function, to, left, right }
}

/// Register 0 counts down by register 1.
static CODE: [Step; 9] = [
    step(multiply, 2, 2, 3),
    step(add, 2, 2, 0),
    step(rotate, 4, 2, 3),
    step(exclusive_or, 5, 5, 4),
    step(subtract, 6, 5, 2),
    step(add, 3, 3, 6),
    step(subtract, 0, 0, 1),
    step(jump_if, 0, 0, 0),
    step(halt, 0, 0, 0),
];

/// Goes `n` times around.
pub fn run(n: i32) -> i64 {
    let mut machine = Machine { registers: [n as u64, 1, 3, 0x9e37_79b9_7f4a_7c15, 0, 0, 0, 0], at: 0, running: true };
    while machine.running {
        let step = CODE[machine.at];
        (step.function)(&mut machine, step);
    }
    machine.registers.into_iter().fold(0, mix) as i64
}
