package mobilepipeline.demo

import android.app.Activity
import android.os.Bundle
import android.view.View
import android.widget.Toast
import mobilepipeline.core.Drawing
import mobilepipeline.core.Ink

/** Characters, recognised as one writes. */
class DrawingActivity : Activity() {
    /** Survives a change of configuration: the model stays open, the ink stays on the pad. */
    private class Kept(val recogniser: Recogniser, val ink: Ink)

    private lateinit var kept: Kept
    private lateinit var pad: DrawingView
    private lateinit var undo: View
    private lateinit var clear: View
    private var toldFull = false

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.activity_drawing)
        view<View>(R.id.root).padByInsets()
        val before = lastNonConfigurationInstance as Kept?
        kept = before ?: Kept(Recogniser(this, Slot.DRAWING), Ink())
        if (before == null) savedInstanceState?.let(kept.ink::restore)

        pad = view(R.id.pad)
        undo = view(R.id.undo)
        clear = view(R.id.clear)
        pad.ink = kept.ink
        pad.onInk = ::recognise
        undo.setOnClickListener {
            pad.drop()
            kept.ink.undo()
            pad.inkChanged()
        }
        clear.setOnClickListener {
            pad.drop()
            kept.ink.clear()
            pad.inkChanged()
        }
        describePad()
        // Ink that came back with the saved state has no answer yet.
        if (before == null) recognise()
    }

    override fun onStart() {
        super.onStart()
        val view = ModelStateView(this, getString(R.string.empty_drawing))
        kept.recogniser.observer = { view.show(kept.recogniser) }
    }

    override fun onStop() {
        // The view goes and its gesture is cancelled, which would take the stroke from the ink that stays.
        pad.drop()
        kept.recogniser.observer = null
        super.onStop()
    }

    override fun onRetainNonConfigurationInstance(): Any = kept

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        kept.ink.save(outState)
    }

    override fun onDestroy() {
        pad.onInk = null
        if (!isChangingConfigurations) kept.recogniser.close()
        super.onDestroy()
    }

    private fun recognise() {
        val ink = kept.ink
        describePad()
        if (ink.isFull && !toldFull) Toast.makeText(this, R.string.pad_full, Toast.LENGTH_LONG).show()
        toldFull = ink.isFull
        kept.recogniser.submit(picture(ink))
    }

    private fun describePad() {
        val strokes = kept.ink.strokes.size
        undo.isEnabled = strokes > 0
        clear.isEnabled = strokes > 0
        val state =
            if (strokes == 0) getString(R.string.pad_empty) else resources.getQuantityString(R.plurals.pad_strokes, strokes, strokes)
        pad.contentDescription = getString(R.string.pad_description, state)
    }

    private companion object {
        /** Of the strokes as they are now; outside the screen's class, so that the waiting one holds no screen. */
        fun picture(ink: Ink): Picture? {
            val strokes = ink.copy()
            if (strokes.isEmpty()) return null
            return Picture { manifest ->
                val drawing = manifest.drawing ?: throw PictureError("${manifest.name} is no model of handwriting")
                Drawing(drawing).draw(strokes)
            }
        }
    }
}
