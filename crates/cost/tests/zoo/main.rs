//! Real networks in plain Burn, the way one writes them, against what the tools of PyTorch say of
//! the same networks there: as a whole, and module by module.
//!
//! `scripts/zoo_costs.py` makes the golden files.

mod convnext;
mod densenet;
mod detr;
mod efficientnet;
mod golden;
mod gpt;
mod inception;
mod lstm;
mod mobilenet_v2;
mod networks;
mod parts;
mod resnet18;
mod resnet50;
mod rows;
mod squeezenet;
mod totals;
mod unet;
mod vit;
