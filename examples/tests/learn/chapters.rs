//! What can be checked of a chapter: its blocks of commands, outputs and code, its sums, its links.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder that the chapters' commands are meant for.
pub fn workspace() -> PathBuf {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR"));
    examples
        .parent()
        .expect("examples are in the workspace")
        .to_owned()
}

/// A page of `docs/learn`.
pub struct Chapter {
    pub path: PathBuf,
    pub text: String,
}

/// A fenced block: what stands behind the opening fence, and its lines.
pub struct Block {
    pub kind: String,
    pub lines: Vec<String>,
}

/// All pages, in the order of their names.
pub fn chapters() -> Vec<Chapter> {
    let folder = workspace().join("docs/learn");
    let entries = fs::read_dir(&folder).expect("docs/learn");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    let chapter = |path: PathBuf| Chapter {
        text: fs::read_to_string(&path).expect("a text"),
        path,
    };
    paths.into_iter().map(chapter).collect()
}

impl Chapter {
    pub fn name(&self) -> String {
        self.path
            .file_name()
            .expect("a file")
            .to_string_lossy()
            .into_owned()
    }

    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            if let Some(kind) = line.strip_prefix("```") {
                let inside = lines.by_ref().take_while(|line| !line.starts_with("```"));
                blocks.push(Block {
                    kind: kind.to_owned(),
                    lines: inside.map(str::to_owned).collect(),
                });
            }
        }
        blocks
    }

    /// The text without its blocks.
    pub fn prose(&self) -> String {
        let mut fenced = false;
        let outside = self.text.lines().filter(|line| {
            let fence = line.starts_with("```");
            fenced ^= fence;
            !fenced && !fence
        });
        outside.collect::<Vec<_>>().join("\n")
    }

    /// What stands between backticks and has an equals sign between numbers.
    pub fn sums(&self) -> Vec<String> {
        let prose = self.prose();
        let spans = prose.split('`').skip(1).step_by(2);
        let is_sum = |span: &&str| {
            span.contains('=')
                && span
                    .chars()
                    .all(|letter| "0123456789,.+-−·/()= ".contains(letter))
        };
        spans.filter(is_sum).map(str::to_owned).collect()
    }

    /// Files that the text links or shows.
    pub fn linked_files(&self) -> Vec<PathBuf> {
        let prose = self.prose();
        let targets = prose
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let local = targets.filter(|target| !target.starts_with("http"));
        let folder = self.path.parent().expect("a folder");
        local
            .map(|target| folder.join(target.split('#').next().unwrap_or(target)))
            .collect()
    }
}
