package mobilepipeline.demo

import android.os.Bundle
import mobilepipeline.core.Ink

private const val LENGTHS = "ink.lengths"
private const val POINTS = "ink.points"

/** Writes the ink into a saved state, which outlives the process. */
fun Ink.save(into: Bundle) {
    into.putIntArray(LENGTHS, lengths())
    into.putFloatArray(POINTS, coordinates())
}

/** Becomes the ink of a saved state; one that holds none, or is damaged, changes nothing. */
fun Ink.restore(from: Bundle) {
    val lengths = from.getIntArray(LENGTHS) ?: return
    val points = from.getFloatArray(POINTS) ?: return
    restore(lengths, points)
}
