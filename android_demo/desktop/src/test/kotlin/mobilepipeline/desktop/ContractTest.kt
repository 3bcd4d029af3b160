package mobilepipeline.desktop

import com.google.gson.JsonArray
import com.google.gson.JsonObject
import com.google.gson.JsonParser
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.file.Files
import java.nio.file.Path
import mobilepipeline.core.GoldenBundles
import mobilepipeline.core.GoldenCase
import mobilepipeline.core.Manifest
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** The contract's runner on a golden bundle, whose files are the right answers. */
internal class ContractTest {
    @TempDir
    lateinit var work: Path

    private val bundle = GoldenBundles.named("digits")
    private val manifest = Manifest.read(GoldenBundles.manifest(bundle))

    @Test
    fun `every kind of case is answered as the golden files are`() {
        val cases = manifest.golden.cases
        write(cases.map(::case) + cases.map { JsonObject().apply { addProperty("id", it.id + "-out"); addProperty("kind", "output") } })
        for (case in cases) Files.copy(golden(case, "output.bin"), folder(case.id + "-out").resolve("output.bin"))
        assertEquals(2 * cases.size, Contract(work, work.resolve("out")).run())
        for (case in cases) {
            assertSame(case, "image.u8")
            assertSame(case, "tensor.bin")
            if (case.kind.name == "STROKES") assertSame(case, "pixels.u8")
            val answer = work.resolve("out").resolve(case.id + "-out")
            assertEquals(manifest.labels.size * 8L, Files.size(answer.resolve("probabilities.f64")))
            val top = ByteBuffer.wrap(Files.readAllBytes(answer.resolve("top.u32"))).order(ByteOrder.LITTLE_ENDIAN)
            assertEquals(5 * 4 to case.top1, top.capacity() to top.getInt())
        }
    }

    @Test
    fun `an unknown kind is an error, not a case less`() {
        write(listOf(case(manifest.golden.cases.first()).apply { addProperty("kind", "sound") }))
        val message = assertThrows(IllegalStateException::class.java) { Contract(work, work.resolve("out")).run() }.message
        assertEquals("case 'image-000' is of kind 'sound', not picture, image, strokes or output", message)
    }

    private fun write(cases: List<JsonObject>) {
        Files.copy(bundle.resolve("manifest.json"), work.resolve("manifest.json"))
        val all = JsonObject().apply { add("cases", JsonArray().also { list -> cases.forEach(list::add) }) }
        Files.writeString(work.resolve("cases.json"), all.toString())
    }

    private fun case(golden: GoldenCase) = JsonObject().apply {
        addProperty("id", golden.id)
        addProperty("kind", golden.kind.name.lowercase())
        add("pixels_shape", JsonArray().also { shape -> golden.pixelsShape.forEach(shape::add) })
        if (golden.kind.name == "STROKES") {
            add("strokes", JsonParser.parseString(Files.readString(golden(golden, "strokes.json"))))
        } else {
            Files.copy(golden(golden, "pixels.u8"), folder(golden.id).resolve("pixels.u8"))
        }
    }

    private fun folder(id: String) = Files.createDirectories(work.resolve(id))

    private fun golden(case: GoldenCase, name: String) = bundle.resolve("golden").resolve(case.id).resolve(name)

    private fun assertSame(case: GoldenCase, name: String) = assertArrayEquals(
        Files.readAllBytes(golden(case, name)), Files.readAllBytes(work.resolve("out").resolve(case.id).resolve(name)), "${case.id}/$name",
    )
}
