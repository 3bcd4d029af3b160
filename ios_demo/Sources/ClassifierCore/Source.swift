/// Decoded pixels as the first steps leave them: in the model's channels, inverted, cropped.
struct Source {
    /// What is left after crop `center_square`, or all.
    let size: Resize.Size

    private let pixels: UnsafeBufferPointer<UInt8>
    private let width: Int
    private let channels: Int
    private let top: Int
    private let left: Int
    private let toGrey: Bool
    private let flip: UInt8
    private let arithmetic: Arithmetic

    init(_ of: Pixels, _ pixels: UnsafeBufferPointer<UInt8>, _ spec: PreprocessSpec, _ arithmetic: Arithmetic) {
        self.pixels = pixels
        self.arithmetic = arithmetic
        width = of.width
        channels = of.channels
        toGrey = spec.channels == .gray
        // 255 - v, of a byte.
        flip = spec.invert ? arithmetic.white : 0
        let side = min(of.height, of.width)
        let square = spec.crop == .centerSquare
        top = square ? (of.height - side + arithmetic.squareHalf) / 2 : 0
        left = square ? (of.width - side + arithmetic.squareHalf) / 2 : 0
        size = square ? .init(height: side, width: side) : .init(height: of.height, width: of.width)
    }

    /// Row `y` of what is left: `size.width` values, or three times as many.
    func row(_ y: Int, _ out: UnsafeMutablePointer<Double>) {
        let start = ((top + y) * width + left) * channels
        switch (toGrey, channels) {
        case (true, 1):
            for x in 0..<size.width { out[x] = Double(pixels[start + x] ^ flip) }
        case (true, _):
            for x in 0..<size.width { out[x] = Double(luma(start + 3 * x) ^ flip) }
        case (false, 1):
            for x in 0..<size.width {
                let value = Double(pixels[start + x] ^ flip)
                (out[3 * x], out[3 * x + 1], out[3 * x + 2]) = (value, value, value)
            }
        case (false, _):
            for x in 0..<3 * size.width { out[x] = Double(pixels[start + x] ^ flip) }
        }
    }

    /// All pixels as grey levels.
    func grey(into out: UnsafeMutableBufferPointer<UInt8>) {
        if channels == 1 {
            for i in out.indices { out[i] = pixels[i] ^ flip }
        } else {
            for i in out.indices { out[i] = luma(3 * i) ^ flip }
        }
    }

    private func luma(_ at: Int) -> UInt8 {
        let (red, green, blue) = (Int(pixels[at]), Int(pixels[at + 1]), Int(pixels[at + 2]))
        let sum = arithmetic.red &* red &+ arithmetic.green &* green &+ arithmetic.blue &* blue &+ 32_768
        return UInt8(truncatingIfNeeded: sum >> 16)
    }
}
