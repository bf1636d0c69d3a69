//! The shape of a generated module, decided before any code is.
//!
//! Owns signatures, indices, memory, tables, globals and segments, and the order of calls: every function has
//! a *level* and calls only greater levels (itself, if it counts down), so every execution ends. It must not
//! know how code looks.

use super::constant;
use super::ty::{Signature, Ty, types};
use super::{Options, Size};
use crate::generate::HOST_FUNCTIONS;
use crate::random::Random;

/// The number of bytes in a page of linear memory.
pub(super) const PAGE: u32 = 65_536;

/// A function of the module; its place in [`Layout::functions`] is its level.
#[derive(Debug)]
pub(super) struct Function {
    /// Its function index, host functions counted.
    pub(super) index: u32,
    pub(super) signature: usize,
    /// When it may call itself: the first parameter counts down, cut by this mask.
    pub(super) recursion: Option<i32>,
}

#[derive(Debug)]
pub(super) struct Memory {
    pub(super) pages: u32,
    pub(super) maximum: Option<u32>,
}

#[derive(Debug)]
pub(super) struct Global {
    pub(super) ty: Ty,
    pub(super) mutable: bool,
}

#[derive(Debug)]
pub(super) struct Table {
    pub(super) ty: Ty,
    pub(super) size: u32,
    pub(super) maximum: Option<u32>,
}

/// A range of the dispatch table that holds only functions of one signature.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) base: u32,
    pub(super) signature: usize,
    /// The levels in its slots; their number is a power of two.
    pub(super) levels: Vec<usize>,
}

/// A data or element segment as code sees it.
#[derive(Debug)]
pub(super) struct Segment {
    /// Bytes or elements, or 0 when the segment is active or declared, so dropped from the start.
    pub(super) len: u32,
    /// Whether code may drop it, so that only an empty part of it can be relied on.
    pub(super) dropped: bool,
    /// Where an active segment goes.
    pub(super) active: Option<u32>,
    pub(super) contents: Contents,
}

/// What a segment holds.
#[derive(Debug)]
pub(super) enum Contents {
    Bytes(Vec<u8>),
    /// Function indices; `None` is null, which needs the expression form.
    Functions {
        table: u32,
        items: Vec<Option<u32>>,
        expressions: bool,
    },
    /// This many null externrefs.
    Externs {
        table: u32,
        items: u32,
    },
    /// Functions that code may take references of.
    Declared(Vec<u32>),
}

/// The whole shape.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) options: Options,
    /// Whether code may trap on purpose.
    pub(super) wild: bool,
    /// Whether `run` ends in `unreachable`.
    pub(super) doomed: bool,
    pub(super) signatures: Vec<Signature>,
    /// Indices into [`HOST_FUNCTIONS`], by function index.
    pub(super) imports: Vec<usize>,
    pub(super) functions: Vec<Function>,
    pub(super) start: Option<usize>,
    pub(super) callback: usize,
    pub(super) memory: Option<Memory>,
    pub(super) globals: Vec<Global>,
    pub(super) tables: Vec<Table>,
    /// The table that is called through; it never changes.
    pub(super) dispatch: u32,
    pub(super) groups: Vec<Group>,
    pub(super) data: Vec<Segment>,
    pub(super) elements: Vec<Segment>,
    /// Operators that `run` should execute, roughly.
    pub(super) target: u64,
}

impl Layout {
    /// A random shape.
    pub(super) fn new(random: &mut Random, options: Options) -> Self {
        let floats = options.allowed.floats;
        let (extra, target) = match options.size {
            Size::Tiny => (random.below(3), random.log_range(24, 320)),
            Size::Normal => (random.range(2, 10), random.log_range(4_000, 200_000)),
            Size::Large => (random.range(4, 16), random.log_range(100_000, 1_000_000)),
        };
        let mut imports: Vec<usize> = match options.allowed.imports {
            true => (0..HOST_FUNCTIONS.len()).filter(|_| random.percent(70)).collect(),
            false => Vec::new(),
        };
        random.shuffle(&mut imports);
        let mut layout = Self {
            options,
            wild: random.percent(30),
            doomed: random.percent(9),
            signatures: Vec::new(),
            imports,
            functions: Vec::new(),
            start: None,
            callback: 0,
            memory: None,
            globals: Vec::new(),
            tables: Vec::new(),
            dispatch: 0,
            groups: Vec::new(),
            data: Vec::new(),
            elements: Vec::new(),
            target,
        };
        layout.choose_functions(random, extra, floats);
        layout.choose_memory(random);
        layout.choose_globals(random, floats);
        layout.choose_tables(random);
        layout.choose_elements(random);
        layout
    }

