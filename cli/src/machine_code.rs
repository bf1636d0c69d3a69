//! Machine code as text, beside the operators that it was made of.
//!
//! Owns the decoding of instructions and what pairs them with operators. The compiler tells only where calls and accesses to
//! memory are, and where traps belong; what lies between two of those belongs to the operators between them. It must not
//! know how code is made.

use crate::text::Name;
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, Mnemonic, OpKind, Register};
use lockstep_vm::{CodeMap, Module, Trap};
use std::collections::BTreeSet;

/// The machine code of a module.
pub(crate) struct MachineCode<'m> {
    module: &'m Module,
    code: &'m [u8],
    map: CodeMap,
}

/// Instructions and the operators that they were made of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Operators before this offset of the module that no earlier segment has.
    pub(crate) until: u64,
    /// For code that is out of line, what it is for, and at which operator.
    pub(crate) stub: Option<(String, u64)>,
    /// Each instruction's offset in the machine code, and its text.
    pub(crate) instructions: Vec<(u32, String)>,
}

/// A line of machine code.
enum Line {
    Instruction(Instruction),
    /// A word of a table: where it is, and where it leads.
    Word(u32, u32),
}

impl Line {
    fn offset(&self) -> u32 {
        match self {
            // Code is smaller than 2 GiB.
            Line::Instruction(instruction) => instruction.ip() as u32,
            Line::Word(at, _) => *at,
        }
    }

    fn instruction(&self) -> Option<&Instruction> {
        match self {
            Line::Instruction(instruction) => Some(instruction),
            Line::Word(..) => None,
        }
    }
}

