import ClassifierCore
import Foundation
import Testing

@Suite struct ManifestTests {
    @Test func readsEveryField() throws {
        let manifest = try Manifest.read(SampleManifest.text)
        #expect(manifest.name == "sample" && manifest.profile == .full)
        #expect(manifest.labels == ["zero", "one", "two"])
        let model = manifest.model
        #expect(model.file == "model.tflite" && model.byteCount == 63_770 && model.minRuntime == nil)
        #expect(model.input.shape == [1, 28, 28] && model.input.type == .uint8 && model.input.byteCount == 784)
        #expect(model.output.quantisation?.scale == 1 / 256 && model.output.quantisation?.zeroPoint == -128)
        #expect(model.delegates == [.coreml, .metal, .gpu, .nnapi, .xnnpack])
        #expect(model.delegatePlan.metal?.wait == .doNotWait && model.delegatePlan.metal?.precisionLossAllowed == false)
        #expect(model.delegatePlan.coreml?.devices == .all && model.delegatePlan.coreml?.maxPartitions == nil)
        #expect(model.delegatePlan.xnnpack?.threads == 4)
        let spec = manifest.preprocess
        #expect(spec.channels == .gray && spec.invert && spec.crop == .ink && spec.inkThreshold == 32)
        #expect(spec.fit == 20 && spec.place == .mass && spec.blurSigma == 0.5 && spec.shape == [28, 28])
        #expect(manifest.drawing?.side == 280 && manifest.drawing?.pen == 0.22)
        #expect(manifest.postprocess.activation == .softmax)
        #expect(manifest.golden.cases.map(\.kind) == [.image, .picture, .strokes])
        #expect(manifest.golden.cases.map(\.label) == [2, 0, nil])
        #expect(manifest.golden.encodedFile == "golden/encoded.png")
    }

    @Test func bundlesFromBeforeDrawingAndPostprocess() throws {
        func plain(_ text: String) -> String { text.replacingOccurrences(of: "\"strokes\"", with: "\"picture\"") }
        #expect(try Manifest.read(plain(SampleManifest.with("drawing", nil))).drawing == nil)
        #expect(try Manifest.read(plain(SampleManifest.with("drawing", NSNull()))).drawing == nil)
        #expect(try Manifest.read(SampleManifest.with("postprocess", nil)).postprocess.activation == .none)
    }

    @Test func longerLabelsThanTheOldLimitAreReadQuickly() throws {
        let labels = (0..<Manifest.mostLabels).map { "class \($0)" }
        var text = try SampleManifest.with("labels", labels)
        text = text.replacingOccurrences(of: "\"shape\":[1,3]", with: "\"shape\":[1,\(labels.count)]")
        #expect(try Manifest.read(text).labels.count == Manifest.mostLabels)
    }
}

