//! Branches, frames, calls, what is charged, and what stands out of line.

use super::super::encode::at;
use super::*;

pub(super) const FORMS: &[Form] = &[
    ("jump", jump),
    ("jump_if", jump_if),
    ("jump_if_paying", jump_if_paying),
    ("jump_table", jump_table),
    ("trap_if", trap_if),
    ("trap", trap),
    ("enter", enter),
    ("release_frame", release_frame),
    ("ret", |forms| forms.is(|x| x.ret(), "ret")),
    ("charge", charge),
    ("credit", credit),
    ("finish", finish),
    ("save_anchor", |forms| forms.is(|x| x.save_anchor(), "mov qword ptr [rsp], r14")),
    ("restore_anchor", restore_anchor),
    ("call", call),
    ("jump_to", jump_to),
    ("call_import", call_import),
    ("jump_to_import", jump_to_import),
    ("resolve", resolve),
    ("call_resolved", |forms| forms.is(|x| x.call_resolved(7), "xor ebx, ebx; call rax")),
    ("jump_to_resolved", jump_to_resolved),
    ("bulk", |forms| forms.is(|x| x.bulk(Target::MemoryCopy, 7), "call @1")),
    ("call_builtin", call_builtin),
    ("relocate", relocate),
];

/// Something of so many bytes, for branches to go over.
fn skip(x: &mut X64, bytes: usize) {
    let end = x.ops.ops.len() + bytes;
    x.ops.ops.resize(end, 0x90);
}

/// A distance next to where short branches end, or any.
fn distance(forms: &mut Forms) -> usize {
    [0, 1, 123, 124, 125, 126, 127, 128, 129, 5000][forms.random.random_range(0..10)]
}

/// What the last instruction is, where it goes, and how long it is.
fn ends_with(forms: &mut Forms, from: usize, text: &str, target: usize, length: usize) {
    let code = &forms.x.ops.ops;
    let mut decoder = Decoder::with_ip(64, &code[from..], from as u64, DecoderOptions::NONE);
    let instruction = decoder.decode();
    forms.text.clear();
    forms.formatter.format_mnemonic(&instruction, &mut forms.text);
    assert_eq!(forms.text, text);
    assert_eq!(instruction.near_branch_target(), target as u64, "{text}");
    assert_eq!((instruction.len(), from + length), (length, code.len().min(from + length)), "{text}");
    forms.compared += 1;
}

fn jump(forms: &mut Forms) {
    // Back: two bytes as far as they reach.
    let distance = distance(forms);
    forms.emit(|x| {
        let label = x.new_label();
        skip(x, 3);
        x.bind(label);
        skip(x, distance);
        x.jump(label);
    });
    let length = if distance + 2 <= 128 { 2 } else { 5 };
    ends_with(forms, 3 + distance, "jmp", 3, length);
    // Ahead, several to one label.
    forms.emit(|x| {
        let label = x.new_label();
        x.jump(label);
        x.jump(label);
        skip(x, distance);
        x.bind(label);
    });
    ends_with(forms, 0, "jmp", 10 + distance, 5);
    ends_with(forms, 5, "jmp", 10 + distance, 5);
    forms.emit(|x| {
        skip(x, distance);
        x.jump_back(0);
    });
    ends_with(forms, distance, "jmp", 0, 5);
}

fn jump_if(forms: &mut Forms) {
    let (distance, (cond, text)) = (distance(forms), forms.comparison());
    let text = format!("j{text}");
    forms.emit(|x| {
        let label = x.new_label();
        x.bind(label);
        skip(x, distance);
        x.jump_if(cond, label);
    });
    let length = if distance + 2 <= 128 { 2 } else { 6 };
    ends_with(forms, distance, &text, 0, length);
    forms.emit(|x| {
        let label = x.new_label();
        x.jump_if(cond, label);
        x.jump_if(cond, label);
        skip(x, distance);
        x.bind(label);
    });
    ends_with(forms, 0, &text, 12 + distance, 6);
    ends_with(forms, 6, &text, 12 + distance, 6);
    let (condition, text) = forms.condition();
    forms.emit(|x| {
        let jump = x.forward(condition);
        skip(x, distance);
        let here = x.position();
        x.patch(jump, here);
    });
    ends_with(forms, 0, &format!("j{text}"), 6 + distance, 6);
}