impl<'m> MachineCode<'m> {
    /// The machine code of a module, where its engine compiles.
    pub(crate) fn new(module: &'m Module) -> Option<MachineCode<'m>> {
        Some(MachineCode { module, code: module.machine_code()?, map: module.code_map()? })
    }

    /// Where a function's code begins and ends.
    pub(crate) fn range(&self, function: u32) -> Option<(u32, u32)> {
        let at = self.map.functions.binary_search_by_key(&function, |&(index, ..)| index).ok()?;
        let (_, start, end) = self.map.functions[at];
        Some((start, end))
    }

    /// A function's code: first what is in line, then its stubs.
    pub(crate) fn segments(&self, function: u32) -> Vec<Segment> {
        let Some((start, end)) = self.range(function) else { return Vec::new() };
        let lines = self.decode(start, end);
        let conditional = lines.iter().filter_map(Line::instruction).filter(|jump| is_conditional(jump));
        let targets = conditional.map(|jump| jump.near_branch_target() as u32).collect();
        let stubs = self.first_stub(&lines, &targets);
        let mut segments = Vec::new();
        let (mut from, mut until) = (0, 0);
        for at in 0..stubs {
            let Some((cut, operator)) = self.cut(&lines, at, stubs) else { continue };
            // Code that has been moved does not end what is around it.
            if operator > until && cut > from {
                segments.push(self.segment(&lines[from..cut], operator));
                (from, until) = (cut, operator);
            }
        }
        segments.push(self.segment(&lines[from..stubs], u64::MAX));
        let mut from = stubs;
        for at in stubs..lines.len() {
            let ends = lines.get(at + 1).is_none_or(|next| targets.contains(&next.offset()));
            if ends {
                let mut segment = self.segment(&lines[from..=at], u64::MAX);
                segment.stub = self.stub(&lines[from..=at]);
                segments.push(segment);
                from = at + 1;
            }
        }
        segments
    }

    fn decode(&self, start: u32, end: u32) -> Vec<Line> {
        let code = &self.code[..end as usize];
        let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
        let mut lines = Vec::new();
        let mut at = start;
        // How many entries the next table has, and where it is.
        let (mut entries, mut table) = (0, None);
        while at < end {
            if table == Some(at) {
                for _ in 0..entries {
                    let Some(word) = self.code[..end as usize].get(at as usize..at as usize + 4) else {
                        break;
                    };
                    let distance = word.try_into().map_or(0, u32::from_le_bytes);
                    lines.push(Line::Word(at, table.unwrap_or(0).wrapping_add(distance)));
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
            at = next;
            lines.push(Line::Instruction(instruction));
        }
        lines
    }

    /// Where stubs begin: at the first of the calls of thunks at the end of the function that something jumps to.
    fn first_stub(&self, lines: &[Line], targets: &BTreeSet<u32>) -> usize {
        let first_function = self.map.functions.first().map_or(0, |&(_, start, _)| start);
        let is_stub = |line: &Line| {
            line.instruction().is_some_and(|instruction| match instruction.mnemonic() {
                Mnemonic::Call => {
                    names_target(instruction) && instruction.near_branch_target() < u64::from(first_function)
                }
                Mnemonic::Jmp => names_target(instruction),
                Mnemonic::Mov => {
                    instruction.memory_base() == Register::RSP
                        && instruction.op1_kind() == OpKind::Immediate32
                }
                _ => false,
            })
        };
        let behind = lines.iter().rposition(|line| !is_stub(line)).map_or(0, |last| last + 1);
        (behind..lines.len()).find(|&at| targets.contains(&lines[at].offset())).unwrap_or(lines.len())
    }

    /// Whether a segment ends about this line: before which line, and before which operator.
    fn cut(&self, lines: &[Line], at: usize, stubs: usize) -> Option<(usize, u64)> {
        let instruction = lines[at].instruction()?;
        if has_site_behind(instruction) {
            return Some((at + 1, u64::from(self.site_behind(instruction)?) + 1));
        }
        if is_conditional(instruction) {
            let target = instruction.near_branch_target();
            let stub = lines[stubs..].binary_search_by_key(&target, |line| line.offset().into()).ok()?;
            let mut calls = lines[stubs + stub..].iter().filter_map(Line::instruction);
            let operator = self.site_behind(calls.find(|instruction| has_site_behind(instruction))?)?;
            let before = at.checked_sub(1).and_then(|before| lines[before].instruction())?;
            // A charge comes before the operators of its run.
            let is_charge = before.mnemonic() == Mnemonic::Sub && before.op0_register() == Register::R15;
            return Some(if is_charge {
                (at - 1, operator.into())
            } else {
                (at + 1, u64::from(operator) + 1)
            });
        }
        // What may fault.
        let sites = self.sites_at(instruction.ip() as u32);
        let before = at.checked_sub(1).and_then(|before| lines[before].instruction());
        let taken = usize::from(before.is_some_and(has_site_behind));
        let &(_, operator) = sites.get(taken)?;
        Some((at + 1, u64::from(operator) + 1))
    }

    fn sites_at(&self, native: u32) -> &[(u32, u32)] {
        let from = self.map.sites.partition_point(|&(at, _)| at < native);
        let until = self.map.sites.partition_point(|&(at, _)| at <= native);
        &self.map.sites[from..until]
    }

    fn site_behind(&self, call: &Instruction) -> Option<u32> {
        self.sites_at(call.next_ip() as u32).first().map(|&(_, wasm)| wasm)
    }

    fn segment(&self, lines: &[Line], until: u64) -> Segment {
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
        let instructions = lines.iter().map(|line| match line {
            Line::Word(at, target) => (*at, format!("table entry {target:#x}")),
            Line::Instruction(instruction) => {
                let mut text = String::new();
                formatter.format(instruction, &mut text);
                if names_target(instruction)
                    && let Some(name) = self.name(instruction.near_branch_target() as u32)
                {
                    text.push_str(&format!(" <{name}>"));
                }
                (instruction.ip() as u32, text)
            }
        });
        Segment { until, stub: None, instructions: instructions.collect() }
    }

    /// What a stub is for: the thunk that it calls.
    fn stub(&self, lines: &[Line]) -> Option<(String, u64)> {
        let mut calls = lines.iter().filter_map(Line::instruction);
        let call = calls.find(|instruction| instruction.mnemonic() == Mnemonic::Call)?;
        Some((self.name(call.near_branch_target() as u32)?, self.site_behind(call)?.into()))
    }

    /// What begins at an offset, if it is a function or a thunk.
    fn name(&self, offset: u32) -> Option<String> {
        let functions = &self.map.functions;
        if let Ok(at) = functions.binary_search_by_key(&offset, |&(_, start, _)| start) {
            let (index, ..) = functions[at];
            return Some(match self.module.function_name(index) {
                Some(name) => Name(name).to_string(),
                None => format!("function {index}"),
            });
        }
        if functions.first().is_some_and(|&(_, start, _)| offset >= start) {
            return None;
        }
        // A thunk that traps stores the trap's number, and nothing before that.
        let code = self.code.get(offset as usize..)?;
        let mut decoder = Decoder::with_ip(64, code, offset.into(), DecoderOptions::NONE);
        let (first, second) = (decoder.decode(), decoder.decode());
        if first.mnemonic() == Mnemonic::Cmp {
            return Some(String::from("stack check"));
        }
        let is_store = second.mnemonic() == Mnemonic::Mov && second.op0_kind() == OpKind::Memory;
        let trap = (is_store && second.op1_kind() == OpKind::Immediate32to64)
            .then(|| u8::try_from(second.immediate(1)).ok().and_then(Trap::from_number));
        Some(trap.flatten().map_or(String::from("thunk"), |trap| format!("trap {}", trap.name())))
    }
}

/// Calls, and what notes its own address for a tail call.
fn has_site_behind(instruction: &Instruction) -> bool {
    let notes_itself = instruction.mnemonic() == Mnemonic::Lea
        && instruction.is_ip_rel_memory_operand()
        && instruction.ip_rel_memory_address() == instruction.next_ip();
    notes_itself || instruction.mnemonic() == Mnemonic::Call
}

/// Calls and jumps to an offset that they name.
fn names_target(instruction: &Instruction) -> bool {
    instruction.op0_kind() == OpKind::NearBranch64
}

fn is_conditional(instruction: &Instruction) -> bool {
    names_target(instruction) && !matches!(instruction.mnemonic(), Mnemonic::Jmp | Mnemonic::Call)
}
