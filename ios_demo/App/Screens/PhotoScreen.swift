import AVFoundation
import PhotosUI
import SwiftUI
import UIKit

/// A photo, chosen or taken, and what it shows.
struct PhotoScreen: View {
    private static let mostWidth: CGFloat = 640
    private static let mostOfHeight = 0.5

    @StateObject private var session = PhotoSession()
    @State private var chosen: PhotosPickerItem?
    @State private var isTaking = false
    @State private var isCameraRefused = false
    @Environment(\.openURL) private var openURL

    var body: some View {
        GeometryReader { place in
            ScrollView {
                VStack(alignment: .leading, spacing: 12) {
                    Text("Recognise a photo").font(.title2.bold()).accessibilityAddTraits(.isHeader)
                    Text("Choose a photo or take one.").font(.subheadline).foregroundStyle(.secondary)
                    picture.frame(maxHeight: place.size.height * Self.mostOfHeight)
                    if session.reducedBy > 1 { reduced }
                    buttons
                    ReportView(report: session.report(nothing: "No photo yet"))
                }
                .frame(maxWidth: Self.mostWidth)
                .frame(maxWidth: .infinity)
                .padding()
            }
        }
        .onChange(of: chosen) { item in
            guard let item else { return }
            session.recognise { try await item.loadTransferable(type: Data.self) }
            // The same photo may be chosen again.
            chosen = nil
        }
        .fullScreenCover(isPresented: $isTaking) {
            Camera { taken in
                isTaking = false
                if let taken { session.recognise(.taken(taken)) }
            }
            .ignoresSafeArea()
        }
        .alert("The camera is not allowed", isPresented: $isCameraRefused) {
            Button("Settings") {
                if let settings = URL(string: UIApplication.openSettingsURLString) { openURL(settings) }
            }
            Button("Cancel", role: .cancel) {}
        } message: {
            Text("Allow it in the settings to take a photo, or choose one.")
        }
    }

    @ViewBuilder private var picture: some View {
        if let preview = session.preview {
            Image(uiImage: preview.image)
                .resizable()
                .scaledToFit()
                .clipShape(RoundedRectangle(cornerRadius: 12))
                .frame(maxWidth: .infinity)
                .accessibilityLabel("The photo that is recognised")
        }
    }

    private var reduced: some View {
        Text(
            """
            The photo has more pixels than this app reads one by one on this device: it was read at \
            1/\(session.reducedBy) of its size, so that the answer may differ a little.
            """
        )
        .font(.footnote)
        .foregroundStyle(.secondary)
    }

    @ViewBuilder private var buttons: some View {
        // The system's own picker: it shows all photos and hands over one, which needs no permission. The file as it
        // is: a copy in another format would have other pixels.
        PhotosPicker(selection: $chosen, matching: .images, preferredItemEncoding: .current) {
            Label("Choose a photo", systemImage: "photo.on.rectangle").frame(maxWidth: .infinity)
        }
        .buttonStyle(.borderedProminent)
        .controlSize(.large)
        if Camera.isThere {
            Button(action: take) {
                Label("Take a photo", systemImage: "camera").frame(maxWidth: .infinity)
            }
            .buttonStyle(.bordered)
            .controlSize(.large)
        }
    }

    private func take() {
        switch AVCaptureDevice.authorizationStatus(for: .video) {
        case .authorized: isTaking = true
        case .notDetermined:
            // Who refuses now has just been told of it.
            Task { isTaking = await AVCaptureDevice.requestAccess(for: .video) }
        case .denied, .restricted: isCameraRefused = true
        @unknown default: isCameraRefused = true
        }
    }
}
