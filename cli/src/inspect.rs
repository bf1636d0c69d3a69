//! `lockstep inspect`: shows what a module costs, how much stack its functions take, and what they are compiled to.
//!
//! Owns the presentation of a plan and of machine code. It must not know how they are made.

use crate::disassembly;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::load::Input;
use crate::machine_code::{MachineCode, Target};
use crate::options::EngineOptions;
use crate::output::Output;
use crate::problem::NoAnswer;
use crate::refusal::accept;
use crate::shape::{Shape, unread};
use crate::text::{Name, count, grouped, hex};
use clap::Args;
use lockstep_gas::{FunctionPlan, LINKAGE_SLOTS, Run};
use lockstep_vm::{Backend, Module};
use serde::Serialize;
use std::path::PathBuf;
use wasmparser::{FunctionBody, Operator};

/// What `inspect` is told.
#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// The module, wasm or wat; `-` reads standard input
    file: PathBuf,
    /// Show only this function: its index, its name, or the name of its export
    #[arg(long, value_name = "NAME|INDEX", allow_hyphen_values = true)]
    function: Option<String>,
    /// Show each run with its operators
    #[arg(long)]
    runs: bool,
    /// Show each function's machine code beside its operators
    #[arg(long, conflicts_with = "runs")]
    asm: bool,
    /// Show the code of this machine instead of the one at hand
    #[arg(long, value_name = "MACHINE", requires = "asm")]
    target: Option<Target>,
    #[command(flatten)]
    options: EngineOptions,
    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

pub(crate) const EXAMPLES: &str = "\
A run is charged as a whole when it is entered; operators that are dead or in a run of price 0 are listed
under `no price`. Lengths of bulk operators and growth are charged besides. A frame is linkage, parameters,
locals and operands, in slots of 8 bytes. A function's price is the sum of its runs.

Examples:
  lockstep inspect token.wasm
  lockstep inspect token.wasm --function transfer --runs
  lockstep inspect token.wasm --function transfer --asm
  lockstep inspect token.wasm --asm --target aarch64";

#[derive(Serialize)]
struct Inspection<'a> {
    file: &'a str,
    fingerprint: String,
    module_bytes: usize,
    imported_functions: u32,
    instantiation_price: u64,
    functions: Vec<FunctionView<'a>>,
}

#[derive(Serialize)]
struct FunctionView<'a> {
    index: u32,
    name: Option<&'a str>,
    exports: &'a [&'a str],
    #[serde(rename = "type")]
    ty: String,
    frame_slots: u32,
    operand_height: u32,
    parameters: u32,
    declared_locals: u32,
    run_count: usize,
    price: u64,
    /// In bytes from the start of the module.
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    runs: Option<Vec<RunView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asm: Option<AsmView>,
}

/// A function's machine code; offsets are from the start of the module's.
#[derive(Serialize)]
struct AsmView {
    offset: u32,
    bytes: u32,
    segments: Vec<SegmentView>,
}

/// Instructions and the operators that they were made of, or a stub.
#[derive(Serialize)]
struct SegmentView {
    #[serde(skip_serializing_if = "Option::is_none")]
    stub: Option<StubView>,
    operators: Vec<OperatorView>,
    instructions: Vec<InstructionView>,
}

/// What is out of line, and for which operator.
#[derive(Serialize)]
struct StubView {
    purpose: String,
    offset: u64,
}

#[derive(Serialize)]
struct InstructionView {
    offset: u32,
    text: String,
}

/// A run, or operators between runs that have no price.
#[derive(Serialize)]
struct RunView {
    offset: u64,
    price: u64,
    operators: Vec<OperatorView>,
}

#[derive(Serialize)]
struct OperatorView {
    offset: u64,
    text: String,
}

/// Runs the command.
pub(crate) fn run(args: &InspectArgs, output: &mut Output) -> Result<Exit, Failure> {
    inspect(args, output).or_else(|failure| {
        if args.json {
            output.json(&NoAnswer::new(&failure))?;
        }
        Err(failure)
    })
}

