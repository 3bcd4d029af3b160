import Foundation

/// Separable Gaussian on the canvas, black beyond the edge. Not for two threads at a time.
final class Blur {
    private let kernel: [Double]
    private let reach: Int
    private let line = Scratch<Double>()

    /// - Parameters:
    ///   - sigma: standard deviation, pixels; 0 leaves everything as it is.
    ///   - reach: of the kernel, in standard deviations.
    init(sigma: Double, reach: Double) {
        guard sigma > 0 else {
            (kernel, self.reach) = ([1], 0)
            return
        }
        let pixels = Int((reach * sigma).rounded(.up))
        let powers = (-pixels...pixels).map { exp(-0.5 * (Double($0) / sigma) * (Double($0) / sigma)) }
        let sum = powers.reduce(0, +)
        kernel = powers.map { $0 / sum }
        self.reach = pixels
    }

    func callAsFunction(_ values: UnsafeMutableBufferPointer<Double>, height: Int, width: Int, depth: Int) {
        guard reach > 0 else { return }
        for start in 0..<width * depth { along(values, from: start, step: width * depth, count: height) }
        for row in 0..<height {
            for channel in 0..<depth {
                along(values, from: row * width * depth + channel, step: depth, count: width)
            }
        }
    }

    private func along(_ values: UnsafeMutableBufferPointer<Double>, from start: Int, step: Int, count: Int) {
        let before = line.take(count)
        for i in 0..<count { before[i] = values[start + i * step] }
        for i in 0..<count {
            var sum = 0.0
            for j in max(0, i - reach)...min(count - 1, i + reach) { sum += kernel[i - j + reach] * before[j] }
            values[start + i * step] = sum
        }
    }
}
