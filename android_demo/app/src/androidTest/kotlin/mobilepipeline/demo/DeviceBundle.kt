package mobilepipeline.demo

import androidx.test.platform.app.InstrumentationRegistry
import java.io.File
import java.io.FileInputStream
import java.io.FileNotFoundException
import java.nio.MappedByteBuffer
import java.nio.channels.FileChannel
import mobilepipeline.core.GoldenCase
import mobilepipeline.core.Manifest
import mobilepipeline.core.Pixels

/**
 * A model with its golden cases, on the device.
 *
 * @property name for a test's title.
 * @property folder of the cases, in the test's assets.
 */
internal class DeviceBundle(
    private val name: String,
    private val folder: String,
    val manifest: Manifest,
    val bytes: MappedByteBuffer,
) {
    /** A file of the bundle, by its path there. */
    fun read(path: String): ByteArray = asset("$folder/$path")

    /** What [case] starts with. */
    fun pixels(case: GoldenCase): Pixels {
        val shape = case.pixelsShape
        return Pixels(shape[0], shape[1], shape.getOrElse(2) { 1 }, read("golden/${case.id}/pixels.u8"))
    }

    override fun toString(): String = name

    companion object {
        private const val MANIFEST = "manifest.json"

        /** What fills both a slot and its golden cases. */
        const val COMMAND = "pipeline embed BUNDLE --into android_demo"

        /** The checkout's own bundles (`tests/fixtures/golden_bundles`), which need nothing embedded. */
        fun committed(): List<DeviceBundle> {
            val assets = InstrumentationRegistry.getInstrumentation().context.assets
            val folders = assets.list("").orEmpty().filter { assets.list(it)?.contains(MANIFEST) == true }
            check(folders.isNotEmpty()) { "no bundle in the test's assets: app/build.gradle.kts takes them from tests/fixtures" }
            return folders.map { folder ->
                val manifest = Manifest.read(asset("$folder/$MANIFEST").decodeToString())
                DeviceBundle(folder, folder, manifest, map(asset("$folder/${manifest.model.file}"), "$folder.tflite"))
            }
        }

        /**
         * The app's own model in [slot].
         *
         * @throws NotEmbedded there is none, or it came without its golden cases.
         */
        fun embedded(slot: Slot): DeviceBundle {
            val app = InstrumentationRegistry.getInstrumentation().targetContext.assets
            val model = EmbeddedModel.open(app, slot) ?: throw NotEmbedded("the app has no model for $slot: $COMMAND")
            val folder = "golden/${slot.folder}"
            val cases = try {
                Manifest.read(asset("$folder/$MANIFEST").decodeToString())
            } catch (error: FileNotFoundException) {
                throw NotEmbedded("the golden cases of the app's model for $slot are not in the checkout: $COMMAND", error)
            }
            check(cases.model.sha256 == model.manifest.model.sha256) {
                "the golden cases for $slot are of another model (${cases.name}) than the app's (${model.manifest.name}): $COMMAND"
            }
            return DeviceBundle("$slot", folder, model.manifest, model.bytes)
        }

        private fun asset(path: String): ByteArray =
            InstrumentationRegistry.getInstrumentation().context.assets.open(path).use { it.readBytes() }

        private fun map(model: ByteArray, name: String): MappedByteBuffer {
            val file = File(InstrumentationRegistry.getInstrumentation().targetContext.cacheDir, name)
            file.writeBytes(model)
            return FileInputStream(file).use { it.channel.map(FileChannel.MapMode.READ_ONLY, 0, file.length()) }
        }
    }
}

/** Nothing to test, for the reason in [message]. */
internal class NotEmbedded(override val message: String, cause: Throwable? = null) : Exception(message, cause)
