//! Many analyses in a row. A process of its own, as it looks at the process's memory.

use std::panic::catch_unwind;

use burn::nn::Relu;
use burn::tensor::Device;
use cost::analyse;

#[test]
fn a_hundred_thousand_analyses() {
    // A process can make 65,536 capture devices, so this needs them to be handed round.
    let layer = Relu::new();
    let run = |times| {
        for _ in 0..times {
            let analysis = analyse(&layer, |l, i| l.forward(i.float::<1>([1])));
            assert!(analysis.is_ok());
        }
    };
    run(20_000);
    let before = resident_pages();
    run(80_000);
    let grown = resident_pages().saturating_sub(before);
    assert!(grown < 256, "{grown} pages more after 80,000 analyses");
    assert!(catch_unwind(Device::capture).is_ok());
}

/// Pages of memory that this process holds; 0 where the system does not tell.
fn resident_pages() -> u128 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1);
    pages.and_then(|pages| pages.parse().ok()).unwrap_or(0)
}
