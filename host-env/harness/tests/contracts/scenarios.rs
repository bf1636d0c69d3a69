//! Scenario files: those of the contracts pass on every engine, and broken ones say where and why.

use lockstep_host_env::Environment;
use lockstep_host_env::replay::{BundleReader, Executor, Replay};
use lockstep_test::Backend;
use lockstep_test::scenario::{Options, Scenario};
use lockstep_vm::{Config, Engine};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    assert!(files.len() >= 5);
    files
}

/// With `BLESS=1` what is found is written into the files, as `lockstep test --update` does.
#[allow(clippy::disallowed_methods, reason = "it only asks whether to write")]
fn is_blessing() -> bool {
    std::env::var("BLESS").is_ok_and(|bless| bless == "1")
}

#[test]
fn every_scenario_passes_on_every_engine_with_the_same_receipts() {
    for file in files() {
        let mut scenario = Scenario::load(&file).unwrap();
        if is_blessing() {
            let played = scenario.play(&Options::default()).unwrap();
            if let Some(text) = scenario.updated(&played).unwrap() {
                std::fs::write(&file, text).unwrap();
                scenario = Scenario::load(&file).unwrap();
            }
        }
        let mut receipts = Vec::new();
        for backend in [Backend::Interpreter, Backend::Native, Backend::CrossCheck] {
            let played = scenario.play(&Options::on(backend)).unwrap();
            assert!(played.findings.is_empty(), "{}: {:#?}", file.display(), played.findings);
            assert_eq!(scenario.updated(&played).unwrap(), None, "{}", file.display());
            receipts.push((played.chain.receipts(), played.chain.root()));
        }
        assert!(receipts.windows(2).all(|pair| pair[0] == pair[1]), "{}", file.display());
    }
}

const TEXT: &str = r#"
name = "a test" # of updates
accounts = { alice = 10, bob = 0 }

[[step]]
deploy = "../contracts/token.wasm" # the token
from = "alice"
input = ["init", "Gold", { u128 = 500 }]
expect = { status = "ok", gas = 1 } # one

[[step]]   # pays
call = "token"
from = "alice"
input = ["transfer", "@bob", { u128 = 60 }]

# too much
[[step]]
call = "token"
from = "alice"
input = ["transfer", "@bob", { u128 = 600 }]
expect = { output = "allowance", events = [] }

[[step]]
call = "token"
from = "bob"
input = ["transfer", "@alice", { u128 = 1 }]
expect = { status = "reverted", events = [{ account = "token", name = "Transfer", data = ["@bob", "@bob", { u128 = 1 }] }] }

[[step]]
call = "token"
from = "bob"
input = ["balance_of", "@bob"]
expect = { output = { u128 = 7 }, gas = "*" }

[[check]]
account = "token"
balance = 3
storage = { "balance/@bob" = { u128 = 1 }, "balance/@alice" = { absent = true }, "none" = "*", "*" = "*" }
receipts = "?"
"#;

