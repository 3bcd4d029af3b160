package mobilepipeline.demo

import android.annotation.TargetApi
import android.graphics.Rect
import android.view.View

/** What Android 10 and newer know of gestures at the screen's edges. */
@TargetApi(29)
internal object GesturesApi29 {
    /** Leaves gestures that begin on [view] to it, as far as the system lets an app. */
    fun leaveTo(view: View) {
        view.systemGestureExclusionRects = listOf(Rect(0, 0, view.width, view.height))
    }
}
