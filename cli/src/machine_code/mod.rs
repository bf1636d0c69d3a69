//! Machine code as text, beside the operators that it was made of.
//!
//! Owns what pairs instructions with operators; `x64` and `aarch64` decode them. The compiler tells only where calls and
//! accesses to memory are, and where traps belong; what lies between two of those belongs to the operators between them. It
//! must not know how code is made.

mod aarch64;
mod x64;

use crate::text::Name;
use clap::ValueEnum;
use lockstep_vm::{CodeMap, CodeTarget, Module, Trap};
use std::collections::BTreeSet;

/// A machine to show code of.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(crate) enum Target {
    #[value(name = "x86_64")]
    X86_64,
    Aarch64,
}

/// The machine code of a module.
pub(crate) struct MachineCode<'m> {
    module: &'m Module,
    target: Target,
    code: Vec<u8>,
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
#[derive(Debug)]
struct Line {
    /// Where it is, and where the next one is.
    at: u32,
    next: u32,
    text: String,
    flow: Flow,
}

/// What an instruction does, as far as it pairs code with operators.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flow {
    /// Calls what it names, or what a register has.
    Call(Option<u32>),
    /// Notes the address behind itself, for a tail call.
    Note,
    Jump(u32),
    Conditional(u32),
    /// Pays for a run.
    Charge,
    /// Puts what a stub passes to a thunk where that expects it.
    Passes,
    /// A word of a table.
    Word,
    Other,
}

impl Flow {
    /// The offset that it names.
    fn target(self) -> Option<u32> {
        match self {
            Flow::Call(target) => target,
            Flow::Jump(target) | Flow::Conditional(target) => Some(target),
            Flow::Note | Flow::Charge | Flow::Passes | Flow::Word | Flow::Other => None,
        }
    }
}

impl Line {
    /// An entry of a table.
    fn word(at: u32, target: u32) -> Line {
        Line { at, next: at + 4, text: format!("table entry {target:#x}"), flow: Flow::Word }
    }

    /// Calls, and what notes its own address for a tail call.
    fn has_site_behind(&self) -> bool {
        matches!(self.flow, Flow::Call(_) | Flow::Note)
    }

    fn conditional_target(&self) -> Option<u32> {
        match self.flow {
            Flow::Conditional(target) => Some(target),
            _ => None,
        }
    }
}

impl<'m> MachineCode<'m> {
    /// The machine code of a module for a machine, or for the one at hand.
    pub(crate) fn new(module: &'m Module, target: Option<Target>) -> Option<MachineCode<'m>> {
        let target = target.unwrap_or(match CodeTarget::HOST {
            CodeTarget::Aarch64 => Target::Aarch64,
            _ => Target::X86_64,
        });
        let (code, map) = module.code_for(match target {
            Target::X86_64 => CodeTarget::X86_64,
            Target::Aarch64 => CodeTarget::Aarch64,
        })?;
        Some(MachineCode { module, target, code, map })
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
        let lines = match self.target {
            Target::X86_64 => x64::decode(&self.code, start, end),
            Target::Aarch64 => aarch64::decode(&self.code, start, end),
        };
        let targets = lines.iter().filter_map(Line::conditional_target).collect();
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
            let ends = lines.get(at + 1).is_none_or(|next| targets.contains(&next.at));
            if ends {
                let mut segment = self.segment(&lines[from..=at], u64::MAX);
                segment.stub = self.stub(&lines[from..=at]);
                segments.push(segment);
                from = at + 1;
            }
        }
        segments
    }

    /// Where stubs begin: at the first of the calls of thunks at the end of the function that something jumps to.
    fn first_stub(&self, lines: &[Line], targets: &BTreeSet<u32>) -> usize {
        let first_function = self.map.functions.first().map_or(0, |&(_, start, _)| start);
        let is_stub = |line: &Line| match line.flow {
            Flow::Call(target) => target.is_some_and(|target| target < first_function),
            Flow::Jump(_) | Flow::Passes => true,
            _ => false,
        };
        let behind = lines.iter().rposition(|line| !is_stub(line)).map_or(0, |last| last + 1);
        (behind..lines.len()).find(|&at| targets.contains(&lines[at].at)).unwrap_or(lines.len())
    }

    /// Whether a segment ends about this line: before which line, and before which operator.
    fn cut(&self, lines: &[Line], at: usize, stubs: usize) -> Option<(usize, u64)> {
        let line = &lines[at];
        if line.has_site_behind() {
            return Some((at + 1, u64::from(self.site_behind(line)?) + 1));
        }
        let before = at.checked_sub(1).map(|before| &lines[before]);
        if let Some(target) = line.conditional_target() {
            let stub = lines[stubs..].binary_search_by_key(&target, |line| line.at).ok()?;
            let call = lines[stubs + stub..].iter().find(|line| line.has_site_behind())?;
            let operator = self.site_behind(call)?;
            // A charge comes before the operators of its run.
            return Some(if before?.flow == Flow::Charge {
                (at - 1, operator.into())
            } else {
                (at + 1, u64::from(operator) + 1)
            });
        }
        // What may fault.
        let sites = self.sites_at(line.at);
        let taken = usize::from(before.is_some_and(Line::has_site_behind));
        let &(_, operator) = sites.get(taken)?;
        Some((at + 1, u64::from(operator) + 1))
    }

    fn sites_at(&self, native: u32) -> &[(u32, u32)] {
        let from = self.map.sites.partition_point(|&(at, _)| at < native);
        let until = self.map.sites.partition_point(|&(at, _)| at <= native);
        &self.map.sites[from..until]
    }

    fn site_behind(&self, call: &Line) -> Option<u32> {
        self.sites_at(call.next).first().map(|&(_, wasm)| wasm)
    }

    fn segment(&self, lines: &[Line], until: u64) -> Segment {
        let instructions = lines.iter().map(|line| {
            let name = line.flow.target().and_then(|target| self.name(target));
            let text = name.map_or(line.text.clone(), |name| format!("{} <{name}>", line.text));
            (line.at, text)
        });
        Segment { until, stub: None, instructions: instructions.collect() }
    }

    /// What a stub is for: the thunk that it calls.
    fn stub(&self, lines: &[Line]) -> Option<(String, u64)> {
        let call = lines.iter().find(|line| matches!(line.flow, Flow::Call(Some(_))))?;
        Some((self.name(call.flow.target()?)?, self.site_behind(call)?.into()))
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
        let code = self.code.get(offset as usize..)?;
        let thunk = match self.target {
            Target::X86_64 => x64::thunk(code),
            Target::Aarch64 => aarch64::thunk(code),
        };
        Some(match thunk {
            Thunk::StackCheck => String::from("stack check"),
            Thunk::Trap(trap) => format!("trap {}", trap.name()),
            Thunk::Other => String::from("thunk"),
        })
    }
}

/// What a thunk is for, as far as its code says so.
enum Thunk {
    StackCheck,
    Trap(Trap),
    Other,
}

impl Thunk {
    /// One that raises the trap with this number.
    fn of_trap(number: u64) -> Thunk {
        u8::try_from(number).ok().and_then(Trap::from_number).map_or(Thunk::Other, Thunk::Trap)
    }
}
