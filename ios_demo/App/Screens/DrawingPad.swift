import ClassifierCore
import SwiftUI
import UIKit

/// A square to write in, with a finger, a pencil or a mouse.
///
/// It draws the ink in the colours of the screen; what the model sees is drawn by the core from the strokes.
struct DrawingPad: View {
    /// The pen's width on the screen, as a fraction of the side.
    private static let pen: CGFloat = 0.045
    private static let corner: CGFloat = 12

    @Binding var ink: Ink

    var body: some View {
        Canvas { context, size in
            let side = min(size.width, size.height)
            context.stroke(path(side), with: .color(.primary), style: Self.stroke(side))
        }
        .background(Color(uiColor: .secondarySystemBackground))
        .clipShape(RoundedRectangle(cornerRadius: Self.corner))
        .overlay { RoundedRectangle(cornerRadius: Self.corner).strokeBorder(Color(uiColor: .separator)) }
        .overlay { WritingSurface(ink: $ink) }
        .aspectRatio(1, contentMode: .fit)
        // A stroke to the screen's edge is not to leave the app.
        .defersSystemGestures(on: .all)
        .accessibilityElement()
        .accessibilityLabel("Drawing pad")
        .accessibilityValue(Self.describe(ink))
        .accessibilityAddTraits(.allowsDirectInteraction)
        .accessibilityAction(named: "Undo the last stroke") { ink.undo() }
        .accessibilityAction(named: "Clear the drawing pad") { ink.clear() }
    }

    private static func describe(_ ink: Ink) -> String {
        switch ink.strokes.count {
        case 0: "empty"
        case 1: "1 stroke"
        case let count: "\(count) strokes"
        }
    }

    private static func stroke(_ side: CGFloat) -> StrokeStyle {
        StrokeStyle(lineWidth: side * pen, lineCap: .round, lineJoin: .round)
    }

    private func path(_ side: CGFloat) -> Path {
        func place(_ point: StrokePoint) -> CGPoint { CGPoint(x: point.x * side, y: point.y * side) }
        var path = Path()
        for line in ink.strokes {
            guard let first = line.first else { continue }
            path.move(to: place(first))
            // A dot is a line to itself: a round cap draws it.
            for point in line.count > 1 ? line[1...] : line[...] { path.addLine(to: place(point)) }
        }
        return path
    }
}
