//! Calls allocate nothing once the memory has grown to what they need.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use winograd::{
    Activation, Algorithm, Conv3x3, ConvOptions, GradientInputs, Kernel, LayerSize, Linear,
    LinearOptions, Workspace, weight_gradient,
};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn nothing_in_steady_state() {
    let (channels, pixels) = (32, 20);
    let weights = vec![0.5; channels * channels * 9];
    let image = vec![0.5; channels * pixels * pixels];
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .unwrap();
    pool.install(|| {
        for algorithm in Algorithm::ALL {
            let options = ConvOptions::for_size(&LayerSize {
                batch: 1,
                in_channels: channels,
                out_channels: channels,
                out_height: pixels,
                out_width: pixels,
                pool: false,
            })
            .with_algorithm(algorithm);
            let mut layer = Conv3x3::new(&weights, None, channels, channels, options).unwrap();
            let features = channels * 16;
            let dense = vec![0.1; features * 10];
            let linear = Linear::new(&dense, None, features, 10, LinearOptions::default()).unwrap();
            let x = Activation::from_nchw(&image, [1, channels, pixels, pixels]).unwrap();
            let mut y = Activation::new();
            let mut workspace = Workspace::new();
            let mut gradient = weights.clone();
            let mut logits = [0.0; 10];
            let mut step = || {
                layer.set_weights(&weights, None).unwrap();
                layer.forward(&x, &mut y, &mut workspace).unwrap();
                let (n, side) = (1, pixels);
                layer
                    .forward_nchw(
                        &image,
                        [n, layer.in_channels(), side, side],
                        &mut y,
                        &mut workspace,
                    )
                    .unwrap();
                weight_gradient(
                    &GradientInputs {
                        input: &x,
                        gradient: &y,
                        padding: 1,
                        kernel: Kernel::detect(),
                    },
                    &mut gradient,
                    None,
                    &mut workspace,
                )
                .unwrap();
                linear
                    .forward(&image[..features], &mut logits, &mut workspace)
                    .unwrap();
            };
            for _ in 0..5 {
                step();
            }
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            for _ in 0..5 {
                step();
            }
            let count = ALLOCATIONS.load(Ordering::Relaxed) - before;
            // The thread pool allocates a block of its queue now and then.
            assert!(
                count <= 4,
                "{count} allocations in five steps of {algorithm:?}"
            );
        }
    });
}
