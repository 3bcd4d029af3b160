import ClassifierCore
import Foundation

// What App/State names of App/Photos, which is written in ImageIO and UIKit.

struct Photo {
    let pixels: Pixels
    let reducedBy: Int
}

struct PhotoPreview: Sendable {}

enum PhotoSource: Sendable {
    case file(Data)

    func photo() throws -> Photo { throw PictureError(message: "a stub reads no photo") }
    func preview() -> PhotoPreview? { nil }
}