/// What a manifest must not say, and the sentence that refuses it.
struct Hostile: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: @Sendable () throws -> String
    let says: String

    init(_ name: String, _ says: String, _ text: @escaping @Sendable () throws -> String) {
        (testDescription, self.says, self.text) = (name, says, text)
    }

    /// A field that is replaced.
    static func field(_ path: String, _ value: @autoclosure @escaping @Sendable () -> Any, _ says: String) -> Hostile {
        Hostile("\(path) is \(value())", says) { try SampleManifest.with(path, value()) }
    }

    static func missing(_ path: String) -> Hostile {
        Hostile("\(path) missing", "\(path) is missing") { try SampleManifest.with(path, nil) }
    }

    static let notJson: [Hostile] = [
        Hostile("empty", "not JSON") { "" },
        Hostile("not JSON", "not JSON") { "{\"schema_version\": 1" },
        Hostile("a list", "all of it is not an object") { "[1]" },
        Hostile("NaN", "not JSON") {
            SampleManifest.replacing("\"scale\": 1.0, \"offset\"", "\"scale\": NaN, \"offset\"")
        },
        Hostile("half a character in a key", "not JSON") {
            SampleManifest.replacing("\"a key of a newer pipeline\"", "\"\\ud800\"")
        },
        Hostile("half a character in a text", "not JSON") { SampleManifest.replacing("\"sample\"", "\"\\udc00\"") },
        Hostile("infinite", "not JSON") {
            SampleManifest.replacing("\"scale\": 1.0, \"offset\"", "\"scale\": 1e999, \"offset\"")
        },
        Hostile("nested a million deep", "nested more than 64 levels deep") {
            "{\"schema_version\": 1, \"x\": " + String(repeating: "[", count: 1_000_000)
        },
        Hostile("17 MB", "bytes, more than") { String(repeating: " ", count: 17 << 20) },
        Hostile("a field twice", "'name' stands twice in one object") {
            SampleManifest.replacing("\"name\": \"sample\"", "\"name\": \"sample\", \"name\" : \"other\"")
        },
        Hostile("a field twice, once escaped", "'name' stands twice in one object") {
            SampleManifest.replacing("\"name\": \"sample\"", "\"name\": \"sample\", \"n\\u0061me\": \"other\"")
        },
        Hostile("a long field twice", "stands twice in one object") {
            let key = "\"\\n" + String(repeating: "e\u{301}", count: 10_000) + "\": 1, "
            return SampleManifest.replacing("\"name\": \"sample\"", key + key + "\"name\": \"sample\"")
        },
        Hostile("a control character in a key", "not JSON: a text holds a control character") {
            SampleManifest.replacing("\"a key of a newer pipeline\"", "\"a\u{1B}\"")
        },
        Hostile("an escape that is none in a key", "not JSON: a text holds an escape that is none") {
            SampleManifest.replacing("\"a key of a newer pipeline\"", "\"\\x41\"")
        },
        Hostile("an escape cut off in a key", "not JSON: an escape without its four digits") {
            SampleManifest.replacing("\"a key of a newer pipeline\"", "\"\\u12\"")
        },
        Hostile("a byte order mark", "not UTF-8 without a byte order mark") { "\u{FEFF}" + SampleManifest.text },
        Hostile("half a million empty objects that are not read", "more than 500000 values") {
            let many = "[" + String(repeating: "{}, ", count: 500_000) + "{}]"
            return SampleManifest.replacing("[1, null]", many)
        },
        Hostile("a million labels", "more than 500000 values") {
            let many = "[" + String(repeating: "\"\",", count: 1_000_000) + "\"\"]"
            return SampleManifest.replacing("[\"zero\", \"one\", \"two\"]", many)
        },
        Hostile("version 1.5", "schema_version is 1.5, this app reads 1") { "{\"schema_version\": 1.5}" },
        Hostile("version 1e30", "schema_version is 1e+30, this app reads 1") { "{\"schema_version\": 1e30}" },
        Hostile("another version", "schema_version is 2, this app reads 1") {
            "{\"schema_version\": 2, \"everything\": \"else\"}"
        },
    ]

    static let absent: [Hostile] = [
        "schema_version", "name", "profile", "model", "preprocess", "labels", "golden", "model.file", "model.sha256",
        "model.input", "model.output", "model.input.shape", "model.input.dtype", "model.delegates",
        "model.delegate_plan", "model.runtime_floor", "preprocess.height", "preprocess.invert", "preprocess.crop",
        "preprocess.fit", "preprocess.scale", "preprocess.blur_sigma", "drawing.pen", "postprocess.activation",
        "golden.cases", "golden.image_tolerance", "golden.encoded",
    ].map(Hostile.missing)

    static let tensors: [Hostile] = [
        .field("model.input.scale", 0, "model.input.scale is 0.0"),
        .field("model.input.scale", -0.5, "model.input.scale is -0.5"),
        .field("model.input.scale", 1e-300, "not a positive number of 32 bits"),
        .field("model.input.scale", NSNull(), "needs scale and zero_point"),
        .field("model.input.scale", "1.0", "model.input.scale is not a number"),
        .field("model.input.zero_point", 256, "model.input.zero_point is 256, not 0 to 255"),
        .field("model.output.zero_point", 128, "model.output.zero_point is 128, not -128 to 127"),
        .field("model.input.zero_point", 0.5, "model.input.zero_point is 0.5, not a whole number"),
        .field("model.input.dtype", "int16", "model.input.dtype is 'int16'; this app knows 'float32', 'uint8', 'int8'"),
        .field("model.input.dtype", "float32", "a float32 tensor has no scale"),
        .field("model.input.shape", [1, 28, 27], "the input takes [1, 28, 27], preprocessing gives [1, 28, 28]"),
        .field("model.input.shape", [1, -28, -28], "not 1 to 64000000 values"),
        .field("model.input.shape", [1, 0, 28], "not 1 to 64000000 values"),
        .field("model.input.shape", [1, 1 << 40, 1 << 40], "not 1 to 64000000 values"),
        .field("model.input.shape", [Int](), "the input takes []"),
        .field("model.input.shape", "28", "model.input.shape is not a list"),
        Hostile("a shape of 100,000 ones", "model.input.shape has 100000 lengths, more than 8") {
            try SampleManifest.with("model.input.shape", [Int](repeating: 1, count: 100_000))
        },
        .field("model.output.shape", [1, 4], "the output is [1, 4], there are 3 labels"),
        .field("labels", ["one"], "labels has 1, not 2 to 100000"),
        .field("labels", ["one", NSNull(), "two"], "labels[1] is null"),
        .field("labels", ["one", 2, "three"], "labels[1] is not a text"),
        Hostile("100,001 labels", "labels has 100001") {
            try SampleManifest.with("labels", [String](repeating: "x", count: 100_001))
        },
    ]

    static let steps: [Hostile] = [
        .field("preprocess.channels", "bgr", "preprocess.channels is 'bgr'; this app knows 'gray', 'rgb'"),
        .field("preprocess.crop", "cover", "preprocess.crop is 'cover'; this app knows 'none', 'center_square', 'ink'"),
        .field("preprocess.crop", "none", "fit, ink_threshold and place go with crop 'ink'"),
        .field("preprocess.place", "corner", "preprocess.place is 'corner'"),
        .field("preprocess.fit", 29, "fit no larger than the input"),
        .field("preprocess.fit", 0, "fit no larger than the input"),
        .field("preprocess.fit", NSNull(), "fit no larger than the input"),
        .field("preprocess.height", -28, "preprocess.height is -28, not 1 to 4096"),
        .field("preprocess.height", 28.5, "preprocess.height is 28.5, not a whole number"),
        .field("preprocess.width", 5000, "preprocess.width is 5000"),
        .field("preprocess.invert", "yes", "preprocess.invert is not true or false"),
        .field("preprocess.ink_threshold", 255, "preprocess.ink_threshold is 255, not 0 to 254"),
        .field("preprocess.blur_sigma", 9, "preprocess.blur_sigma is 9.0, not 0.0 to 8.0"),
        .field("preprocess.scale", 0, "make every picture the same"),
        .field("preprocess.scale", 1e39, "leave the range of float32"),
        .field("preprocess.scale", 1e37, "leave the range of float32"),
        .field("preprocess.scale", -1e-38, "leave the range of float32"),
        .field("preprocess.offset", -1e39, "leave the range of float32"),
        .field("preprocess.height", 1e30, "preprocess.height is 1e+30, not 1 to 4096"),
        .field(
            "postprocess.activation", "sigmoid", "postprocess.activation is 'sigmoid'; this app knows 'none', 'softmax'"
        ),
        .field("drawing.side", 15, "drawing.side is 15, not 16 to 1024"),
        .field("drawing.pen", 0, "drawing.pen is 0.0, not above 0"),
        .field("drawing.pen", 0.6, "drawing.pen is 0.6, not 0.0 to 0.5"),
        .field("drawing", 280, "drawing is not an object"),
    ]

    static let rest: [Hostile] = [
        .field("profile", "demo", "profile is 'demo'"),
        .field("profile", "a\nb\u{202E}", "profile is 'a\\u{a}b\\u{202e}'; this app"),
        Hostile("a profile of a million accents", "...'; this app knows 'full', 'smoke'") {
            try SampleManifest.with("profile", "\n" + String(repeating: "\u{301}", count: 1_000_000))
        },
        Hostile("a delegate of a million letters", "...'; this app knows") {
            try SampleManifest.with("model.delegates", [String(repeating: "x", count: 1_000_000)])
        },
        Hostile("a case's name of a million letters", "golden.cases[0].id is 'xxxx") {
            try SampleManifest.with("golden.cases.0.id", String(repeating: "x", count: 1_000_000))
        },
        .field("model.file", "..", "not the name of a file in the bundle"),
        .field("model.file", "a\\b", "not the name of a file in the bundle"),
        .field("model.file", "a\u{1}", "not the name of a file in the bundle"),
        .field("golden.encoded", ["picture-000", "../\u{301}x"], "golden.encoded is not a case and a file"),
        .field("golden.encoded", ["picture-000", "..\u{301}/../x"], "golden.encoded is not a case and a file"),
        .field("golden.cases.0.pixels_shape", [28, 20_001], "not (height, width[, channels])"),
        .field("golden.cases.0.pixels_shape", [28, 28, 2], "not (height, width[, channels])"),
        .field("golden.cases.0.id", "picture-000", "golden.cases has the id 'picture-000' twice"),
        .field(
            "golden.encoded", ["nobody", "golden/encoded.png"], "golden.encoded names 'nobody', which is no golden case"
        ),
        .field("drawing", NSNull(), "golden case 'strokes-000' has strokes, drawing is null"),
        .field(
            "golden.cases.0.pixels_shape", [28, 29], "golden case 'image-000' is an image of [28, 29], not of [28, 28]"
        ),
        .field("labels.1", "", "labels[1] is '', not a label: it is empty"),
        .field("labels.2", "on\ne", "labels[2] is 'on\\u{a}e', not a label without control characters"),
        .field("labels.0", "\u{9B}1m", "labels[0] is '\\u{9b}1m', not a label without control characters"),
        .field("labels.0", "\u{E9}\u{2028}", "labels[0] is '\u{E9}\\u{2028}', not a label without control"),
        .field("model.file", "../model.tflite", "not the name of a file in the bundle"),
        .field("model.file", "", "not the name of a file in the bundle"),
        .field("model.sha256", "beef", "model.sha256 is not 64 hexadecimal digits"),
        .field("model.bytes", 0, "model.bytes is 0"),
        .field("model.delegates", ["tpu"], "model.delegates has 'tpu'; this app knows 'gpu', 'metal'"),
        .field("model.delegates", ["xnnpack"], "delegates are xnnpack, delegate_plan opens coreml, gpu, metal"),
        .field("model.delegates", ["xnnpack", "xnnpack"], "names a delegate twice"),
        .field("model.delegate_plan.metal.wait", "patiently", "model.delegate_plan.metal.wait is 'patiently'"),
        .field("model.delegate_plan.coreml.coreml_version", 4, "coreml_version is 4, not 2 to 3"),
        .field("model.delegate_plan.xnnpack.threads", 0, "threads is 0, not 1 to 16"),
        .field("golden.cases", [Any](), "golden.cases is empty"),
        .field("golden.cases.0.kind", "film", "golden.cases[0].kind is 'film'"),
        .field("golden.cases.0.id", "../../etc", "not the name of a file in the bundle"),
        .field("golden.cases.0.pixels_shape", [28], "is [28], not (height, width[, channels])"),
        .field("golden.cases.0.pixels_shape", [-1, 28], "not (height, width[, channels])"),
        .field("golden.cases.0.top1", 3, "golden case 'image-000' has a class beyond the 3 labels"),
        .field("golden.image_tolerance", -1, "golden.image_tolerance is -1"),
        .field("golden.encoded", ["picture-000", "/etc/passwd"], "golden.encoded is not a case and a file"),
    ]
}

