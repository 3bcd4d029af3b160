import SwiftUI

@main
struct MobilePipelineApp: App {
    var body: some Scene {
        WindowGroup { HomeView() }
    }
}

/// The two screens. Both models run on this device, and no picture leaves it.
struct HomeView: View {
    var body: some View {
        TabView {
            DrawingScreen()
                .tabItem { Label("Write", systemImage: "scribble") }
            PhotoScreen()
                .tabItem { Label("Photo", systemImage: "photo") }
        }
    }
}
