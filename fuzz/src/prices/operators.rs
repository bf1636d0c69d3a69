//! A program for each operator and for each way of using it that may take another time.
//!
//! Owns the operands. *Chained*: each operator needs the result of the one before. *Unchained*: none does.

use lockstep_gas::Op;

use super::{CIRCLE, Parts, RANDOM, UNROLLED, Workload, times};

pub(super) fn all() -> Vec<Workload> {
    Op::ALL.iter().flat_map(|&op| forms(op)).collect()
}

fn forms(op: Op) -> Vec<Workload> {
    let forms = match Signature::of(op) {
        Some(signature) => numeric(op, &signature),
        None if op.name().contains(".load") => loads(op),
        None if op.name().contains(".store") => stores(op),
        None => others(op),
    };
    let workload = |(form, parts): (String, Parts)| Workload {
        op: Some(op),
        ..parts.workload(op.name(), &form, UNROLLED)
    };
    forms.into_iter().map(workload).collect()
}

type Forms = Vec<(String, Parts)>;

/// A form whose body is this piece, unrolled.
fn form(name: impl Into<String>, piece: &str) -> (String, Parts) {
    (name.into(), Parts::body(times(UNROLLED, piece)))
}

fn form_with(name: &str, piece: &str, change: impl Fn(Parts) -> Parts) -> (String, Parts) {
    let (name, parts) = form(name, piece);
    (name, change(parts))
}

/// Operands and result of a numeric operator.
struct Signature {
    operand: &'static str,
    operands: usize,
    result: &'static str,
}

impl Signature {
    fn of(op: Op) -> Option<Signature> {
        let types = ["i32", "i64", "f32", "f64"];
        let (own, _) = op.name().split_once('.')?;
        let own = types.into_iter().find(|ty| *ty == own)?;
        let (operand, operands, result) = match self::what(op) {
            "eqz" => (own, 1, "i32"),
            "eq" | "ne" | "lt" | "gt" | "le" | "ge" => (own, 2, "i32"),
            "add" | "sub" | "mul" | "div" | "rem" | "and" | "or" | "xor" | "shl" | "shr" | "rotl"
            | "rotr" | "min" | "max" | "copysign" => (own, 2, own),
            "clz" | "ctz" | "popcnt" | "abs" | "neg" | "ceil" | "floor" | "trunc" | "nearest" | "sqrt"
            | "extend8" | "extend16" | "extend32" => (own, 1, own),
            what => {
                let from = what.rsplit('_').next()?;
                (types.into_iter().find(|ty| *ty == from)?, 1, own)
            }
        };
        Some(Signature { operand, operands, result })
    }
}

/// An operator's name without its type and without its sign.
fn what(op: Op) -> &'static str {
    let name = op.name().split_once('.').map_or(op.name(), |(_, name)| name);
    name.strip_suffix("_s").or(name.strip_suffix("_u")).unwrap_or(name)
}

/// The letter of a type's locals.
fn letter(ty: &str) -> &'static str {
    match ty {
        "i32" => "i",
        "i64" => "l",
        "f32" => "f",
        _ => "d",
    }
}

/// A value of one type as one of another, by operators that cost next to nothing.
fn turned(from: &str, to: &str, value: &str) -> String {
    match (from, to) {
        ("i32", "i64") => format!("(i64.extend_i32_u {value})"),
        ("i64", "i32") => format!("(i32.wrap_i64 {value})"),
        ("i32", "f32") | ("i64", "f64") | ("f32", "i32") | ("f64", "i64") => {
            format!("({to}.reinterpret_{from} {value})")
        }
        (from, to) if from == to => value.to_string(),
        (_, "f32") => turned("i32", "f32", &turned(from, "i32", value)),
        (_, "f64") => turned("i64", "f64", &turned(from, "i64", value)),
        ("f32", _) => turned("i32", to, &turned("f32", "i32", value)),
        _ => turned("i64", to, &turned("f64", "i64", value)),
    }
}

/// What operands of a type are tried: a name for both, and each.
fn operands(op: Op, ty: &str) -> &'static [(&'static str, &'static str, &'static str)] {
    match (op.name(), ty) {
        ("i32.div_s" | "i32.rem_s", _) => {
            &[("great and small", "0x7fffffff", "3"), ("least", "0x80000000", "3")]
        }
        ("i64.div_s" | "i64.rem_s", _) => {
            &[("great and small", "0x7fffffffffffffff", "3"), ("least", "0x8000000000000000", "3")]
        }
        (_, "i32") => &[("", "0xffffffff", "3")],
        (_, "i64") => &[("", "0xffffffffffffffff", "3"), ("halves", "0xfffffffffffffffe", "0x100000001")],
        (_, "f32") => &[
            ("numbers", "1.7", "1.3"),
            ("NaN", "nan:0x200001", "1.3"),
            ("subnormal", "0x0.000002p-126", "0x0.000006p-126"),
            ("subnormal result", "0x1.8p-120", "0x1.9p20"),
            ("zeros", "-0", "0"),
            ("great", "0x1.8p62", "0x1.8p62"),
        ],
        _ => &[
            ("numbers", "1.7", "1.3"),
            ("NaN", "nan:0x4000000000001", "1.3"),
            ("subnormal", "0x0.0000000000001p-1022", "0x0.0000000000003p-1022"),
            ("subnormal result", "0x1.8p-1000", "0x1.9p40"),
            ("zeros", "-0", "0"),
            ("great", "0x1.8p62", "0x1.8p62"),
        ],
    }
}

