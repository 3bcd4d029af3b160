package mobilepipeline.demo

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.ClipData
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.Bitmap
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import android.provider.MediaStore
import android.view.View
import android.widget.ImageView
import android.widget.TextView
import android.widget.Toast

/** A photo, chosen or taken, and what it shows. */
class PhotoActivity : Activity() {
    private lateinit var kept: Kept

    /** Survives a change of configuration, and holds no screen. */
    private class Kept(context: Context) {
        val recogniser = Recogniser(context, Slot.PHOTO)
        var uri: Uri? = null

        /** Where a camera app is to put a picture, while it is asked to. */
        var target: Uri? = null
        var preview: Bitmap? = null
        var reducedBy = 1
        var observer: (() -> Unit)? = null
        private val context: Context = context.applicationContext
        private val main = Handler(Looper.getMainLooper())
        private var photos = 0

        /** @param taken whether a camera app has just been asked for it, which may have put nothing there. */
        fun recognise(uri: Uri, taken: Boolean = false) {
            val number = ++photos
            this.uri = uri
            preview = null
            reducedBy = 1
            // The photo before goes at once: its picture is not to stand above another's answer.
            observer?.invoke()
            recogniser.submit(null)
            recogniser.submit { _ ->
                if (taken && !CaptureProvider.isFilled(context, uri)) throw PictureError("the camera app has put none there")
                val photo = Photo.read(context.contentResolver, uri)
                val small = photo.preview()
                CaptureProvider.removeBefore(context, uri)
                main.post {
                    // A later photo may have been chosen in the meantime.
                    if (photos == number) {
                        preview = small
                        reducedBy = photo.reducedBy
                        observer?.invoke()
                    }
                }
                photo.pixels
            }
        }
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.activity_photo)
        view<View>(R.id.root).padByInsets()
        val before = lastNonConfigurationInstance as Kept?
        kept = before ?: Kept(this)
        if (before == null) {
            kept.target = saved(savedInstanceState, TARGET)
            saved(savedInstanceState, URI)?.let { kept.recognise(it) }
        }

        view<View>(R.id.choose).setOnClickListener { choose() }
        val take = view<View>(R.id.take)
        take.setOnClickListener { take() }
        val camera = packageManager.hasSystemFeature(PackageManager.FEATURE_CAMERA_ANY)
        take.visibility = if (camera) View.VISIBLE else View.GONE
    }

    override fun onStart() {
        super.onStart()
        val view = ModelStateView(this, getString(R.string.empty_photo))
        kept.observer = ::showPreview
        kept.recogniser.observer = { view.show(kept.recogniser) }
        showPreview()
    }

    override fun onStop() {
        kept.observer = null
        kept.recogniser.observer = null
        super.onStop()
    }

    override fun onRetainNonConfigurationInstance(): Any = kept

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        outState.putString(URI, kept.uri?.toString())
        outState.putString(TARGET, kept.target?.toString())
    }

    override fun onDestroy() {
        if (!isChangingConfigurations) kept.recogniser.close()
        super.onDestroy()
    }

    private fun saved(state: Bundle?, name: String): Uri? = state?.getString(name)?.let(Uri::parse)

    private fun showPreview() {
        val picture = view<ImageView>(R.id.picture)
        picture.setImageBitmap(kept.preview)
        picture.contentDescription = getString(if (kept.preview == null) R.string.photo_none else R.string.photo_description)
        val note = view<TextView>(R.id.reduced)
        note.text = if (kept.reducedBy > 1) getString(R.string.photo_reduced, kept.reducedBy) else ""
        note.visibility = if (kept.reducedBy > 1) View.VISIBLE else View.GONE
    }

    /** The system's photo picker, which shows all photos and gives this app one; before Android 13 that of documents. */
    private fun choose() {
        val document = Intent(Intent.ACTION_GET_CONTENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
        val ways = mutableListOf(document)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) {
            ways.add(0, Intent(PICK_IMAGES).setType("image/*"))
        }
        if (ways.none { start(it, CHOOSE) }) say(R.string.no_picker)
    }

    /** A camera app, which writes into the one file that it is given: this app needs no permission for that. */
    private fun take() {
        val target = CaptureProvider.next(this)
        kept.target = target
        val capture = Intent(MediaStore.ACTION_IMAGE_CAPTURE)
            .putExtra(MediaStore.EXTRA_OUTPUT, target)
            .addFlags(Intent.FLAG_GRANT_WRITE_URI_PERMISSION or Intent.FLAG_GRANT_READ_URI_PERMISSION)
        // Grants go with the intent's clip, not with its extras.
        capture.clipData = ClipData.newRawUri(null, target)
        if (!start(capture, TAKE)) {
            kept.target = null
            say(R.string.no_camera)
        }
    }

    /** Whether there is an app for it; asking beforehand would need a list of packages in the manifest. */
    private fun start(intent: Intent, request: Int): Boolean = try {
        startActivityForResult(intent, request)
        true
    } catch (_: ActivityNotFoundException) {
        false
    }

    override fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?) {
        super.onActivityResult(requestCode, resultCode, data)
        val target = kept.target
        if (requestCode == TAKE) kept.target = null
        if (resultCode != RESULT_OK) return
        when (requestCode) {
            CHOOSE -> {
                // Some apps that give documents put a single one into the clip too.
                val chosen = data?.data ?: data?.clipData?.takeIf { it.itemCount > 0 }?.getItemAt(0)?.uri
                if (chosen == null) say(R.string.none_chosen) else kept.recognise(chosen)
            }
            TAKE -> if (target == null) say(R.string.none_taken) else kept.recognise(target, taken = true)
        }
    }

    private fun say(text: Int) {
        Toast.makeText(this, text, Toast.LENGTH_LONG).show()
    }

    private companion object {
        const val URI = "photo.uri"
        const val TARGET = "photo.target"
        const val CHOOSE = 1
        const val TAKE = 2

        /** `MediaStore.ACTION_PICK_IMAGES`, by its value: the name came with API 33. */
        const val PICK_IMAGES = "android.provider.action.PICK_IMAGES"
    }
}
