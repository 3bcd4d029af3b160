import ClassifierCore
import Foundation

/// The classifier of the app: an embedded model on the best delegate that its manifest names and the device has.
enum LiveClassifier {
    /// Opens a model; takes up to some seconds, so that no actor of the screen may call it.
    ///
    /// - Returns: what falls back to the next delegate where the one in use fails later on.
    /// - Throws: `EngineError`: no delegate takes it, or it needs a newer TensorFlow Lite than the app's.
    static func open(_ manifest: Manifest, _ file: URL) throws -> FallbackClassifier {
        // An older runtime may load a newer model and answer nonsense: it is not to be tried.
        if let needed = manifest.model.minRuntime, RuntimeVersion(TfliteEngine.version) < RuntimeVersion(needed) {
            throw EngineError(
                message: "the model needs TensorFlow Lite \(needed) or newer, this app has \(TfliteEngine.version)"
            )
        }
        return try FallbackClassifier(manifest.model) { choice in
            ModelClassifier(manifest, engine: try TfliteEngine(file, manifest.model, choice))
        }
    }
}
