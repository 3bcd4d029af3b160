package mobilepipeline.demo

import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Color
import android.media.ExifInterface
import android.net.Uri
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import mobilepipeline.core.Orientation
import mobilepipeline.core.Pixels

/**
 * A decoded photo.
 *
 * @property pixels upright, RGB, on white where it was transparent: what the model is fed with.
 * @property reducedBy 1, or by what its sides were divided to fit into memory.
 */
class Photo private constructor(val pixels: Pixels, val reducedBy: Int) {
    /** The same picture small enough for the screen: the mean of every block of pixels. */
    fun preview(): Bitmap {
        val step = (maxOf(pixels.height, pixels.width) + PREVIEW - 1) / PREVIEW
        val height = maxOf(1, pixels.height / step)
        val width = maxOf(1, pixels.width / step)
        val colours = IntArray(height * width) { i -> mean(i / width * step, i % width * step, step) }
        return Bitmap.createBitmap(colours, width, height, Bitmap.Config.ARGB_8888)
    }

    private fun mean(top: Int, left: Int, step: Int): Int {
        val (rows, columns) = minOf(step, pixels.height - top) to minOf(step, pixels.width - left)
        var (red, green, blue) = Triple(0, 0, 0)
        for (row in top until top + rows) {
            var at = (row * pixels.width + left) * 3
            repeat(columns) {
                red += pixels.bytes[at++].toInt() and 0xFF
                green += pixels.bytes[at++].toInt() and 0xFF
                blue += pixels.bytes[at++].toInt() and 0xFF
            }
        }
        val count = rows * columns
        return Color.rgb(red / count, green / count, blue / count)
    }

    companion object {
        /** Pixels of the longer side of a preview. */
        private const val PREVIEW = 1024

        /** Pixels that are decoded one for one: the photos of most phones' cameras (12 to 16 million). */
        private const val MOST_PIXELS = 1 shl 24

        /** Bytes of heap for a pixel: 3 for RGB, 4 for the bitmap (in the heap up to Android 7), and as much again free. */
        private const val HEAP_PER_PIXEL = 14

        /** As `pipeline/preprocess.py`: a side longer than any camera's is a picture made to do harm. */
        private const val LONGEST_SIDE = 20_000

        private const val STRIP_ROWS = 64
        private const val UPRIGHT = 1

        /**
         * Reads a photo; blocks on storage, or on a network where the photo lies in a cloud.
         *
         * The contract asks for the photo's own pixels, so that it is decoded at full size as long as memory allows.
         * A larger one is read at 1/2, 1/4 ... of its size: still many times the model's input, but with other
         * pixels than the reference's, which the screen says. Wide-gamut colours are brought to sRGB, as those of
         * the training photos are.
         *
         * @throws PictureError it is gone, not readable, or not a picture.
         */
        fun read(resolver: ContentResolver, uri: Uri): Photo {
            val orientation = from(resolver, uri, ::orientation)
            val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
            from(resolver, uri) { BitmapFactory.decodeStream(it, null, bounds) }
            if (bounds.outWidth < 1 || bounds.outHeight < 1) throw PictureError("it is not a picture that this device can read")
            if (maxOf(bounds.outWidth, bounds.outHeight) > LONGEST_SIDE) {
                throw PictureError("${bounds.outWidth} x ${bounds.outHeight} pixels are too many: at most $LONGEST_SIDE along a side")
            }
            val options = BitmapFactory.Options().apply {
                inSampleSize = sampling(bounds.outWidth.toLong() * bounds.outHeight)
                inPreferredConfig = Bitmap.Config.ARGB_8888
                inPremultiplied = false
                inScaled = false
            }
            val bitmap = from(resolver, uri) { BitmapFactory.decodeStream(it, null, options) }
                ?: throw PictureError("it is damaged, or of a kind that this device cannot read")
            try {
                return Photo(pixels(bitmap, orientation), options.inSampleSize)
            } finally {
                bitmap.recycle()
            }
        }

        private fun sampling(pixels: Long): Int {
            val most = minOf(MOST_PIXELS.toLong(), Runtime.getRuntime().maxMemory() / HEAP_PER_PIXEL)
            var sampling = 1
            // BitmapFactory rounds down to powers of two.
            while (pixels / (sampling.toLong() * sampling) > most) sampling *= 2
            return sampling
        }

        /** What [read] makes of the photo's bytes; whatever goes wrong there, the photo or the app that holds it is at fault. */
        private fun <T> from(resolver: ContentResolver, uri: Uri, read: (InputStream) -> T): T = try {
            val stream = resolver.openInputStream(uri) ?: throw PictureError("the app that holds it does not answer")
            stream.use(read)
        } catch (error: FileNotFoundException) {
            throw PictureError("it is no longer there", error)
        } catch (error: IOException) {
            throw PictureError(error.message ?: "its storage does not answer", error)
        } catch (error: SecurityException) {
            throw PictureError("the permission to read it has ended: choose it again", error)
        } catch (error: RuntimeException) {
            // Another app's provider may throw anything, and a decoder of the phone's maker too.
            throw PictureError(error.message ?: error.javaClass.simpleName, error)
        }

        private fun orientation(stream: InputStream): Int = try {
            ExifInterface(stream).getAttributeInt(ExifInterface.TAG_ORIENTATION, UPRIGHT)
        } catch (_: IOException) {
            // A kind of file that has no Exif; whether it is a picture at all shows when it is decoded.
            UPRIGHT
        } catch (_: RuntimeException) {
            // Old Androids' reader stumbles over damaged Exif; the picture itself may be whole.
            UPRIGHT
        }

        private fun pixels(bitmap: Bitmap, tag: Int): Pixels {
            val (height, width) = bitmap.height to bitmap.width
            val upright = Orientation.of(tag, height, width)
            val picture = Pixels(upright.height, upright.width, 3)
            val strip = IntArray(STRIP_ROWS * width)
            for (top in 0 until height step STRIP_ROWS) {
                val rows = minOf(STRIP_ROWS, height - top)
                bitmap.getPixels(strip, 0, width, 0, top, width, rows)
                for (row in 0 until rows) {
                    var to = upright.start + (top + row) * upright.perRow
                    for (column in 0 until width) {
                        val colour = strip[row * width + column]
                        val alpha = colour ushr 24
                        picture.bytes[3 * to] = onWhite(colour ushr 16 and 0xFF, alpha)
                        picture.bytes[3 * to + 1] = onWhite(colour ushr 8 and 0xFF, alpha)
                        picture.bytes[3 * to + 2] = onWhite(colour and 0xFF, alpha)
                        to += upright.perColumn
                    }
                }
            }
            return picture
        }

        /** `value * alpha + 255 * (1 - alpha)`, rounded as the reference's decoder rounds it. */
        private fun onWhite(value: Int, alpha: Int): Byte {
            if (alpha == 255) return value.toByte()
            val sum = value * alpha + 255 * (255 - alpha) + 128
            return (sum + (sum shr 8) shr 8).toByte()
        }
    }
}
