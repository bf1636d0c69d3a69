//! Which modules are accepted does not change unnoticed.

use lockstep_fuzz::oracle::acceptance::{Acceptance, inputs};

#[test]
fn the_acceptance_digest_is_the_frozen_one() {
    let frozen: Acceptance =
        toml::from_str(include_str!("../acceptance.toml")).expect("the file can be read");
    let inputs = inputs();
    assert!(inputs.len() >= 10_000, "{} modules", inputs.len());
    let now = Acceptance::of(&inputs);
    assert_eq!(
        now.inputs, frozen.inputs,
        "the generators make other modules; then `campaign accept --bless`"
    );
    for (name, answers) in &now.answers {
        println!("{name}: {} of {} accepted, {:?}", answers.accepted(), now.modules, answers.counts);
        let frozen = &frozen.answers[name];
        assert_eq!(answers.counts, frozen.counts, "{name}: counts by code");
        assert_eq!(answers.verdicts, frozen.verdicts, "{name}: verdicts, which are consensus");
        assert_eq!(answers.codes, frozen.codes, "{name}: codes, which are for people");
    }
    assert_eq!(now, frozen);
}

/// A digest over modules of one kind would freeze little.
#[test]
fn accepted_and_refused_are_balanced_and_refusals_are_of_many_kinds() {
    let frozen: Acceptance =
        toml::from_str(include_str!("../acceptance.toml")).expect("the file can be read");
    let canonical = &frozen.answers["canonical"];
    let part = canonical.accepted() * 100 / frozen.modules;
    assert!((40..=60).contains(&part), "{part} % are accepted");
    assert!(frozen.answers.values().all(|answers| answers.counts.len() >= 12));
}
