package mobilepipeline.core

import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import kotlin.random.Random
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.RepeatedTest
import org.junit.jupiter.api.RepetitionInfo
import org.junit.jupiter.api.Test

/** Each step against numbers worked out by hand, and what must hold of any picture. */
internal class PreprocessTest {
    @Test
    fun `halving a row takes a triangle of four pixels`() {
        // Inside 1/8, 3/8, 3/8, 1/8; at the edges 3/7, 3/7, 1/7 are left.
        val found = picture(PreprocessSpec(1, 3), pixels(1, 6, 1) { listOf(0, 40, 80, 120, 160, 200)[it] })
        assertEquals(listOf(29, 100, 171), found.levels())
    }

    @Test
    fun `doubling a row looks at two neighbours`() {
        assertEquals(listOf(0, 25, 75, 100), picture(PreprocessSpec(1, 4), pixels(1, 2, 1) { it * 100 }).levels())
    }

    @Test
    fun `grey of pure colours is BT 601's luma`() {
        val colours = pixels(1, 3, 3) { if (it / 3 == it % 3) 255 else 0 }
        assertEquals(listOf(76, 150, 29), picture(PreprocessSpec(1, 3), colours).levels())
    }

    @Test
    fun `ink by box stands in the middle, ink by mass where its weight is`() {
        // A bar whose lower end is heavy.
        val bar = pixels(20, 9, 1) { if (it % 9 in 3..5 && it / 9 in 2..11) if (it / 9 > 9) 250 else 60 else 0 }
        fun middle(place: Place): Double {
            val spec = PreprocessSpec(21, 21, crop = Crop.INK, fit = 10, place = place)
            val rows = picture(spec, bar).levels().chunked(21).map { it.sum() }
            val inked = rows.indices.filter { rows[it] > 0 }
            return (inked.first() + inked.last() + 1) / 2.0
        }
        assertEquals(11.0, middle(Place.BOX), "10 rows on 21: half a pixel is rounded up")
        assertTrue(middle(Place.MASS) < 10.0)
    }

    @Test
    fun `a picture without ink is black, and a single inked pixel fills the fit`() {
        val spec = PreprocessSpec(8, 8, crop = Crop.INK, fit = 4, inkThreshold = 10)
        assertEquals(0, picture(spec, pixels(5, 5, 1) { 10 }).levels().sum())
        val dot = picture(spec, pixels(50, 50, 1) { if (it == 777) 200 else 0 }).levels().chunked(8)
        assertEquals(List(8) { row -> List(8) { column -> if (row in 2..5 && column in 2..5) 200 else 0 } }, dot)
    }

    @Test
    fun `blur spreads a dot and keeps its sum`() {
        val blurred = picture(PreprocessSpec(15, 15, blurSigma = 1.0), pixels(15, 15, 1) { if (it == 112) 255 else 0 }).levels()
        assertEquals(255.0 * 0.1592, blurred[112].toDouble(), 1.0)
        assertEquals(255.0, blurred.sum().toDouble(), 8.0)
    }

    @Test
    fun `quantising rounds halves away from zero and clamps`() {
        val tensor = TensorSpec("x", listOf(1), ElementType.INT8, 0.5, -3)
        val steps = listOf(0f, 0.25f, -0.25f, 0.74f, -1e9f, 1e9f).map { Preprocess.quantise(it, tensor) }
        assertEquals(listOf(-3, -2, -4, -2, -128, 127), steps)
    }

    @Test
    fun `a float tensor holds little-endian scaled numbers`() {
        val spec = PreprocessSpec(1, 2, scale = 1 / 127.5, offset = -1.0)
        val preprocess = Preprocess(spec, floatInput(spec))
        val image = pixels(1, 2, 1) { it * 255 }
        val bytes = ByteArray(8).also { preprocess.fill(image, ByteBuffer.wrap(it)) }
        assertEquals(listOf(0, 0, 0x80, 0xBF, 0, 0, 0x80, 0x3F), bytes.map { it.toInt() and 0xFF })
        assertEquals(listOf(-1f, 1f), preprocess.tensor(image).toList())
    }

