package mobilepipeline.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

/** A photo of two rows and three columns, as each Exif orientation has it upright. */
internal class OrientationTest {
    private val photo = listOf("abc", "def")

    @Test
    fun `every tag turns the photo upright`() {
        val upright = mapOf(
            1 to listOf("abc", "def"),
            2 to listOf("cba", "fed"),
            3 to listOf("fed", "cba"),
            4 to listOf("def", "abc"),
            5 to listOf("ad", "be", "cf"),
            6 to listOf("da", "eb", "fc"),
            7 to listOf("fc", "eb", "da"),
            8 to listOf("cf", "be", "ad"),
        )
        for ((tag, expected) in upright) assertEquals(expected, turned(tag), "tag $tag")
    }

    @Test
    fun `an unknown tag leaves it as it is`() {
        assertEquals(photo, turned(0))
        assertEquals(photo, turned(9))
    }

    private fun turned(tag: Int): List<String> {
        val upright = Orientation.of(tag, height = 2, width = 3)
        val pixels = CharArray(6)
        for (row in 0 until 2) {
            for (column in 0 until 3) {
                pixels[upright.start + row * upright.perRow + column * upright.perColumn] = photo[row][column]
            }
        }
        return pixels.concatToString().chunked(upright.width).also { assertEquals(upright.height, it.size) }
    }
}
