/// Memory that is taken once and grows only for a larger picture: what keeps the pixel path free of allocations.
///
/// It never shrinks: what the largest picture so far took stays until the classifier goes, one byte for each pixel of
/// a photo whose ink is looked for, else little more than a row of it.
final class Scratch<Element: BitwiseCopyable> {
    private var storage = UnsafeMutableBufferPointer<Element>(start: nil, count: 0)

    /// Room for `count` values, of which nothing is known.
    func take(_ count: Int) -> UnsafeMutableBufferPointer<Element> {
        if storage.count < count {
            storage.deallocate()
            storage = .allocate(capacity: count)
        }
        return UnsafeMutableBufferPointer(rebasing: storage[..<count])
    }

    deinit { storage.deallocate() }
}