fn run(forms: &mut Forms) -> Run {
    let price = [0, 1, 127, 128, forms.random.random_range(0..1 << 29)][forms.random.random_range(0..5)];
    priced(forms, price)
}

fn priced(forms: &Forms, price: u64) -> Run {
    let mut run = forms.run;
    run.price = price;
    run
}

/// Takes or gives a price that is below 2^31.
fn pays(op: &str, price: u64) -> String {
    format!("{op} r15, {price:#x}")
}

fn jump_if_paying(forms: &mut Forms) {
    let ((cond, text), run, other) = (forms.comparison(), run(forms), run(forms));
    // Nothing is given back where nothing is owed.
    let given_back = other.price.max(1);
    let (price, credit) = (pays("sub", run.price), pays("add", given_back));
    let mut emits = |runs: &[Run], credit: u64, expected: String| {
        forms.is(
            |x| {
                let label = x.new_label();
                x.jump_if_paying(cond, runs, credit, label);
                x.bind(label);
                x.ret();
                x.finish();
            },
            expected,
        );
    };
    emits(&[run], 0, format!("j{text} @2; ret; {price}; jb @5; jmp @1; call @6"));
    emits(&[run], given_back, format!("j{text} @2; ret; {price}; jb @6; {credit}; jmp @1; call @7"));
    emits(&[], given_back, format!("j{text} @2; ret; {credit}; jmp @1"));
}

fn credit(forms: &mut Forms) {
    let price = run(forms).price;
    forms.is(|x| x.credit(price), pays("add", price));
}

fn jump_table(forms: &mut Forms) {
    let (index, count) = (forms.register_but(&[RSP]), forms.random.random_range(1..200_usize));
    let scratch = forms.register_but(&[index, RSP]);
    let mut end = 0;
    forms.emit(|x| {
        let labels: Vec<Label> = (0..count).map(|_| x.new_label()).collect();
        x.jump_table(index, scratch, &labels);
        end = x.ops.ops.len() - 4 * count;
        for label in labels {
            x.bind(label);
            skip(x, 1);
        }
        x.finish();
    });
    let (i, s, last) = (quad(index), quad(scratch), count - 1);
    let (iw, sw) = (name(Size::S32, index), name(Size::S32, scratch));
    // The address of the table is where the code ends.
    forms.reads_until(
        end,
        &format!(
            "cmp {iw}, {last:#x}; mov {sw}, {last:#x}; cmova {iw}, {sw}; lea {s}, [{end:#x}]; \
             movsxd {i}, dword ptr [{s}+{i}*4]; add {i}, {s}; jmp {i}"
        ),
    );
    let code = &forms.x.ops.ops;
    for entry in 0..count {
        let at = end + 4 * entry;
        let distance = i32::from_le_bytes(code[at..at + 4].try_into().unwrap());
        assert_eq!(distance as usize, 4 * count + entry);
    }
}

fn trap_if(forms: &mut Forms) {
    let (cond, text) = forms.comparison();
    forms.is(
        |x| {
            x.trap_if(cond, Trap::DivideByZero, 5);
            x.trap_if(cond, Trap::DivideByZero, 5);
            x.trap_if(cond, Trap::DivideByZero, 6);
            x.ret();
            x.finish();
        },
        format!("j{text} @4; j{text} @4; j{text} @5; ret; call @5; call @6"),
    );
}

fn trap(forms: &mut Forms) {
    forms.is(|x| x.trap(Trap::Unreachable, 5), "call @1; int3");
    assert_eq!(forms.x.sites.len(), 1);
}

