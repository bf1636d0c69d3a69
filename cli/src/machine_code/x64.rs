//! Instructions of x86-64.
//!
//! Owns their decoding and their text.

use super::{Flow, Line, Thunk};
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, Mnemonic, OpKind, Register};

/// The code of a function.
pub(super) fn decode(code: &[u8], start: u32, end: u32) -> Vec<Line> {
    let code = &code[..end as usize];
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let mut formatter = formatter();
    let mut lines = Vec::new();
    let mut at = start;
    // How many entries the next table has, and where it is.
    let (mut entries, mut table) = (0, None);
    while at < end {
        if table == Some(at) {
            for _ in 0..entries {
                let Some(word) = code.get(at as usize..at as usize + 4) else { break };
                let distance = word.try_into().map_or(0, u32::from_le_bytes);
                lines.push(Line::word(at, table.unwrap_or(0).wrapping_add(distance)));
                at += 4;
            }
            table = None;
            continue;
        }
        // Within the code by the condition above.
        if decoder.set_position(at as usize).is_err() {
            break;
        }
        decoder.set_ip(at.into());
        let instruction = decoder.decode();
        let next = instruction.next_ip() as u32;
        match instruction.mnemonic() {
            Mnemonic::Cmp => {
                let last = instruction.try_immediate(1).ok().and_then(|last| u32::try_from(last).ok());
                entries = last.map_or(0, |last| last.saturating_add(1));
            }
            Mnemonic::Lea if instruction.is_ip_rel_memory_operand() => {
                let target = instruction.ip_rel_memory_address() as u32;
                if target > next && target < end {
                    table = Some(target);
                }
            }
            _ => {}
        }
        let mut text = String::new();
        formatter.format(&instruction, &mut text);
        lines.push(Line { at, next, text, flow: flow(&instruction) });
        at = next;
    }
    lines
}

fn formatter() -> IntelFormatter {
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_small_hex_numbers_in_decimal(true);
    options.set_space_after_operand_separator(true);
    options.set_rip_relative_addresses(false);
    options.set_show_branch_size(false);
    options.set_branch_leading_zeros(false);
    formatter
}

fn flow(instruction: &Instruction) -> Flow {
    // Code is smaller than 2 GiB.
    let target =
        (instruction.op0_kind() == OpKind::NearBranch64).then(|| instruction.near_branch_target() as u32);
    match (instruction.mnemonic(), target) {
        (Mnemonic::Call, target) => Flow::Call(target),
        (Mnemonic::Jmp, Some(target)) => Flow::Jump(target),
        (_, Some(target)) => Flow::Conditional(target),
        (Mnemonic::Lea, None)
            if instruction.is_ip_rel_memory_operand()
                && instruction.ip_rel_memory_address() == instruction.next_ip() =>
        {
            Flow::Note
        }
        (Mnemonic::Sub, None) if instruction.op0_register() == Register::R15 => Flow::Charge,
        (Mnemonic::Mov, None)
            if instruction.memory_base() == Register::RSP
                && instruction.op1_kind() == OpKind::Immediate32 =>
        {
            Flow::Passes
        }
        _ => Flow::Other,
    }
}

/// What a thunk is for. One that traps stores the trap's number, and nothing before that.
pub(super) fn thunk(code: &[u8]) -> Thunk {
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let (first, second) = (decoder.decode(), decoder.decode());
    if first.mnemonic() == Mnemonic::Cmp {
        return Thunk::StackCheck;
    }
    let is_store = second.mnemonic() == Mnemonic::Mov && second.op0_kind() == OpKind::Memory;
    match is_store && second.op1_kind() == OpKind::Immediate32to64 {
        true => Thunk::of_trap(second.immediate(1)),
        false => Thunk::Other,
    }
}
