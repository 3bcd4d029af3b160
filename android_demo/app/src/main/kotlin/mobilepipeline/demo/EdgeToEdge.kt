package mobilepipeline.demo

import android.os.Build
import android.view.View
import android.view.WindowInsets

/**
 * Keeps a screen's content clear of bars, cut-outs and the keyboard, which Android 15 and newer draw over it.
 *
 * Where an older system keeps the content clear itself the insets that arrive here are zero.
 */
internal fun View.padByInsets() {
    val (left, top, right, bottom) = listOf(paddingLeft, paddingTop, paddingRight, paddingBottom)
    setOnApplyWindowInsetsListener { view, insets ->
        val bars = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) InsetsApi30.of(insets) else older(insets)
        view.setPadding(left + bars.left, top + bars.top, right + bars.right, bottom + bars.bottom)
        insets
    }
    requestApplyInsets()
}

/** Pixels at each edge. */
internal class Edges(val left: Int, val top: Int, val right: Int, val bottom: Int)

@Suppress("DEPRECATION") // What replaced it came with API 30.
private fun older(insets: WindowInsets) = Edges(
    insets.systemWindowInsetLeft,
    insets.systemWindowInsetTop,
    insets.systemWindowInsetRight,
    insets.systemWindowInsetBottom,
)
