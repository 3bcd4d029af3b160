package mobilepipeline.demo

import android.app.Activity
import android.view.View

/** The view of the screen's layout with this id. */
internal fun <T : View> Activity.view(id: Int): T =
    findViewById<T>(id) ?: error("the layout has no ${resources.getResourceEntryName(id)}")

/** The view with this id in this one. */
internal fun <T : View> View.child(id: Int): T =
    findViewById<T>(id) ?: error("the layout has no ${resources.getResourceEntryName(id)}")
