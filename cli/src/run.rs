//! `lockstep run`: instantiates a module, calls one of its exports and says how that ended.
//!
//! Owns the order of what is checked before anything runs. It must not know how an outcome is printed.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::key;
use crate::load::{Given, Input};
use crate::options::{EngineName, EngineOptions, parse_gas};
use crate::outcome::{Ending, Outcome, Phase, Report, Spent};
use crate::output::Output;
use crate::refusal::{accept, explain, refuse_artifact, unlinked};
use crate::text::{Name, listed};
use crate::values;
use clap::Args;
use lockstep_vm::{
    Engine, Error, ErrorKind, ExternType, FuncType, Linker, Module, Profile, ProfileOptions, Store, Val,
};
use std::path::PathBuf;

/// What `run` is told.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// The module, wasm or wat, or an artifact of one; `-` reads standard input
    pub(crate) file: PathBuf,
    /// The exported function to call
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) invoke: String,
    /// Gas given before instantiation
    #[arg(long, value_name = "N", default_value = "1000000000", allow_hyphen_values = true)]
    pub(crate) gas: String,
    /// What executes the module; it never changes an outcome
    #[arg(long, value_name = "ENGINE", value_enum, default_value_t)]
    pub(crate) engine: EngineName,
    /// The file with the key of an artifact, instead of the user's own
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: EngineOptions,
    /// Print one JSON object instead
    #[arg(long)]
    pub(crate) json: bool,
    /// The arguments: an integer (`-1`, `0xff`) or a type and a value (`i64:5`, `f64:1.5`, `f32:0x7fc00000`)
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    pub(crate) arguments: Vec<String>,
}

pub(crate) const EXAMPLES: &str = "\
Gas used counts instantiation, the start function and the call. The peak is that of the last call.
The JSON object has: outcome (returned, trapped, stopped, invalid, fault), results, trap, gas_used,
gas_left, peak_stack_slots, gas_instantiation, phase, code, message, help, function, function_name,
offset, line, column, backtrace, omitted_frames.

Examples:
  lockstep run sort.wasm --invoke quick 300 i64:11
  lockstep compile sort.wasm -o sort.artifact && lockstep run sort.artifact --invoke quick 300 i64:11
  lockstep run add.wat --invoke add --gas 20000 --json -1 0x10";

/// Runs the command.
pub(crate) fn run(args: &RunArgs, output: &mut Output) -> Result<Exit, Failure> {
    let mut spent = Spent::default();
    match execute(args, &mut spent, None) {
        Ok(Played { outcome, input, .. }) => {
            if args.json {
                output.json(&outcome.report(outcome.message().as_deref()))?;
            } else {
                output.text(&outcome.describe(&input))?;
            }
            Ok(outcome.exit())
        }
        Err(failure) => {
            if args.json {
                output.json(&Report::of_failure(&failure, spent))?;
            }
            Err(failure)
        }
    }
}

/// A call that was made.
pub(crate) struct Played {
    pub(crate) outcome: Outcome,
    pub(crate) input: Input,
    /// Whose gas it was, where that was asked for.
    pub(crate) profile: Option<Profile>,
}

/// Everything that can be wrong is found before the first charge, but for a node fault.
pub(crate) fn execute(
    args: &RunArgs,
    spent: &mut Spent,
    profile: Option<ProfileOptions>,
) -> Result<Played, Failure> {
    let gas = parse_gas(&args.gas)?;
    spent.gas_left = gas;
    let engine = args.options.engine(args.engine.backend())?;
    let (module, input) = load(args, &engine)?;
    refuse_imports(&module)?;
    let ty = find_export(&module, &args.invoke)?;
    let arguments = values::parse_arguments(&args.invoke, &ty, &args.arguments)?;

    let mut store = Store::new(&engine, ());
    store.set_gas(gas).map_err(|error| explain(&error, &input))?;
    if let Some(options) = profile {
        store.start_profile(options);
    }
    let mut results: Vec<Val> = ty.results().iter().map(|&ty| Val::default_for_ty(ty)).collect();
    let mut phase = Phase::Instantiation;
    let mut gas_before_call = None;
    let mut play = |store: &mut Store<()>| -> Result<(), Error> {
        let instance = Linker::new(&engine).instantiate_without_start(&mut *store, &module)?;
        phase = Phase::Start;
        instance.run_start(&mut *store)?;
        phase = Phase::Call;
        gas_before_call = Some(store.gas());
        let function = instance.get_func(&*store, &args.invoke).expect("the module exports this function");
        function.call(&mut *store, &arguments, &mut results)
    };
    let played = play(&mut store);
    *spent = Spent {
        gas_used: gas - store.gas(),
        gas_instantiation: gas - gas_before_call.unwrap_or_else(|| store.gas()),
        gas_left: store.gas(),
        peak_stack_slots: store.peak_stack_slots(),
    };
    let ending = match played {
        Ok(()) => Ending::Returned(results),
        Err(error) => match error.into_kind() {
            ErrorKind::Trap(trap) => Ending::Trapped(trap),
            ErrorKind::Stop(stop) => Ending::Stopped(stop.to_string()),
            other => return Err(explain(&other.into(), &input)),
        },
    };
    let outcome = Outcome { ending, phase, spent: *spent };
    Ok(Played { outcome, input, profile: store.take_profile() })
}

/// The module, of its wasm or of an artifact.
fn load(args: &RunArgs, engine: &Engine) -> Result<(Module, Input), Failure> {
    match Given::load(&args.file, engine.limits().module_bytes)? {
        Given::Module(input) => Ok((accept(engine, &input)?, input)),
        Given::Artifact { file, bytes } => {
            let key = key::read(args.key.as_deref())?;
            match Module::deserialize(engine, &key, &bytes) {
                Ok(module) => {
                    let input = Input::from_wasm(file, module.bytes());
                    Ok((module, input))
                }
                Err(error) => Err(refuse_artifact(&error, file)),
            }
        }
    }
}

/// There are no host functions here, nor anything else to import.
fn refuse_imports(module: &Module) -> Result<(), Failure> {
    if module.imports().len() == 0 { Ok(()) } else { Err(unlinked(module.imports())) }
}

fn find_export(module: &Module, name: &str) -> Result<FuncType, Failure> {
    let found = module.exports().find(|export| export.name() == name).map(|export| export.ty().clone());
    let message = match found {
        Some(ExternType::Func(ty)) => return Ok(ty),
        Some(other) => format!("the export `{}` is a {other}, not a function", Name(name)),
        None => format!("the module exports no function `{}`", Name(name)),
    };
    let functions: Vec<String> = module
        .exports()
        .filter(|export| matches!(export.ty(), ExternType::Func(_)))
        .map(|export| format!("{}: {}", Name(export.name()), export.ty()))
        .collect();
    let help = if functions.is_empty() {
        String::from("it exports no function at all: export one")
    } else {
        format!("it exports these:{}", listed(functions.into_iter()))
    };
    Err(Failure::usage("export", message).help(help))
}
