import ClassifierCore
import CoreGraphics
import ImageIO
import UniformTypeIdentifiers
import XCTest

@testable import MobilePipeline

/// This platform's decoder, from made files to pixels: they must come out as they went in, and upright.
final class PhotoTests: XCTestCase {
    // 2 x 3 pixels, red, green, blue / white, black, grey.
    private static let colours: [[UInt8]] = [
        [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [128, 128, 128],
    ]
    private static let (height, width) = (2, 3)

    func testColoursAreKeptAndEveryOrientationIsTurnedUpright() throws {
        let stored: [UInt8] = Self.colours.flatMap { $0 + [255] }
        let image = try Self.image(stored, alpha: .noneSkipLast)
        for tag in 1...8 {
            let photo = try Photo(file: Self.tiff(image, tag: tag))
            let orientation = Orientation(tag: tag, height: Self.height, width: Self.width)
            let expected = stored.withUnsafeBytes { orientation.upright($0, stride: 4, channels: 3) }
            XCTAssertEqual(photo.pixels.height, orientation.height, "tag \(tag)")
            XCTAssertEqual(photo.pixels.bytes, expected, "tag \(tag)")
            XCTAssertEqual(photo.reducedBy, 1)
        }
    }

    func testGreyLevelsAreKept() throws {
        let levels: [UInt8] = [0, 1, 100, 128, 254, 255]
        let space = CGColorSpaceCreateDeviceGray()
        let provider = try XCTUnwrap(CGDataProvider(data: Data(levels) as CFData))
        let image = try XCTUnwrap(
            CGImage(
                width: 3, height: 2, bitsPerComponent: 8, bitsPerPixel: 8, bytesPerRow: 3, space: space,
                bitmapInfo: [], provider: provider, decode: nil, shouldInterpolate: false, intent: .defaultIntent
            )
        )
        let photo = try Photo(file: Self.tiff(image, tag: 1))
        XCTAssertEqual(photo.pixels.channels, 1)
        XCTAssertEqual(photo.pixels.bytes, levels)
    }

    func testTransparentPixelsLieOnWhite() throws {
        let clear = [UInt8](repeating: 0, count: 4 * Self.height * Self.width)
        let photo = try Photo(file: Self.tiff(Self.image(clear, alpha: .premultipliedLast), tag: 1))
        XCTAssertEqual(photo.pixels.bytes, [UInt8](repeating: 255, count: 3 * Self.height * Self.width))
    }

    func testWhatIsNoPictureIsRefused() {
        for bytes in [Data(), Data("not a picture".utf8), Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])] {
            XCTAssertThrowsError(try Photo(file: bytes)) { XCTAssertTrue($0 is PictureError, "\($0)") }
        }
    }

    private static func image(_ bytes: [UInt8], alpha: CGImageAlphaInfo) throws -> CGImage {
        let space = try XCTUnwrap(CGColorSpace(name: CGColorSpace.sRGB))
        let provider = try XCTUnwrap(CGDataProvider(data: Data(bytes) as CFData))
        return try XCTUnwrap(
            CGImage(
                width: width, height: height, bitsPerComponent: 8, bitsPerPixel: 32, bytesPerRow: 4 * width,
                space: space, bitmapInfo: CGBitmapInfo(rawValue: alpha.rawValue).union(.byteOrder32Big),
                provider: provider, decode: nil, shouldInterpolate: false, intent: .defaultIntent
            )
        )
    }

    /// A kind of file that has a place for the orientation and loses nothing: PNG has no such place that all keep.
    private static func tiff(_ image: CGImage, tag: Int) throws -> Data {
        let file = NSMutableData()
        let kind = UTType.tiff.identifier as CFString
        let destination = try XCTUnwrap(CGImageDestinationCreateWithData(file, kind, 1, nil))
        CGImageDestinationAddImage(destination, image, [kCGImagePropertyOrientation: tag] as CFDictionary)
        XCTAssertTrue(CGImageDestinationFinalize(destination))
        return file as Data
    }
}
