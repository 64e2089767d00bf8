//! One operator with its inputs.

use std::cell::RefCell;

use burn_capture::CaptureDevice;

use super::model::{Attribute, Node};
use super::value::{Known, Tensor, Value};

/// What an operator sees.
pub(super) struct Call<'a> {
    pub(super) node: &'a Node,
    /// Absent where an optional input is left out, and once it is taken.
    inputs: RefCell<Vec<Option<Value>>>,
    /// The values of inputs that the file gives, also where they are parameters.
    known: Vec<Option<Known>>,
    pub(super) device: CaptureDevice,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        node: &'a Node,
        inputs: Vec<Option<Value>>,
        known: Vec<Option<Known>>,
        device: CaptureDevice,
    ) -> Self {
        Self {
            node,
            inputs: RefCell::new(inputs),
            known,
            device,
        }
    }

    /// The number of inputs, those that are left out included.
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    /// Takes an input: who holds a tensor last may write into its memory.
    pub(super) fn value(&self, index: usize) -> Result<Value, String> {
        let value = self
            .inputs
            .borrow_mut()
            .get_mut(index)
            .and_then(Option::take);
        value.ok_or_else(|| format!("input {index} is missing"))
    }

    pub(super) fn tensor(&self, index: usize) -> Result<Tensor, String> {
        Ok(self.value(index)?.tensor(&self.device))
    }

    pub(super) fn maybe_tensor(&self, index: usize) -> Option<Tensor> {
        self.tensor(index).ok()
    }

    /// The values of an input, where they are known.
    pub(super) fn known(&self, index: usize) -> Option<Known> {
        match self.inputs.borrow().get(index)?.as_ref()? {
            Value::Known(known) => Some(known.clone()),
            Value::Tensor(_) => self.known.get(index)?.clone(),
        }
    }

    fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.node.attributes.get(name)
    }

    pub(super) fn integer(&self, name: &str, default: i64) -> i64 {
        match self.attribute(name) {
            Some(&Attribute::Integer(value)) => value,
            _ => default,
        }
    }

    pub(super) fn float(&self, name: &str, default: f64) -> f64 {
        match self.attribute(name) {
            Some(&Attribute::Float(value)) => value,
            _ => default,
        }
    }

    pub(super) fn text(&self, name: &str) -> &str {
        match self.attribute(name) {
            Some(Attribute::Text(value)) => value,
            _ => "",
        }
    }

    pub(super) fn integers(&self, name: &str) -> Option<Vec<i64>> {
        match self.attribute(name)? {
            Attribute::Integers(values) => Some(values.clone()),
            _ => None,
        }
    }

    pub(super) fn constant(&self, name: &str) -> Option<Known> {
        match self.attribute(name)? {
            Attribute::Constant(constant) => Known::of(constant),
            _ => None,
        }
    }

    /// Integers that newer operators take as an input and older ones as an attribute.
    pub(super) fn list(&self, name: &str, input: usize) -> Result<Option<Vec<i64>>, String> {
        if let Some(values) = self.integers(name) {
            return Ok(Some(values));
        }
        match (self.inputs.borrow().get(input), self.known(input)) {
            (None | Some(None), _) => Ok(None),
            (_, Some(known)) => Ok(Some(known.to_integers())),
            _ => Err(format!("`{name}` is computed from values")),
        }
    }

    /// Sizes such as strides, one for each of `count` dimensions.
    pub(super) fn sizes(&self, name: &str, count: usize) -> Result<Vec<usize>, String> {
        let values = self.integers(name).unwrap_or_else(|| vec![1; count]);
        if values.len() != count {
            return Err(format!("`{name}` has {} values", values.len()));
        }
        let sizes = values.iter().map(|&value| usize::try_from(value));
        let sizes = sizes.collect::<Result<Vec<_>, _>>();
        sizes.map_err(|_| format!("`{name}` is negative"))
    }
}

/// An axis that may count from the end.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize, String> {
    let positive = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(positive)
        .ok()
        .filter(|&axis| axis <= rank)
        .ok_or_else(|| format!("axis {axis} of {rank} dimensions"))
}

pub(super) fn axes(list: &[i64], rank: usize) -> Result<Vec<usize>, String> {
    let mut axes = list
        .iter()
        .map(|&at| axis(at, rank))
        .collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    Ok(axes)
}
