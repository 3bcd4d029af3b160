/// The constants of the contract's steps: the same in every language, and no choice of an app.
///
/// A value of its own only so that tests can change one and see a golden case fail.
struct Arithmetic: Sendable {
    /// ITU-R BT.601 luma, of 65,536.
    var red = 19_595
    var green = 38_470
    var blue = 7_471

    /// Taken off by `invert`: the bits of white.
    var white: UInt8 = 0xFF

    /// Added before the square in the middle is halved to its place: of an odd rest the larger part follows it.
    var squareHalf = 0

    /// Ink is above the threshold, not at it.
    var inkFrom: UInt8 = 1

    /// Half-width of the resize's triangle, in reductions; and at least as many source pixels.
    var triangle = 1.0

    /// Where in a pixel its centre lies.
    var center = 0.5

    /// Added before the fraction is cut off: halves go up.
    var half = 0.5

    /// Pixels added before the place of the ink is rounded. Symmetric ink lies exactly on a half: without the
    /// slack the last bit of a sum, which no two languages add up alike, would move it by a whole pixel.
    var placeSlack = 1e-3

    /// Standard deviations that the Gaussian reaches; the weight beyond is spread over the rest.
    var gaussianReach = 3.0

    /// Added, away from zero, before a quantised value is cut off.
    var quantiseHalf = 0.5

    /// Pixels of a drawing that stay white at the nearest edge, so that the ink's soft edge is never cut off.
    var margin = 2.0

    /// Half of the pixels over which the pen's edge fades.
    var edge = 0.5

    static let contract = Arithmetic()
}