fn frame_slots(forms: &mut Forms) -> u32 {
    // Next to 128, 4096 and 2^31 bytes, the return address taken off.
    [2, 16, 17, 18, 513, 514, forms.random.random_range(2..5000), 1 << 20, (1 << 28) - 1]
        [forms.random.random_range(0..9)]
}

fn enter(forms: &mut Forms) {
    let slots = frame_slots(forms);
    let bytes = 8 * i64::from(slots) - 8;
    forms.is(|x| x.enter(slots, false, 1), format!("sub rsp, {bytes:#x}"));
    let mark = offset(state::MARK.into());
    let state = "mov rax, qword ptr [r14-0x8]";
    let expected = if bytes <= TAKEN_FIRST.into() {
        let take = format!("add rsp, {:#x}", -bytes);
        let check = format!("{state}; {take}; cmp rsp, qword ptr [rax{mark}]; jb @4");
        format!("{check}; mov rbx, rsp; add rsp, {bytes:#x}; call @7; {take}; jmp @4")
    } else {
        let check = format!("{state}; lea rbx, [rsp-{bytes:#x}]; cmp rbx, qword ptr [rax{mark}]");
        format!("{check}; jb @5; mov rsp, rbx; call @6; jmp @4")
    };
    forms.is(
        |x| {
            x.enter(slots, true, 1);
            x.finish();
        },
        expected,
    );
}

fn release_frame(forms: &mut Forms) {
    let slots = frame_slots(forms);
    forms.is(|x| x.release_frame(slots), format!("add rsp, {:#x}", 8 * i64::from(slots) - 8));
}

fn charge(forms: &mut Forms) {
    forms.is(|x| x.charge(&[]), "");
    let price = forms.wide();
    let run = priced(forms, price);
    let expected = match price {
        0..0x8000_0000 => pays("sub", price),
        _ => format!(
            "mov dword ptr [rsp+0x8], {:#x}; mov dword ptr [rsp+0xc], {:#x}; sub r15, qword ptr [rsp+0x8]",
            price as u32,
            price >> 32
        ),
    };
    let next = expected.matches(';').count() + 2;
    forms.is(|x| x.charge(&[run]), format!("{expected}; jb @{next}"));
    let mut runs = [self::run(forms), self::run(forms), self::run(forms)];
    for (at, run) in (3..).zip(&mut runs) {
        run.offset = at;
    }
    let [_, second, third] = runs.map(|run| pays("add", run.price));
    let all = pays("sub", runs.iter().map(|run| run.price).sum());
    forms.is(
        |x| {
            x.charge(&runs);
            x.ret();
            x.finish();
        },
        // The last that could not be paid is looked for from the end.
        format!("{all}; jb @3; ret; {third}; jb @8; {second}; jb @9; call @8; call @9; call @10"),
    );
}

fn finish(forms: &mut Forms) {
    let type_index = forms.random.random::<u32>() >> 1;
    forms.is(
        |x| {
            let jump = x.forward(EQUAL);
            x.stubs.push(Stub::Resolve { jump, back: 0, type_index, wasm: 4 });
            x.finish();
        },
        format!("je @1; mov dword ptr [rsp+0x8], {type_index:#x}; call @3; jmp @0"),
    );
}

fn restore_anchor(forms: &mut Forms) {
    forms.is(|x| x.restore_anchor(), "mov r14, qword ptr [rsp]");
    let own = core::mem::replace(&mut forms.x.memory, R13);
    let expected = "mov r14, qword ptr [rsp]; mov r13, qword ptr [r14-0x18]";
    forms.is(|x| x.restore_anchor(), expected);
    forms.x.memory = own;
}

fn call(forms: &mut Forms) {
    forms.is(|x| x.call(Target::Function(3), 9), "call @1");
    assert_eq!((forms.x.sites.len(), forms.x.fixups.len()), (1, 1));
}

