package mobilepipeline.demo

import android.annotation.TargetApi
import android.view.WindowInsets

/** How Android 11 and newer name what covers a window. */
@TargetApi(30)
internal object InsetsApi30 {
    fun of(insets: WindowInsets): Edges {
        val edges = insets.getInsets(
            WindowInsets.Type.systemBars() or WindowInsets.Type.displayCutout() or WindowInsets.Type.ime(),
        )
        return Edges(edges.left, edges.top, edges.right, edges.bottom)
    }
}
