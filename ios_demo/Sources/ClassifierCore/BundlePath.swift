/// Names that a manifest gives to files and folders of its bundle.
public enum BundlePath {
    /// Bytes of a name; the pipeline's have some twenty.
    public static let longest = 100

    /// Whether a name, with as many folders before it as are allowed, leads nowhere but into the bundle.
    ///
    /// Bytes are compared, not characters: a combining mark joins the slash before it to a character of its own.
    public static func staysInside(_ name: String, folders: Int = 0) -> Bool {
        let bytes = Array(name.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return bytes.count <= longest && parts.count <= folders + 1
            && parts.allSatisfy { !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
            && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }
    }
}
