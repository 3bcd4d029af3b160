import ClassifierCore

/// How much of a photo fits into the app's memory.
enum PhotoLimit {
    /// Pixels that are decoded one for one: the photos of most phones' cameras (12 to 16 million). Decoding holds 11
    /// bytes of each at a time: 4 of the decoder, 4 of the canvas, 3 of the result.
    static let mostPixels = 1 << 24
    /// The decoder's own reductions.
    private static let reductions = [1, 2, 4, 8]

    /// By what the sides of a photo are divided, so that it fits: 1, 2, 4 or 8.
    ///
    /// - Throws: `PictureError`: not even the smallest fits, or a side is longer than any camera's.
    static func reduction(height: Int, width: Int) throws(PictureError) -> Int {
        guard max(height, width) <= Pixels.mostSide else {
            throw PictureError(message: "\(width) x \(height) pixels are too many: at most \(Pixels.mostSide) a side")
        }
        // A decoder may round a side up.
        let fitting = reductions.first { by in
            (height + by - 1) / by * ((width + by - 1) / by) <= mostPixels
        }
        guard let fitting else { throw tooMany(height, width) }
        return fitting
    }

    /// - Throws: `PictureError`: pixels that are decoded are too many.
    static func check(height: Int, width: Int) throws(PictureError) {
        guard height * width <= mostPixels else { throw tooMany(height, width) }
    }

    private static func tooMany(_ height: Int, _ width: Int) -> PictureError {
        PictureError(message: "\(width) x \(height) pixels are too many: at most \(mostPixels) are read")
    }
}