@Suite struct HostileManifestTests {
    @Test func bytesThatAreNoText() {
        for byte in [0xFF, 0xC0, 0x80] as [UInt8] {
            let key = Data(Array("{\"schema_version\": 1, \"".utf8) + [byte] + Array("\": 1}".utf8))
            #expect(throws: ManifestError.self) { try Manifest.read(key) }
        }
    }

    /// A decoder would guess UTF-16 from its zero bytes, mark or none.
    @Test func otherEncodingsAreRefused() throws {
        for encoding in [.utf16LittleEndian, .utf16BigEndian, .utf16, .utf32] as [String.Encoding] {
            let data = try #require(SampleManifest.text.data(using: encoding))
            #expect(throws: ManifestError.self) { try Manifest.read(data) }
        }
    }

    /// Whoever decodes on his own meets the version first too.
    @Test func aDecoderOfTheCallersOwnAsksForTheVersion() throws {
        let other = Data(try SampleManifest.with("schema_version", 2).utf8)
        #expect(throws: ManifestError.self) { try JSONDecoder().decode(Manifest.self, from: other) }
    }

    @Test func escapedPairsAndKeysOfOtherObjectsAreTaken() throws {
        let text = SampleManifest.replacing("\"sample\"", "\"\\ud83d\\ude00 \\\" \\\\ { [ , name\"")
        #expect(try Manifest.read(text).name == "\u{1F600} \" \\ { [ , name")
    }

