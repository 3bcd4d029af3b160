// As much of Apple's module as Sources/ClassifierLive names: it is compiled on Linux against this, and never run.

public protocol MTLDevice {}

public func MTLCreateSystemDefaultDevice() -> (any MTLDevice)? { nil }