fn numeric(op: Op, signature: &Signature) -> Forms {
    let Signature { operand, operands: count, result } = *signature;
    let (x, r) = (letter(operand), letter(result));
    let apply = |first: &str| match count {
        1 => format!("({} (local.get {first}))", op.name()),
        _ => format!("({} (local.get {first}) (local.get ${x}2))", op.name()),
    };
    let mut forms = Vec::new();
    let traps = what(op).starts_with("trunc_f");
    for (name, first, second) in operands(op, operand) {
        if traps && matches!(*name, "NaN" | "great") {
            continue;
        }
        let set = |local: &str, value: &str| format!("(local.set ${x}{local} ({operand}.const {value}))");
        let before = set("0", first) + &set("1", first) + &set("2", second);
        let chained = match what(op) {
            // The divisor is what comes of the division before: small and great in turn, and never 0.
            "div" => format!("({} (local.get ${x}1) (local.get ${x}0))", op.name()),
            "rem" => format!(
                "({operand}.or ({} (local.get ${x}1) (local.get ${x}0)) (local.get ${x}2))",
                op.name()
            ),
            _ => turned(result, operand, &apply(&format!("${x}0"))),
        };
        let chained = format!("(local.set ${x}0 {chained})");
        let unchained = format!("(local.set ${r}3 {})", apply(&format!("${x}1")));
        forms.push(form_with(&format!("chained {name}"), &chained, |parts| parts.before(&before)));
        forms.push(form_with(&format!("unchained {name}"), &unchained, |parts| parts.before(&before)));
    }
    // Operators that convert what is too great for the other type's sign go another way.
    if op.name().contains("convert_i64_u") {
        let before = "(local.set $l1 (i64.const -2))";
        let piece = format!("(local.set ${r}3 ({} (local.get $l1)))", op.name());
        forms.push(form_with("unchained great", &piece, |parts| parts.before(before)));
    }
    forms
}

fn loads(op: Op) -> Forms {
    let ty = &op.name()[..3];
    let load = |address: &str| format!("({} {address})", op.name());
    let next = turned(ty, "i32", &load("(local.get $i0)"));
    let with_memory = |parts: Parts| parts.fields(CIRCLE);
    let mut forms = vec![
        form_with("chained, in the cache", &format!("(local.set $i0 {next})"), |parts| {
            parts.fields("(memory 1)")
        }),
        form_with(
            "unchained, in the cache",
            &format!("(local.set ${}1 {})", letter(ty), load("offset=# (local.get $i1)")),
            |parts| parts.fields("(memory 1)"),
        ),
        form_with(
            "chained, missing",
            // Anywhere, but not before the last one has come: `$i1` is 0.
            &format!(
                "{RANDOM}(local.set $i0 (i32.and (i32.or (local.get $i3) (i32.and {next} (local.get $i1))) \
                 (i32.const 0x3fffff0)))"
            ),
            with_memory,
        ),
        form_with(
            "unchained, missing",
            &format!(
                "{RANDOM}(local.set ${}1 {})",
                letter(ty),
                load("(i32.and (local.get $i3) (i32.const 0x3fffff0))")
            ),
            with_memory,
        ),
    ];
    if !op.name().contains("load8") && !op.name().contains("load16") {
        // What is loaded is the next address.
        forms.push(form_with("round a circle, missing", &format!("(local.set $i0 {next})"), with_memory));
    }
    forms
}

fn stores(op: Op) -> Forms {
    let ty = &op.name()[..3];
    let value = format!("(local.get ${}1)", letter(ty));
    vec![
        form_with("in the cache", &format!("({} offset=# (local.get $i0) {value})", op.name()), |parts| {
            parts.fields("(memory 1)")
        }),
        form_with(
            "missing",
            &format!("{RANDOM}({} (i32.and (local.get $i3) (i32.const 0x3fffff0)) {value})", op.name()),
            |parts| parts.fields(CIRCLE),
        ),
    ]
}

