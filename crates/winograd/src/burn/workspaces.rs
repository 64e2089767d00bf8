//! Workspaces that are used again: asking the system for memory anew in each step of a training takes longer
//! than filling it.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crate::memory::spare::Spare;
use crate::{Workspace, on_pool};

/// The buffers of all workspaces, and of the maps that wait for a backward pass.
pub(super) static SPARE: LazyLock<Spare> = LazyLock::new(Spare::default);
static WORKSPACES: Mutex<Vec<Workspace>> = Mutex::new(Vec::new());

fn workspaces() -> MutexGuard<'static, Vec<Workspace>> {
    WORKSPACES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs with a workspace of its own, as one piece of work of the pool.
pub(super) fn with_workspace<R: Send>(run: impl FnOnce(&mut Workspace) -> R + Send) -> R {
    let workspace = workspaces().pop();
    let mut workspace = workspace.unwrap_or_else(|| Workspace::sharing(SPARE.clone()));
    let result = on_pool(|| run(&mut workspace));
    workspaces().push(workspace);
    result
}
