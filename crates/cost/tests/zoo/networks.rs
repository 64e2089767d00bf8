//! The networks, recorded on the inputs of the golden files.

use cost::{Analysis, analyse_training};

use crate::convnext::ConvNextTiny;
use crate::densenet::DenseNet121;
use crate::detr::Detr;
use crate::efficientnet::EfficientNetB0;
use crate::gpt::Gpt;
use crate::inception::Inception;
use crate::lstm::Classifier;
use crate::mobilenet_v2::MobileNetV2;
use crate::resnet18::ResNet18;
use crate::resnet50::{ResNet50, Shortcut};
use crate::squeezenet::SqueezeNet;
use crate::unet::UNet;
use crate::vit::VisionTransformer;

/// One photograph of ImageNet's size.
const IMAGE: [usize; 4] = [1, 3, 224, 224];

/// A network's recording on one input of images.
macro_rules! images {
    ($name:ident, $network:ty, $shape:expr) => {
        pub fn $name() -> Analysis {
            let analysis = analyse_training(&<$network>::new(), |n, i| n.forward(i.float($shape)));
            analysis.expect("it runs")
        }
    };
}

images!(resnet18, ResNet18, IMAGE);
images!(mobilenet_v2, MobileNetV2, IMAGE);
images!(squeezenet1_1, SqueezeNet, IMAGE);
images!(densenet121, DenseNet121, IMAGE);
images!(efficientnet_b0, EfficientNetB0, IMAGE);
images!(vit_b_16, VisionTransformer, IMAGE);
images!(convnext_tiny, ConvNextTiny, IMAGE);
images!(unet, UNet, [2, 3, 64, 48]);
images!(detr, Detr, [2, 3, 64, 64]);
images!(inception, Inception, [2, 3, 75, 75]);

pub fn resnet50(shortcut: Shortcut) -> Analysis {
    let network = ResNet50::new();
    let analysis = analyse_training(&network, |n, i| n.forward(i.float(IMAGE), shortcut));
    analysis.expect("it runs")
}

pub fn gpt() -> Analysis {
    let analysis = analyse_training(&Gpt::new(), |n, i| n.forward(i.int([2, 20])));
    analysis.expect("it runs")
}

pub fn lstm() -> Analysis {
    let analysis = analyse_training(&Classifier::new(), |n, i| n.forward(i.int([2, 7])));
    analysis.expect("it runs")
}