/// Everything that differs is written, nothing else is touched, and what was written passes.
#[test]
fn an_update_writes_what_was_found_and_keeps_the_rest() {
    let scenario = Scenario::parse("a.toml", TEXT, folder()).unwrap();
    let played = scenario.play(&Options::default()).unwrap();
    assert!(played.findings.len() >= 8, "{:#?}", played.findings);
    let text = scenario.updated(&played).unwrap().unwrap();
    let again = Scenario::parse("a.toml", text.clone(), folder()).unwrap();
    let played = again.play(&Options::default()).unwrap();
    assert!(played.findings.is_empty(), "{:#?}\n{text}", played.findings);
    assert_eq!(again.updated(&played).unwrap(), None);
    for kept in [
        "# of updates",
        "# the token",
        " } # one\n",
        "[[step]]   # pays",
        "# too much\n[[step]]",
        "gas = \"*\"",
    ] {
        assert!(text.contains(kept), "{kept}\n{text}");
    }
    for written in [
        "status = \"reverted\", output = \"balance\"",
        "expect = { status = \"ok\", gas = ",
        "[{ account = \"token\", name = \"Transfer\", data = [\"@bob\", \"@alice\", { u128 = 1 }] }]",
        "output = { u128 = 59 }",
        "\"balance/@bob\" = { u128 = 59 }",
        "\"none\" = { absent = true }",
        "balance = 0",
    ] {
        assert!(text.contains(written), "{written}\n{text}");
    }
    // Lines that expect nothing are as they were.
    let inputs = |text: &str| {
        text.lines().filter(|line| line.starts_with("input")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(inputs(&text), inputs(TEXT));
}

#[test]
fn a_step_can_be_played_to() {
    let scenario = Scenario::parse("a.toml", TEXT, folder()).unwrap();
    let prepared = scenario.play_to(&Options::default(), 3).unwrap();
    assert_eq!(prepared.title(), "transfer(bob, 600) by alice on token");
    assert!(scenario.play_to(&Options::default(), 0).is_err());
    assert!(scenario.play_to(&Options::default(), 6).is_err());
}

/// Where a mistake is and what to do about it.
#[test]
fn a_malformed_scenario_says_where_and_what_to_do() {
    let step = "[[step]]\ncall = \"token\"\nfrom = \"alice\"\n";
    let head = "accounts = { alice = 1, token = 0 }\n";
    for (text, line, message, help) in [
        ("name = ", 1, "this is no TOML", "toml.io"),
        ("nam = \"x\"", 1, "a scenario has no `nam`", "did you mean `name`?"),
        ("name = 3", 1, "`name` is a integer", "in quotes"),
        ("engine = \"fast\"", 1, "no engine `fast`", "native, interpreter, crosscheck"),
        ("accounts = 3", 1, "`accounts` is a integer", "alice = 1000"),
        ("accounts = { alice = -1 }", 1, "a whole number from 0", "without a point"),
        ("accounts = { \"a b\" = 1 }", 1, "no name for an account", "letters"),
        ("step = 3", 1, "must be tables", "[[step]]"),
        ("\n[[step]]\nfrom = \"alice\"", 2, "this one none", "deploy, call, transfer, advance"),
        ("\n[[step]]\ncall = \"x\"\ntransfer = \"x\"", 2, "does: call, transfer", "one of"),
        ("[[step]]\ncall = \"token\"", 2, "no account `token`", "in `accounts`"),
        (&format!("{head}[[step]]\ncall = \"token\""), 2, "lacks `from`", "from = \"alice\""),
        (&format!("{head}{step}inputt = []"), 5, "no `inputt`", "`input`"),
        (&format!("{head}{step}input = [\"pay\", 5]"), 5, "a number has a type", "{ u128 = 100 }"),
        (&format!("{head}{step}input = [\"pay\", {{ u8 = 256 }}]"), 5, "no `u8`", "fits"),
        (
            &format!("{head}{step}input = [\"pay\", \"@dave\"]"),
            5,
            "no account `dave`",
            "there is: alice, token",
        ),
        (&format!("{head}{step}input = [\"pay\", 1.5]"), 5, "with a point", "{ u128 = 100 }"),
        (&format!("{head}{step}input = [{{ u8 = 1 }}]"), 5, "begins with the function's name", "transfer"),
        (&format!("{head}{step}input = \"0x1\""), 5, "hexadecimal", "0x"),
        (&format!("{head}{step}gas = -1"), 5, "a whole number from 0", ""),
        (&format!("{head}{step}gas = \"10000000000000000000\""), 5, "at most 2^63 - 1", ""),
        (&format!("{head}{step}expect = 5"), 5, "must be a table", ""),
        (&format!("{head}{step}expect = {{ status = \"good\" }}"), 5, "no status `good`", "reverted"),
        (&format!("{head}{step}expect = {{ why = \"Gass\" }}"), 5, "no why `Gass`", "OutOfGas"),
        (&format!("{head}{step}expect = {{ events = [1] }}"), 5, "an event is a table", "events = ["),
        (&format!("{head}{step}expect = {{ events = [{{ nme = \"\" }}] }}"), 5, "no `nme`", "`name`"),
        (&format!("{head}{step}as = \"x\""), 5, "has no `as`", "take it out"),
        ("[[step]]\nadvance = { years = 1 }", 2, "no `years`", "days"),
        ("[[check]]\nbalance = 1", 1, "lacks `account`", "account = \"alice\""),
        (
            &format!("{head}[[check]]\naccount = \"token\"\nstorage = {{ \"a/@x\" = \"*\" }}"),
            4,
            "no account `x`",
            "",
        ),
        (
            &format!("{head}[[check]]\naccount = \"token\"\nstorage = {{ \"a/u8:300\" = \"*\" }}"),
            4,
            "no number",
            "",
        ),
    ] {
        let error = Scenario::parse("a.toml", text, ".").expect_err(text);
        assert_eq!(error.line, line, "{text}\n{error}");
        assert!(error.message.contains(message), "{text}\n{error}");
        assert!(error.help.as_deref().unwrap_or_default().contains(help), "{text}\n{error}");
        assert!(error.to_string().starts_with(&format!("a.toml:{line}:")), "{error}");
    }
    let missing =
        Scenario::parse("a.toml", format!("{head}\n[[step]]\ndeploy = \"no.wasm\"\nfrom = \"alice\""), ".");
    let error = missing.unwrap().play(&Options::default()).unwrap_err();
    assert!(error.line == 4 && error.message.contains("cannot read the module"), "{error}");
    assert!(Scenario::load(&folder().join("no such.toml")).unwrap_err().message.contains("cannot be read"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever becomes of a file: it is a scenario or says where it is none, and what can be read can be played.
    #[test]
    fn a_mutated_scenario_is_refused_with_its_place_or_played(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..6u8, any::<u8>(), any::<prop::sample::Index>()), 1..5)
    ) {
        let mut bytes = TEXT.as_bytes().to_vec();
        for (place, how, byte, other) in edits {
            // A part taken out may have been all there was.
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            let to = other.index(bytes.len()).max(at);
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"[]{}=\"@*#\n,'.-"[usize::from(byte) % 14]),
                3 => drop(bytes.drain(at..to.min(at + 20))),
                4 => { let part = bytes[at..to.min(at + 30)].to_vec(); bytes.splice(at..at, part); }
                _ => bytes.truncate(at.max(1)),
            }
        }
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        match Scenario::parse("a.toml", text.clone(), folder()) {
            Err(error) => {
                prop_assert!(error.line >= 1 && error.line <= text.lines().count() + 1, "{error}");
                prop_assert!(!error.message.is_empty());
            }
            Ok(scenario) => match scenario.play(&Options::default()) {
                Err(error) => prop_assert!(error.line >= 1),
                Ok(played) => {
                    if let Some(text) = scenario.updated(&played).unwrap() {
                        prop_assert!(Scenario::parse("a.toml", text, folder()).is_ok());
                    }
                }
            },
        }
    }
}