    /// The index of a signature, which is added when it is new.
    pub(super) fn intern(&mut self, signature: Signature) -> usize {
        self.signatures.iter().position(|known| *known == signature).unwrap_or_else(|| {
            self.signatures.push(signature);
            self.signatures.len() - 1
        })
    }

    /// The signature of the function at `level`.
    pub(super) fn signature(&self, level: usize) -> &Signature {
        &self.signatures[self.functions[level].signature]
    }

    fn choose_functions(&mut self, random: &mut Random, extra: usize, floats: bool) {
        for _ in 0..random.below(3) {
            // Types that nothing may use, so that type indices are not all small or in order.
            let unused = Signature { params: types(random, 3, floats), results: types(random, 2, floats) };
            self.intern(unused);
        }
        let result_pool = [vec![Ty::I64], types(random, 4, floats), types(random, 2, floats)];
        let signature_pool: Vec<Signature> = (0..1 + extra / 3)
            .map(|_| Signature {
                params: types(random, 8, floats),
                results: result_pool[random.below(3)].clone(),
            })
            .collect();
        let mut wanted = vec![(Signature::new(&[Ty::I32, Ty::I64], &[Ty::I64]), None)];
        if random.percent(if self.options.size == Size::Tiny { 8 } else { 15 }) {
            self.start = Some(1);
            wanted.push((Signature::new(&[], &[]), None));
        }
        for _ in 0..extra {
            let mut signature = match random.percent(60) {
                true => signature_pool[random.below(signature_pool.len())].clone(),
                false => Signature {
                    params: types(random, 8, floats),
                    results: result_pool[random.below(3)].clone(),
                },
            };
            let recursion = random.percent(25).then(|| random.pick(&[1, 3, 7, 15, 31]));
            if recursion.is_some() && signature.params.first() != Some(&Ty::I32) {
                signature.params.insert(0, Ty::I32);
                signature.params.truncate(8);
            }
            wanted.push((signature, recursion));
        }
        let first = self.start.map_or(1, |start| start + 1);
        self.callback = random.range(first, wanted.len());
        wanted.insert(self.callback, (Signature::new(&[Ty::I32], &[Ty::I32]), None));
        let mut indices: Vec<u32> =
            (0..wanted.len()).map(|index| (self.imports.len() + index) as u32).collect();
        random.shuffle(&mut indices);
        for ((signature, recursion), index) in wanted.into_iter().zip(indices) {
            let signature = self.intern(signature);
            self.functions.push(Function { index, signature, recursion });
        }
    }

    fn choose_memory(&mut self, random: &mut Random) {
        if !random.percent(92) {
            return;
        }
        let pages = random.range(1, 3) as u32;
        let maximum = random.percent(85).then(|| pages + random.below(4) as u32);
        self.memory = Some(Memory { pages, maximum });
        for _ in 0..random.below(5) {
            let len = random.log_range(1, 200) as u32 - u32::from(random.percent(10));
            let active = random.percent(50).then(|| match random.percent(20) {
                true => pages * PAGE - len,
                false => random.below((PAGE - len) as usize) as u32,
            });
            let contents = Contents::Bytes(random.bytes(len as usize));
            let dropped = active.is_some() || random.percent(40);
            self.data.push(Segment {
                len: if active.is_some() { 0 } else { len },
                dropped,
                active,
                contents,
            });
        }
    }

    fn choose_globals(&mut self, random: &mut Random, floats: bool) {
        for _ in 0..random.below(7) {
            let ty = Ty::random(random, floats);
            self.globals.push(Global { ty, mutable: random.percent(80) });
        }
    }

