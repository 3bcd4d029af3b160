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
 * One file in the app's cache, which a camera app is allowed to fill for as long as it was asked to.
 *
 * Not exported: only who was granted [uri] with an intent gets in, and only to this one file.
 */
class CaptureProvider : ContentProvider() {
    override fun onCreate(): Boolean = true

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor {
        val here = context ?: throw FileNotFoundException("the provider has not started")
        if (uri.path != PATH) throw FileNotFoundException("$uri: there is only $PATH")
        return ParcelFileDescriptor.open(file(here), ParcelFileDescriptor.parseMode(mode))
    }

    override fun getType(uri: Uri): String = "image/jpeg"

    override fun query(uri: Uri, projection: Array<String>?, selection: String?, arguments: Array<String>?, order: String?): Cursor {
        val columns = projection ?: arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)
        val values = columns.map {
            when (it) {
                OpenableColumns.DISPLAY_NAME -> NAME
                OpenableColumns.SIZE -> context?.let(::file)?.length()
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
        private const val NAME = "capture.jpg"
        private const val PATH = "/$NAME"

        /** Where a camera app puts the picture. */
        fun uri(context: Context): Uri =
            Uri.Builder().scheme("content").authority("${context.packageName}.capture").path(PATH).build()

        /** Whether a camera has put one there; blocks on storage, if briefly. */
        fun isFilled(context: Context): Boolean = file(context).length() > 0

        /** Removes the last picture. */
        fun clear(context: Context) {
            file(context).delete()
        }

        private fun file(context: Context) = File(context.cacheDir, NAME)
    }
}
