//! A panic ends the module: the page is told why, and starts another one.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// Defined by the worker.
    #[wasm_bindgen(js_name = "reportPanic")]
    fn report_panic(message: &str);
}

/// Runs when the module is loaded.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| report_panic(&panic.to_string())));
}
