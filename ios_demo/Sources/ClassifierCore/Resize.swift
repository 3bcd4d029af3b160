/// Bilinear resize with antialiasing: first along each row, then along each column, in float64.
///
/// Output pixel `i` looks at `(i + 0.5) * source / target` with a triangle of half-width
/// `max(1, source / target)` source pixels, weights normalised to 1. Source rows come one at a time and are added
/// to the rows they belong to, so that of a photo only one row is there as float64.
///
/// Not for two threads at a time.
final class Resize {
    /// Rows and columns of a plane; values of a pixel lie side by side.
    struct Size: Hashable {
        let height: Int
        let width: Int
    }

    /// Pairs of lengths whose weights are kept: the photos of a phone share theirs.
    static let mostWeights = 32

    private struct Lengths: Hashable {
        let source: Int
        let target: Int
    }

    private let arithmetic: Arithmetic
    private var weights: [Lengths: TriangleWeights] = [:]
    private let wide = Scratch<Double>()
    private let narrow = Scratch<Double>()

    init(_ arithmetic: Arithmetic) { self.arithmetic = arithmetic }

    /// - Parameters:
    ///   - row: writes source row `y` as `source.width * depth` values.
    ///   - out: takes `target.height * target.width * depth` values.
    func callAsFunction(
        _ source: Size, depth: Int, to target: Size, into out: UnsafeMutableBufferPointer<Double>,
        row: (_ y: Int, _ values: UnsafeMutablePointer<Double>) -> Void
    ) {
        precondition(out.count == target.height * target.width * depth)
        let columns = weights(source.width, target.width)
        let rows = weights(source.height, target.height)
        guard
            let line = wide.take(source.width * depth).baseAddress,
            let across = narrow.take(target.width * depth).baseAddress,
            let canvas = out.baseAddress
        else { return }
        out.update(repeating: 0)
        let length = target.width * depth
        var reached = 0
        for y in 0..<source.height {
            while reached < target.height, rows.end(reached) <= y { reached += 1 }
            guard reached < target.height, rows.first[reached] <= y else { continue }
            row(y, line)
            if depth == 3 {
                columns.applyToColour(line, into: across)
            } else {
                columns.applyToGrey(line, into: across)
            }
            var i = reached
            while i < target.height, rows.first[i] <= y {
                if y < rows.end(i) {
                    let weight = rows.weight(of: y, in: i)
                    let sums = canvas + i * length
                    for x in 0..<length { sums[x] += weight * across[x] }
                }
                i += 1
            }
        }
    }

    private func weights(_ source: Int, _ target: Int) -> TriangleWeights {
        let lengths = Lengths(source: source, target: target)
        if let known = weights[lengths] { return known }
        if weights.count == Self.mostWeights { weights.removeAll(keepingCapacity: true) }
        let made = TriangleWeights(source: source, target: target, arithmetic)
        weights[lengths] = made
        return made
    }
}

/// For each output pixel the source pixels it looks at, which lie side by side, and their weights.
struct TriangleWeights {
    private(set) var first: [Int] = []
    /// Where an output pixel's weights begin; one more at the end.
    private var starts: [Int] = [0]
    private var weights: [Double] = []

    init(source: Int, target: Int, _ arithmetic: Arithmetic = .contract) {
        let ratio = Double(source) / Double(target)
        let reach = arithmetic.triangle * max(1, ratio)
        let taps = Int((2 * reach).rounded(.up)) + 1
        for i in 0..<target {
            let middle = (Double(i) + arithmetic.center) * ratio
            let lowest = Int((middle - reach).rounded(.down))
            let places = max(0, lowest)..<min(source, lowest + taps)
            let all = places.map { max(0, 1 - abs(Double($0) + arithmetic.center - middle) / reach) }
            let taken = all.indices.filter { all[$0] > 0 }
            let sum = all.reduce(0, +)
            first.append(places.lowerBound + (taken.first ?? 0))
            weights += taken.map { all[$0] / sum }
            starts.append(weights.count)
        }
    }

    /// The weights of one output pixel.
    func of(_ i: Int) -> ArraySlice<Double> { weights[starts[i]..<starts[i + 1]] }

    /// First source pixel behind those that output pixel `i` looks at.
    func end(_ i: Int) -> Int { first[i] + starts[i + 1] - starts[i] }

    func weight(of place: Int, in i: Int) -> Double { weights[starts[i] + place - first[i]] }

    func applyToGrey(_ line: UnsafeMutablePointer<Double>, into out: UnsafeMutablePointer<Double>) {
        weights.withUnsafeBufferPointer { weights in
            for i in first.indices {
                var sum = 0.0
                var value = line + first[i]
                for place in starts[i]..<starts[i + 1] {
                    sum += weights[place] * value.pointee
                    value += 1
                }
                out[i] = sum
            }
        }
    }

    func applyToColour(_ line: UnsafeMutablePointer<Double>, into out: UnsafeMutablePointer<Double>) {
        weights.withUnsafeBufferPointer { weights in
            for i in first.indices {
                var (red, green, blue) = (0.0, 0.0, 0.0)
                var value = line + 3 * first[i]
                for place in starts[i]..<starts[i + 1] {
                    let weight = weights[place]
                    red += weight * value[0]
                    green += weight * value[1]
                    blue += weight * value[2]
                    value += 3
                }
                out[3 * i] = red
                out[3 * i + 1] = green
                out[3 * i + 2] = blue
            }
        }
    }
}
