//! Programs whose gas is held against the time they take.
//!
//! Owns what such a program is and how it is put together from text. Each executes one operator, or one thing that may be
//! dear, again and again; `operators` and `attacks` list them, `measure` runs one. It must not know
//! what a fair price is.

mod attacks;
pub mod measure;
mod operators;

use lockstep_gas::Op;
use wast::Wat;
use wast::parser::{ParseBuffer, parse};

/// How often an operator stands in the loop of its program.
const UNROLLED: u32 = 64;

/// A program.
#[derive(Clone, Debug)]
pub struct Workload {
    /// What is executed: an operator's name, or an attack's.
    pub name: String,
    /// How: what the operands are, or where.
    pub form: String,
    /// The operator, where the program is about one.
    pub op: Option<Op>,
    /// How the program is run.
    pub kind: Kind,
    /// How often what is measured happens in one round of the program's loop.
    pub repeats: u32,
    /// Whether the schedule has a price for it: what it has none for is shown and not judged.
    pub judged: bool,
    text: String,
}

/// How a program is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Its loop for as many rounds as take long enough, always in the same instance.
    Steady,
    /// Once in an instance of its own, whose making and end count.
    Fresh,
}

impl Workload {
    /// The module. It exports `run`, which takes how many rounds there are to be, and perhaps `setup`, to be called before.
    ///
    /// # Panics
    /// When the text is no module.
    pub fn wasm(&self) -> Vec<u8> {
        let encode = || -> Result<Vec<u8>, wast::Error> {
            let buffer = ParseBuffer::new(&self.text)?;
            let mut module = parse::<Wat<'_>>(&buffer)?;
            module.encode()
        };
        encode().unwrap_or_else(|error| panic!("{}, {}: {error}\n{}", self.name, self.form, self.text))
    }
}

/// All programs: at least one for each operator that can be executed again and again, and the attacks.
pub fn workloads() -> Vec<Workload> {
    let mut all = operators::all();
    all.extend(attacks::all());
    all
}

/// Operators that no loop can execute twice, or that do nothing by themselves.
pub fn is_exempt(op: Op) -> bool {
    matches!(op, Op::Unreachable | Op::Block | Op::Else | Op::End)
}

/// What a program is put together from.
#[derive(Clone, Debug, Default)]
struct Parts {
    /// Types, memories, tables, functions.
    fields: String,
    /// Declared locals beside the usual ones.
    locals: String,
    /// Before the loop.
    before: String,
    /// The loop's body.
    body: String,
}

impl Parts {
    fn body(body: impl Into<String>) -> Parts {
        Parts { body: body.into(), ..Parts::default() }
    }

    fn fields(mut self, fields: impl Into<String>) -> Parts {
        self.fields = fields.into();
        self
    }

    fn locals(mut self, locals: impl Into<String>) -> Parts {
        self.locals = locals.into();
        self
    }

    fn before(mut self, before: impl Into<String>) -> Parts {
        self.before = before.into();
        self
    }

    /// The module: a loop of `$n` rounds. There are locals `$i0` to `$i3` of type i32, and the same of `l`, `f` and `d`
    /// for the other number types. `$i0` and `$i3` go on where they were when `run` ended: no predictor nor cache is to
    /// see the same twice.
    fn text(&self) -> String {
        let usual = [("i", "i32"), ("l", "i64"), ("f", "f32"), ("d", "f64")];
        let usual: String = usual
            .iter()
            .flat_map(|(letter, ty)| (0..4).map(move |number| format!("(local ${letter}{number} {ty})")))
            .collect();
        let Parts { fields, locals, before, body } = self;
        format!(
            "(module {fields}\n(global $last0 (mut i32) (i32.const 0)) (global $last3 (mut i32) (i32.const 0))\n\
             (func (export \"run\") (param $n i32) {usual} {locals}\n\
             (local.set $i0 (global.get $last0)) (local.set $i3 (global.get $last3))\n{before}\n(loop $again\n{body}\n\
             (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))\n\
             (global.set $last0 (local.get $i0)) (global.set $last3 (local.get $i3))))"
        )
    }

    fn workload(&self, name: &str, form: &str, repeats: u32) -> Workload {
        Workload {
            name: name.into(),
            form: form.into(),
            op: None,
            kind: Kind::Steady,
            repeats,
            judged: true,
            text: self.text(),
        }
    }
}

/// `piece` so many times; `#` in it becomes the number of the time.
fn times(count: u32, piece: &str) -> String {
    (0..count).map(|number| piece.replace('#', &number.to_string()) + "\n").collect()
}

/// The next of a sequence without a pattern, in `$i3`.
const RANDOM: &str =
    "(local.set $i3 (i32.add (i32.mul (local.get $i3) (i32.const 1664525)) (i32.const 1013904223)))";

/// A memory of the default limit, 64 MiB, in which each line of the cache names another one, without a pattern: a circle
/// through all.
const CIRCLE: &str = "(memory 1024)
(func (export \"setup\") (local $at i32) (local $next i32)
  (loop $again
    (local.set $next (i32.and (i32.add (i32.mul (local.get $at) (i32.const 1664525)) (i32.const 1013904223)) (i32.const 0xfffff)))
    (i32.store (i32.shl (local.get $at) (i32.const 6)) (i32.shl (local.get $next) (i32.const 6)))
    (br_if $again (local.tee $at (local.get $next)))))";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::census::census;
    use lockstep_vm::{Backend, Config, Engine, FloatPolicy, Module};

    #[test]
    fn every_operator_has_a_program_that_has_it() {
        let all = workloads();
        for &op in Op::ALL {
            let programs: Vec<_> = all.iter().filter(|workload| workload.op == Some(op)).collect();
            assert_eq!(programs.is_empty(), is_exempt(op), "{}", op.name());
            for program in programs {
                let census = census(&program.wasm()).unwrap();
                let name = op.name().replace('.', "_");
                assert!(census.contains_key(name.as_str()), "{name} is not in {:?}", program.form);
            }
        }
    }

    #[test]
    fn there_are_fifty_attacks_and_all_programs_are_accepted() {
        let all = workloads();
        assert!(all.iter().filter(|workload| workload.op.is_none()).count() >= 50);
        let config = Config::new().floats(FloatPolicy::Canonical).backend(Backend::Interpreter);
        let engine = Engine::new(&config).unwrap();
        for workload in all {
            let verdict = Module::validate(&engine, &workload.wasm());
            assert!(verdict.is_ok(), "{}, {}: {}", workload.name, workload.form, verdict.unwrap_err());
        }
    }
}
