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
    /// Falls back to false when the system takes the gesture, of which nothing else tells.
    @GestureState private var isTouched = false

    var body: some View {
        GeometryReader { place in
            let side = max(1, min(place.size.width, place.size.height))
            Canvas { context, size in
                context.stroke(path(in: size, side: side), with: .color(.primary), style: Self.stroke(side))
            }
            .background(Color(uiColor: .secondarySystemBackground))
            .clipShape(RoundedRectangle(cornerRadius: Self.corner))
            .overlay { RoundedRectangle(cornerRadius: Self.corner).strokeBorder(Color(uiColor: .separator)) }
            .contentShape(Rectangle())
            .gesture(writing(in: place.size, side: side))
        }
        .onChange(of: isTouched) { touched in
            if !touched { ink.cancel() }
        }
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

    private func writing(in size: CGSize, side: CGFloat) -> some Gesture {
        DragGesture(minimumDistance: 0)
            .updating($isTouched) { _, touched, _ in touched = true }
            .onChanged { value in
                if !ink.isWriting { ink.begin(fraction(value.startLocation, of: size, side)) }
                ink.move(fraction(value.location, of: size, side))
            }
            .onEnded { value in
                ink.move(fraction(value.location, of: size, side))
                ink.end()
            }
    }

    // The pad may be wider than high: the square of the fractions stands in its middle, and ink may leave it.
    private func fraction(_ point: CGPoint, of size: CGSize, _ side: CGFloat) -> StrokePoint {
        let x = min(max(point.x, 0), size.width)
        let y = min(max(point.y, 0), size.height)
        return StrokePoint(x: (x - size.width / 2) / side + 0.5, y: (y - size.height / 2) / side + 0.5)
    }

    private func path(in size: CGSize, side: CGFloat) -> Path {
        func place(_ point: StrokePoint) -> CGPoint {
            CGPoint(x: size.width / 2 + (point.x - 0.5) * side, y: size.height / 2 + (point.y - 0.5) * side)
        }
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
