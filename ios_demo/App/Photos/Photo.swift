import ClassifierCore
import CoreGraphics
import Foundation
import ImageIO

/// A decoded photo.
struct Photo {
    /// Upright, sRGB or grey as stored, on white where it was transparent: what the model is fed with.
    let pixels: Pixels
    /// 1, or by what its sides were divided to fit into memory.
    let reducedBy: Int

    /// Reads a photo's file.
    ///
    /// The contract asks for the photo's own pixels, so that it is decoded at full size as long as memory allows. A
    /// larger one is read at 1/2, 1/4 or 1/8 of its size: still many times the model's input, but with other pixels
    /// than the reference's, which the screen says.
    ///
    /// - Throws: `PictureError`: it is not a picture, damaged, or larger than that.
    init(file: Data) throws {
        // Its kind is told by its bytes.
        guard let source = CGImageSourceCreateWithData(file as CFData, nil), CGImageSourceGetCount(source) > 0 else {
            throw PictureError(message: "it is not a picture that this device can read")
        }
        let first = CGImageSourceGetPrimaryImageIndex(source)
        let properties = CGImageSourceCopyPropertiesAtIndex(source, first, nil) as? [CFString: Any] ?? [:]
        guard let width = properties[kCGImagePropertyPixelWidth] as? Int,
            let height = properties[kCGImagePropertyPixelHeight] as? Int, width > 0, height > 0
        else { throw PictureError(message: "it is damaged: it has no size") }
        let reduction = try PhotoLimit.reduction(height: height, width: width)
        var options: [CFString: Any] = [kCGImageSourceShouldCache: false, kCGImageSourceShouldAllowFloat: false]
        if reduction > 1 { options[kCGImageSourceSubsampleFactor] = reduction }
        guard let image = CGImageSourceCreateImageAtIndex(source, first, options as CFDictionary) else {
            throw PictureError(message: "it is damaged, or of a kind that this device cannot read")
        }
        let tag = properties[kCGImagePropertyOrientation] as? Int ?? 1
        try self.init(image, tag: tag, reducedBy: image.width < width ? reduction : 1)
    }

    /// - Parameters:
    ///   - image: as it is stored.
    ///   - tag: how it lies, Exif's 1...8.
    /// - Throws: `PictureError`: it is too large: some kinds of file cannot be read at a part of their size.
    init(_ image: CGImage, tag: Int, reducedBy: Int = 1) throws {
        try PhotoLimit.check(height: image.height, width: image.width)
        let isGrey = image.colorSpace?.model == .monochrome
        let depth = isGrey ? 1 : 4
        let orientation = Orientation(tag: tag, height: image.height, width: image.width)
        guard let canvas = Self.canvas(image, isGrey: isGrey) else {
            throw PictureError(message: "no canvas can be made for its \(image.width) x \(image.height) pixels")
        }
        // Pixel for pixel: what is not enlarged or turned here needs no interpolation, and gets none.
        canvas.interpolationQuality = .none
        let all = CGRect(x: 0, y: 0, width: image.width, height: image.height)
        canvas.setFillColor(gray: 1, alpha: 1)
        canvas.fill(all)
        canvas.draw(image, in: all)
        let channels = isGrey ? 1 : 3
        // The canvas owns the bytes: it must not go before they are read.
        let bytes = withExtendedLifetime(canvas) {
            let drawn = UnsafeRawBufferPointer(start: canvas.data, count: image.height * image.width * depth)
            return orientation.upright(drawn, stride: depth, channels: channels)
        }
        pixels = try Pixels(height: orientation.height, width: orientation.width, channels: channels, bytes: bytes)
        self.reducedBy = reducedBy
    }

    /// Rows without padding; grey stays in its own colour space, which leaves its levels as they are.
    private static func canvas(_ image: CGImage, isGrey: Bool) -> CGContext? {
        let space = isGrey ? image.colorSpace : CGColorSpace(name: CGColorSpace.sRGB)
        let alpha = isGrey ? CGImageAlphaInfo.none : .noneSkipLast
        // Red first in memory, whatever the processor's own order.
        let order: CGBitmapInfo = isGrey ? [] : .byteOrder32Big
        return space.flatMap {
            CGContext(
                data: nil, width: image.width, height: image.height, bitsPerComponent: 8,
                bytesPerRow: image.width * (isGrey ? 1 : 4), space: $0, bitmapInfo: alpha.rawValue | order.rawValue
            )
        }
    }
}
