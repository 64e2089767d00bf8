#[cfg(test)]
mod tests {
    use crate::*;
    use burn::module::Module;
    use burn::nn::*;
    use burn::tensor::*;
    fn dump(a: &Analysis) {
        for o in &a.record.operations {
            let n = &a.record.tree.nodes[o.node];
            println!(
                "{:24} {:14} {:22?} {:?} <- {:?}",
                n.path,
                n.module,
                o.kind,
                o.name,
                o.inputs
                    .iter()
                    .map(|&i| a.record.tensors[i].shape.clone())
                    .collect::<Vec<_>>()
            );
        }
        for p in &a.record.tree.parameters {
            println!(
                "{:?} {} {:?}",
                a.record.tree.nodes[p.node].path,
                p.elements(),
                p.role
            );
        }
    }
    #[derive(Module, Debug)]
    struct Net {
        conv: conv::Conv2d,
        norm: BatchNorm,
        act: Relu,
        pool: pool::MaxPool2d,
        gn: GroupNorm,
        sw: Option<PRelu>,
        a: Linear,
        silu: Gelu,
        drop: Dropout,
        ln: LayerNorm,
        rms: RmsNorm,
        tied: Linear,
    }
    impl Net {
        fn f(&self, x: Tensor<4>) -> Tensor<2> {
            let x = self.act.forward(self.norm.forward(self.conv.forward(x)));
            let x = self.gn.forward(self.pool.forward(x));
            let x: Tensor<2> = x.flatten(1, 3);
            let x = self.silu.forward(self.a.forward(x));
            let x = self.rms.forward(self.ln.forward(x.clone()) + x);
            self.tied.forward(x)
        }
    }
    #[test]
    fn dumps() {
        let d = Device::flex();
        let mut net = Net {
            conv: conv::Conv2dConfig::new([1, 2], [3, 3]).init(&d),
            norm: BatchNormConfig::new(2).init(&d),
            act: Relu::new(),
            pool: pool::MaxPool2dConfig::new([2, 2])
                .with_strides([2, 2])
                .init(),
            gn: GroupNormConfig::new(1, 2).init(&d),
            sw: None,
            a: LinearConfig::new(18, 4).init(&d),
            silu: Gelu::new(),
            drop: DropoutConfig::new(0.5).init(),
            ln: LayerNormConfig::new(4).init(&d),
            rms: RmsNormConfig::new(4).init(&d),
            tied: LinearConfig::new(4, 4).init(&d),
        };
        net.a = net.a.freeze();
        dump(&analyse(&net, |m, i| m.f(i.float([2, 1, 8, 8]))).unwrap());
        let l = LstmConfig::new(8, 16, true).init(&d);
        dump(&analyse(&l, |m, i| m.forward(i.float([2, 2, 8]), None).0).unwrap());
        let l = attention::MultiHeadAttentionConfig::new(16, 4).init(&d);
        dump(
            &analyse(&l, |m, i| {
                m.forward(attention::MhaInput::self_attn(i.float([2, 5, 16])))
                    .context
            })
            .unwrap(),
        );
        let l = SwiGluConfig::new(16, 32).init(&d);
        dump(&analyse(&l, |m, i| m.forward(i.float::<2>([2, 16]))).unwrap());
        let l = gru::GruConfig::new(8, 16, true).init(&d);
        dump(&analyse(&l, |m, i| m.forward(i.float([2, 2, 8]), None)).unwrap());
        println!(
            "{}",
            analyse(&l, |m, i| m.forward(i.float([2, 2, 9]), None)).unwrap_err()
        );
    }
}