fn inspect(args: &InspectArgs, output: &mut Output) -> Result<Exit, Failure> {
    // Another machine's code is not run, so this one need not have a backend.
    let backend = if args.asm && args.target.is_none() { Backend::Native } else { Backend::default() };
    let engine = args.options.engine(backend)?;
    let input = Input::load(&args.file, engine.limits().module_bytes)?;
    let module = accept(&engine, &input)?;
    let shape = Shape::read(&input.wasm).map_err(|error| unread(&error))?;
    let listing = if args.runs || args.asm { Listing::new(&input.wasm, &shape) } else { Listing::default() };
    let machine_code = args.asm.then(|| MachineCode::new(&module, args.target)).flatten();
    let mut functions = Vec::new();
    let imported = module.imported_function_count();
    for (index, plan) in module.plan().functions().enumerate() {
        let Some(body) = shape.body(index) else { continue };
        // At most 1,000,000 by the limit's ceiling.
        let function = imported + index as u32;
        if !args.function.as_deref().is_none_or(|wanted| is_called(&module, &shape, function, wanted)) {
            continue;
        }
        functions.push(FunctionView {
            index: function,
            name: module.function_name(function),
            exports: shape.exports(function),
            ty: shape.function_type(function).map(ToString::to_string).unwrap_or_default(),
            frame_slots: plan.frame_slots(),
            operand_height: plan.operand_height(),
            parameters: plan.parameters(),
            declared_locals: plan.declared_locals(),
            run_count: plan.runs().len(),
            price: plan.runs().iter().map(|run| run.price).sum(),
            offset: body.range().start,
            runs: args
                .runs
                .then(|| runs(&plan, body, &listing))
                .transpose()
                .map_err(|error| unread(&error))?,
            asm: machine_code
                .as_ref()
                .map(|code| asm(code, function, body, &listing))
                .transpose()
                .map_err(|error| unread(&error))?,
        });
    }
    if functions.is_empty()
        && let Some(wanted) = &args.function
    {
        return Err(no_function(&module, wanted));
    }
    let inspection = Inspection {
        file: &input.file,
        fingerprint: hex(&engine.fingerprint()),
        module_bytes: input.wasm.len(),
        imported_functions: imported,
        instantiation_price: module.plan().instantiation_price(),
        functions,
    };
    if args.json {
        output.json(&inspection)?
    } else {
        describe(&inspection, output)?
    }
    Ok(Exit::Ok)
}

/// Whether a function is meant: by index, by name, or by the name of an export.
fn is_called(module: &Module, shape: &Shape<'_>, function: u32, wanted: &str) -> bool {
    wanted.parse() == Ok(function)
        || module.function_name(function) == Some(wanted)
        || shape.exports(function).contains(&wanted)
}

fn no_function(module: &Module, wanted: &str) -> Failure {
    let imported = module.imported_function_count();
    let defined = module.plan().function_count() as u64;
    let problem = match wanted.parse::<u32>() {
        Ok(index) if index < imported => format!("function {index} is imported and has no body here"),
        _ => format!("the module defines no function `{}`", Name(wanted)),
    };
    let help = match defined {
        0 => String::from("it defines no functions"),
        _ => format!(
            "it defines functions {imported} to {}; `lockstep inspect` without `--function` lists them",
            u64::from(imported) + defined - 1
        ),
    };
    Failure::usage("function", problem).help(help)
}

/// The text of every operator of a module, by its offset.
#[derive(Default)]
struct Listing {
    text: String,
    /// An operator's offset, and where its text ends.
    lines: Vec<(u64, usize)>,
}

impl Listing {
    fn new(wasm: &[u8], shape: &Shape<'_>) -> Listing {
        let code = shape.code();
        let mut listing = Listing::default();
        disassembly::lines(wasm, |offset, line| {
            if code.contains(&offset) {
                listing.text.push_str(line);
                listing.lines.push((offset, listing.text.len()));
            }
        });
        listing
    }

    /// The last `end` of a body is not printed, and nothing else is missing.
    fn operator(&self, offset: u64, last: bool) -> String {
        match self.lines.binary_search_by_key(&offset, |&(offset, _)| offset) {
            Ok(at) if !last => {
                let start = at.checked_sub(1).map_or(0, |before| self.lines[before].1);
                self.text[start..self.lines[at].1].to_owned()
            }
            _ => String::from("end"),
        }
    }
}

/// The runs of a body with their operators, and between them the operators without a price.
fn runs(
    plan: &FunctionPlan<'_>,
    body: &FunctionBody<'_>,
    listing: &Listing,
) -> wasmparser::Result<Vec<RunView>> {
    let mut views: Vec<RunView> = Vec::new();
    let mut priced = plan.runs().iter().peekable();
    let mut operators = body.get_operators_reader()?;
    // Whether the last view can take the next operator.
    let mut open = false;
    while !operators.eof() {
        let (operator, offset) = operators.read_with_offset()?;
        let begins: Option<&Run> = priced.next_if(|run| u64::from(run.offset) == offset);
        let in_run = views.last().is_some_and(|view| view.price > 0);
        if begins.is_some() || !open || (in_run && matches!(operator, Operator::Loop { .. })) {
            views.push(RunView { offset, price: begins.map_or(0, |run| run.price), operators: Vec::new() });
        }
        if let Some(view) = views.last_mut() {
            view.operators.push(OperatorView { offset, text: listing.operator(offset, operators.eof()) });
            // Operators without a price stay together, whatever separates their runs.
            open = view.price == 0 || !ends_run(&operator);
        }
    }
    Ok(views)
}

