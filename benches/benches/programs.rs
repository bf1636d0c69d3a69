//! The programs on Lockstep's backends, for comparing one change with the next.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use lockstep_benches::engine::{self, Purpose};
use lockstep_benches::workload;
use std::time::Duration;

fn programs(criterion: &mut Criterion) {
    for engine in engine::all().expect("every engine can be configured") {
        if !engine.name().starts_with("lockstep") || !engine.serves(Purpose::Run) {
            continue;
        }
        let mut group = criterion.benchmark_group(engine.name());
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1));
        for workload in workload::ALL {
            let compiled = engine.compile(workload.program).expect("Lockstep takes every program");
            let linked = compiled.expect("Lockstep takes every program").link().expect("it has no imports");
            group.bench_function(workload.name, |bencher| {
                bencher.iter_batched(
                    || linked.instantiate().expect("it has no start function"),
                    |mut instance| {
                        let checksum = instance.call("run", workload.n).expect("no program traps");
                        (instance, checksum)
                    },
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(benches, programs);
criterion_main!(benches);
