@testable import AppLogic
import ClassifierCore
import Testing

@Suite struct PhotoLimitTests {
    @Test(arguments: [
        (1, 1, 1), (4096, 4096, 1), (4096, 4097, 2), (3024, 4032, 1), (5712, 4284, 2), (8192, 8192, 2),
        // Half of it, rounded down, would fit: rounded up it does not.
        (8193, 8193, 4), (20_000, 20_000, 8), (1, 20_000, 1),
    ])
    func aPhotoIsReducedUntilItFits(_ height: Int, _ width: Int, _ expected: Int) throws {
        #expect(try PhotoLimit.reduction(height: height, width: width) == expected)
        let sides = ((height + expected - 1) / expected, (width + expected - 1) / expected)
        try PhotoLimit.check(height: sides.0, width: sides.1)
    }

    @Test func aLongerSideIsRefused() {
        #expect(throws: PictureError.self) { try PhotoLimit.reduction(height: 1, width: Pixels.mostSide + 1) }
    }

    @Test func decodedPixelsMustFit() {
        #expect(throws: PictureError.self) { try PhotoLimit.check(height: 4096, width: 4097) }
    }
}
