import ClassifierCore
import Foundation

/// `photo-time MANIFEST...`: milliseconds from a photo's decoded pixels to the filled tensor, the first time and after.
@main
struct PhotoTime {
    /// What a phone's camera gives, pixels.
    static let (height, width) = (3000, 4000)
    static let rounds = 10

    static func main() throws {
        for path in CommandLine.arguments.dropFirst() {
            let manifest = try Manifest.read(Data(contentsOf: URL(fileURLWithPath: path)))
            // A grey ramp with a dark blot, so that there is ink to be found.
            let bytes = (0..<height * width * 3).map { i -> UInt8 in
                let (y, x) = (i / 3 / width, i / 3 % width)
                return (900..<2_100).contains(y) && (1_500..<2_500).contains(x) ? 20 : UInt8(200 + x * 55 / width)
            }
            let photo = try Pixels(height: height, width: width, channels: 3, bytes: bytes)
            let preprocess = Preprocess(spec: manifest.preprocess, input: manifest.model.input)
            var image = try preprocess.picture(.onePixel)
            var tensor = [UInt8](repeating: 0, count: manifest.model.input.byteCount)
            let times = (0..<rounds).map { _ in
                ContinuousClock().measure {
                    preprocess.picture(photo, into: &image)
                    tensor.withUnsafeMutableBytes { preprocess.fill(image, into: $0) }
                } / .milliseconds(1)
            }
            let median = times.dropFirst().sorted()[(rounds - 1) / 2]
            print(
                "\(manifest.name): first \(times[0].rounded()) ms, median of \(rounds - 1) more \(median.rounded()) ms")
        }
    }
}

extension Pixels {
    fileprivate static var onePixel: Pixels {
        get throws { try Pixels(height: 1, width: 1, channels: 1, bytes: [0]) }
    }
}
