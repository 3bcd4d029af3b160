import Combine
import Foundation

/// The photo screen's state: the photo that is shown, and what its recogniser makes of it.
@MainActor
final class PhotoSession: ObservableObject {
    let recogniser: Recogniser
    @Published private(set) var preview: PhotoPreview?
    /// 1, or by what the photo's sides were divided to fit into memory.
    @Published private(set) var reducedBy = 1

    private var number = 0

    init() {
        recogniser = Recogniser { try EmbeddedModel.open(.photo) }
        recogniser.willChange = { [weak self] in self?.objectWillChange.send() }
    }

    func report(nothing: String) -> Report {
        Report(recogniser.model, recogniser.answer, nothing: nothing, isSettled: recogniser.isSettled)
    }

    /// Recognises a photo in place of every earlier one.
    func recognise(_ source: PhotoSource) {
        let mine = begin()
        recogniser.submit { [weak self] _ in
            let photo = try source.photo()
            let (preview, reducedBy) = (source.preview(), photo.reducedBy)
            Task { @MainActor [weak self] in self?.show(preview, reducedBy, of: mine) }
            return photo.pixels
        }
    }

    /// Fetches a chosen photo, from a cloud if it lies there, and recognises it.
    ///
    /// - Parameter load: gives the photo's file; nil where its kind is not one of pictures.
    func recognise(_ load: @escaping @MainActor () async throws -> Data?) {
        let mine = begin()
        Task {
            do {
                guard let file = try await load() else {
                    throw PictureError(message: "it is not a picture that this device can read")
                }
                if mine == number { recognise(.file(file)) }
            } catch {
                let failure = error as? PictureError ?? PictureError(message: error.localizedDescription)
                if mine == number { recogniser.submit { _ in throw failure } }
            }
        }
    }

    /// Forgets the photo before, of which nothing more is shown, and awaits another.
    private func begin() -> Int {
        number += 1
        preview = nil
        reducedBy = 1
        recogniser.expect()
        return number
    }

    private func show(_ preview: PhotoPreview?, _ reducedBy: Int, of photo: Int) {
        guard photo == number else { return }
        self.preview = preview
        self.reducedBy = reducedBy
    }
}
