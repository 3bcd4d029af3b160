import ImageIO
import UIKit

/// Where a photo comes from: a chosen one is a file, the camera gives a picture.
///
/// Unchecked: a UIImage never changes and may be read from any thread, as its documentation says.
enum PhotoSource: @unchecked Sendable {
    case file(Data)
    case taken(UIImage)

    /// Pixels of the longer side of what the screen shows.
    private static let previewSide: CGFloat = 1024

    /// - Throws: `PictureError`.
    func photo() throws -> Photo {
        switch self {
        case .file(let data): return try Photo(file: data)
        case .taken(let image):
            guard let stored = image.cgImage else { throw PictureError(message: "the camera gave no pixels") }
            return try Photo(stored, tag: Int(CGImagePropertyOrientation(image.imageOrientation).rawValue))
        }
    }

    /// The photo upright, no larger than the screen needs; nil where it cannot be read, which `photo` says.
    func preview() -> PhotoPreview? {
        let image: UIImage?
        switch self {
        case .file(let data):
            let options: [CFString: Any] = [
                kCGImageSourceCreateThumbnailFromImageAlways: true,
                kCGImageSourceCreateThumbnailWithTransform: true,
                kCGImageSourceThumbnailMaxPixelSize: Self.previewSide,
            ]
            let small = CGImageSourceCreateWithData(data as CFData, nil).flatMap { source in
                let first = CGImageSourceGetPrimaryImageIndex(source)
                return CGImageSourceCreateThumbnailAtIndex(source, first, options as CFDictionary)
            }
            image = small.map { UIImage(cgImage: $0) }
        case .taken(let taken):
            let scale = min(1, Self.previewSide / max(taken.size.width, taken.size.height, 1))
            image = taken.preparingThumbnail(
                of: CGSize(width: taken.size.width * scale, height: taken.size.height * scale)
            )
        }
        return image.map(PhotoPreview.init)
    }
}

/// A picture for the screen. Unchecked as above.
struct PhotoPreview: @unchecked Sendable {
    let image: UIImage
}

extension CGImagePropertyOrientation {
    /// UIKit counts the same eight ways in another order.
    init(_ orientation: UIImage.Orientation) {
        switch orientation {
        case .up: self = .up
        case .upMirrored: self = .upMirrored
        case .down: self = .down
        case .downMirrored: self = .downMirrored
        case .left: self = .left
        case .leftMirrored: self = .leftMirrored
        case .right: self = .right
        case .rightMirrored: self = .rightMirrored
        @unknown default: self = .up
        }
    }
}
