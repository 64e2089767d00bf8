//! Room on the stack for deeply nested modules.
//!
//! Burn walks through a module by recursion: a module's depth times the size of its functions'
//! frames, in threads that may have 2 MiB or less. So the depth is found first, by a walk that
//! goes back at a limit, and everything after it runs on a stack that is large enough.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

use crate::error::Error;

/// Path segments of the deepest module. Paths take the square of it in memory, so a chain of
/// twice as many modules would need four times as much, some 100 MB here.
pub(crate) const DEEPEST: usize = 4096;

/// Depth that every stack has room for when a module is only looked at.
const SHALLOW: usize = 32;

/// Bytes of the stack for one level when it is only looked at, and when it is cloned, mapped,
/// printed and run. Only what is used of a new stack takes memory.
const LOOK: usize = 4 << 10;
const LEVEL: usize = 64 << 10;

/// Bytes for what does not depend on the depth.
const BASE: usize = 512 << 10;

/// Runs `run` with room for walking through `module`.
///
/// # Errors
/// [`Error::TooDeep`].
pub(crate) fn with_room<M: Module, B: std::borrow::Borrow<M>, R>(
    module: B,
    run: impl FnOnce(&M) -> R,
) -> Result<R, Error> {
    let depth = match depth(module.borrow(), SHALLOW) {
        Some(depth) => depth,
        None => grow(DEEPEST * LOOK, || depth(module.borrow(), DEEPEST))
            .ok_or(Error::TooDeep { limit: DEEPEST })?,
    };
    // The module is dropped in there too.
    Ok(grow(BASE + depth * LEVEL, move || run(module.borrow())))
}

#[cfg(not(target_family = "wasm"))]
fn grow<R>(bytes: usize, run: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(bytes, bytes, run)
}

/// A stack cannot be made there.
#[cfg(target_family = "wasm")]
fn grow<R>(_: usize, run: impl FnOnce() -> R) -> R {
    run()
}

/// How deep a module is nested; `None` if deeper than `limit`.
fn depth<M: Module>(module: &M, limit: usize) -> Option<usize> {
    let mut depth = Depth {
        now: 0,
        most: 0,
        limit,
    };
    let walk = catch_unwind(AssertUnwindSafe(|| module.visit(&mut depth)));
    match walk {
        Ok(()) => Some(depth.most),
        Err(_) if depth.now > limit => None,
        // A module's own panic comes again where it is turned into an error.
        Err(_) => Some(depth.most),
    }
}

struct Depth {
    now: usize,
    most: usize,
    limit: usize,
}

impl ModuleVisitor for Depth {
    fn enter_module(&mut self, _: &str, _: &str) {
        self.now += 1;
        self.most = self.most.max(self.now);
        if self.now > self.limit {
            // The only way out of Burn's recursion; the process's panic hook is not called.
            resume_unwind(Box::new(()));
        }
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.now -= 1;
    }

    fn visit_float<const D: usize>(&mut self, _: &Param<Tensor<D>>) {}
}
