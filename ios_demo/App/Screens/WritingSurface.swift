import ClassifierCore
import SwiftUI
import UIKit

/// What takes the touches of the pad: a gesture of SwiftUI gives one point a frame, a screen measures up to four, and
/// curves that are written fast need them.
struct WritingSurface: UIViewRepresentable {
    @Binding var ink: Ink

    func makeUIView(context: Context) -> WritingView { WritingView($ink) }

    func updateUIView(_ view: WritingView, context: Context) { view.ink = $ink }
}

/// One pen at a time: a view takes no second touch unless it asks for it.
final class WritingView: UIView {
    var ink: Binding<Ink>
    private var pen: UITouch?

    init(_ ink: Binding<Ink>) {
        self.ink = ink
        super.init(frame: .zero)
        backgroundColor = .clear
    }

    @available(*, unavailable)
    required init?(coder: NSCoder) { fatalError("no storyboard makes this view") }

    override func touchesBegan(_ touches: Set<UITouch>, with event: UIEvent?) {
        guard pen == nil, let touch = touches.first else { return }
        pen = touch
        ink.wrappedValue.begin(fraction(touch))
    }

    override func touchesMoved(_ touches: Set<UITouch>, with event: UIEvent?) { write(touches, event) }

    override func touchesEnded(_ touches: Set<UITouch>, with event: UIEvent?) {
        write(touches, event) { $0.end() }
        lift(touches)
    }

    override func touchesCancelled(_ touches: Set<UITouch>, with event: UIEvent?) {
        guard let pen, touches.contains(pen) else { return }
        ink.wrappedValue.cancel()
        lift(touches)
    }

    /// All that the screen measured since the last call, as one change.
    private func write(_ touches: Set<UITouch>, _ event: UIEvent?, then last: (inout Ink) -> Void = { _ in }) {
        guard let pen, touches.contains(pen) else { return }
        var written = ink.wrappedValue
        for touch in event?.coalescedTouches(for: pen) ?? [pen] { written.move(fraction(touch)) }
        last(&written)
        ink.wrappedValue = written
    }

    private func lift(_ touches: Set<UITouch>) {
        if let pen, touches.contains(pen) { self.pen = nil }
    }

    private func fraction(_ touch: UITouch) -> StrokePoint {
        let place = touch.preciseLocation(in: self)
        return StrokePoint(x: place.x / max(bounds.width, 1), y: place.y / max(bounds.height, 1))
    }
}
