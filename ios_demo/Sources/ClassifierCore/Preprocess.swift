/// What happens to a picture before the model sees it: the twin of the pipeline's `preprocess.py`.
///
///     pixels u8 (H, W, 1 or 3)
///       -> channels     gray: (19595 R + 38470 G + 7471 B + 32768) >> 16
///       -> invert       255 - v
///       -> crop         none | center_square | ink (box of v > inkThreshold; all else turns black)
///       -> resize       bilinear with a triangle filter as wide as the reduction, to `fit` or to the input
///       -> place        on a black canvas, by bounding box or by centre of mass (crop = ink only)
///       -> blur         Gaussian, `blurSigma` pixels of the canvas
///       -> round        to the nearest whole number, halves up
///       -> scale        v * scale + offset, float32
///       -> quantise     round(v / tensor.scale) + tensor.zeroPoint, halves away from zero
///
/// Between channels and rounding all is float64. After the first picture of a size nothing is allocated.
/// Not for two threads at a time: `ModelClassifier` keeps one to itself.
public final class Preprocess {
    public let spec: PreprocessSpec
    /// The tensor that is filled.
    public let input: TensorSpec

    private let arithmetic: Arithmetic
    /// Grey level to the number that the input tensor stands for.
    private let real: [Float]
    /// Grey level to what stands in a quantised tensor, as its byte; empty for float32.
    private let quantised: [UInt8]
    private let resize: Resize
    private let blur: Blur
    private let grey = Scratch<UInt8>()
    private let canvas = Scratch<Double>()
    private let small = Scratch<Double>()

    /// Both of one manifest: the input takes pictures of the spec's shape.
    public convenience init(spec: PreprocessSpec, input: TensorSpec) {
        self.init(spec: spec, input: input, arithmetic: .contract)
    }

    init(spec: PreprocessSpec, input: TensorSpec, arithmetic: Arithmetic) {
        let complaint = Self.complaint(spec, input)
        // In a release build too: what is filled below has no other bounds.
        precondition(complaint == nil, complaint ?? "")
        self.spec = spec
        self.input = input
        self.arithmetic = arithmetic
        let real = (0...255).map { Float($0) * Float(spec.scale) + Float(spec.offset) }
        self.real = real
        quantised =
            input.quantisation.map { how in
                real.map { value in
                    let q = Self.quantise(value, how, input.type, half: arithmetic.quantiseHalf)
                    return UInt8(truncatingIfNeeded: q)
                }
            } ?? []
        resize = Resize(arithmetic)
        blur = Blur(sigma: spec.blurSigma, reach: arithmetic.gaussianReach)
    }

    /// Why a spec and a tensor are not of one manifest; nil if they are.
    static func complaint(_ spec: PreprocessSpec, _ input: TensorSpec) -> String? {
        guard input.shape == [1] + spec.shape else {
            return "the input takes \(input.shape), preprocessing gives \([1] + spec.shape)"
        }
        return input.isWhole ? nil : "an input of \(input.type) with the other kind's quantisation"
    }

    /// Every step up to rounding: what a training image of the dataset looks like.
    public func picture(_ pixels: Pixels) -> Pixels {
        let empty = [UInt8](repeating: 0, count: spec.height * spec.width * spec.depth)
        var image = Pixels(unchecked: spec.height, spec.width, spec.depth, empty)
        picture(pixels, into: &image)
        return image
    }

    /// The same, into a picture of the input's size that is there already.
    public func picture(_ pixels: Pixels, into image: inout Pixels) {
        check(image)
        let values = canvas.take(image.bytes.count)
        pixels.bytes.withUnsafeBufferPointer { source in
            if spec.crop == .ink {
                placeInk(pixels, source, on: values)
            } else {
                let source = Source(pixels, source, spec, arithmetic)
                let size = Resize.Size(height: spec.height, width: spec.width)
                resize(source.size, depth: spec.depth, to: size, into: values, row: source.row)
            }
        }
        blur(values, height: spec.height, width: spec.width, depth: spec.depth)
        // Means of pixels leave 0...255 by no more than their last bits.
        for i in values.indices { image.bytes[i] = UInt8(min(max(values[i] + arithmetic.half, 0), 255)) }
    }

