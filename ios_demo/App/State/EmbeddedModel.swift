import ClassifierCore
import CryptoKit
import Foundation

/// A slot's manifest and model, checked against each other.
struct EmbeddedModel: Sendable {
    private static let folder = "Models"

    let manifest: Manifest
    /// Where the model lies in the app.
    let file: URL

    /// Opens what the slot holds; blocks on storage.
    ///
    /// - Returns: nil where nothing was embedded.
    /// - Throws: `ManifestError`: the manifest cannot be followed; `EngineError`: the model is not the one it
    ///   describes.
    init?(_ slot: Slot, in bundle: Bundle = .main) throws {
        guard let resources = bundle.resourceURL else { return nil }
        let folder = resources.appendingPathComponent(Self.folder).appendingPathComponent(slot.rawValue)
        let text = folder.appendingPathComponent("manifest.json")
        guard FileManager.default.fileExists(atPath: text.path) else { return nil }
        manifest = try Manifest.read(Data(contentsOf: text))
        file = folder.appendingPathComponent(manifest.model.file)
        let digest = SHA256.hash(data: try Data(contentsOf: file, options: .mappedIfSafe))
        let found = digest.map { String(format: "%02x", $0) }.joined()
        guard found == manifest.model.sha256 else {
            throw EngineError(
                message: "\(manifest.model.file) has sha256 \(found), its manifest says \(manifest.model.sha256): "
                    + "embed the bundle again"
            )
        }
        if slot == .drawing, manifest.drawing == nil {
            throw EngineError(message: "\(manifest.name) has no drawing in its manifest: it is no model for the pad")
        }
    }

    /// The model on the best delegate; blocks for up to some seconds.
    static func open(_ slot: Slot) throws -> OpenModel? {
        guard let embedded = try EmbeddedModel(slot) else { return nil }
        let classifier = try LiveClassifier.open(embedded.manifest, embedded.file)
        return OpenModel(manifest: embedded.manifest, classifier: classifier)
    }
}
