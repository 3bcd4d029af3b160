/// `2.17.0`, with or without what follows a dash.
struct RuntimeVersion: Comparable {
    private let numbers: [Int]

    init(_ text: String) {
        numbers = text.prefix { $0 != "-" }.split(separator: ".").map { Int($0) ?? 0 }
    }

    static func < (a: RuntimeVersion, b: RuntimeVersion) -> Bool {
        for i in 0..<max(a.numbers.count, b.numbers.count) {
            let (left, right) = (i < a.numbers.count ? a.numbers[i] : 0, i < b.numbers.count ? b.numbers[i] : 0)
            if left != right { return left < right }
        }
        return false
    }

    static func == (a: RuntimeVersion, b: RuntimeVersion) -> Bool { !(a < b) && !(b < a) }
}
