/// The bounding box of the ink on a sheet of grey levels.
struct InkBox {
    let top: Int
    let left: Int
    let height: Int
    let width: Int

    /// Nil where there is no ink.
    init?(_ paper: UnsafeMutableBufferPointer<UInt8>, width: Int, from lowest: UInt8) {
        let rows = paper.count / width
        var (top, bottom, left, right) = (rows, 0, width, 0)
        for y in 0..<rows {
            let row = y * width
            // Only what would widen the box is looked at.
            var x = 0
            while x < left, paper[row + x] < lowest { x += 1 }
            let begins = x < left
            if begins { left = x }
            var end = width
            while end > max(right, left), paper[row + end - 1] < lowest { end -= 1 }
            let ends = end > right && end > left
            if ends { right = end }
            let inked = begins || ends || (left..<max(left, right)).contains { paper[row + $0] >= lowest }
            if inked {
                top = min(top, y)
                bottom = y + 1
            }
        }
        guard top < bottom else { return nil }
        (self.top, self.left, height, self.width) = (top, left, bottom - top, right - left)
    }

    /// The box made so large that its longer side is `fit`.
    func fitted(_ fit: Int, half: Double) -> Resize.Size {
        let longer = Double(max(height, width))
        func side(_ length: Int) -> Int { max(1, Int((Double(length * fit) / longer + half).rounded(.down))) }
        return Resize.Size(height: side(height), width: side(width))
    }

    /// What comes to the middle of the canvas, pixels of the fitted ink.
    static func middle(
        _ ink: UnsafeMutableBufferPointer<Double>, _ size: Resize.Size, _ place: PreprocessSpec.Place, center: Double
    ) -> (row: Double, column: Double) {
        var (sum, down, across) = (0.0, 0.0, 0.0)
        if place == .mass {
            for y in 0..<size.height {
                for x in 0..<size.width {
                    let value = ink[y * size.width + x]
                    sum += value
                    down += value * (Double(y) + center)
                    across += value * (Double(x) + center)
                }
            }
        }
        guard sum > 0 else { return (Double(size.height) / 2, Double(size.width) / 2) }
        return (down / sum, across / sum)
    }
}