#[test]
fn a_scenario_becomes_a_bundle_that_is_replayed() {
    let engine = Engine::new(&Config::new().backend(Backend::Interpreter)).unwrap();
    let environment = Environment::new(&engine).unwrap();
    for file in files() {
        let scenario = Scenario::load(&file).unwrap();
        assert!(
            scenario.play(&Options::default()).unwrap().bundle().is_err(),
            "without history there is none"
        );
        let played = scenario.play(&Options::default().with_history()).unwrap();
        let bundle = played.bundle().unwrap();
        let executor = Executor { name: "interpreter", environment: &environment };
        let replayed = Replay::new(executor).run(BundleReader::new(&bundle[..]).unwrap(), &|_| {}).unwrap();
        assert!(replayed.is_equal(), "{}: {replayed:?}", file.display());
        assert_eq!(replayed.transactions, played.chain.history().len() as u64);
    }
}

/// Whose gas it was is told to the unit, of every transaction of every scenario.
#[test]
fn profiles_of_all_scenarios_sum_up_to_the_gas_used() {
    let mut seen = 0;
    for file in files() {
        let played = Scenario::load(&file).unwrap().play(&Options::default()).unwrap();
        for outcome in played.steps.iter().filter_map(|step| step.outcome.as_ref()) {
            let profile = outcome.profile(lockstep_test::ProfileOptions::default()).unwrap();
            assert_eq!(profile.gas(), outcome.gas_used(), "{}: {}", file.display(), outcome.title());
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}
