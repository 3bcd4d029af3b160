import Foundation

/// From the output tensor to an answer: the twin of the pipeline's `postprocess.py`.
///
///     output tensor  -> (q - zeroPoint) * scale     float32; float tensors as they are
///                    -> softmax, where it is left   float64: exp(v - max) / sum
///                    -> probabilities               float64
public struct Postprocess: Sendable {
    public let spec: PostprocessSpec
    /// The tensor that is read.
    public let output: TensorSpec
    /// Class index to label.
    public let labels: [String]

    /// All three of one manifest: as many labels as the output has values.
    public init(spec: PostprocessSpec, output: TensorSpec, labels: [String]) {
        precondition(labels.count == output.count, "\(labels.count) labels for an output of \(output.shape)")
        precondition(output.isWhole, "an output of \(output.type) with the other kind's quantisation")
        self.spec = spec
        self.output = output
        self.labels = labels
    }

    /// The real numbers that the output tensor stands for.
    ///
    /// - Parameter bytes: `output.byteCount` of them, little-endian.
    public func real(_ bytes: UnsafeRawBufferPointer) -> [Float] {
        precondition(bytes.count == output.byteCount, "\(bytes.count) bytes of a tensor of \(output.byteCount)")
        guard let how = output.quantisation else {
            return (0..<output.count).map { i in
                let bits = bytes.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self)
                return Float(bitPattern: UInt32(littleEndian: bits))
            }
        }
        return bytes.map { byte in
            let q = output.type == .int8 ? Int(Int8(bitPattern: byte)) : Int(byte)
            return Float(q - how.zeroPoint) * Float(how.scale)
        }
    }

    /// The probability of each class.
    public func probabilities(_ bytes: UnsafeRawBufferPointer) -> [Double] {
        let values = real(bytes).map(Double.init)
        guard spec.activation == .softmax, let highest = values.max() else { return values }
        let powers = values.map { exp($0 - highest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    /// The `k` most probable classes (or all, if there are fewer), highest first; of equal ones the lower first; what
    /// is not a number last.
    ///
    /// - Parameters:
    ///   - probabilities: one for each label.
    ///   - k: at least 1.
    public func topK(_ probabilities: [Double], _ k: Int) -> [Recognition] {
        precondition(probabilities.count == labels.count, "\(probabilities.count) values for \(labels.count) labels")
        precondition(k >= 1, "k is \(k): at least one class is to be given")
        let order = probabilities.indices.sorted { a, b in
            let (left, right) = (probabilities[a], probabilities[b])
            if left.isNaN || right.isNaN { return left.isNaN == right.isNaN ? a < b : right.isNaN }
            return left != right ? left > right : a < b
        }
        return order.prefix(k).map { index in
            Recognition(index: index, label: labels[index], probability: probabilities[index])
        }
    }
}

/// A class that the model may have seen.
public struct Recognition: Sendable, Equatable, Identifiable {
    public let index: Int
    public let label: String
    /// 0...1.
    public let probability: Double
    public var id: Int { index }

    public init(index: Int, label: String, probability: Double) {
        self.index = index
        self.label = label
        self.probability = probability
    }
}
