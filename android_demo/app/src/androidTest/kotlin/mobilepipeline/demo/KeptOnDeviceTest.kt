package mobilepipeline.demo

import android.net.Uri
import android.os.Bundle
import android.os.Parcel
import androidx.test.platform.app.InstrumentationRegistry
import java.io.FileNotFoundException
import mobilepipeline.core.Ink
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

/** What outlives a screen: the picture that a camera app writes, and the ink of a saved state. */
class KeptOnDeviceTest {
    private val context = InstrumentationRegistry.getInstrumentation().targetContext
    private val resolver = context.contentResolver

    @Test
    fun aPictureIsReadAsItWasWrittenAndStaysUntilTheNextIsThere() {
        val first = CaptureProvider.next(context)
        assertFalse(CaptureProvider.isFilled(context, first))
        write(first, byteArrayOf(1, 2, 3))
        assertArrayEquals(byteArrayOf(1, 2, 3), requireNotNull(resolver.openInputStream(first)).use { it.readBytes() })

        Thread.sleep(2) // Names are the time in milliseconds.
        val second = CaptureProvider.next(context)
        assertTrue(CaptureProvider.isFilled(context, first))
        write(second, byteArrayOf(4))
        CaptureProvider.removeBefore(context, second)
        assertFalse(CaptureProvider.isFilled(context, first))
        assertTrue(CaptureProvider.isFilled(context, second))
    }

    @Test
    fun noOtherFileIsGivenAway() {
        val capture = CaptureProvider.next(context)
        for (path in listOf("/", "/other.jpg", "/capture-.jpg", "/../files/capture-1.jpg", "/capture-1.jpg/../x")) {
            val other: Uri = capture.buildUpon().path(path).build()
            assertThrows(path, FileNotFoundException::class.java) { resolver.openInputStream(other) }
        }
    }

    @Test
    fun inkOutlivesTheProcessInASavedState() {
        val ink = Ink().apply {
            begin(0.25f, 0.5f)
            move(0.75f, 1f)
            begin(0f, 0f)
        }
        val parcel = Parcel.obtain()
        try {
            parcel.writeBundle(Bundle().apply(ink::save))
            parcel.setDataPosition(0)
            val back = Ink()
            back.restore(requireNotNull(parcel.readBundle(javaClass.classLoader)))
            assertEquals(ink.strokes, back.strokes)
        } finally {
            parcel.recycle()
        }
    }

    private fun write(uri: Uri, bytes: ByteArray) {
        requireNotNull(resolver.openOutputStream(uri)).use { it.write(bytes) }
    }
}
