//! A smaller module and a shorter script with a difference.
//!
//! Owns the search: calls are left out, bodies and parts of bodies go, and what still differs is kept. It must not know
//! what the difference is.

use std::ops::Range;

use wasm_encoder::{CodeSection, RawSection};
use wasmparser::{Operator, Parser, Payload};

use super::super::prepare::NotReady;
use super::super::setup::Setup;
use super::super::three_ways::{Difference, Script};
use super::Subject;

/// Modules that are tried for one difference.
const BUDGET: usize = 6_000;
/// Operators of a body that are taken out at once, at first.
const CHUNK: usize = 256;

/// What is tried in place of operators: nothing, or what makes up for operands and results.
const REPLACEMENTS: [&[u8]; 9] = [
    b"",
    b"\x1a",             // drop
    b"\x1a\x1a",         // drop drop
    b"\x41\x00",         // i32.const 0
    b"\x42\x00",         // i64.const 0
    b"\x1a\x41\x00",     // drop i32.const 0
    b"\x1a\x42\x00",     // drop i64.const 0
    b"\x1a\x1a\x41\x00", // drop drop i32.const 0
    b"\x00",             // unreachable
];

/// Something smaller with a difference, and the difference.
pub(super) fn reduce(
    setup: &Setup,
    wasm: &[u8],
    script: &Script,
) -> Option<(Vec<u8>, Script, Vec<Difference>)> {
    let mut search = Search { setup, left: BUDGET, script: script.clone(), found: None };
    if !search.differs(wasm, script) {
        return None;
    }
    search.calls(wasm);
    let mut bodies = Bodies::read(wasm)?;
    search.whole_bodies(wasm, &mut bodies);
    let mut chunk = CHUNK;
    while chunk > 0 && search.left > 0 {
        let mut smaller = false;
        for body in 0..bodies.0.len() {
            smaller |= search.parts(wasm, &mut bodies, body, chunk);
        }
        if !smaller || chunk > 1 {
            chunk /= 2;
        }
    }
    let (wasm, differences) = search.found?;
    Some((wasm, search.script, differences))
}

struct Search<'a> {
    setup: &'a Setup,
    left: usize,
    script: Script,
    found: Option<(Vec<u8>, Vec<Difference>)>,
}

