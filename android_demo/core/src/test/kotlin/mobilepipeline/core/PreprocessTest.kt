package mobilepipeline.core

import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import kotlin.random.Random
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.RepeatedTest
import org.junit.jupiter.api.RepetitionInfo
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory

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
    fun `a line longer than whole numbers can multiply is placed as any other`() {
        val spec = PreprocessSpec(2048, 2048, crop = Crop.INK, fit = 2048)
        val image = picture(spec, Pixels(1_200_000, 1, 1).apply { bytes.fill(-1) })
        assertEquals(2048 * 255, image.levels().sum())
        assertTrue((0 until 2048).all { image.bytes[it * 2048 + 1024].toInt() == -1 || image.bytes[it * 2048 + 1023].toInt() == -1 })
    }

    @TestFactory
    fun `a picture of a known size allocates nothing`(): List<DynamicTest> = mapOf(
        "a square of a photo" to PreprocessSpec(64, 64, Channels.RGB, crop = Crop.CENTER_SQUARE, blurSigma = 0.5),
        "ink by its box" to PreprocessSpec(64, 64, crop = Crop.INK, fit = 40),
        "ink by its mass" to PreprocessSpec(64, 64, crop = Crop.INK, fit = 40, place = Place.MASS, blurSigma = 0.5),
    ).map { (name, spec) ->
        DynamicTest.dynamicTest(name) {
            val preprocess = Preprocess(spec, floatInput(spec))
            // In turn, so that the weights of one size are not those of the last picture.
            val (one, other) = listOf(300 to 200, 201 to 333).map { (height, width) -> pixels(height, width, 3) { it % 251 } }
            val image = Pixels(spec.height, spec.width, spec.channels.count)
            val buffer = ByteBuffer.allocate(4 * image.bytes.size)
            val least = leastAllocated {
                preprocess.picture(one, image)
                preprocess.picture(other, image)
            }
            assertEquals(0, least, "bytes for two pictures")
            assertTrue(leastAllocated { preprocess.fill(image, buffer) } <= BUFFERS_OWN)
        }
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
        // A time says as much of the machine as of the code; what makes it slow, boxing or weights made anew, allocates.
        assertEquals(0, leastAllocated { preprocess.picture(photo, image) }, "bytes for a known size")
    }

    @TestFactory
    fun `a contract made by hand that does not fit together is refused`(): List<DynamicTest> = listOf<Pair<String, () -> Unit>>(
        "preprocess.fit is not 1 to 8 pixels, which crop 'ink' needs" to { PreprocessSpec(8, 8, crop = Crop.INK) },
        "preprocess.fit is not null: it goes with crop 'ink'" to { PreprocessSpec(8, 8, fit = 8) },
        "preprocess.channels is not 'gray', which crop 'ink' needs" to { PreprocessSpec(8, 8, Channels.RGB, crop = Crop.INK, fit = 8) },
        "preprocess.height is not 1 to 4096 pixels" to { PreprocessSpec(0, 8) },
        "preprocess.width is not 1 to 4096 pixels" to { PreprocessSpec(8, 5000) },
        "preprocess.blur_sigma is not 0 to 8.0 pixels" to { PreprocessSpec(8, 8, blurSigma = Double.NaN) },
        "preprocess.scale is not a number other than 0" to { PreprocessSpec(8, 8, scale = 0.0) },
        "preprocess.scale is not within the range of float32" to { PreprocessSpec(8, 8, scale = Double.NaN) },
        "preprocess.offset is not within the range of float32" to { PreprocessSpec(8, 8, offset = -1e300) },
        "tensor 'x' has scale null, not a positive float32" to { TensorSpec("x", listOf(1, 2), ElementType.UINT8, null, null) },
        "tensor 'x' has zero point -1, not one of 0..255" to { TensorSpec("x", listOf(1, 2), ElementType.UINT8, 1.0, -1) },
        "tensor 'x' is float32, which has no scale or zero point" to { TensorSpec("x", listOf(1, 2), ElementType.FLOAT32, 1.0, 0) },
        "tensor 'x' is [2]: lengths of at least 1 are needed, a batch of 1 in front" to
            { TensorSpec("x", listOf(2), ElementType.FLOAT32, null, null) },
        "tensor 'x' is [1, 65536, 65536, 65536, 65536], more than 64000000 values" to
            { TensorSpec("x", listOf(1, 65536, 65536, 65536, 65536), ElementType.FLOAT32, null, null) },
        "xnnpack.threads is 0, not 1..16" to { XnnpackOptions(0) },
        "pixels are -1 x 3: there must be at least one" to { Pixels(-1, 3, 1) },
        "pixels of 65536 x 65536 x 1 are 4294967296 bytes, more than an array holds" to { Pixels(65536, 65536, 1) },
    ).map { (message, make) ->
        DynamicTest.dynamicTest(message) {
            assertEquals(message, assertThrows(IllegalArgumentException::class.java) { make() }.message)
        }
    }

    private companion object {
        /** Bytes that Java's buffers may take to copy an array into them. */
        const val BUFFERS_OWN = 64

        /** Bytes: the first calls make weights and buffers; some later ones lose a little to the compiler's own doings. */
        fun leastAllocated(action: () -> Unit): Long {
            val allocated = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
            val thread = Thread.currentThread().id
            fun now() = allocated.getThreadAllocatedBytes(thread)
            val counting = -now() + now()
            return (1..20).minOf {
                val before = now()
                action()
                now() - before - counting
            }
        }

        fun picture(spec: PreprocessSpec, pixels: Pixels) = Preprocess(spec, floatInput(spec)).picture(pixels)
    }
}
