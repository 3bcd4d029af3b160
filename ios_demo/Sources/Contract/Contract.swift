import ClassifierCore
import Foundation
import GoldenCases

/// `contract CASES OUT`: what this language makes of each case, for `pipeline verify --contract` to compare.
///
///     CASES/manifest.json, cases.json, ID/pixels.u8 or ID/output.bin
///     OUT/ID/pixels.u8 (strokes), image.u8, tensor.bin, probabilities.f64, top.u32
@main
struct Contract {
    /// Classes that are told of an output.
    static let best = 5

    static func main() {
        do {
            guard CommandLine.arguments.count == 3 else {
                throw CaseError(message: "usage: contract CASES OUT")
            }
            let (cases, out) = (CommandLine.arguments[1], CommandLine.arguments[2])
            try Runner(URL(fileURLWithPath: cases), URL(fileURLWithPath: out)).run()
        } catch {
            FileHandle.standardError.write(Data("contract: \(error)\n".utf8))
            exit(1)
        }
    }
}

private struct CaseList: Decodable {
    let cases: [Case]
}

private struct Case: Decodable {
    enum Kind: String, Decodable { case picture, image, strokes, output }

    let id: String
    let kind: Kind
    let pixels_shape: [Int]?
    let strokes: [[[Double]]]?
}

private struct Runner {
    let cases: URL
    let out: URL
    let manifest: Manifest
    let preprocess: Preprocess
    let postprocess: Postprocess

    init(_ cases: URL, _ out: URL) throws {
        self.cases = cases
        self.out = out
        manifest = try Manifest.read(GoldenFolder.read(cases.appendingPathComponent("manifest.json")))
        preprocess = Preprocess(spec: manifest.preprocess, input: manifest.model.input)
        postprocess = Postprocess(
            spec: manifest.postprocess, output: manifest.model.output, labels: manifest.labels
        )
    }

    func run() throws {
        let file = cases.appendingPathComponent("cases.json")
        for each in try JSONDecoder().decode(CaseList.self, from: GoldenFolder.read(file)).cases {
            do {
                guard BundlePath.staysInside(each.id) else { throw CaseError(message: "not a folder's name") }
                let folder = out.appendingPathComponent(each.id)
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                try answer(each, into: folder)
            } catch {
                throw CaseError(message: "case \(each.id): \(error)")
            }
        }
    }

    private func answer(_ each: Case, into folder: URL) throws {
        switch each.kind {
        case .picture:
            try follow(pixels(each), into: folder)
        case .image:
            try write(image: pixels(each), into: folder)
        case .strokes:
            guard let drawing = manifest.drawing else { throw CaseError(message: "the manifest has no drawing") }
            guard let strokes = each.strokes else { throw CaseError(message: "it has no strokes") }
            let drawn = try Drawing(drawing).draw(GoldenFolder.strokes(strokes))
            try Data(drawn.bytes).write(to: folder.appendingPathComponent("pixels.u8"))
            try follow(drawn, into: folder)
        case .output:
            let output = try GoldenFolder.read(cases.appendingPathComponent("\(each.id)/output.bin"))
            guard output.count == manifest.model.output.byteCount else {
                throw CaseError(message: "output.bin has \(output.count) bytes")
            }
            let probabilities = output.withUnsafeBytes(postprocess.probabilities)
            let top = postprocess.topK(probabilities, Contract.best)
            try bytes(probabilities.map(\.bitPattern.littleEndian))
                .write(to: folder.appendingPathComponent("probabilities.f64"))
            try bytes(top.map { UInt32($0.index).littleEndian }).write(to: folder.appendingPathComponent("top.u32"))
        }
    }

    private func pixels(_ each: Case) throws -> Pixels {
        let data = try GoldenFolder.read(cases.appendingPathComponent("\(each.id)/pixels.u8"))
        guard let shape = each.pixels_shape else { throw CaseError(message: "it has no pixels_shape") }
        return try GoldenFolder.pixels(data, shape: shape)
    }

    private func follow(_ pixels: Pixels, into folder: URL) throws {
        try write(image: preprocess.picture(pixels), into: folder)
    }

    private func write(image: Pixels, into folder: URL) throws {
        let spec = preprocess.spec
        guard (image.height, image.width, image.channels) == (spec.height, spec.width, spec.depth) else {
            throw CaseError(message: "the image is \(image.height) x \(image.width) x \(image.channels)")
        }
        try Data(image.bytes).write(to: folder.appendingPathComponent("image.u8"))
        var tensor = [UInt8](repeating: 0, count: manifest.model.input.byteCount)
        tensor.withUnsafeMutableBytes { preprocess.fill(image, into: $0) }
        try Data(tensor).write(to: folder.appendingPathComponent("tensor.bin"))
    }

    private func bytes(_ values: [some BitwiseCopyable]) -> Data { values.withUnsafeBytes { Data($0) } }
}
