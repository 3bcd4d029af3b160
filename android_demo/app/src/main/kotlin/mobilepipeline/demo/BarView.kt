package mobilepipeline.demo

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.util.AttributeSet
import android.view.View

/** A bar that is filled by a share of its width, from the side where reading starts. */
class BarView(context: Context, attributes: AttributeSet?) : View(context, attributes) {
    /** 0..1. */
    var share = 0f
        set(value) {
            field = value.coerceIn(0f, 1f)
            invalidate()
        }

    private val track = Paint(Paint.ANTI_ALIAS_FLAG).apply { color = context.getColor(R.color.track) }
    private val fill = Paint(Paint.ANTI_ALIAS_FLAG).apply { color = context.getColor(R.color.accent) }

    override fun onDraw(canvas: Canvas) {
        super.onDraw(canvas)
        val radius = height / 2f
        canvas.drawRoundRect(0f, 0f, width.toFloat(), height.toFloat(), radius, radius, track)
        if (share == 0f) return
        // Never narrower than its round ends.
        val length = (share * width).coerceAtLeast(height.toFloat())
        val left = if (layoutDirection == LAYOUT_DIRECTION_RTL) width - length else 0f
        canvas.drawRoundRect(left, 0f, left + length, height.toFloat(), radius, radius, fill)
    }
}
