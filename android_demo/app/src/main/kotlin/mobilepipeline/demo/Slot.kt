package mobilepipeline.demo

import android.content.res.AssetManager
import java.io.FileInputStream
import java.io.FileNotFoundException
import java.nio.ByteBuffer
import java.nio.MappedByteBuffer
import java.nio.channels.FileChannel
import java.security.MessageDigest
import mobilepipeline.core.Manifest
import mobilepipeline.core.ManifestError
import mobilepipeline.core.ShippedModel

/**
 * A place for a model in the app's assets, which `pipeline embed` fills.
 *
 * @property folder below `models/`.
 */
enum class Slot(val folder: String) {
    DRAWING("drawing"),
    PHOTO("photo"),
}

/** A slot's manifest and model, checked against each other. */
class EmbeddedModel(val manifest: Manifest, val bytes: MappedByteBuffer) {
    companion object {
        private const val MANIFEST = "manifest.json"
        private const val BUFFER = 64 * 1024

        /**
         * Opens what [slot] holds; blocks on storage.
         *
         * @return null where nothing was embedded.
         * @throws ManifestError the manifest cannot be followed, or the model is not the one that it describes.
         */
        fun open(assets: AssetManager, slot: Slot): EmbeddedModel? {
            val folder = "models/${slot.folder}"
            if (assets.list(folder)?.contains(MANIFEST) != true) return null
            val manifest = Manifest.read(text(assets, "$folder/$MANIFEST"))
            val bytes = map(assets, "$folder/${manifest.model.file}")
            check(manifest.model, bytes)
            if (slot == Slot.DRAWING && manifest.drawing == null) {
                throw ManifestError("manifest: it has no drawing, so that ${manifest.name} is no model for the pad")
            }
            return EmbeddedModel(manifest, bytes)
        }

        private fun text(assets: AssetManager, name: String): String = assets.open(name).use { stream ->
            val text = StringBuilder()
            val buffer = CharArray(BUFFER)
            val reader = stream.reader()
            while (true) {
                val read = reader.read(buffer)
                if (read < 0) break
                text.appendRange(buffer, 0, read)
                if (text.length > Manifest.MAX_CHARACTERS) {
                    throw ManifestError("$name has more than ${Manifest.MAX_CHARACTERS} characters")
                }
            }
            text.toString()
        }

        /** Maps the model straight from the APK: nothing is copied to the heap. */
        private fun map(assets: AssetManager, name: String): MappedByteBuffer {
            try {
                assets.openFd(name).use { file ->
                    FileInputStream(file.fileDescriptor).use { stream ->
                        return stream.channel.map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength)
                    }
                }
            } catch (error: FileNotFoundException) {
                // Android says so of a compressed asset too.
                throw ManifestError("$name is not in the app, or it is compressed there: noCompress must name tflite", error)
            }
        }

        private fun check(model: ShippedModel, bytes: ByteBuffer) {
            val digest = MessageDigest.getInstance("SHA-256").apply { update(bytes.duplicate()) }.digest()
            val found = digest.joinToString("") { "%02x".format(it) }
            if (found != model.sha256) {
                throw ManifestError("${model.file} has sha256 $found, its manifest says ${model.sha256}: embed the bundle again")
            }
        }
    }
}
