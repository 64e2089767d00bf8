//! Networks as ONNX files, which other tools run.
//!
//! A file holds what inference needs: batch normalisations are folded into the convolutions, dropout is left out, and
//! the batch's length is open. See [`Vgg::export_onnx`].

mod error;
mod graph;
mod message;
mod proto;
mod weights;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

#[cfg(feature = "classify")]
use crate::classifier::Classifier;
use crate::model::Vgg;
use crate::weights::CONFIG_KEY;
use crate::whole::write_whole;
use graph::Graph;
use message::Message;
use weights::{Refusal, Weight};

pub use error::OnnxError;

/// Bytes of the largest message of Protocol Buffers.
const MOST_BYTES: u64 = i32::MAX as u64;

impl Vgg {
    /// Writes the network as the ONNX file `path`, which is there whole or not at all; a missing folder is made. Its
    /// input `images` is `[batch, channels, height, width]`, as [`Vgg::forward`] takes it, with any batch and `size` as
    /// height and width; its output is `logits`, `[batch, classes]`. Operators (version 13) and what they put out have
    /// the paper's names, `conv1_1`, `relu1_1`, `pool1` up to `fc6` and on, and weights are `conv1_1.weight` and so on,
    /// in 32 bits. The metadata has the configuration as `vgg.config`.
    ///
    /// Weights are read and written piece by piece: exporting vgg16 takes 40 MiB beside its own 528.
    ///
    /// ```
    /// # #[cfg(feature = "flex")] {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("vgg16.onnx");
    /// use burn::tensor::Device;
    /// use vgg::VggConfig;
    ///
    /// let network = VggConfig::named("vgg16-28")?.with_width(0.125).init(&Device::flex())?;
    /// network.export_onnx(&path, [28, 28])?;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Images that the network does not take; weights that are not finite, or more than the 2 GiB that such a file has
    /// room for; a file that cannot be written.
    pub fn export_onnx(&self, path: impl AsRef<Path>, size: [usize; 2]) -> Result<(), OnnxError> {
        export(self, path.as_ref(), size, vec![])
    }
}

#[cfg(feature = "classify")]
impl Classifier {
    /// [`Vgg::export_onnx`] for images of the size that the classifier makes of pictures. The metadata also has the
    /// names of the classes as `vgg.classes` and what is done to a picture first as `vgg.preprocessing`, both in the
    /// JSON of [`Classifier::save`]: tools that run the model have to do it themselves.
    ///
    /// # Errors
    /// As for [`Vgg::export_onnx`].
    pub fn export_onnx(&self, path: impl AsRef<Path>) -> Result<(), OnnxError> {
        let path = path.as_ref();
        let entries = self.entries();
        let entries = entries.map_err(|(key, error)| metadata_error(path, key, &error))?;
        let [_, height, width] = self.preprocessing().shape;
        export(self.network(), path, [height, width], entries.into())
    }
}

fn metadata_error(path: &Path, key: &'static str, error: &serde_json::Error) -> OnnxError {
    OnnxError::Metadata {
        path: path.to_owned(),
        key,
        reason: error.to_string(),
    }
}

fn export(
    network: &Vgg,
    path: &Path,
    size: [usize; 2],
    mut metadata: Vec<(&str, String)>,
) -> Result<(), OnnxError> {
    let config = network.config();
    let image = [config.input_channels, size[0], size[1]];
    network
        .check_input([1, image[0], image[1], image[2]])
        .map_err(|source| OnnxError::Input { size, source })?;
    let text = serde_json::to_string(config);
    let text = text.map_err(|error| metadata_error(path, CONFIG_KEY, &error))?;
    metadata.insert(0, (CONFIG_KEY, text));
    let graph = Graph::new(network, size);
    let head = proto::graph(&graph.nodes, image, config.classes);
    let file = OnnxFile::new(&metadata, head, &graph.weights);
    if file.length > MOST_BYTES {
        return Err(OnnxError::TooLarge {
            path: path.to_owned(),
            bytes: file.length,
            most: MOST_BYTES,
        });
    }
    file.write(path)
}

/// A file before its weights are read.
struct OnnxFile<'a> {
    head: Message,
    weights: Vec<(Message, &'a Weight<'a>)>,
    /// Bytes of all of it.
    length: u64,
}

impl<'a> OnnxFile<'a> {
    /// `graph` is without its weights.
    fn new(metadata: &[(&str, String)], graph: Message, weights: &'a [Weight<'a>]) -> Self {
        let weights: Vec<_> = weights
            .iter()
            .map(|weight| (proto::initializer(weight), weight))
            .collect();
        let length = |(head, weight): &(Message, &Weight<'_>)| {
            (head.as_bytes().len() as u64).saturating_add(weight.values.length())
        };
        let of_graph = graph.as_bytes().len() as u64;
        let of_graph = weights
            .iter()
            .map(length)
            .fold(of_graph, u64::saturating_add);
        let model = proto::model(metadata, of_graph);
        Self {
            length: of_graph.saturating_add(model.as_bytes().len() as u64),
            head: model.with(&graph),
            weights,
        }
    }

    fn write(&self, path: &Path) -> Result<(), OnnxError> {
        let mut refused = None;
        let written = write_whole(path, |file| {
            self.write_to(file, path).map_err(|error| match error {
                OnnxError::Io { source, .. } => source,
                // The file is given up, whatever the system says to that.
                error => {
                    refused = Some(error);
                    io::ErrorKind::InvalidData.into()
                }
            })
        });
        match refused {
            Some(error) => Err(error),
            None => written.map_err(|source| refusal(path, "", Refusal::Io(source))),
        }
    }

    /// `path` is what errors call the file.
    fn write_to(&self, file: &mut File, path: &Path) -> Result<(), OnnxError> {
        let mut write = |bytes: &[u8]| file.write_all(bytes).map_err(Refusal::Io);
        let failed = |refused| refusal(path, "", refused);
        write(self.head.as_bytes()).map_err(failed)?;
        for (head, weight) in &self.weights {
            write(head.as_bytes()).map_err(failed)?;
            let written = weight.values.read(&mut write);
            written.map_err(|refused| refusal(path, &weight.name, refused))?;
        }
        Ok(())
    }
}

/// Why the file `path` is not written: because of `tensor`, or because of the system.
fn refusal(path: &Path, tensor: &str, refused: Refusal) -> OnnxError {
    let (path, tensor) = (path.to_owned(), tensor.to_owned());
    match refused {
        Refusal::NotFinite => OnnxError::NotFinite { path, tensor },
        Refusal::Values(reason) => OnnxError::Values {
            path,
            tensor,
            reason,
        },
        Refusal::Io(source) => OnnxError::Io { path, source },
    }
}
