//! What an epoch is made of, and that it is the same one for any number of threads and workers.

use super::*;
use crate::data::{ChannelOrder, DataOptions};
use std::fs;
use std::path::Path;

fn loader(epochs_done: usize, seed: u64) -> EpochLoader {
    let labels: Vec<u16> = (0..10).collect();
    let set = ImageSet::new([1, 1, 1], (0..10).collect(), labels).expect("fits");
    let normalization = Normalization::new(vec![0.0], vec![1.0 / 255.0]);
    EpochLoader::in_order(Arc::new(set), Arc::new(normalization), 4, &Device::flex()).shuffled(
        seed,
        Augmentation::new(),
        epochs_done,
    )
}

fn labels(loader: &dyn DataLoader<ImageBatch>) -> Vec<i64> {
    let batch = |batch: Result<ImageBatch, _>| {
        let batch = batch.expect("a batch");
        let targets = batch.targets.into_data().convert::<i64>();
        let targets = targets.try_into_vec::<i64>().expect("integers");
        let images = batch
            .images
            .into_data()
            .try_into_vec::<f32>()
            .expect("floats");
        for (target, pixel) in targets.iter().zip(images) {
            assert_eq!(*target as f32, pixel.round(), "a label left its image");
        }
        targets
    };
    loader.iter().flat_map(batch).collect()
}

#[test]
fn an_epoch_holds_every_image_once_in_an_order_of_its_own() {
    let loader = loader(0, 1);
    let epochs = [labels(&loader), labels(&loader)];
    assert_ne!(epochs[0], epochs[1]);
    for mut epoch in epochs {
        epoch.sort_unstable();
        assert_eq!(epoch, (0..10).collect::<Vec<_>>());
    }
}

#[test]
fn an_epoch_follows_from_seed_and_number_alone() {
    let whole = loader(0, 1);
    labels(&whole);
    assert_eq!(labels(&whole), labels(&loader(1, 1)));
    assert_ne!(labels(&loader(1, 1)), labels(&loader(1, 2)));
}

#[test]
fn one_batch_of_any_size_holds_all() {
    let loader = EpochLoader {
        batch_size: usize::MAX,
        ..loader(0, 1)
    };
    assert_eq!(loader.iter().count(), 1);
    assert_eq!(labels(&loader).len(), 10);
}

#[test]
fn workers_and_parts_share_each_batch_as_it_is() {
    let augmentation = Augmentation::new().with_crop_padding(2).with_mirror(true);
    let set = ImageSet::new([1, 2, 3], (0..66).collect(), (0..11).collect()).expect("fits");
    let normalization = Normalization::new(vec![0.0], vec![1.0 / 255.0]);
    let device = Device::flex();
    let loader = EpochLoader::in_order(Arc::new(set), Arc::new(normalization), 4, &device);
    let loader = || loader.clone().shuffled(3, augmentation, 0);
    let read = |batch: ImageBatch| {
        let labels = batch.targets.try_into_vec_as::<i64>().expect("integers");
        let pixels = batch.images.try_into_vec_as::<f32>().expect("floats");
        let images: Vec<_> = pixels.chunks_exact(6).map(<[f32]>::to_vec).collect();
        labels.into_iter().zip(images).collect::<Vec<_>>()
    };
    let whole: Vec<_> = loader()
        .epoch()
        .map(|batch| read(batch.expect("a batch")))
        .collect();
    assert_eq!(whole.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 3]);
    for (size, parts) in [(2, 1), (1, 2), (2, 2), (3, 2)] {
        let mut found = vec![vec![]; whole.len()];
        for rank in 0..size {
            let loader = loader().dealt(Deal { rank, size, parts });
            let mut epoch = loader.epoch();
            for (batch, found) in found.iter_mut().enumerate() {
                let dealt = epoch.next_dealt().expect("a batch").expect("good images");
                assert_eq!(
                    (dealt.images, dealt.parts.len()),
                    (whole[batch].len(), parts)
                );
                found.extend(dealt.parts.into_iter().flatten().flat_map(read));
            }
            assert!(epoch.next_dealt().is_none());
        }
        for (found, mut whole) in found.into_iter().zip(whole.clone()) {
            let mut found = found;
            found.sort_by_key(|(label, _)| *label);
            whole.sort_by_key(|(label, _)| *label);
            assert_eq!(found, whole, "{size} workers, {parts} parts");
        }
    }
}

