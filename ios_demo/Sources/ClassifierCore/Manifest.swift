import Foundation

/// The contract of a bundle: what an app must know to feed the model and read its answer.
///
/// Keys that an app has no use for are not read, and a newer pipeline may have more of them.
public struct Manifest: Sendable, Equatable {
    /// `model.tflite`.
    public struct Model: Sendable, Equatable {
        /// Its name in the bundle.
        public let file: String
        /// How it is quantised.
        public let scheme: String
        /// Of the file, lower case hexadecimal.
        public let sha256: String
        /// Of the file.
        public let byteCount: Int
        /// The tensor that the app fills.
        public internal(set) var input: TensorSpec
        /// The tensor that the app reads.
        public internal(set) var output: TensorSpec
        /// Oldest runtime it was made for.
        public let runtimeFloor: String
        /// Oldest runtime that reads all its ops right; nil where it is not known.
        public let minRuntime: String?
        /// In the order in which an app should try them.
        public internal(set) var delegates: [DelegateName]
        public internal(set) var delegatePlan: DelegatePlan
    }

    public enum Profile: String, Sendable, CaseIterable { case full, smoke }

    public static let schemaVersion = 1
    public static let mostLabels = 100_000
    /// Longest manifest that is parsed. The pipeline's have some ten kilobytes, with many labels some more.
    public static let mostBytes = 16 << 20

    /// Of the recipe.
    public let name: String
    /// `smoke` marks a build for tests.
    public let profile: Profile
    public internal(set) var model: Model
    public internal(set) var preprocess: PreprocessSpec
    /// Nil where the dataset is not written by hand.
    public internal(set) var drawing: DrawingSpec?
    public internal(set) var postprocess: PostprocessSpec
    /// Class index to label.
    public internal(set) var labels: [String]
    public let golden: Golden

    /// Reads and checks a manifest.
    public static func read(_ text: String) throws(ManifestError) -> Manifest {
        try read(Data(text.utf8))
    }

    /// Reads and checks a manifest, UTF-8. Only here are its length, its text and its keys checked, not where a
    /// decoder of the caller's own makes one.
    public static func read(_ data: Data) throws(ManifestError) -> Manifest {
        guard data.count <= mostBytes else {
            throw ManifestError("manifest: \(data.count) bytes, more than \(mostBytes)")
        }
        try JsonScan.check(data)
        do {
            return try JSONDecoder().decode(Manifest.self, from: data)
        } catch {
            throw ManifestError(error)
        }
    }
}

extension Manifest: Decodable {
    private enum Key: String, CodingKey {
        case schema_version, name, profile, model, preprocess, drawing, postprocess, labels, golden
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        // First, so that of another version nothing else is asked.
        let version = try fields.decode(Double.self, forKey: .schema_version)
        guard version == Double(Self.schemaVersion) else {
            let shown = Int(exactly: version).map(String.init) ?? "\(version)"
            throw ManifestError("manifest: schema_version is \(shown), this app reads \(Self.schemaVersion)")
        }
        name = try fields.decode(String.self, forKey: .name)
        profile = try fields.choice(.profile)
        model = try fields.decode(Model.self, forKey: .model)
        preprocess = try fields.decode(PreprocessSpec.self, forKey: .preprocess)
        // Bundles from before these keys: nothing written by hand, and graphs that end in their softmax.
        drawing = try fields.decodeIfPresent(DrawingSpec.self, forKey: .drawing)
        postprocess =
            try fields.decodeIfPresent(PostprocessSpec.self, forKey: .postprocess)
            ?? PostprocessSpec(activation: .none)
        labels = try fields.decode([String].self, forKey: .labels)
        golden = try fields.decode(Golden.self, forKey: .golden)

        guard (2...Self.mostLabels).contains(labels.count) else {
            throw fields.refusal(.labels, "has \(labels.count), not 2 to \(Self.mostLabels)")
        }
        for (index, label) in labels.enumerated() {
            guard let fault = Self.fault(of: label) else { continue }
            throw ManifestError("manifest: labels[\(index)] is \(ManifestError.quoted(label)), \(fault)")
        }
        guard model.input.shape == [1] + preprocess.shape else {
            throw ManifestError(
                "manifest: the input takes \(model.input.shape), preprocessing gives \([1] + preprocess.shape)"
            )
        }
        guard model.output.shape == [1, labels.count] else {
            throw ManifestError("manifest: the output is \(model.output.shape), there are \(labels.count) labels")
        }
        guard Set(model.delegates) == model.delegatePlan.named else {
            throw ManifestError(
                "manifest: delegates are \(Self.list(model.delegates)), "
                    + "delegate_plan opens \(Self.list(model.delegatePlan.named))"
            )
        }
        if let wrong = golden.cases.first(where: { max($0.top1, $0.label ?? 0) >= labels.count }) {
            throw ManifestError(
                "manifest: golden case \(ManifestError.quoted(wrong.id)) has a class beyond the \(labels.count) labels"
            )
        }
        let image = golden.cases.first { $0.kind == .image && $0.pixelsShape != preprocess.shape }
        if let image {
            throw ManifestError(
                "manifest: golden case \(ManifestError.quoted(image.id)) is an image of \(image.pixelsShape), "
                    + "not of \(preprocess.shape)"
            )
        }
        if drawing == nil, let strokes = golden.cases.first(where: { $0.kind == .strokes }) {
            throw ManifestError(
                "manifest: golden case \(ManifestError.quoted(strokes.id)) has strokes, drawing is null"
            )
        }
    }

    /// Why a label cannot be shown on one line; nil where it can. The pipeline writes no other either.
    private static func fault(of label: String) -> String? {
        if label.isEmpty { return "not a label: it is empty" }
        // Most are plain, and a hundred thousand are soon looked over.
        if label.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return nil }
        let breaks = label.unicodeScalars.contains { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: true
            default: false
            }
        }
        return breaks ? "not a label without control characters and line separators" : nil
    }

    private static func list(_ names: some Collection<DelegateName>) -> String {
        names.isEmpty ? "none" : names.map(\.rawValue).sorted().joined(separator: ", ")
    }
}

extension Manifest.Model: Decodable {
    private enum Key: String, CodingKey {
        case file, scheme, sha256, bytes, input, output, runtime_floor, min_runtime, delegates, delegate_plan
    }

    private static let hexadecimal = Set("0123456789abcdef".utf8)

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        file = try fields.file(.file)
        scheme = try fields.decode(String.self, forKey: .scheme)
        sha256 = try fields.decode(String.self, forKey: .sha256)
        guard sha256.utf8.count == 64, sha256.utf8.allSatisfy({ Self.hexadecimal.contains($0) }) else {
            throw fields.refusal(.sha256, "is not 64 hexadecimal digits")
        }
        byteCount = try fields.whole(.bytes, in: 1...Int.max)
        input = try fields.decode(TensorSpec.self, forKey: .input)
        output = try fields.decode(TensorSpec.self, forKey: .output)
        runtimeFloor = try fields.decode(String.self, forKey: .runtime_floor)
        minRuntime = try fields.decodeIfPresent(String.self, forKey: .min_runtime)
        let names = try fields.decode([String].self, forKey: .delegates)
        delegates = try names.map { name in
            guard let known = DelegateName(rawValue: name) else {
                let all = DelegateName.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
                throw fields.refusal(.delegates, "has \(ManifestError.quoted(name)); this app knows \(all)")
            }
            return known
        }
        guard Set(delegates).count == delegates.count else {
            throw fields.refusal(.delegates, "names a delegate twice")
        }
        delegatePlan = try fields.decode(DelegatePlan.self, forKey: .delegate_plan)
    }
}
