package mobilepipeline.demo

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException

/**
 * Files in the app's cache, each of which a camera app is allowed to fill for as long as it was asked to.
 *
 * Not exported: only who was granted a URI with an intent gets in, and only to that one file. Each picture has a
 * file of its own, so that the last one stays until the next is there.
 */
class CaptureProvider : ContentProvider() {
    override fun onCreate(): Boolean = true

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor {
        val here = context ?: throw FileNotFoundException("the provider has not started")
        val file = file(here, uri) ?: throw FileNotFoundException("$uri is no capture")
        return ParcelFileDescriptor.open(file, ParcelFileDescriptor.parseMode(mode))
    }

    override fun getType(uri: Uri): String = "image/jpeg"

    override fun query(uri: Uri, projection: Array<String>?, selection: String?, arguments: Array<String>?, order: String?): Cursor {
        val columns = projection ?: arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)
        val file = context?.let { file(it, uri) } ?: return MatrixCursor(columns, 0)
        val values = columns.map {
            when (it) {
                OpenableColumns.DISPLAY_NAME -> file.name
                OpenableColumns.SIZE -> file.length()
                else -> null
            }
        }
        return MatrixCursor(columns, 1).apply { addRow(values) }
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri? = throw UnsupportedOperationException("nothing is inserted")

    override fun update(uri: Uri, values: ContentValues?, selection: String?, arguments: Array<String>?): Int =
        throw UnsupportedOperationException("nothing is updated")

    override fun delete(uri: Uri, selection: String?, arguments: Array<String>?): Int =
        throw UnsupportedOperationException("nothing is deleted")

    companion object {
        /** The whole of a path, so that none leads out of the cache; the number is the time, which outlives a process. */
        private val PATH = Regex("/(capture-(\\d{1,18})\\.jpg)")

        /** Where a camera app puts a new picture; another place each time. */
        fun next(context: Context): Uri = Uri.Builder()
            .scheme("content")
            .authority(authority(context))
            .path("/capture-${System.currentTimeMillis()}.jpg")
            .build()

        /** Whether a camera has put a picture at [uri], of [next]; blocks on storage. */
        fun isFilled(context: Context, uri: Uri): Boolean = (file(context, uri)?.length() ?: 0) > 0

        /** Removes the pictures before that of [uri], or nothing where it is another app's; blocks on storage. */
        fun removeBefore(context: Context, uri: Uri) {
            if (uri.authority != authority(context)) return
            val last = number(uri.path) ?: return
            for (file in context.cacheDir.listFiles().orEmpty()) {
                val number = number("/${file.name}")
                if (number != null && number < last) file.delete()
            }
        }

        private fun authority(context: Context) = "${context.packageName}.capture"

        private fun number(path: String?): Long? = path?.let(PATH::matchEntire)?.groupValues?.get(2)?.toLong()

        private fun file(context: Context, uri: Uri): File? =
            uri.path?.let(PATH::matchEntire)?.let { File(context.cacheDir, it.groupValues[1]) }
    }
}
