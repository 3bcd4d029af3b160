package mobilepipeline.demo

import android.app.Activity
import android.view.View
import android.widget.TextView
import mobilepipeline.core.Classification

/** The part of both screens that shows a recogniser's model and its answer (`layout/model_state.xml`). */
internal class ModelStateView(private val screen: Activity, private val nothing: String) {
    private val summary: TextView = screen.view(R.id.summary)
    private val problem: TextView = screen.view(R.id.problem)
    private val results: ResultsView = screen.view(R.id.results)
    private val took: TextView = screen.view(R.id.took)
    private val model: TextView = screen.view(R.id.model)

    fun show(recogniser: Recogniser) {
        val state = recogniser.model
        val answer = recogniser.answer
        set(model, describe(state))
        set(problem, problem(state, answer))
        when (answer) {
            is Answer.Given -> show(answer.classification)
            Answer.Working -> clear(screen.getString(if (state == ModelState.Opening) R.string.opening else R.string.looking))
            Answer.None, is Answer.Failed -> clear(
                when (state) {
                    ModelState.Opening -> screen.getString(R.string.opening)
                    ModelState.Missing, is ModelState.Broken -> ""
                    is ModelState.Ready -> if (answer is Answer.Failed) "" else nothing
                },
            )
        }
    }

    private fun show(classification: Classification) {
        set(summary, classification.recognitions.first().label)
        results.show(classification.recognitions)
        set(
            took,
            screen.getString(R.string.took, classification.inferenceMilliseconds, classification.preprocessMilliseconds),
        )
    }

    private fun clear(text: String) {
        set(summary, text)
        results.show(emptyList())
        set(took, "")
    }

    private fun describe(state: ModelState): String {
        if (state !is ModelState.Ready) return ""
        val manifest = state.manifest
        val count = manifest.labels.size
        val classes = screen.resources.getQuantityString(R.plurals.classes, count, count)
        val lines = mutableListOf(
            screen.getString(R.string.model_is, manifest.name, manifest.model.scheme, classes),
            screen.getString(R.string.runs_on, state.delegate),
        )
        state.refusals.mapTo(lines) { screen.getString(R.string.refused, it.delegate, it.reason) }
        if (manifest.profile == "smoke") lines += screen.getString(R.string.model_smoke)
        return lines.joinToString("\n")
    }

    private fun problem(state: ModelState, answer: Answer): String = when {
        state == ModelState.Missing -> screen.getString(R.string.missing) + "\n\n" + screen.getString(R.string.embed)
        state is ModelState.Broken -> screen.getString(R.string.broken, state.reason)
        answer is Answer.Failed && answer.picture -> screen.getString(R.string.photo_unreadable, answer.reason)
        answer is Answer.Failed -> screen.getString(R.string.failed, answer.reason)
        else -> ""
    }

    /** Changes a text only where it changes: a live region is read out with every set. */
    private fun set(view: TextView, text: String) {
        if (view.text.toString() != text) view.text = text
        view.visibility = if (text.isEmpty()) View.GONE else View.VISIBLE
    }
}
