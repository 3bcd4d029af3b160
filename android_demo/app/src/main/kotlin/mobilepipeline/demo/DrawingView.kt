package mobilepipeline.demo

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.Path
import android.os.Build
import android.util.AttributeSet
import android.view.MotionEvent
import android.view.View
import mobilepipeline.core.Ink

/**
 * A square to write in, with a finger, a pen or a mouse.
 *
 * It draws the ink's own colours, which follow the theme; what the model sees is drawn by the core from the strokes.
 */
class DrawingView(context: Context, attributes: AttributeSet?) : View(context, attributes) {
    /** What stands on the pad; call [inkChanged] after changing it. */
    var ink = Ink()
        set(value) {
            field = value
            inkChanged()
        }

    /** Told whenever a stroke grows or goes. */
    var onInk: (() -> Unit)? = null

    private val path = Path()
    private val pen = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        style = Paint.Style.STROKE
        strokeCap = Paint.Cap.ROUND
        strokeJoin = Paint.Join.ROUND
        color = context.getColor(R.color.ink)
    }
    private var pointer = MotionEvent.INVALID_POINTER_ID

    /** Redraws and tells the listener. */
    fun inkChanged() {
        invalidate()
        onInk?.invoke()
    }

    /** Ends the stroke that is being written, as it is: what the finger does until it leaves is no part of the ink. */
    fun drop() {
        pointer = MotionEvent.INVALID_POINTER_ID
    }

    override fun onMeasure(widthMeasureSpec: Int, heightMeasureSpec: Int) {
        // In a scrolling column nothing bounds the height: buttons and an answer are to be in sight too.
        val screen = (resources.displayMetrics.heightPixels * MOST_OF_SCREEN).toInt()
        val bounded = MeasureSpec.getMode(heightMeasureSpec) != MeasureSpec.UNSPECIFIED
        val height = if (bounded) MeasureSpec.getSize(heightMeasureSpec) else screen
        val side = minOf(MeasureSpec.getSize(widthMeasureSpec), height, screen)
        setMeasuredDimension(side, side)
    }

    override fun onLayout(changed: Boolean, left: Int, top: Int, right: Int, bottom: Int) {
        super.onLayout(changed, left, top, right, bottom)
        // A stroke that begins at the edge is a stroke, not the system's way back.
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) GesturesApi29.leaveTo(this)
    }

    override fun onTouchEvent(event: MotionEvent): Boolean {
        when (event.actionMasked) {
            MotionEvent.ACTION_DOWN -> {
                parent.requestDisallowInterceptTouchEvent(true)
                val begun = ink.begin(fraction(event.x), fraction(event.y))
                pointer = if (begun) event.getPointerId(0) else MotionEvent.INVALID_POINTER_ID
                inkChanged()
            }
            MotionEvent.ACTION_MOVE -> follow(event)
            MotionEvent.ACTION_POINTER_UP -> if (event.getPointerId(event.actionIndex) == pointer) {
                follow(event)
                pointer = MotionEvent.INVALID_POINTER_ID
            }
            MotionEvent.ACTION_UP -> {
                follow(event)
                pointer = MotionEvent.INVALID_POINTER_ID
                performClick()
            }
            MotionEvent.ACTION_CANCEL -> if (pointer != MotionEvent.INVALID_POINTER_ID) {
                // The system took the gesture: it was not writing.
                pointer = MotionEvent.INVALID_POINTER_ID
                ink.undo()
                inkChanged()
            }
            else -> return super.onTouchEvent(event)
        }
        return true
    }

    override fun performClick(): Boolean {
        super.performClick()
        return true
    }

    /** Adds every point since the last event: the screen reports more than it draws. */
    private fun follow(event: MotionEvent) {
        val index = event.findPointerIndex(pointer)
        if (index < 0) return
        for (past in 0 until event.historySize) {
            ink.move(fraction(event.getHistoricalX(index, past)), fraction(event.getHistoricalY(index, past)))
        }
        ink.move(fraction(event.getX(index)), fraction(event.getY(index)))
        inkChanged()
    }

    override fun onDraw(canvas: Canvas) {
        super.onDraw(canvas)
        pen.strokeWidth = width * PEN
        path.rewind()
        for (line in ink.strokes) {
            path.moveTo(place(line[0].x), place(line[0].y))
            // A dot is a line to itself: a round cap draws it.
            if (line.size == 1) path.lineTo(place(line[0].x), place(line[0].y))
            for (i in 1 until line.size) path.lineTo(place(line[i].x), place(line[i].y))
        }
        canvas.drawPath(path, pen)
    }

    // The pad is square: across and down are the same.
    private fun fraction(place: Float) = place.coerceIn(0f, width.toFloat()) / width.coerceAtLeast(1)

    private fun place(fraction: Double) = fraction.toFloat() * width

    private companion object {
        /** The pen's width on the screen as a fraction of the side. */
        const val PEN = 0.045f

        /** Of the screen's height. */
        const val MOST_OF_SCREEN = 0.55f
    }
}
