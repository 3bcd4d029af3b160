@testable import AppLogic
import Testing

/// Each tag against Exif's own words for it: at which side of the upright picture the stored row 0 and column 0 lie.
@Suite struct OrientationTests {
    // 2 x 3, as stored:  1 2 3
    //                    4 5 6
    private static let upright: [Int: (height: Int, width: Int, pixels: [UInt8])] = [
        1: (2, 3, [1, 2, 3, 4, 5, 6]),  // row 0 top, column 0 left
        2: (2, 3, [3, 2, 1, 6, 5, 4]),  // top, right
        3: (2, 3, [6, 5, 4, 3, 2, 1]),  // bottom, right
        4: (2, 3, [4, 5, 6, 1, 2, 3]),  // bottom, left
        5: (3, 2, [1, 4, 2, 5, 3, 6]),  // left, top
        6: (3, 2, [4, 1, 5, 2, 6, 3]),  // right, top
        7: (3, 2, [6, 3, 5, 2, 4, 1]),  // right, bottom
        8: (3, 2, [3, 6, 2, 5, 1, 4]),  // left, bottom
        0: (2, 3, [1, 2, 3, 4, 5, 6]),  // unknown
        9: (2, 3, [1, 2, 3, 4, 5, 6]),
    ]

    @Test(arguments: 0...9)
    func everyTag(_ tag: Int) throws {
        let expected = try #require(Self.upright[tag])
        let orientation = Orientation(tag: tag, height: 2, width: 3)
        #expect(orientation.height == expected.height && orientation.width == expected.width)
        let stored: [UInt8] = [1, 2, 3, 4, 5, 6]
        #expect(stored.withUnsafeBytes { orientation.upright($0, stride: 1, channels: 1) } == expected.pixels)
    }

    @Test func whatIsNoColourIsLeftOut() {
        let stored: [UInt8] = [1, 2, 3, 255, 4, 5, 6, 255]
        let orientation = Orientation(tag: 2, height: 1, width: 2)
        #expect(stored.withUnsafeBytes { orientation.upright($0, stride: 4, channels: 3) } == [4, 5, 6, 1, 2, 3])
    }

    @Test(arguments: 1...8)
    func aSingleRowAndASingleColumn(_ tag: Int) {
        let stored: [UInt8] = [1, 2, 3, 4]
        for (height, width) in [(1, 4), (4, 1), (1, 1)] {
            let orientation = Orientation(tag: tag, height: height, width: width)
            let found = stored.prefix(height * width).withUnsafeBytes {
                orientation.upright($0, stride: 1, channels: 1)
            }
            #expect(found.sorted() == Array(stored.prefix(height * width)))
        }
    }
}