fn jump_to(forms: &mut Forms) {
    forms.is(|x| x.jump_to(Target::Function(3)), "jmp @1");
}

fn displacement(forms: &mut Forms) -> i32 {
    [-96, -120, -128, -136, -160, -(forms.random.random_range(0..1 << 28) * 8)]
        [forms.random.random_range(0..6)]
}

/// The word of an import through which it is called.
fn entry(displacement: i32) -> String {
    memory("qword ptr ", at(R14, displacement + import_word::ENTRY))
}

fn call_import(forms: &mut Forms) {
    let (function, displacement) = (forms.random.random::<u32>(), displacement(forms));
    let expected = format!("mov eax, {function:#x}; xor ebx, ebx; call {}", entry(displacement));
    forms.is(|x| x.call_import(function, displacement, 1), expected);
}

/// Where a tail call is.
const NOTES: &str = "lea rbx, [0x7]";

fn jump_to_import(forms: &mut Forms) {
    let (function, displacement, slots) =
        (forms.random.random::<u32>(), displacement(forms), frame_slots(forms));
    let frame = 8 * i64::from(slots) - 8;
    let expected =
        format!("{NOTES}; add rsp, {frame:#x}; mov eax, {function:#x}; jmp {}", entry(displacement));
    forms.is(|x| x.jump_to_import(function, displacement, slots, 1), expected);
}

fn jump_to_resolved(forms: &mut Forms) {
    let slots = frame_slots(forms);
    let expected = format!("{NOTES}; add rsp, {:#x}; jmp rax", 8 * i64::from(slots) - 8);
    forms.is(|x| x.jump_to_resolved(slots, 1), expected);
}

fn resolve(forms: &mut Forms) {
    let type_id = forms.signed() as u32 & 0x7fff_ffff;
    forms.emit(|x| x.resolve(type_id, 5, 6));
    // What is to be filled in is behind the instructions for now.
    let table = forms.x.fixups[0].at + 4;
    let start = forms.x.fixups[1].at + 4;
    let instance = offset((field::INSTANCE + 4).into());
    forms.reads(&format!(
        "mov rbx, rax; shr rbx, 0x20; cmp ebx, dword ptr [r14{instance}]; jne @4; mov eax, eax; \
         lea rbx, [{table:#x}]; mov rax, qword ptr [rbx+rax*8]; cmp eax, {type_id:#x}; jne @9; \
         shr rax, 0x20; lea rbx, [{start:#x}]; add rax, rbx"
    ));
}

fn call_builtin(forms: &mut Forms) {
    let builtin = forms.random.random_range(0..10);
    forms.is(|x| x.call_builtin(builtin, 3), format!("mov eax, {builtin:#x}; call @2"));
}

/// Calls and addresses, when the module is put together.
fn relocate(forms: &mut Forms) {
    let target = forms.random.random::<u32>() >> 1;
    let start = [0, 4096, 0x7fff_f000][forms.random.random_range(0..3)];
    let register = forms.register();
    forms.emit(|x| {
        x.call_target(Target::Start);
        x.lea_target(register, Target::Start);
        let fixups = core::mem::take(&mut x.fixups);
        for fixup in fixups {
            X64::relocate(&mut x.ops.ops, fixup.at, start, target);
        }
    });
    let code = &forms.x.ops.ops;
    let instructions: Vec<Instruction> =
        Decoder::with_ip(64, code, start.into(), DecoderOptions::NONE).iter().collect();
    let [call, address] = instructions[..] else { panic!("{instructions:?}") };
    assert_eq!(call.near_branch_target(), u64::from(target));
    assert_eq!(address.ip_rel_memory_address(), u64::from(target));
    forms.text.clear();
    forms.formatter.format_mnemonic(&address, &mut forms.text);
    assert_eq!(forms.text, "lea");
    assert_eq!(format!("{:?}", address.op0_register()).to_lowercase(), quad(register));
    forms.compared += 2;
}