impl Search<'_> {
    /// Whether a module differs under a script; keeps it then.
    fn differs(&mut self, wasm: &[u8], script: &Script) -> bool {
        self.left = self.left.saturating_sub(1);
        let differences = match Subject::new(self.setup, wasm) {
            Ok(subject) => match subject.compare(script, false) {
                Ok(_) => return false,
                Err(differences) => differences,
            },
            Err(NotReady::Refused(_)) => return false,
            Err(NotReady::Different(difference)) => vec![difference],
        };
        self.found = Some((wasm.to_vec(), differences));
        true
    }

    /// Leaves out calls, the last ones first.
    fn calls(&mut self, wasm: &[u8]) {
        let step = self
            .found
            .as_ref()
            .and_then(|(_, differences)| differences.first())
            .map_or(0, |first| first.step);
        let mut script = self.script.clone();
        script.calls.truncate(step);
        if self.differs(wasm, &script) {
            self.script = script;
        }
        for call in (0..self.script.calls.len()).rev() {
            let mut script = self.script.clone();
            script.calls.remove(call);
            if self.differs(wasm, &script) {
                self.script = script;
            }
        }
    }

    /// Makes bodies trap at once.
    fn whole_bodies(&mut self, wasm: &[u8], bodies: &mut Bodies) {
        for body in 0..bodies.0.len() {
            let trap =
                Body { locals: bodies.0[body].locals.clone(), operators: vec![vec![0x00], vec![0x0b]] };
            self.keep(wasm, bodies, body, trap);
        }
    }

    fn keep(&mut self, wasm: &[u8], bodies: &mut Bodies, body: usize, instead: Body) -> bool {
        if self.left == 0 {
            return false;
        }
        let before = std::mem::replace(&mut bodies.0[body], instead);
        let module = bodies.write(wasm);
        let script = self.script.clone();
        if wasmparser::Validator::new_with_features(crate::features::FEATURES).validate_all(&module).is_ok()
            && self.differs(&module, &script)
        {
            return true;
        }
        bodies.0[body] = before;
        false
    }

    /// Takes parts out of a body, from its end on.
    fn parts(&mut self, wasm: &[u8], bodies: &mut Bodies, body: usize, chunk: usize) -> bool {
        let mut smaller = false;
        let mut end = bodies.0[body].operators.len().saturating_sub(1);
        while end > 0 {
            let start = end.saturating_sub(chunk);
            for replacement in REPLACEMENTS {
                let mut instead = bodies.0[body].clone();
                let old: usize = instead.operators[start..end].iter().map(Vec::len).sum();
                if replacement.len() >= old {
                    continue;
                }
                let new = (!replacement.is_empty()).then(|| replacement.to_vec());
                instead.operators.splice(start..end, new);
                if self.keep(wasm, bodies, body, instead) {
                    smaller = true;
                    break;
                }
            }
            end = start;
        }
        smaller | self.constructs(wasm, bodies, body, chunk)
    }

    /// Takes out the opening and the end of constructs, and constructs as a whole.
    fn constructs(&mut self, wasm: &[u8], bodies: &mut Bodies, body: usize, chunk: usize) -> bool {
        if chunk > 4 {
            return false;
        }
        let mut smaller = false;
        let mut at = 0;
        while let Some(range) = bodies.0[body].construct(at) {
            let whole = range.clone();
            at = range.start + 1;
            let mut without = bodies.0[body].clone();
            without.operators.drain(whole.clone());
            let mut bare = bodies.0[body].clone();
            bare.operators.remove(range.end - 1);
            bare.operators.remove(range.start);
            if self.keep(wasm, bodies, body, without) || self.keep(wasm, bodies, body, bare) {
                smaller = true;
                at = range.start;
            }
        }
        smaller
    }
}

#[derive(Clone)]
struct Body {
    /// The declarations, as they are.
    locals: Vec<u8>,
    operators: Vec<Vec<u8>>,
}

impl Body {
    /// The first construct that opens at an operator or behind it.
    fn construct(&self, from: usize) -> Option<Range<usize>> {
        let opens = |operator: &Vec<u8>| matches!(operator.first(), Some(0x02..=0x04));
        let start = (from..self.operators.len()).find(|at| opens(&self.operators[*at]))?;
        let mut depth = 0;
        for at in start..self.operators.len() {
            if opens(&self.operators[at]) {
                depth += 1;
            } else if self.operators[at] == [0x0b] {
                depth -= 1;
                if depth == 0 {
                    return Some(start..at + 1);
                }
            }
        }
        None
    }
}

struct Bodies(Vec<Body>);

impl Bodies {
    fn read(wasm: &[u8]) -> Option<Self> {
        let mut bodies = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            let Payload::CodeSectionEntry(body) = payload.ok()? else { continue };
            let mut reader = body.get_operators_reader().ok()?;
            let locals = wasm[body.range().start as usize..reader.original_position() as usize].to_vec();
            let mut operators = Vec::new();
            while !reader.eof() {
                let start = reader.original_position() as usize;
                let _: Operator<'_> = reader.read().ok()?;
                operators.push(wasm[start..reader.original_position() as usize].to_vec());
            }
            bodies.push(Body { locals, operators });
        }
        Some(Self(bodies))
    }

    /// The module with these bodies.
    fn write(&self, wasm: &[u8]) -> Vec<u8> {
        let mut module = wasm_encoder::Module::new();
        for payload in Parser::new(0).parse_all(wasm).map_while(Result::ok) {
            if let Payload::CodeSectionStart { .. } = payload {
                let mut code = CodeSection::new();
                for body in &self.0 {
                    code.raw(&[body.locals.as_slice(), &body.operators.concat()].concat());
                }
                module.section(&code);
            } else if let Some((id, range)) = payload.as_section().filter(|(id, _)| *id != 10) {
                module.section(&RawSection { id, data: &wasm[range.start as usize..range.end as usize] });
            }
        }
        module.finish()
    }
}
