package mobilepipeline.demo

import android.content.Context
import android.os.Handler
import android.os.Looper
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicReference
import mobilepipeline.core.Classification
import mobilepipeline.core.Manifest
import mobilepipeline.core.Pixels
import mobilepipeline.core.Refusal

/** Gives the picture to recognise; called on the recogniser's thread. */
fun interface Picture {
    /** @throws PictureError the user's picture is at fault, not the model. */
    fun pixels(manifest: Manifest): Pixels
}

/** A picture that cannot be read; the message is for the screen. */
class PictureError(message: String, cause: Throwable? = null) : Exception(message, cause)

/** What a screen shows of its model. */
sealed interface ModelState {
    data object Opening : ModelState

    data object Missing : ModelState

    data class Broken(val reason: String) : ModelState

    data class Ready(val manifest: Manifest, val delegate: String, val refusals: List<Refusal>) : ModelState
}

/** What became of the last picture. */
sealed interface Answer {
    data object None : Answer

    data object Working : Answer

    data class Given(val classification: Classification) : Answer

    /** @property picture whether it is the picture that is at fault. */
    data class Failed(val reason: String, val picture: Boolean) : Answer
}

/**
 * A model and the one thread that opens it, runs it and closes it.
 *
 * A screen keeps it through changes of configuration and closes it when it is left for good. It holds no screen:
 * [observer] is set while one is visible. All functions are of the main thread. Where pictures come faster than
 * answers only the latest is recognised.
 */
class Recogniser(context: Context, private val slot: Slot) {
    private val assets = context.applicationContext.assets
    private val main = Handler(Looper.getMainLooper())
    private val thread: ExecutorService =
        Executors.newSingleThreadExecutor { Thread(it, "recogniser-${slot.folder}") }
    private val waiting = AtomicReference<Job?>(null)
    private var classifier: TfliteClassifier? = null
    private var manifest: Manifest? = null
    private var latest = 0
    private var firstWanted = 0
    private var closed = false

    var model: ModelState = ModelState.Opening
        private set
    var answer: Answer = Answer.None
        private set

    /** Told of every change; set again it is told at once. */
    var observer: (() -> Unit)? = null
        set(value) {
            field = value
            value?.invoke()
        }

    init {
        thread.execute(::open)
    }

    /** Recognises [picture], or nothing where it is null, in place of every earlier one. */
    fun submit(picture: Picture?) {
        if (closed) return
        latest++
        if (picture == null) {
            waiting.set(null)
            firstWanted = latest + 1
            change { answer = Answer.None }
            return
        }
        // A running series keeps its last answer until the next: the screen must not flicker while one writes.
        if (answer !is Answer.Given) change { answer = Answer.Working }
        val before = waiting.getAndSet(Job(latest, picture))
        if (before == null) thread.execute(::work)
    }

    /** Forgets the waiting picture; closes the model on its own thread after what runs there. */
    fun close() {
        if (closed) return
        closed = true
        observer = null
        waiting.set(null)
        thread.execute {
            classifier?.close()
            classifier = null
        }
        thread.shutdown()
    }

    private fun open() {
        val state = try {
            val embedded = EmbeddedModel.open(assets, slot)
            if (embedded == null) {
                ModelState.Missing
            } else {
                val opened = TfliteClassifier.open(embedded)
                classifier = opened
                manifest = embedded.manifest
                ready(embedded.manifest, opened)
            }
        } catch (error: Exception) {
            ModelState.Broken(text(error))
        } catch (error: LinkageError) {
            // No native library for this phone's processor.
            ModelState.Broken(text(error))
        }
        tell { model = state }
    }

    private fun work() {
        val job = waiting.getAndSet(null) ?: return
        val result = try {
            val (classifier, manifest) = classifier to manifest
            if (classifier == null || manifest == null) {
                Answer.None
            } else {
                Answer.Given(classify(classifier, manifest, job.picture.pixels(manifest)))
            }
        } catch (error: PictureError) {
            Answer.Failed(text(error), picture = true)
        } catch (error: OutOfMemoryError) {
            Answer.Failed(text(error), picture = true)
        } catch (error: Exception) {
            Answer.Failed(text(error), picture = false)
        }
        // An answer on the way to the latest is shown too, a failure is not.
        tell { if (job.number == latest || result is Answer.Given && job.number >= firstWanted) answer = result }
    }

    /** A delegate may have failed and another taken its place: the screen says what the model runs on now. */
    private fun classify(classifier: TfliteClassifier, manifest: Manifest, pixels: Pixels): Classification {
        try {
            return classifier.classify(pixels, TOP)
        } finally {
            val state = ready(manifest, classifier)
            main.post { if (!closed && state != model) change { model = state } }
        }
    }

    private fun ready(manifest: Manifest, opened: TfliteClassifier) =
        ModelState.Ready(manifest, opened.delegate, opened.refusals)

    private fun tell(action: () -> Unit) {
        main.post { if (!closed) change(action) }
    }

    private fun change(action: () -> Unit) {
        action()
        observer?.invoke()
    }

    private fun text(error: Throwable): String = error.message?.takeIf { it.isNotBlank() } ?: error.javaClass.simpleName

    private class Job(val number: Int, val picture: Picture)

    private companion object {
        /** Classes that a screen shows. */
        const val TOP = 5
    }
}