fn others(op: Op) -> Forms {
    use Op::*;
    match op {
        LocalGet | LocalSet | LocalTee | GlobalGet | GlobalSet | Nop | Drop | Select | TypedSelect
        | I32Const | I64Const | F32Const | F64Const | RefNull | RefIsNull | RefFunc => variables(op),
        Loop | If | Br | BrIf | BrTable => branches(op),
        Return | Call | CallIndirect | ReturnCall | ReturnCallIndirect => calls(op),
        MemorySize | MemoryGrow | MemoryFill | MemoryCopy | MemoryInit | DataDrop => memory(op),
        TableGet | TableSet | TableSize | TableGrow | TableFill | TableCopy | TableInit | ElemDrop => {
            table(op)
        }
        _ => Vec::new(),
    }
}

fn variables(op: Op) -> Forms {
    use Op::*;
    let reference =
        |parts: Parts| parts.fields("(elem declare func $f) (func $f)").locals("(local $r funcref)");
    let globals = |parts: Parts| parts.fields("(global $g (mut i64) (i64.const 0))");
    match op {
        Nop => vec![form("", "(nop)")],
        Drop => vec![form("", "(drop (local.get $i0))")],
        I32Const => vec![form("set", "(local.set $i0 (i32.const 77777777))")],
        I64Const => vec![form("set", "(local.set $l0 (i64.const 7777777777777777))")],
        F32Const => vec![form("set", "(local.set $f0 (f32.const 1.1))")],
        F64Const => vec![form("set", "(local.set $d0 (f64.const 1.1))")],
        LocalGet | LocalSet => vec![
            form("set another", "(local.set $i0 (local.get $i1))"),
            form("exchange", "(local.get $i0) (local.get $i1) (local.set $i0) (local.set $i1)"),
        ],
        LocalTee => vec![form("tee another", "(local.set $i0 (local.tee $i1 (local.get $i2)))")],
        GlobalGet => vec![form_with("", "(local.set $l0 (global.get $g))", globals)],
        GlobalSet => vec![
            form_with("", "(global.set $g (local.get $l0))", globals),
            form_with("chained", "(global.set $g (i64.add (global.get $g) (local.get $l0)))", globals),
        ],
        Select => vec![
            form("chained", "(local.set $i0 (select (local.get $i0) (local.get $i1) (local.get $i0)))"),
            form(
                "without a pattern",
                &format!(
                    "{RANDOM}(local.set $i0 (select (local.get $i0) (local.get $i1) (i32.lt_s (local.get $i3) (i32.const 0))))"
                ),
            ),
        ],
        TypedSelect => vec![form(
            "chained",
            "(local.set $i0 (select (result i32) (local.get $i0) (local.get $i1) (local.get $i0)))",
        )],
        RefNull => vec![form_with("", "(local.set $r (ref.null func))", reference)],
        RefFunc => vec![form_with("", "(local.set $r (ref.func $f))", reference)],
        _ => vec![form_with("", "(local.set $i0 (ref.is_null (local.get $r)))", reference)],
    }
}

fn branches(op: Op) -> Forms {
    use Op::*;
    let random = |piece: &str| format!("{RANDOM}{piece}");
    match op {
        Loop => vec![form("empty", "(loop)"), form("one in another", "(loop (loop))")],
        If => vec![
            form("taken", "(if (i32.eqz (local.get $i0)) (then (nop)))"),
            form("not taken", "(if (local.get $i0) (then (nop)))"),
            form("without a pattern", &random("(if (i32.lt_s (local.get $i3) (i32.const 0)) (then (nop)))")),
        ],
        Br => vec![form("", "(block (br 0))")],
        BrIf => vec![
            form("not taken", "(block (br_if 0 (local.get $i0)))"),
            form("taken", "(block (br_if 0 (i32.eqz (local.get $i0))))"),
            form("without a pattern", &random("(block (br_if 0 (i32.lt_s (local.get $i3) (i32.const 0))))")),
        ],
        _ => vec![
            form("always the same", "(block (block (br_table 0 1 (local.get $i0))))"),
            form(
                "without a pattern",
                &random(
                    "(block (block (block (block (block (block (block (block \
                     (br_table 0 1 2 3 4 5 6 7 (i32.shr_u (local.get $i3) (i32.const 29)))))))))))",
                ),
            ),
        ],
    }
}

