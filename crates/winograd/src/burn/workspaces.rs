//! Workspaces that are used again: asking the system for memory anew in each step of a training takes longer
//! than filling it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Activation, Workspace, on_pool};

static WORKSPACES: Mutex<Vec<Workspace>> = Mutex::new(Vec::new());

fn workspaces() -> MutexGuard<'static, Vec<Workspace>> {
    WORKSPACES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs with a workspace of its own, as one piece of work of the pool.
pub(super) fn with_workspace<R: Send>(run: impl FnOnce(&mut Workspace) -> R + Send) -> R {
    let mut workspace = workspaces().pop().unwrap_or_default();
    let result = on_pool(|| run(&mut workspace));
    workspaces().push(workspace);
    result
}

/// Gives activations back for whatever comes next.
pub(super) fn give_back(activations: impl Iterator<Item = Activation>) {
    let mut workspaces = workspaces();
    let mut workspace = workspaces.pop().unwrap_or_default();
    for activation in activations {
        workspace.spare.give(activation.into_memory());
    }
    workspaces.push(workspace);
}