    /// Scales a picture of the input's size to the numbers that the input tensor stands for.
    public func tensor(_ image: Pixels) -> [Float] {
        check(image)
        return image.bytes.map { real[Int($0)] }
    }

    /// Writes the input tensor of a picture of the input's size, little-endian.
    ///
    /// - Parameter buffer: `input.byteCount` bytes.
    public func fill(_ image: Pixels, into buffer: UnsafeMutableRawBufferPointer) {
        check(image)
        precondition(buffer.count == input.byteCount, "\(buffer.count) bytes for a tensor of \(input.byteCount)")
        image.bytes.withUnsafeBufferPointer { levels in
            precondition(levels.count * input.type.width == buffer.count, "\(levels.count) levels for the input")
            if input.type == .float32 {
                for i in levels.indices {
                    let bits = real[Int(levels[i])].bitPattern.littleEndian
                    buffer.storeBytes(of: bits, toByteOffset: 4 * i, as: UInt32.self)
                }
            } else {
                for i in levels.indices { buffer[i] = quantised[Int(levels[i])] }
            }
        }
    }

    /// A real number to a quantised one, clamped to the tensor's range; halves away from zero.
    ///
    /// - Parameter type: of whole numbers.
    static func quantise(
        _ value: Float, _ how: TensorSpec.Quantisation, _ type: TensorType,
        half: Double = Arithmetic.contract.quantiseHalf
    ) -> Int {
        guard let range = type.range else { preconditionFailure("\(type) is not quantised") }
        precondition(!value.isNaN, "NaN stands for no quantised number")
        let steps = Double(value) / how.scale
        let rounded = (steps + (steps.sign == .minus ? -half : half)).rounded(.towardZero) + Double(how.zeroPoint)
        // A scale near zero makes steps that no whole number holds: clamped before they become one.
        return Int(min(max(rounded, Double(range.lowerBound)), Double(range.upperBound)))
    }

    private func check(_ image: Pixels) {
        precondition(
            image.height == spec.height && image.width == spec.width && image.channels == spec.depth,
            "a picture of \(image.height) x \(image.width) x \(image.channels) for an input of \(spec.shape)"
        )
    }

    private func placeInk(
        _ pixels: Pixels, _ source: UnsafeBufferPointer<UInt8>, on out: UnsafeMutableBufferPointer<Double>
    ) {
        out.update(repeating: 0)
        let paper = grey.take(pixels.height * pixels.width)
        Source(pixels, source, spec, arithmetic).grey(into: paper)
        // At most 254, and 1.
        let lowest = UInt8(spec.inkThreshold) + arithmetic.inkFrom
        guard let box = InkBox(paper, width: pixels.width, from: lowest), let fit = spec.fit else { return }
        let size = box.fitted(fit, half: arithmetic.half)
        let ink = small.take(size.height * size.width)
        resize(Resize.Size(height: box.height, width: box.width), depth: 1, to: size, into: ink) { y, line in
            let start = (box.top + y) * pixels.width + box.left
            // Paper is never quite white: what is not ink turns black, as in the datasets.
            for x in 0..<box.width { line[x] = paper[start + x] >= lowest ? Double(paper[start + x]) : 0 }
        }
        let middle = InkBox.middle(ink, size, spec.place, center: arithmetic.center)
        let half = arithmetic.half + arithmetic.placeSlack
        let top = Self.edge(spec.height, size.height, middle.row, half)
        let left = Self.edge(spec.width, size.width, middle.column, half)
        for y in 0..<size.height {
            for x in 0..<size.width { out[(top + y) * spec.width + left + x] = ink[y * size.width + x] }
        }
    }

    /// The ink stays whole: a lopsided one is moved no further than to the edge.
    private static func edge(_ canvas: Int, _ ink: Int, _ middle: Double, _ half: Double) -> Int {
        min(max(Int((Double(canvas) / 2 - middle + half).rounded(.down)), 0), canvas - ink)
    }
}