    @Test
    fun `wrong sizes are refused with a sentence`() {
        val spec = PreprocessSpec(2, 2)
        val preprocess = Preprocess(spec, floatInput(spec))
        fun message(action: () -> Unit) = assertThrows(IllegalArgumentException::class.java) { action() }.message
        assertEquals("the image is 1 x 2 x 1, the input takes [2, 2]", message { preprocess.tensor(Pixels(1, 2, 1)) })
        assertEquals("the input has 16 bytes, the buffer 15", message { preprocess.fill(Pixels(2, 2, 1), ByteBuffer.allocate(15)) })
        assertEquals("pixels have 4 channels, not 1 or 3", message { Pixels(1, 1, 4) })
        assertEquals("pixels are 0 x 3: there must be at least one", message { Pixels(0, 3, 1) })
        assertEquals("pixels of 2 x 3 x 1 are 6 bytes, not 5", message { Pixels(2, 3, 1, ByteArray(5)) })
    }

    @RepeatedTest(40)
    fun `whatever the picture, levels stay within those of its pixels`(repetition: RepetitionInfo) {
        val random = Random(repetition.currentRepetition)
        val channels = if (random.nextBoolean()) Channels.RGB else Channels.GRAY
        val spec = PreprocessSpec(random.nextInt(1, 40), random.nextInt(1, 40), channels, crop = Crop.entries[random.nextInt(2)])
        val (low, high) = listOf(random.nextInt(256), random.nextInt(256)).sorted()
        val taken = pixels(random.nextInt(1, 90), random.nextInt(1, 90), 1) { random.nextInt(low, high + 1) }
        assertTrue(picture(spec, taken).levels().all { it in low..high })
    }

    @RepeatedTest(20)
    fun `a photo of one grey stays that grey, and colours of a grey are equal`(repetition: RepetitionInfo) {
        val random = Random(100 + repetition.currentRepetition)
        val grey = random.nextInt(256)
        val spec = PreprocessSpec(random.nextInt(1, 30), random.nextInt(1, 30), Channels.RGB, invert = true)
        val found = picture(spec, pixels(random.nextInt(1, 60), random.nextInt(1, 60), random.nextInt(2) * 2 + 1) { grey })
        assertEquals(setOf(255 - grey), found.levels().toSet())
    }

    @Test
    fun `a picture of a known size allocates nothing`() {
        val spec = PreprocessSpec(64, 64, Channels.RGB, crop = Crop.CENTER_SQUARE, blurSigma = 0.5)
        val preprocess = Preprocess(spec, floatInput(spec))
        val photo = pixels(300, 400, 3) { it * 31 }
        val image = Pixels(64, 64, 3)
        val buffer = ByteBuffer.allocateDirect(64 * 64 * 3 * 4)
        val allocated = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
        fun bytes(): Long {
            val before = allocated.currentThreadAllocatedBytes
            preprocess.picture(photo, image)
            preprocess.fill(image, buffer)
            return allocated.currentThreadAllocatedBytes - before
        }
        // The first call makes the weights; some later ones lose a little to the compiler's own doings.
        val least = (1..20).minOf { bytes() }
        assertTrue(least < 1024) { "$least bytes for a picture of 12,288 values" }
    }

    @Test
    fun `a photo of 12 megapixels is quick`() {
        val spec = PreprocessSpec(224, 224, Channels.RGB, crop = Crop.CENTER_SQUARE)
        val preprocess = Preprocess(spec, floatInput(spec))
        val photo = Pixels(3000, 4000, 3).also { Random(1).nextBytes(it.bytes) }
        val image = Pixels(224, 224, 3)
        val times = List(7) {
            val start = System.nanoTime()
            preprocess.picture(photo, image)
            (System.nanoTime() - start) / 1e6
        }
        println("4000 x 3000 to 224 x 224: first ${times[0].toInt()} ms, then ${times.drop(1).sorted()[3].toInt()} ms (median of 6)")
        assertTrue(times.min() < SLOWEST_MILLISECONDS) { "a photo takes ${times.min()} ms" }
    }

    private companion object {
        /** Far above what was measured, below what a loop with boxing or weights made anew for each pixel takes. */
        const val SLOWEST_MILLISECONDS = 1500.0

        fun picture(spec: PreprocessSpec, pixels: Pixels) = Preprocess(spec, floatInput(spec)).picture(pixels)
    }
}
