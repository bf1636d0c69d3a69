//! What the loop tells a profile.
//!
//! Owns which charge belongs to which frame, and how a run's gas is told by its operators. It must not know the tree.

use super::frame::Frames;
use super::instr::Instr;
use super::observe::{Observer, Site, each_of_run, unit_price};
use crate::module::Module;
use crate::profile::{Profile, Profiler};
use crate::store::objects::Objects;

impl Observer for Profiler {
    fn charges(&mut self, site: Site<'_>, gas: u64) {
        if let Instr::Charge { price } = site.module.code().instrs[site.instr] {
            self.pay_at(number(site.instr), price.min(gas));
        }
    }

    fn dynamic(&mut self, units: u32, site: Site<'_>, gas: u64) {
        // Both have 32 bits.
        let price = u64::from(units) * u64::from(unit_price(site));
        self.pay_at(number(site.instr), price.min(gas));
    }

    fn moves(&mut self, frames: &Frames, objects: &Objects) {
        let current = &frames.current;
        let module = &objects.instances[current.instance.index()].module;
        let code = module.0.code();
        let function = code.function_at(code.site(current.pc));
        self.guest(frames.depth(), current.instance, module, function);
    }
}

/// The number of an instruction: there are at most three to a byte of a module, which has at most 2^30.
fn number(instr: usize) -> u32 {
    u32::try_from(instr).expect("modules are small")
}

/// Ends a profile: what was paid at instructions is told by offsets.
pub(crate) fn finish(profiler: Profiler) -> Profile {
    profiler.finish(|module, instr, gas, tell| offsets(module, instr as usize, gas, tell))
}

fn offsets(module: &Module, instr: usize, gas: u64, tell: &mut dyn FnMut(u32, u64)) {
    let code = module.0.code();
    let Instr::Charge { price } = code.instrs[instr] else { return tell(code.offsets[instr], gas) };
    let times = gas / price.max(1);
    let mut rest = gas;
    each_of_run(Site { module: &module.0, instr }, |at, price| {
        let part = times.saturating_mul(price).min(rest);
        rest -= part;
        if part > 0 {
            tell(code.offsets[at], part);
        }
    });
    if rest > 0 {
        tell(code.offsets[instr], rest);
    }
}
