//! Machines without a GPU, or with a broken driver, played by the environment of a child process.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// What the child process opens.
const BACKEND: &str = "PARITY_OPEN_BACKEND";

/// Runs in the child process alone.
#[test]
fn open_in_child() {
    if let Ok(name) = std::env::var(BACKEND) {
        match vgg::device(&name) {
            Ok(_) => println!("opened"),
            Err(error) => println!("refused: {error}"),
        }
    }
}

/// What the child says about opening `backend` with the variables `environment`.
fn open(backend: &str, environment: &[(&str, &str)]) -> String {
    let start = Instant::now();
    let test = std::env::current_exe().expect("a running test");
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(test)
        .args(["--exact", "unavailable::open_in_child", "--nocapture"])
        .env(BACKEND, backend)
        .envs(environment.iter().copied())
        .output()
        .expect("it starts");
    let errors = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
    assert!(start.elapsed() < Duration::from_secs(5), "it took too long");
    String::from_utf8_lossy(&stdout).into_owned()
}

/// Nor OpenGL, which would take Vulkan's place.
#[cfg(target_os = "linux")]
const NO_GL: (&str, &str) = ("__EGL_VENDOR_LIBRARY_FILENAMES", "/nonexistent.json");

#[cfg(target_os = "linux")]
#[test]
fn no_driver() {
    let missing = "/nonexistent.json";
    let answer = open(
        "wgpu",
        &[
            ("VK_DRIVER_FILES", missing),
            ("VK_ICD_FILENAMES", missing),
            NO_GL,
        ],
    );
    assert!(answer.contains("looked for adapters of Vulkan"), "{answer}");
    assert!(answer.contains(missing), "{answer}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_driver_that_does_not_load() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = folder.path().join("libvulkan_broken.so");
    std::fs::write(&library, "no library").expect("written");
    let icd = folder.path().join("broken.json");
    let text = serde_json::json!({
        "file_format_version": "1.0.0",
        "ICD": { "library_path": library, "api_version": "1.3.0" },
    });
    std::fs::write(&icd, text.to_string()).expect("written");
    let icd = icd.to_str().expect("a path");
    let answer = open(
        "wgpu",
        &[("VK_DRIVER_FILES", icd), ("VK_ICD_FILENAMES", icd), NO_GL],
    );
    assert!(answer.contains("looked for adapters of Vulkan"), "{answer}");
    assert!(answer.contains(icd), "{answer}");
}

#[cfg(target_os = "linux")]
#[test]
fn no_vulkan_loader() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["libvulkan.so.1", "libvulkan.so"] {
        std::fs::write(folder.path().join(name), "no library").expect("written");
    }
    let path = folder.path().to_str().expect("a path");
    let answer = open("wgpu", &[("LD_LIBRARY_PATH", path), NO_GL]);
    assert!(answer.contains("looked for adapters of Vulkan"), "{answer}");
}

#[test]
fn a_device_that_is_not_there() {
    let answer = open("wgpu:99", &[]);
    let expected = "the backend \"wgpu\" has no device 99; it has 0 (";
    assert!(answer.contains(expected), "{answer}");
}

#[test]
fn a_layer_that_the_device_cannot_reach() {
    let Ok(devices) = vgg::device::devices("wgpu") else {
        return;
    };
    let most = devices[0].largest_tensor.expect("wgpu has a limit");
    assert_eq!(vgg::device::check_tensor("wgpu", most), Ok(()));
    let error = vgg::device::check_tensor("wgpu", most + 1).expect_err("too large");
    assert!(
        error.to_string().contains("is too large for the backend"),
        "{error}"
    );
    assert_eq!(vgg::device::check_tensor("flex", u64::MAX), Ok(()));

    // Without being asked, too: Burn would panic later.
    let device = vgg::device("wgpu").expect("it is there");
    for name in ["vgg16-28", "vgg16"] {
        let config = vgg::VggConfig::named(name).expect("known");
        let fits = config.largest_weight_bytes() <= most;
        match config.init(&device) {
            Ok(_) => assert!(fits, "{name}"),
            Err(vgg::ConfigError::Device(_)) => assert!(!fits, "{name}"),
            Err(error) => panic!("{error}"),
        }
    }
}
