//! A step whose gradients come piece by piece: those of the head first, while the blocks' are still to be computed.
//!
//! Burn gives all gradients when a backward pass is over. So the network is cut behind each block: the next piece starts
//! from a copy of the map that gradients do not go through, and the backward pass of a piece starts from the gradient that
//! the piece behind it has found for that copy. A piece with output y and that gradient g is taken back through Σ y·g,
//! whose gradient is g, to the last bit.

use burn::module::{Module, ModuleVisitor};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::error::TrainError;
use super::loader::ImageBatch;
use super::output::StepOutput;
use super::step::Learning;
use crate::layers::Block;

/// A part of the network whose gradients come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// The linear layers.
    Head,
    /// The block of this number, from 0.
    Block(usize),
}

/// Takes the gradients of a piece.
pub(super) type Take<'a> = &'a mut dyn FnMut(Piece, GradientsParams) -> Result<(), TrainError>;

impl Learning {
    /// All pieces, in the order of a backward pass.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Piece> + use<> {
        let blocks = (0..self.network.blocks.len()).rev().map(Piece::Block);
        std::iter::once(Piece::Head).chain(blocks)
    }

    /// Visits the parameters of a piece.
    pub(super) fn visit_piece(&self, piece: Piece, visitor: &mut impl ModuleVisitor) {
        match piece {
            Piece::Head => {
                self.network.hidden.visit(visitor);
                self.network.output.visit(visitor);
            }
            Piece::Block(index) => self.network.blocks[index].visit(visitor),
        }
    }

    /// [`Learning::step_of_part`], with the gradients of each piece as soon as they are there.
    pub(super) fn step_in_pieces(
        &self,
        batch: ImageBatch,
        part: f64,
        take: Take<'_>,
    ) -> Result<StepOutput, TrainError> {
        let blocks = &self.network.blocks;
        // No gradient goes further back.
        let first = blocks.iter().position(trains).unwrap_or(blocks.len());
        let mut seams = Vec::with_capacity(blocks.len());
        let mut map = batch.images;
        for (index, block) in blocks.iter().enumerate() {
            let output = block.forward(map);
            map = output.clone();
            if index >= first {
                map = map.detach().require_grad();
                seams.push((index, output, map.clone()));
            }
        }
        let output = self.classify_map(map, batch.targets, self.label_smoothing);
        let mut gradients = self.scaled(&output, part).backward();
        take(
            Piece::Head,
            GradientsParams::from_module(&mut gradients, self),
        )?;
        for (index, output, copy) in seams.into_iter().rev() {
            let Some(gradient) = copy.grad_remove(&mut gradients) else {
                break;
            };
            let along: Tensor<1> = (output * Tensor::from_inner(gradient)).sum();
            gradients = along.backward();
            take(
                Piece::Block(index),
                GradientsParams::from_module(&mut gradients, self),
            )?;
        }
        Ok(output.detached())
    }
}

fn trains(block: &Block) -> bool {
    block
        .layers
        .iter()
        .any(|layer| layer.conv.weight.is_require_grad())
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::module::Param;
    use burn::tensor::{Device, Distribution, Int};
    use burn::train::TrainStep;

    use super::*;
    use crate::config::VggConfig;
    use crate::head::LayerGroup;

    /// Takes all gradients out, with the shape of each.
    struct Gradients(GradientsParams, Vec<Vec<f32>>);

    impl ModuleVisitor for Gradients {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.0.remove::<D>(param.id) {
                self.1.push(gradient.try_into_vec_as().expect("numbers"));
            }
        }
    }

    fn learning(frozen: Option<LayerGroup>) -> Learning {
        let device = Device::flex().autodiff();
        let config = VggConfig::named("vgg11-bn-cifar")
            .expect("known")
            .with_width(0.125);
        let network = config.init(&device).expect("valid");
        let network = match frozen {
            Some(group) => network.with_frozen(group),
            None => network,
        };
        Learning::new(network.valid().train(), 0.1)
    }

    fn batch() -> ImageBatch {
        let device = Device::flex().autodiff();
        ImageBatch {
            images: Tensor::random([4, 3, 32, 32], Distribution::Default, &device),
            targets: Tensor::<1, Int>::from_ints([0, 3, 9, 3], &device),
        }
    }

    #[test]
    fn gradients_by_pieces_are_those_of_the_whole_and_come_from_behind() {
        for frozen in [None, Some(LayerGroup::Features)] {
            let (learning, batch) = (learning(frozen), batch());
            let whole = TrainStep::step(&learning, batch.clone());
            let mut whole = Gradients(whole.grads, vec![]);
            let mut order = vec![];
            let mut found = vec![];
            let mut take = |piece, gradients| {
                order.push(piece);
                let mut gradients = Gradients(gradients, vec![]);
                learning.visit_piece(piece, &mut gradients);
                found.push(gradients.1);
                Ok(())
            };
            learning
                .step_in_pieces(batch, 1.0, &mut take)
                .expect("a step");
            let expected: Vec<Vec<Vec<f32>>> = order
                .iter()
                .map(|piece| {
                    learning.visit_piece(*piece, &mut whole);
                    std::mem::take(&mut whole.1)
                })
                .collect();
            assert_eq!(found, expected);
            let all: Vec<_> = learning.pieces().collect();
            assert_eq!(order, all[..if frozen.is_some() { 1 } else { all.len() }]);
            assert!(found.iter().all(|piece| !piece.is_empty()));
        }
    }
}
