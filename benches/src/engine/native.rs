//! Programs in Rust as host code, through the compiler that built this crate: what sandboxing costs at all.

use super::{Compiled, Engine, Linked, Program, Purpose, Running};
use anyhow::Result;
use std::hint::black_box;

/// Host code.
pub(super) struct Native;

impl Engine for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn serves(&self, purpose: Purpose) -> bool {
        purpose == Purpose::Run
    }

    fn compile(&self, program: Program<'_>) -> Result<Option<Box<dyn Compiled>>> {
        Ok(program.host.map(|run| Box::new(Code(run)) as Box<dyn Compiled>))
    }
}

#[derive(Clone, Copy)]
struct Code(fn(i32) -> i64);

impl Compiled for Code {
    fn code_bytes(&self) -> Option<usize> {
        None
    }

    fn link(self: Box<Self>) -> Result<Box<dyn Linked>> {
        Ok(self)
    }
}

impl Linked for Code {
    fn instantiate(&self) -> Result<Box<dyn Running>> {
        Ok(Box::new(*self))
    }
}

impl Running for Code {
    fn call(&mut self, _export: &str, n: i32) -> Result<i64> {
        Ok((self.0)(black_box(n)))
    }

    fn repeat(&mut self, _export: &str, n: i32, times: u32) -> Result<()> {
        for _ in 0..times {
            black_box((self.0)(black_box(n)));
        }
        Ok(())
    }
}
