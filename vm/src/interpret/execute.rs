//! The loop: what each operator does, in the spec's words.
//!
//! Owns the order of things within an operator: operands, then the dynamic price, then checks, then effects. Arithmetic
//! is `numeric` and `float`, frames are `frame`, what can be grown, filled, copied and dropped are the store's rules. It
//! must not know the host.

use super::decode::Code;
use super::float::{self, z32, z64};
use super::frame::{Frames, Stop};
use super::instr::{Branch, Instr};
use super::numeric::{self, n32, n64};
use super::observe::{Observer, Site};
use crate::module::ModuleInner;
use crate::store::objects::{FuncRef, MemoryId, Objects};
use crate::trap::Trap;

/// A value as a slot holds it: 32 bits in the lower half of a slot whose upper half is 0, or 64.
trait Value {
    fn from_slot(slot: u64) -> Self;
    fn to_slot(self) -> u64;
}

impl Value for u32 {
    #[inline(always)]
    fn from_slot(slot: u64) -> Self {
        // The upper half is 0.
        slot as u32
    }

    #[inline(always)]
    fn to_slot(self) -> u64 {
        self.into()
    }
}

impl Value for u64 {
    #[inline(always)]
    fn from_slot(slot: u64) -> Self {
        slot
    }

    #[inline(always)]
    fn to_slot(self) -> u64 {
        self
    }
}

/// The slots, with the place above the last operand. Validation has shown that no operand is missing and the frame's
/// entry that no slot is; should both be wrong, Rust's own checks panic.
struct Operands<'a> {
    slots: &'a mut [u64],
    top: usize,
}

impl Operands<'_> {
    #[inline(always)]
    fn push(&mut self, value: impl Value) {
        self.slots[self.top] = value.to_slot();
        self.top += 1;
    }

    #[inline(always)]
    fn pop<V: Value>(&mut self) -> V {
        // Wraps to a place that does not exist.
        self.top = self.top.wrapping_sub(1);
        V::from_slot(self.slots[self.top])
    }

    /// Takes `arity` values along to a lower height.
    #[inline(always)]
    fn unwind(&mut self, arity: u32, to: usize) {
        let from = self.top - arity as usize;
        if from != to {
            match arity {
                0 => {}
                1 => self.slots[to] = self.slots[from],
                _ => self.slots.copy_within(from..self.top, to),
            }
            self.top = to + arity as usize;
        }
    }
}

/// The bytes of an access of `N` bytes at `address` + `offset`, or nothing. The sum has up to 33 bits and is exact.
#[inline(always)]
fn access<const N: usize>(memory: &mut [u8], address: u32, offset: u32) -> Result<&mut [u8; N], Trap> {
    let start = u64::from(address) + u64::from(offset);
    if start + N as u64 > memory.len() as u64 {
        return Err(Trap::MemoryOutOfBounds);
    }
    // Below the memory's length, so it fits.
    memory[start as usize..].first_chunk_mut().ok_or(Trap::MemoryOutOfBounds)
}