fn calls(op: Op) -> Forms {
    use Op::*;
    const TABLE: &str = "(type $t (func)) (table 1 funcref) (elem (i32.const 0) $f)";
    let leaf = |parts: Parts| parts.fields(format!("{TABLE} (func $f)"));
    match op {
        Return => vec![form_with("", "(call $f)", |parts| parts.fields("(func $f (return))"))],
        Call => vec![form_with("of an empty function", "(call $f)", leaf)],
        CallIndirect => {
            vec![form_with("of an empty function", "(call_indirect (type $t) (i32.const 0))", leaf)]
        }
        // A hundred tail calls for each call.
        _ => {
            let call = if op == ReturnCall {
                "(return_call $f (i32.sub (local.get 0) (i32.const 1)))"
            } else {
                "(return_call_indirect (type $c) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))"
            };
            let fields = format!(
                "(type $c (func (param i32))) (table 1 funcref) (elem (i32.const 0) $f)
                 (func $f (type $c) (if (local.get 0) (then {call})))"
            );
            vec![("to itself".into(), Parts::body("(call $f (i32.const 64))").fields(fields))]
        }
    }
}

fn memory(op: Op) -> Forms {
    let fields = |parts: Parts| parts.fields("(memory 1 2) (data $d \"0123456789\")");
    let bulk = |form: &str, operands: &str| form_with(form, &format!("({} {operands})", op.name()), fields);
    let (at, none, some) = ("(local.get $i0)", "(i32.const 0)", "(i32.const 8)");
    match op {
        Op::MemorySize => vec![form_with("", "(local.set $i0 (memory.size))", fields)],
        Op::MemoryGrow => vec![
            form_with("by nothing", "(drop (memory.grow (i32.const 0)))", fields),
            form_with("too much", "(drop (memory.grow (i32.const 3)))", fields),
        ],
        Op::MemoryInit => vec![
            bulk("of nothing", &format!("$d {at} {none} {none}")),
            bulk("of 8 bytes", &format!("$d {at} {none} {some}")),
        ],
        Op::DataDrop => vec![form_with("", "(data.drop $d)", fields)],
        _ => vec![
            bulk("of nothing", &format!("{at} {at} {none}")),
            bulk("of 8 bytes", &format!("{at} {at} {some}")),
        ],
    }
}

fn table(op: Op) -> Forms {
    const FIELDS: &str = "(table $t 1000 funcref) (elem $e func $f) (func $f)";
    /// As much as the default limits allow: 16 tables of 100,000 elements.
    fn many(piece: &str) -> String {
        let table = |number: u32| piece.replace('%', &(number % 16).to_string());
        (0..UNROLLED).map(table).collect()
    }
    let random = "(i32.rem_u (local.get $i3) (i32.const 100000))";
    let fields = |parts: Parts| parts.fields(FIELDS).locals("(local $r funcref)");
    let all = |parts: Parts| parts.fields(times(16, "(table 100000 funcref)")).locals("(local $r funcref)");
    let bulk = |form: &str, operands: &str| form_with(form, &format!("({} {operands})", op.name()), fields);
    let (at, none, some) = ("(local.get $i0)", "(i32.const 0)", "(i32.const 1)");
    match op {
        Op::TableGet => vec![
            form_with("in the cache", "(local.set $r (table.get $t (local.get $i0)))", fields),
            (
                "chained, missing".into(),
                all(Parts::body(many(
                    "(local.set $i3 (i32.rem_u (i32.add (i32.mul (i32.add (local.get $i3) (ref.is_null (table.get % (local.get $i3)))) \
                     (i32.const 1664525)) (i32.const 1013904223)) (i32.const 100000)))",
                ))),
            ),
        ],
        Op::TableSet => vec![
            form_with("in the cache", "(table.set $t (local.get $i0) (local.get $r))", fields),
            (
                "missing".into(),
                all(Parts::body(many(&format!("{RANDOM}(table.set % {random} (local.get $r))")))),
            ),
        ],
        Op::TableSize => vec![form_with("", "(local.set $i0 (table.size $t))", fields)],
        Op::TableGrow => vec![
            bulk("by nothing", &format!("(local.get $r) {none}")).dropped(),
            bulk("too much", "(local.get $r) (i32.const 1000000)").dropped(),
        ],
        Op::TableFill => vec![
            bulk("of nothing", &format!("{at} (local.get $r) {none}")),
            bulk("of one", &format!("{at} (local.get $r) {some}")),
        ],
        Op::TableInit => vec![
            bulk("of nothing", &format!("$t $e {at} {none} {none}")),
            bulk("of one", &format!("$t $e {at} {none} {some}")),
        ],
        Op::ElemDrop => vec![form_with("", "(elem.drop $e)", fields)],
        _ => vec![
            bulk("of nothing", &format!("{at} {at} {none}")),
            bulk("of one", &format!("{at} {at} {some}")),
        ],
    }
}

/// Lets a form's results be dropped.
trait Dropped {
    fn dropped(self) -> Self;
}

impl Dropped for (String, Parts) {
    fn dropped(mut self) -> Self {
        self.1.body = self.1.body.lines().map(|line| format!("(drop {line})\n")).collect();
        self
    }
}
