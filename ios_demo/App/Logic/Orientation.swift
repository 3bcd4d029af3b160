/// How a photo's rows and columns lie in the upright picture: the Orientation tag, 1...8, of Exif 2.3 (section 4.6.4).
struct Orientation: Equatable, Sendable {
    /// Of the upright picture.
    let height: Int
    /// Of the upright picture.
    let width: Int
    /// Index of the upright pixel that the photo's first one becomes, row-major.
    let start: Int
    /// What is added for each row down the photo.
    let perRow: Int
    /// What is added for each column along it.
    let perColumn: Int
    private let rows: Int
    private let columns: Int

    /// Of a photo as it is stored; an unknown tag is upright, as Exif readers agree.
    init(tag: Int, height stored: Int, width along: Int) {
        (rows, columns) = (stored, along)
        let last = stored * along - 1
        // Tags 5 to 8 lie on their side: rows become columns.
        (height, width) = (5...8).contains(tag) ? (along, stored) : (stored, along)
        switch tag {
        case 2: (start, perRow, perColumn) = (along - 1, along, -1)
        case 3: (start, perRow, perColumn) = (last, -along, -1)
        case 4: (start, perRow, perColumn) = (last - along + 1, -along, 1)
        case 5: (start, perRow, perColumn) = (0, 1, stored)
        case 6: (start, perRow, perColumn) = (stored - 1, -1, stored)
        case 7: (start, perRow, perColumn) = (last, -1, -stored)
        case 8: (start, perRow, perColumn) = (last - stored + 1, 1, -stored)
        default: (start, perRow, perColumn) = (0, along, 1)
        }
    }

    /// Turns pixels upright and leaves out what the model does not see.
    ///
    /// - Parameters:
    ///   - bytes: of the photo as it is stored, rows without padding.
    ///   - stride: bytes of a pixel there.
    ///   - channels: bytes of a pixel that are kept, the first ones.
    func upright(_ bytes: UnsafeRawBufferPointer, stride: Int, channels: Int) -> [UInt8] {
        precondition(bytes.count == rows * columns * stride, "\(bytes.count) bytes of \(rows) x \(columns) x \(stride)")
        return [UInt8](unsafeUninitializedCapacity: rows * columns * channels) { out, count in
            var from = 0
            for row in 0..<rows {
                var to = (start + row * perRow) * channels
                for _ in 0..<columns {
                    for channel in 0..<channels { out[to + channel] = bytes[from + channel] }
                    from += stride
                    to += perColumn * channels
                }
            }
            count = rows * columns * channels
        }
    }
}