#[test]
fn progress_counts_images_and_a_slice_holds_its_part() {
    let loader = loader(0, 1);
    let mut epoch = loader.iter();
    epoch.next();
    assert_eq!(epoch.progress().items_processed, 4);
    let mut part = labels(loader.slice(2, 5).as_ref());
    part.sort_unstable();
    assert_eq!(part, [2, 3, 4]);
}

/// A set of 23 pictures in files, and the same one in memory.
fn sets(folder: &Path, skip_broken: bool) -> [ImageSet; 2] {
    for index in 0..23 {
        let path = folder.join(format!("{}/{index:02}.png", index % 2));
        fs::create_dir_all(path.parent().expect("a class")).expect("created");
        // Of several sizes.
        let image = image::RgbImage::from_fn(12 + index, 20 + index % 7, |x, y| {
            image::Rgb([x as u8 * 7, y as u8 * 9, index as u8 * 9])
        });
        image.save(path).expect("saved");
    }
    let options = |stream| DataOptions {
        shape: [3, 9, 8],
        skip_broken,
        stream,
        limit: None,
    };
    let load = |stream| {
        let name = folder.to_str().expect("text");
        let data = crate::data::load(name, &options(stream), &mut |_, _| {});
        data.expect("whole").train
    };
    [load(true), load(false)]
}

fn loader_of(set: ImageSet, threads: usize, augmentation: Option<Augmentation>) -> EpochLoader {
    let normalization = Normalization::new(vec![0.0; 3], vec![1.0 / 255.0; 3]);
    let loader = EpochLoader::in_order(Arc::new(set), Arc::new(normalization), 5, &Device::flex());
    let loader = EpochLoader {
        threads: Some(threads),
        ..loader
    };
    match augmentation {
        Some(augmentation) => loader.shuffled(3, augmentation, 0),
        None => loader,
    }
}

/// Labels and pixels of what is left of an epoch.
fn rest(epoch: &mut Epoch<'_>) -> Vec<(Vec<i64>, Vec<f32>)> {
    let read = |batch: Result<ImageBatch, DatasetError>| {
        let batch = batch.expect("a batch");
        let labels = batch.targets.try_into_vec_as::<i64>().expect("integers");
        let pixels = batch.images.try_into_vec_as::<f32>().expect("floats");
        (labels, pixels)
    };
    epoch.map(read).collect()
}

#[test]
fn images_in_files_make_the_epochs_of_those_in_memory() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [files, memory] = sets(folder.path(), false);
    let augmentation = Augmentation::new().with_crop_padding(2).with_mirror(true);
    for augmentation in [None, Some(Augmentation::new()), Some(augmentation)] {
        let expected = loader_of(memory.clone(), 1, augmentation);
        for threads in [1, 4] {
            let loader = loader_of(files.clone(), threads, augmentation);
            for _ in 0..2 {
                assert_eq!(rest(&mut loader.epoch()), rest(&mut expected.epoch()));
            }
            expected_again(&expected);
        }
    }
    let [files, memory] = [files, memory].map(|set| set.in_order(ChannelOrder::Bgr));
    for index in 0..files.len() {
        let [file, memory] = [&files, &memory].map(|set| set.pixels(index).expect("whole"));
        assert_eq!(file, memory);
    }
}

/// Back to the first epoch.
fn expected_again(loader: &EpochLoader) {
    if let Some(shuffle) = &loader.shuffle {
        shuffle.epochs.store(0, Ordering::Relaxed);
    }
}