    fn choose_tables(&mut self, random: &mut Random) {
        let mut base = self.functions.len() as u32;
        for _ in 0..random.below(4) {
            let level = random.range(1, self.functions.len() - 1);
            let signature = self.functions[level].signature;
            let same: Vec<usize> = (1..self.functions.len())
                .filter(|&other| self.functions[other].signature == signature && self.start != Some(other))
                .collect();
            if same.is_empty() {
                continue;
            }
            let len = 1 << random.below(4);
            let levels: Vec<usize> = (0..len).map(|_| random.pick(&same)).collect();
            self.groups.push(Group { base, signature, levels });
            base += len;
        }
        let nulls = random.below(3) as u32;
        let size = base + nulls;
        let dispatch = Table { ty: Ty::Func, size, maximum: random.percent(50).then_some(size) };
        self.tables.push(dispatch);
        let most = if self.options.size == Size::Tiny { 1 } else { 2 };
        for ty in [Ty::Func, Ty::Extern].into_iter().take(most) {
            if random.percent(60) {
                let size = random.range(1, 20) as u32;
                let maximum = random.percent(85).then(|| size + random.below(10) as u32);
                self.tables.push(Table { ty, size, maximum });
            }
        }
        if random.percent(40) {
            let last = self.tables.len() - 1;
            self.tables.swap(0, last);
            self.dispatch = last as u32;
        }
    }

    fn choose_elements(&mut self, random: &mut Random) {
        let directory = self.functions.iter().map(|function| Some(function.index)).collect::<Vec<_>>();
        let mut slots = directory.clone();
        for group in &self.groups {
            slots.extend(group.levels.iter().map(|&level| Some(self.functions[level].index)));
        }
        let mut at = 0;
        while at < slots.len() {
            let len = if random.percent(60) { slots.len() - at } else { random.range(1, slots.len() - at) };
            self.elements.push(Segment {
                len: 0,
                dropped: true,
                active: Some(at as u32),
                contents: Contents::Functions {
                    table: self.dispatch,
                    items: slots[at..at + len].to_vec(),
                    expressions: random.percent(40),
                },
            });
            at += len;
        }
        if random.percent(30) {
            let declared = self.functions.iter().map(|function| function.index).collect();
            self.elements.push(Segment {
                len: 0,
                dropped: true,
                active: None,
                contents: Contents::Declared(declared),
            });
        }
        for table in 0..self.tables.len() as u32 {
            if table == self.dispatch {
                continue;
            }
            let Table { ty, size, .. } = self.tables[table as usize];
            for _ in 0..random.below(4) {
                let items = random.range(0, size.min(12) as usize) as u32;
                let active = random.percent(30).then(|| random.below((size - items + 1) as usize) as u32);
                let dropped = active.is_some() || random.percent(40);
                let contents = match ty {
                    Ty::Extern => Contents::Externs { table, items },
                    _ => {
                        let expressions = random.percent(50);
                        let items = (0..items)
                            .map(|_| match expressions && random.percent(20) {
                                true => None,
                                false => directory[random.below(directory.len())],
                            })
                            .collect();
                        Contents::Functions { table, items, expressions }
                    }
                };
                self.elements.push(Segment {
                    len: if active.is_some() { 0 } else { items },
                    dropped,
                    active,
                    contents,
                });
            }
        }
        random.shuffle(&mut self.elements);
    }

    /// The function index of the host function of that name, when it is imported.
    pub(super) fn host(&self, name: &str) -> Option<u32> {
        let position = self.imports.iter().position(|&host| HOST_FUNCTIONS[host].name == name);
        position.map(|index| index as u32)
    }
}

/// A constant initial value for a global, as an instruction sequence without `end`.
pub(super) fn initial_value(random: &mut Random, ty: Ty, functions: &[Function]) -> wasm_encoder::ConstExpr {
    use wasm_encoder::ConstExpr;
    match ty {
        Ty::I32 if random.percent(30) => {
            let expr = ConstExpr::i32_const(constant::i32(random)).with_i32_const(constant::i32(random));
            match random.below(3) {
                0 => expr.with_i32_add(),
                1 => expr.with_i32_sub(),
                _ => expr.with_i32_mul(),
            }
        }
        Ty::I64 if random.percent(30) => {
            let expr = ConstExpr::i64_const(constant::i64(random)).with_i64_const(constant::i64(random));
            match random.below(3) {
                0 => expr.with_i64_add(),
                1 => expr.with_i64_sub(),
                _ => expr.with_i64_mul(),
            }
        }
        Ty::I32 => ConstExpr::i32_const(constant::i32(random)),
        Ty::I64 => ConstExpr::i64_const(constant::i64(random)),
        Ty::F32 => ConstExpr::f32_const(wasm_encoder::Ieee32::new(constant::f32(random))),
        Ty::F64 => ConstExpr::f64_const(wasm_encoder::Ieee64::new(constant::f64(random))),
        Ty::Func if random.percent(60) => ConstExpr::ref_func(functions[random.below(functions.len())].index),
        Ty::Func | Ty::Extern => ConstExpr::ref_null(ty.heap_type()),
    }
}
