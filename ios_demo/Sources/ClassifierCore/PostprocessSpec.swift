/// What the app still has to do with the dequantised output.
public struct PostprocessSpec: Sendable, Equatable {
    public enum Activation: String, Sendable, CaseIterable {
        /// The graph ends in probabilities.
        case none
        /// The model ends in logits.
        case softmax
    }

    public internal(set) var activation: Activation
}

extension PostprocessSpec: Decodable {
    private enum Key: String, CodingKey { case activation }

    public init(from decoder: any Decoder) throws {
        activation = try decoder.container(keyedBy: Key.self).choice(.activation)
    }
}
