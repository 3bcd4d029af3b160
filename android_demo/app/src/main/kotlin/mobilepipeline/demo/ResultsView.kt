package mobilepipeline.demo

import android.content.Context
import android.util.AttributeSet
import android.view.LayoutInflater
import android.view.View
import android.widget.LinearLayout
import android.widget.TextView
import java.text.NumberFormat
import mobilepipeline.core.Recognition

/** The top classes, each with its share as a number and as a bar. */
class ResultsView(context: Context, attributes: AttributeSet?) : LinearLayout(context, attributes) {
    private val percent = NumberFormat.getPercentInstance(context.resources.configuration.locales[0])
    private val rows = mutableListOf<Row>()

    /** Shows [recognitions] in place of what stands there; rows are made once. */
    fun show(recognitions: List<Recognition>) {
        while (rows.size < recognitions.size) {
            val view = LayoutInflater.from(context).inflate(R.layout.result_row, this, false)
            addView(view)
            rows += Row(view)
        }
        rows.forEachIndexed { i, row ->
            row.view.visibility = if (i < recognitions.size) VISIBLE else GONE
            if (i < recognitions.size) row.show(recognitions[i])
        }
    }

    private inner class Row(val view: View) {
        private val label: TextView = view.child(R.id.label)
        private val share: TextView = view.child(R.id.share)
        private val bar: BarView = view.child(R.id.bar)

        fun show(recognition: Recognition) {
            val part = percent.format(recognition.probability)
            label.text = recognition.label
            share.text = part
            bar.share = recognition.probability.toFloat()
            view.contentDescription = context.getString(R.string.result_description, recognition.label, part)
        }
    }
}