    /// Texts compare by their meaning, keys of JSON by their code points: both of these are taken, as the twins do.
    @Test func keysThatLookAlikeAreTwo() throws {
        let keys = "\"caf\u{E9}\": 1, \"cafe\u{301}\": 2, \"cafe\\u0301s\": 3, \"caf\\u00e9s\": 4, "
        let text = SampleManifest.replacing("\"name\": \"sample\"", keys + "\"name\": \"sample\"")
        #expect(try Manifest.read(text).name == "sample")
    }

    @Test func labelsOfAnyScriptAndPlaneAreTaken() throws {
        let label = "\u{E9}t\u{E9} \u{732B} \u{1F600}"
        #expect(try Manifest.read(SampleManifest.with("labels.1", label)).labels[1] == label)
    }

    @Test(arguments: Hostile.notJson) func notJson(_ hostile: Hostile) throws { try refused(hostile) }
    @Test(arguments: Hostile.absent) func absent(_ hostile: Hostile) throws { try refused(hostile) }
    @Test(arguments: Hostile.tensors) func tensors(_ hostile: Hostile) throws { try refused(hostile) }
    @Test(arguments: Hostile.steps) func steps(_ hostile: Hostile) throws { try refused(hostile) }
    @Test(arguments: Hostile.rest) func rest(_ hostile: Hostile) throws { try refused(hostile) }

    private func refused(_ hostile: Hostile) throws {
        let text = try hostile.text()
        do throws(ManifestError) {
            _ = try Manifest.read(text)
            Issue.record("it was taken")
        } catch {
            #expect(error.message.contains(hostile.says), "\(error.message)")
            #expect(error.message.utf8.count < 400)
            #expect(error.message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        }
    }
}
