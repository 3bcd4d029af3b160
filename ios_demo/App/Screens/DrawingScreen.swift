import ClassifierCore
import SwiftUI

/// Characters, recognised as one writes.
struct DrawingScreen: View {
    /// Of the screen's height, so that buttons and an answer are in sight beside the pad.
    private static let mostOfHeight = 0.5
    private static let mostWidth: CGFloat = 640
    private static let full = "The pad takes no more points. Clear it to go on."

    @StateObject private var session = Session(.drawing)
    @State private var ink = Ink()
    /// Ink outlives the app's process: the system ends apps in the background without a word.
    @SceneStorage("drawing.ink") private var saved = Data()

    var body: some View {
        GeometryReader { place in
            let isWide = place.size.width > place.size.height
            let layout =
                isWide ? AnyLayout(HStackLayout(alignment: .top, spacing: 16)) : AnyLayout(VStackLayout(spacing: 12))
            layout {
                VStack(spacing: 12) {
                    DrawingPad(ink: $ink)
                        .frame(maxHeight: isWide ? .infinity : place.size.height * Self.mostOfHeight)
                    buttons
                    if ink.isFull {
                        Text(verbatim: Self.full).foregroundStyle(.secondary)
                    }
                }
                ScrollView {
                    VStack(alignment: .leading, spacing: 4) {
                        Text("Write a character").font(.title2.bold()).accessibilityAddTraits(.isHeader)
                        Text("Write with a finger or a pencil, as large as you like.")
                            .font(.subheadline).foregroundStyle(.secondary)
                        ReportView(report: session.report(nothing: "Nothing written yet", isWriting: ink.isWriting))
                    }
                    .frame(maxWidth: Self.mostWidth, alignment: .leading)
                    .frame(maxWidth: .infinity)
                }
            }
            .padding()
        }
        .onAppear {
            if ink.isEmpty { ink = Ink(saved: saved) }
        }
        .onChange(of: ink.isFull) { isFull in
            if isFull { ReportView.announce(Self.full) }
        }
        .onChange(of: ink) { ink in
            session.recogniser.submit(Self.picture(ink.strokes))
            // With every point it would be written too often.
            if !ink.isWriting { saved = ink.saved }
        }
    }

    private var buttons: some View {
        HStack(spacing: 12) {
            Button("Undo") { ink.undo() }
                .accessibilityLabel("Undo the last stroke")
                .keyboardShortcut("z", modifiers: .command)
            Button("Clear") { ink.clear() }.accessibilityLabel("Clear the drawing pad")
        }
        .buttonStyle(.bordered)
        .controlSize(.large)
        .disabled(ink.isEmpty)
    }

    private static func picture(_ strokes: [Drawing.Stroke]) -> Picture? {
        guard !strokes.isEmpty else { return nil }
        return { manifest in
            guard let drawing = manifest.drawing else {
                throw PictureError(message: "\(manifest.name) is no model of handwriting")
            }
            return try Drawing(drawing).draw(strokes)
        }
    }
}
