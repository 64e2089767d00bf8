use super::*;

#[test]
fn an_unknown_backend_lists_the_compiled_ones() {
    let message = device("tpu").expect_err("unknown").to_string();
    assert!(
        message.starts_with("there is no backend named \"tpu\"; compiled in: "),
        "{message}"
    );
    #[cfg(feature = "flex")]
    assert!(message.contains("compiled in: flex"), "{message}");
    #[cfg(not(feature = "ndarray"))]
    assert!(
        message.contains("ndarray with --features ndarray"),
        "{message}"
    );
}

#[test]
fn a_missing_backend_names_its_feature() {
    for backend in backends() {
        if backend.driver.is_none() {
            let message = device(backend.name).expect_err("not compiled").to_string();
            let expected = format!("build with --features {}", backend.name);
            assert!(message.contains(&expected), "{message}");
        }
    }
}

#[cfg(feature = "flex")]
#[test]
fn a_device_is_a_number_that_exists() {
    device("flex").expect("always there");
    device("flex:0").expect("the only one");
    let message = device("flex:99").expect_err("only one").to_string();
    let expected = "the backend \"flex\" has no device 99; it has 0 (";
    assert!(message.starts_with(expected), "{message}");
    let message = device("flex:a").expect_err("no number").to_string();
    assert!(message.contains("found \"a\""), "{message}");
}

#[cfg(feature = "flex")]
#[test]
fn devices_are_listed_with_name_and_kind() {
    let found = devices("flex").expect("always there");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, "CPU");
    assert!(!found[0].name.is_empty());
    assert!(describe_devices().contains("flex:0     "));
}

#[cfg(all(feature = "webgpu", not(target_family = "wasm")))]
#[test]
fn webgpu_outside_of_a_browser() {
    let message = device("webgpu").expect_err("no browser").to_string();
    assert!(message.contains("WebGPU is a browser's"), "{message}");
}