#[test]
fn random_parts_are_the_same_ones_for_any_threads_and_workers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [files, memory] = sets(folder.path(), false);
    let augmentation = Augmentation::new().with_random_resized_crop(Some(true));
    let augmentation = Some(augmentation.with_mirror(true));
    let whole = rest(&mut loader_of(files.clone(), 1, augmentation).epoch());
    assert_eq!(
        whole,
        rest(&mut loader_of(files.clone(), 4, augmentation).epoch())
    );
    // Of an image in memory it is a part of what was left of it.
    let other = rest(&mut loader_of(memory, 1, augmentation).epoch());
    let labels = |epoch: &[(Vec<i64>, Vec<f32>)]| -> Vec<_> {
        epoch.iter().flat_map(|batch| batch.0.clone()).collect()
    };
    assert_eq!(labels(&whole), labels(&other));
    assert_ne!(whole, other);
    for rank in 0..2 {
        let deal = Deal {
            rank,
            size: 2,
            parts: 1,
        };
        let loader = loader_of(files.clone(), 2, augmentation).dealt(deal);
        let dealt = rest(&mut loader.epoch());
        for ((_, own), (_, all)) in dealt.iter().zip(&whole) {
            let share: Vec<_> = all.chunks_exact(216).skip(rank).step_by(2).collect();
            assert_eq!(*own, share.concat());
        }
    }
}

#[test]
fn a_broken_image_is_named_by_the_worker_that_needs_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [files, _] = sets(folder.path(), false);
    let broken = files.files().expect("files").path(7);
    fs::write(&broken, b"broken").expect("written");
    let mut first = loader_of(files.clone(), 2, None);
    let errors = |loader: &EpochLoader| -> Vec<_> {
        let epoch = loader.epoch();
        epoch
            .filter_map(|batch| Some(batch.err()?.to_string()))
            .collect()
    };
    let [error] = &errors(&first)[..] else {
        panic!("one error")
    };
    assert!(error.contains(&broken.display().to_string()), "{error}");
    let failure = first.supply().take_failure().expect("kept");
    assert!(matches!(failure, DataError::Image { path, .. } if path == broken));
    // It is the third of the second batch.
    let deal = |rank| Deal {
        rank,
        size: 2,
        parts: 1,
    };
    for (rank, expected) in [(0, 1), (1, 0)] {
        first = first.dealt(deal(rank));
        assert_eq!(errors(&first).len(), expected);
    }
}

#[test]
fn a_broken_image_is_replaced_in_a_training_and_left_out_of_a_test() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [files, _] = sets(folder.path(), true);
    for index in [7, 8] {
        fs::write(files.files().expect("files").path(index), b"broken").expect("written");
    }
    let count = files.len();
    let images = |batches: &[(Vec<i64>, Vec<f32>)]| -> usize {
        batches.iter().map(|(labels, _)| labels.len()).sum()
    };
    let training = loader_of(files.clone(), 1, Some(Augmentation::new()));
    let first = rest(&mut training.epoch());
    assert_eq!(images(&first), count);
    let said = training.supply().report();
    assert!(
        said.contains("2 broken images were replaced, the first: "),
        "{said}"
    );
    let again = loader_of(files.clone(), 4, Some(Augmentation::new()));
    assert_eq!(first, rest(&mut again.epoch()));
    assert_eq!(
        images(&rest(&mut loader_of(files.clone(), 4, None).epoch())),
        count - 2
    );
    // Where all are broken there is nothing to take their place.
    for index in 0..count {
        fs::write(files.files().expect("files").path(index), b"broken").expect("written");
    }
    let error = training.epoch().next().expect("a result");
    error.expect_err("all are broken");
    assert!(rest(&mut loader_of(files, 4, None).epoch()).is_empty());
}

#[test]
fn an_epoch_that_is_left_early_ends_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [files, _] = sets(folder.path(), false);
    let loader = loader_of(files, 4, Some(Augmentation::new()));
    for taken in [0, 1, 2] {
        let mut epoch = loader.epoch();
        for _ in 0..taken {
            epoch.next().expect("a batch").expect("whole");
        }
    }
    let said = loader.supply().report();
    assert!(said.ends_with(" % waiting for images"), "{said}");
}

#[test]
fn what_is_read_ahead_is_bounded() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [files, memory] = sets(folder.path(), false);
    let loader = loader_of(files, 4, None);
    assert_eq!(loader.most_ahead(5), 15);
    assert_eq!(loader.most_ahead(1), 8);
    assert_eq!(loader.most_ahead(usize::MAX), (256 << 20) / 216);
    let loader = loader_of(memory, 4, None);
    assert_eq!(loader.threads(), 0);
}