/// The machine code of a function with the operators of its body.
fn asm(
    code: &MachineCode<'_>,
    function: u32,
    body: &FunctionBody<'_>,
    listing: &Listing,
) -> wasmparser::Result<AsmView> {
    let mut operators = Vec::new();
    let mut reader = body.get_operators_reader()?;
    while !reader.eof() {
        let (_, offset) = reader.read_with_offset()?;
        operators.push(OperatorView { offset, text: listing.operator(offset, reader.eof()) });
    }
    let mut operators = operators.into_iter().peekable();
    let (start, end) = code.range(function).unwrap_or_default();
    let mut segments = Vec::new();
    for segment in code.segments(function) {
        let mut view = SegmentView {
            stub: segment.stub.map(|(purpose, offset)| StubView { purpose, offset }),
            operators: Vec::new(),
            instructions: Vec::new(),
        };
        while let Some(operator) = operators.next_if(|operator| operator.offset < segment.until) {
            view.operators.push(operator);
        }
        let instructions = segment.instructions.into_iter();
        view.instructions.extend(instructions.map(|(offset, text)| InstructionView { offset, text }));
        segments.push(view);
    }
    Ok(AsmView { offset: start, bytes: end - start, segments })
}

/// Whether a run reaches no further than this operator.
fn ends_run(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::If { .. }
            | Operator::Else
            | Operator::End
            | Operator::BrIf { .. }
            | Operator::Call { .. }
            | Operator::CallIndirect { .. }
            | Operator::Br { .. }
            | Operator::BrTable { .. }
            | Operator::Return
            | Operator::Unreachable
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
    )
}

fn describe(inspection: &Inspection<'_>, output: &mut Output) -> Result<(), Failure> {
    output.text(&format!(
        "{}: {} bytes, {} imported\nfingerprint    {}\ninstantiation  {} gas\n",
        Name(inspection.file),
        grouped(inspection.module_bytes as u64),
        count(inspection.imported_functions as usize, "function"),
        inspection.fingerprint,
        grouped(inspection.instantiation_price),
    ))?;
    if inspection.functions.iter().any(|function| function.runs.is_some()) {
        return inspection.functions.iter().try_for_each(|function| describe_runs(function, output));
    }
    if inspection.functions.iter().any(|function| function.asm.is_some()) {
        return inspection.functions.iter().try_for_each(|function| describe_asm(function, output));
    }
    output.text(&format!(
        "\n{:>7} {:>8} {:>8} {:>8} {:>6} {:>10}  {}\n",
        "index", "frame", "operands", "locals", "runs", "price", "function"
    ))?;
    for function in &inspection.functions {
        output.text(&format!(
            "{:>7} {:>8} {:>8} {:>8} {:>6} {:>10}  {}: {}\n",
            function.index,
            grouped(function.frame_slots.into()),
            grouped(function.operand_height.into()),
            grouped(function.declared_locals.into()),
            grouped(function.run_count as u64),
            grouped(function.price),
            called(function),
            function.ty,
        ))?;
    }
    Ok(())
}

/// What a function is called, by the name section or else by an export.
fn called(function: &FunctionView<'_>) -> String {
    match (function.name, function.exports) {
        (Some(name), _) => format!("<{}>", Name(name)),
        (None, [export, ..]) => format!("(export \"{}\")", Name(export)),
        (None, []) => String::from("(no name)"),
    }
}

fn describe_runs(function: &FunctionView<'_>, output: &mut Output) -> Result<(), Failure> {
    output.text(&format!(
        "\nfunction {} {}: {}\n  frame of {} slots: {LINKAGE_SLOTS} linkage, {}, {}, {}\n  {}, {} gas\n",
        function.index,
        called(function),
        function.ty,
        grouped(function.frame_slots.into()),
        count(function.parameters as usize, "parameter"),
        count(function.declared_locals as usize, "local"),
        count(function.operand_height as usize, "operand"),
        count(function.run_count, "run"),
        grouped(function.price),
    ))?;
    for run in function.runs.iter().flatten() {
        match run.price {
            0 => output.text("  no price\n")?,
            price => output.text(&format!("  run at {:#x}: {} gas\n", run.offset, grouped(price)))?,
        }
        for operator in &run.operators {
            output.text(&format!("    {:>#8x}  {}\n", operator.offset, Name(&operator.text)))?;
        }
    }
    Ok(())
}

/// Operators on the left, instructions on the right.
fn describe_asm(function: &FunctionView<'_>, output: &mut Output) -> Result<(), Failure> {
    let Some(asm) = &function.asm else { return Ok(()) };
    output.text(&format!(
        "\nfunction {} {}: {}\n  machine code at {:#x}, {} bytes; frame of {} slots\n",
        function.index,
        called(function),
        function.ty,
        asm.offset,
        grouped(asm.bytes.into()),
        grouped(function.frame_slots.into()),
    ))?;
    for segment in &asm.segments {
        let mut left: Vec<String> = Vec::new();
        if let Some(stub) = &segment.stub {
            left.push(format!("{:>#8x}  {}", stub.offset, stub.purpose));
        }
        for operator in &segment.operators {
            left.push(format!("{:>#8x}  {}", operator.offset, Name(&operator.text)));
        }
        let rows = left.len().max(segment.instructions.len());
        for row in 0..rows {
            let operator = left.get(row).map_or("", String::as_str);
            let line = match segment.instructions.get(row) {
                Some(InstructionView { offset, text }) => format!("  {operator:<44} | {offset:>6x}  {text}"),
                None => format!("  {operator:<44} |"),
            };
            output.text(&line)?;
            output.text("\n")?;
        }
    }
    Ok(())
}
