import ClassifierCore
import SwiftUI
import UIKit

/// What the model says and what it runs on: beside the picture of both screens.
struct ReportView: View {
    let report: Report

    var body: some View {
        VStack(alignment: .leading, spacing: 8) {
            if !report.summary.isEmpty {
                Text(verbatim: report.summary).font(.title.bold()).padding(.top, 8)
            }
            if !report.problem.isEmpty {
                Text(verbatim: report.problem).foregroundStyle(Color("Problem")).textSelection(.enabled)
            }
            if !report.command.isEmpty {
                Text(verbatim: report.command).font(.body.monospaced()).textSelection(.enabled)
            }
            ForEach(report.recognitions) { ShareRow(recognition: $0) }
            Group {
                if !report.took.isEmpty { Text(verbatim: report.took).monospacedDigit() }
                // By their places: two refusals may have the same words.
                ForEach(Array(report.model.enumerated()), id: \.offset) {
                    Text(verbatim: $0.element).textSelection(.enabled)
                }
                Text("Both models run on this device. No picture leaves it.")
            }
            .font(.footnote)
            .foregroundStyle(.secondary)
        }
        .frame(maxWidth: .infinity, alignment: .leading)
        // Read out when it changes; the numbers below change too often for that.
        .onChange(of: report.spoken) { Self.announce($0) }
    }

    static func announce(_ text: String) {
        if !text.isEmpty { UIAccessibility.post(notification: .announcement, argument: text) }
    }
}

/// One class: its name and share, and a bar.
struct ShareRow: View {
    private static let barHeight: CGFloat = 8

    let recognition: Recognition

    var body: some View {
        VStack(alignment: .leading, spacing: 4) {
            // Side by side where that fits: large letters take a line each.
            ViewThatFits(in: .horizontal) {
                HStack {
                    name
                    Spacer()
                    share
                }
                VStack(alignment: .leading) {
                    name
                    share
                }
            }
            bar
        }
        .accessibilityElement(children: .ignore)
        .accessibilityLabel(Text(verbatim: recognition.label))
        .accessibilityValue(Text(verbatim: Report.percent(recognition.probability)))
    }

    private var name: some View { Text(verbatim: recognition.label) }
    private var share: some View { Text(verbatim: Report.percent(recognition.probability)).monospacedDigit() }

    private var bar: some View {
        GeometryReader { place in
            Capsule().fill(Color(uiColor: .systemFill))
                .overlay(alignment: .leading) {
                    // Never narrower than its round ends.
                    Capsule().fill(Color.accentColor)
                        .frame(width: max(Self.barHeight, min(recognition.probability, 1) * place.size.width))
                        .opacity(recognition.probability > 0 ? 1 : 0)
                }
        }
        .frame(height: Self.barHeight)
    }
}