/// Executes the current frame, and those that it calls and returns to within its instance, until something else is to be
/// done. The frame's `pc` is then behind the instruction that stopped.
pub(super) fn run<O: Observer>(
    frames: &mut Frames,
    slots: &mut [u64],
    objects: &mut Objects,
    module: &ModuleInner,
    observer: &mut O,
) -> Stop {
    let prices = &module.engine.schedule().prices;
    let code: &Code = module.code();
    let instrs = code.instrs.as_slice();
    let instance = frames.current.instance;
    // A function without memory operators never looks at these.
    let memory = objects.instances[instance.index()].memories.first().copied().unwrap_or(MemoryId(u32::MAX));

    let mut operands = Operands { slots, top: frames.top };
    let mut pc = frames.current.pc;
    let mut base = frames.current.base;

    /// Writes the registers back to the frame.
    macro_rules! save {
        () => {
            frames.current.pc = pc;
            frames.top = operands.top;
        };
    }
    let stop = 'run: loop {
        /// Ends the loop.
        macro_rules! stop {
            ($stop:expr) => {
                break 'run $stop
            };
        }
        /// The value, or a trap.
        macro_rules! or_trap {
            ($result:expr) => {
                match $result {
                    Ok(value) => value,
                    Err(trap) => stop!(Stop::Trapped(trap)),
                }
            };
        }
        /// What frames do: goes on in the frame that is current then.
        macro_rules! transfer {
            ($transfer:expr) => {{
                if let Err(stop) = $transfer {
                    return report(stop, observer, Site { module, instr: pc - 1 }, objects);
                }
                observer.moves(frames, objects);
                pc = frames.current.pc;
                base = frames.current.base;
                operands.top = frames.top;
            }};
        }
        macro_rules! unary {
            ($f:expr) => {{
                let c1 = operands.pop();
                operands.push($f(c1));
            }};
        }
        macro_rules! binary {
            ($f:expr) => {{
                let c2 = operands.pop();
                let c1 = operands.pop();
                operands.push($f(c1, c2));
            }};
        }
        /// Partial operators trap where they are not defined.
        macro_rules! unary_partial {
            ($f:expr) => {{
                let c1 = operands.pop();
                operands.push(or_trap!($f(c1)));
            }};
        }
        macro_rules! binary_partial {
            ($f:expr) => {{
                let c2 = operands.pop();
                let c1 = operands.pop();
                operands.push(or_trap!($f(c1, c2)));
            }};
        }
        /// Loads the bytes of a stored type and widens it, with its sign if it has one.
        macro_rules! load {
            ($stored:ty => $value:ty, $offset:expr) => {{
                let bytes = &mut objects.memories[memory.index()].bytes;
                let stored = <$stored>::from_le_bytes(*or_trap!(access(bytes, operands.pop(), $offset)));
                operands.push(stored as $value);
            }};
        }
        /// Stores the low bytes of a value: the spec's wrap.
        macro_rules! store {
            ($value:ty => $stored:ty, $offset:expr) => {{
                let value: $value = operands.pop();
                let bytes = &mut objects.memories[memory.index()].bytes;
                *or_trap!(access(bytes, operands.pop(), $offset)) = (value as $stored).to_le_bytes();
            }};
        }
        /// The dynamic part of a price: below 2^32 * 2^24.
        macro_rules! pay {
            ($units:expr, $each:expr) => {{
                let price = u64::from($units) * u64::from($each);
                observer.dynamic($units, Site { module, instr: pc - 1 }, objects.gas);
                or_trap!(objects.pay(price))
            }};
        }
        macro_rules! table {
            ($table:expr) => {
                objects.instances[instance.index()].tables[$table as usize]
            };
        }
        /// What `call_indirect` calls, and how many parameters it takes.
        macro_rules! indirect_callee {
            ($type_index:expr, $table:expr) => {{
                let index: u32 = operands.pop();
                let elements = &objects.tables[table!($table).index()].elements;
                let element = or_trap!(elements.get(index as usize).copied().ok_or(Trap::TableOutOfBounds));
                let callee = or_trap!(FuncRef::from_bits(element).callee().ok_or(Trap::IndirectCallToNull));
                let expected = &module.info.types[$type_index as usize];
                let actual = objects.function_type(callee);
                if !core::ptr::eq(expected, actual) && expected != actual {
                    stop!(Stop::Trapped(Trap::BadSignature));
                }
                (callee, expected.params().len())
            }};
        }
        macro_rules! direct_callee {
            ($function:expr) => {{
                let callee = objects.function(instance, $function).callee();
                (
                    callee.expect("an import is never null"),
                    module.info.function_type($function).params().len(),
                )
            }};
        }

        let instr = &instrs[pc];
        observer.executes(instr, Site { module, instr: pc });
        pc += 1;
        match *instr {
            // Between operators.
            Instr::Charge { price } => {
                observer.charges(Site { module, instr: pc - 1 }, objects.gas);
                or_trap!(objects.pay(price));
            }
            Instr::Enter { declared_locals, operand_height } => {
                let operands_at = operands.top + declared_locals as usize;
                let needed = operands_at + operand_height as usize;
                if needed > operands.slots.len() {
                    pc -= 1;
                    stop!(Stop::Slots(needed));
                }
                observer.enters(declared_locals, module);
                operands.slots[operands.top..operands_at].fill(0);
                operands.top = operands_at;
            }
            Instr::Leave { results, frame_slots } | Instr::Return { results, frame_slots } => {
                save!();
                transfer!(frames.leave(objects, operands.slots, results as usize, frame_slots));
            }

            // Control.
            Instr::Unreachable => stop!(Stop::Trapped(Trap::Unreachable)),
            Instr::Nop | Instr::Block | Instr::Loop | Instr::End => {}
            Instr::If { otherwise } => {
                if operands.pop::<u32>() == 0 {
                    pc = otherwise as usize;
                }
            }
            Instr::Else { end } => pc = end as usize,
            Instr::Br { branch: Branch { target, arity, height } } => {
                operands.unwind(arity, base + height as usize);
                pc = target as usize;
            }
            Instr::BrIf { branch: Branch { target, arity, height } } => {
                if operands.pop::<u32>() != 0 {
                    operands.unwind(arity, base + height as usize);
                    pc = target as usize;
                }
            }
            Instr::BrTable { first, count, arity } => {
                let label = operands.pop::<u32>().min(count - 1);
                let target = code.targets[(first + label) as usize];
                operands.unwind(arity, base + target.height as usize);
                pc = target.target as usize;
            }
            Instr::Call { function } => {
                let (callee, parameters) = direct_callee!(function);
                save!();
                transfer!(frames.call(objects, callee, parameters));
            }
            Instr::CallIndirect { type_index, table } => {
                let (callee, parameters) = indirect_callee!(type_index, table);
                save!();
                transfer!(frames.call(objects, callee, parameters));
            }
            Instr::ReturnCall { function, frame_slots } => {
                let (callee, parameters) = direct_callee!(function);
                save!();
                transfer!(frames.tail_call(objects, operands.slots, callee, parameters, frame_slots));
            }
            Instr::ReturnCallIndirect { type_index, table, frame_slots } => {
                let (callee, parameters) = indirect_callee!(type_index, table);
                save!();
                transfer!(frames.tail_call(objects, operands.slots, callee, parameters, frame_slots));
            }

            // Parametric.
            Instr::Drop => {
                operands.pop::<u64>();
            }
            Instr::Select | Instr::TypedSelect => {
                let condition: u32 = operands.pop();
                let otherwise: u64 = operands.pop();
                let value: u64 = operands.pop();
                operands.push(if condition != 0 { value } else { otherwise });
            }

            // Variables.
            Instr::LocalGet { local } => {
                let value = operands.slots[base + local as usize];
                operands.push(value);
            }
            Instr::LocalSet { local } => {
                let value = operands.pop();
                operands.slots[base + local as usize] = value;
            }
            Instr::LocalTee { local } => {
                let value: u64 = operands.pop();
                operands.push(value);
                operands.slots[base + local as usize] = value;
            }
            Instr::GlobalGet { global } => {
                let global = objects.instances[instance.index()].globals[global as usize];
                operands.push(objects.global(global));
            }
            Instr::GlobalSet { global } => {
                let global = objects.instances[instance.index()].globals[global as usize];
                objects.set_global(global, operands.pop());
            }

            // References.
            Instr::RefNull => operands.push(FuncRef::NULL.to_bits()),
            Instr::RefIsNull => {
                let reference: u64 = operands.pop();
                operands.push(u32::from(reference == FuncRef::NULL.to_bits()));
            }
            Instr::RefFunc { function } => operands.push(objects.function(instance, function).to_bits()),

            // Tables.
            Instr::TableGet { table } => {
                let index: u32 = operands.pop();
                let elements = &objects.tables[table!(table).index()].elements;
                operands.push(or_trap!(elements.get(index as usize).copied().ok_or(Trap::TableOutOfBounds)));
            }
            Instr::TableSet { table } => {
                let value: u64 = operands.pop();
                let index: u32 = operands.pop();
                let elements = &mut objects.tables[table!(table).index()].elements;
                *or_trap!(elements.get_mut(index as usize).ok_or(Trap::TableOutOfBounds)) = value;
            }
            Instr::TableSize { table } => {
                // A table has fewer than 2^32 elements.
                operands.push(objects.tables[table!(table).index()].elements.len() as u32);
            }
            Instr::TableGrow { table } => {
                let delta: u32 = operands.pop();
                let value: u64 = operands.pop();
                pay!(delta, prices.table_grow_element);
                match objects.grow_table(table!(table), delta, value) {
                    Ok(before) => operands.push(before),
                    Err(_) => stop!(Stop::OutOfMemory),
                }
            }
            Instr::TableFill { table } => {
                let length: u32 = operands.pop();
                let value: u64 = operands.pop();
                let destination: u32 = operands.pop();
                pay!(length, prices.table_fill_element);
                or_trap!(objects.fill_table(table!(table), destination, value, length));
            }
            Instr::TableCopy { destination: to, source: from } => {
                let length: u32 = operands.pop();
                let source: u32 = operands.pop();
                let destination: u32 = operands.pop();
                pay!(length, prices.table_copy_element);
                or_trap!(objects.copy_table(table!(to), table!(from), destination, source, length));
            }
            Instr::TableInit { segment, table } => {
                let length: u32 = operands.pop();
                let source: u32 = operands.pop();
                let destination: u32 = operands.pop();
                pay!(length, prices.table_init_element);
                let table = table!(table);
                or_trap!(objects.init_table(instance, table, segment, destination, source, length));
            }
            Instr::ElemDrop { segment } => objects.drop_elements(instance, segment),

            // Memory.
            Instr::I32Load { offset } => load!(u32 => u32, offset),
            Instr::I64Load { offset } => load!(u64 => u64, offset),
            Instr::F32Load { offset } => load!(u32 => u32, offset),
            Instr::F64Load { offset } => load!(u64 => u64, offset),
            Instr::I32Load8S { offset } => load!(i8 => u32, offset),
            Instr::I32Load8U { offset } => load!(u8 => u32, offset),
            Instr::I32Load16S { offset } => load!(i16 => u32, offset),
            Instr::I32Load16U { offset } => load!(u16 => u32, offset),
            Instr::I64Load8S { offset } => load!(i8 => u64, offset),
            Instr::I64Load8U { offset } => load!(u8 => u64, offset),
            Instr::I64Load16S { offset } => load!(i16 => u64, offset),
            Instr::I64Load16U { offset } => load!(u16 => u64, offset),
            Instr::I64Load32S { offset } => load!(i32 => u64, offset),
            Instr::I64Load32U { offset } => load!(u32 => u64, offset),
            Instr::I32Store { offset } => store!(u32 => u32, offset),
            Instr::I64Store { offset } => store!(u64 => u64, offset),
            Instr::F32Store { offset } => store!(u32 => u32, offset),
            Instr::F64Store { offset } => store!(u64 => u64, offset),
            Instr::I32Store8 { offset } => store!(u32 => u8, offset),
            Instr::I32Store16 { offset } => store!(u32 => u16, offset),
            Instr::I64Store8 { offset } => store!(u64 => u8, offset),
            Instr::I64Store16 { offset } => store!(u64 => u16, offset),
            Instr::I64Store32 { offset } => store!(u64 => u32, offset),
            Instr::MemorySize => {
                // A memory of 32-bit addresses has at most 2^16 pages.
                operands.push(objects.memories[memory.index()].pages() as u32);
            }
            Instr::MemoryGrow => {
                let delta: u32 = operands.pop();
                pay!(delta, prices.memory_grow_page);
                match objects.grow_memory(memory, delta) {
                    Ok(before) => operands.push(before),
                    Err(_) => stop!(Stop::OutOfMemory),
                }
            }
            Instr::MemoryFill => {
                let length: u32 = operands.pop();
                let value: u32 = operands.pop();
                let destination: u32 = operands.pop();
                pay!(length, prices.memory_fill_byte);
                // The value's low byte, as with `i32.store8`.
                or_trap!(objects.fill_memory(memory, destination, value as u8, length));
            }
            Instr::MemoryCopy => {
                let length: u32 = operands.pop();
                let source: u32 = operands.pop();
                let destination: u32 = operands.pop();
                pay!(length, prices.memory_copy_byte);
                or_trap!(objects.copy_memory(memory, destination, source, length));
            }
            Instr::MemoryInit { segment } => {
                let length: u32 = operands.pop();
                let source: u32 = operands.pop();
                let destination: u32 = operands.pop();
                pay!(length, prices.memory_init_byte);
                or_trap!(objects.init_memory(instance, memory, segment, destination, source, length));
            }
            Instr::DataDrop { segment } => objects.drop_data(instance, segment),

            // Numeric: constants.
            Instr::I32Const { value } => operands.push(value),
            Instr::I64Const { value } => operands.push(value),
            Instr::F32Const { bits } => operands.push(bits),
            Instr::F64Const { bits } => operands.push(bits),

            // Numeric: i32.
            Instr::I32Eqz => unary!(n32::ieqz),
            Instr::I32Eq => binary!(n32::ieq),
            Instr::I32Ne => binary!(n32::ine),
            Instr::I32LtS => binary!(n32::ilt_s),
            Instr::I32LtU => binary!(n32::ilt_u),
            Instr::I32GtS => binary!(n32::igt_s),
            Instr::I32GtU => binary!(n32::igt_u),
            Instr::I32LeS => binary!(n32::ile_s),
            Instr::I32LeU => binary!(n32::ile_u),
            Instr::I32GeS => binary!(n32::ige_s),
            Instr::I32GeU => binary!(n32::ige_u),
            Instr::I32Clz => unary!(n32::iclz),
            Instr::I32Ctz => unary!(n32::ictz),
            Instr::I32Popcnt => unary!(n32::ipopcnt),
            Instr::I32Add => binary!(n32::iadd),
            Instr::I32Sub => binary!(n32::isub),
            Instr::I32Mul => binary!(n32::imul),
            Instr::I32DivS => binary_partial!(n32::idiv_s),
            Instr::I32DivU => binary_partial!(n32::idiv_u),
            Instr::I32RemS => binary_partial!(n32::irem_s),
            Instr::I32RemU => binary_partial!(n32::irem_u),
            Instr::I32And => binary!(n32::iand),
            Instr::I32Or => binary!(n32::ior),
            Instr::I32Xor => binary!(n32::ixor),
            Instr::I32Shl => binary!(n32::ishl),
            Instr::I32ShrS => binary!(n32::ishr_s),
            Instr::I32ShrU => binary!(n32::ishr_u),
            Instr::I32Rotl => binary!(n32::irotl),
            Instr::I32Rotr => binary!(n32::irotr),
            Instr::I32Extend8S => unary!(n32::iextend8_s),
            Instr::I32Extend16S => unary!(n32::iextend16_s),

            // Numeric: i64.
            Instr::I64Eqz => unary!(n64::ieqz),
            Instr::I64Eq => binary!(n64::ieq),
            Instr::I64Ne => binary!(n64::ine),
            Instr::I64LtS => binary!(n64::ilt_s),
            Instr::I64LtU => binary!(n64::ilt_u),
            Instr::I64GtS => binary!(n64::igt_s),
            Instr::I64GtU => binary!(n64::igt_u),
            Instr::I64LeS => binary!(n64::ile_s),
            Instr::I64LeU => binary!(n64::ile_u),
            Instr::I64GeS => binary!(n64::ige_s),
            Instr::I64GeU => binary!(n64::ige_u),
            Instr::I64Clz => unary!(n64::iclz),
            Instr::I64Ctz => unary!(n64::ictz),
            Instr::I64Popcnt => unary!(n64::ipopcnt),
            Instr::I64Add => binary!(n64::iadd),
            Instr::I64Sub => binary!(n64::isub),
            Instr::I64Mul => binary!(n64::imul),
            Instr::I64DivS => binary_partial!(n64::idiv_s),
            Instr::I64DivU => binary_partial!(n64::idiv_u),
            Instr::I64RemS => binary_partial!(n64::irem_s),
            Instr::I64RemU => binary_partial!(n64::irem_u),
            Instr::I64And => binary!(n64::iand),
            Instr::I64Or => binary!(n64::ior),
            Instr::I64Xor => binary!(n64::ixor),
            Instr::I64Shl => binary!(n64::ishl),
            Instr::I64ShrS => binary!(n64::ishr_s),
            Instr::I64ShrU => binary!(n64::ishr_u),
            Instr::I64Rotl => binary!(n64::irotl),
            Instr::I64Rotr => binary!(n64::irotr),
            Instr::I64Extend8S => unary!(n64::iextend8_s),
            Instr::I64Extend16S => unary!(n64::iextend16_s),
            Instr::I64Extend32S => unary!(numeric::iextend32_s),

            // Numeric: f32.
            Instr::F32Eq => binary!(z32::feq),
            Instr::F32Ne => binary!(z32::fne),
            Instr::F32Lt => binary!(z32::flt),
            Instr::F32Gt => binary!(z32::fgt),
            Instr::F32Le => binary!(z32::fle),
            Instr::F32Ge => binary!(z32::fge),
            Instr::F32Abs => unary!(z32::fabs),
            Instr::F32Neg => unary!(z32::fneg),
            Instr::F32Ceil => unary!(z32::fceil),
            Instr::F32Floor => unary!(z32::ffloor),
            Instr::F32Trunc => unary!(z32::ftrunc),
            Instr::F32Nearest => unary!(z32::fnearest),
            Instr::F32Sqrt => unary!(z32::fsqrt),
            Instr::F32Add => binary!(z32::fadd),
            Instr::F32Sub => binary!(z32::fsub),
            Instr::F32Mul => binary!(z32::fmul),
            Instr::F32Div => binary!(z32::fdiv),
            Instr::F32Min => binary!(z32::fmin),
            Instr::F32Max => binary!(z32::fmax),
            Instr::F32Copysign => binary!(z32::fcopysign),

            // Numeric: f64.
            Instr::F64Eq => binary!(z64::feq),
            Instr::F64Ne => binary!(z64::fne),
            Instr::F64Lt => binary!(z64::flt),
            Instr::F64Gt => binary!(z64::fgt),
            Instr::F64Le => binary!(z64::fle),
            Instr::F64Ge => binary!(z64::fge),
            Instr::F64Abs => unary!(z64::fabs),
            Instr::F64Neg => unary!(z64::fneg),
            Instr::F64Ceil => unary!(z64::fceil),
            Instr::F64Floor => unary!(z64::ffloor),
            Instr::F64Trunc => unary!(z64::ftrunc),
            Instr::F64Nearest => unary!(z64::fnearest),
            Instr::F64Sqrt => unary!(z64::fsqrt),
            Instr::F64Add => binary!(z64::fadd),
            Instr::F64Sub => binary!(z64::fsub),
            Instr::F64Mul => binary!(z64::fmul),
            Instr::F64Div => binary!(z64::fdiv),
            Instr::F64Min => binary!(z64::fmin),
            Instr::F64Max => binary!(z64::fmax),
            Instr::F64Copysign => binary!(z64::fcopysign),

            // Numeric: conversions.
            Instr::I32WrapI64 => unary!(numeric::wrap),
            Instr::I64ExtendI32S => unary!(numeric::extend_s),
            Instr::I64ExtendI32U => unary!(numeric::extend_u),
            Instr::I32TruncF32S => unary_partial!(z32::i32_trunc_s),
            Instr::I32TruncF32U => unary_partial!(z32::i32_trunc_u),
            Instr::I32TruncF64S => unary_partial!(z64::i32_trunc_s),
            Instr::I32TruncF64U => unary_partial!(z64::i32_trunc_u),
            Instr::I64TruncF32S => unary_partial!(z32::i64_trunc_s),
            Instr::I64TruncF32U => unary_partial!(z32::i64_trunc_u),
            Instr::I64TruncF64S => unary_partial!(z64::i64_trunc_s),
            Instr::I64TruncF64U => unary_partial!(z64::i64_trunc_u),
            Instr::I32TruncSatF32S => unary!(z32::i32_trunc_sat_s),
            Instr::I32TruncSatF32U => unary!(z32::i32_trunc_sat_u),
            Instr::I32TruncSatF64S => unary!(z64::i32_trunc_sat_s),
            Instr::I32TruncSatF64U => unary!(z64::i32_trunc_sat_u),
            Instr::I64TruncSatF32S => unary!(z32::i64_trunc_sat_s),
            Instr::I64TruncSatF32U => unary!(z32::i64_trunc_sat_u),
            Instr::I64TruncSatF64S => unary!(z64::i64_trunc_sat_s),
            Instr::I64TruncSatF64U => unary!(z64::i64_trunc_sat_u),
            Instr::F32ConvertI32S => unary!(z32::convert_i32_s),
            Instr::F32ConvertI32U => unary!(z32::convert_i32_u),
            Instr::F32ConvertI64S => unary!(z32::convert_i64_s),
            Instr::F32ConvertI64U => unary!(z32::convert_i64_u),
            Instr::F32DemoteF64 => unary!(float::demote),
            Instr::F64ConvertI32S => unary!(z64::convert_i32_s),
            Instr::F64ConvertI32U => unary!(z64::convert_i32_u),
            Instr::F64ConvertI64S => unary!(z64::convert_i64_s),
            Instr::F64ConvertI64U => unary!(z64::convert_i64_u),
            Instr::F64PromoteF32 => unary!(float::promote),
            // A slot holds the same bits for both types.
            Instr::I32ReinterpretF32
            | Instr::I64ReinterpretF64
            | Instr::F32ReinterpretI32
            | Instr::F64ReinterpretI64 => {}
        }
    };
    save!();
    report(stop, observer, Site { module, instr: pc - 1 }, objects)
}

/// Tells the observer where a trap happened.
fn report<O: Observer>(stop: Stop, observer: &mut O, site: Site<'_>, objects: &Objects) -> Stop {
    if let Stop::Trapped(trap) = stop {
        observer.trapped(trap, site, objects.gas);
    }
    stop
}
