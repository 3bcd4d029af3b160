package mobilepipeline.core

import java.nio.file.Path
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.api.io.TempDir

/** Whether the golden cases would notice: the core with each of its numbers changed must fail them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
internal class MutationTest {
    private lateinit var right: ChangedCore
    private lateinit var wrong: List<ChangedCore>
    private var caughtByGolden = 0
    private var caughtByVectors = 0

    @BeforeAll
    fun compile(@TempDir work: Path) {
        val mutants = Mutants(Path.of("src/main/kotlin/mobilepipeline/core"), work)
        right = mutants.unchanged(GOLDEN + VECTORS)
        wrong = mutants.changed(GOLDEN + VECTORS)
    }

    @Test
    fun `the unchanged core passes, compiled and loaded in the same way`() {
        assertEquals(emptyList<String>(), golden(right) + vectors(right))
    }

    @Test
    fun `a class that is missing is the harness's fault, not a change that was noticed`(@TempDir empty: Path) {
        val broken = ChangedCore(empty, listOf("Weights.kt"))
        assertThrows(LinkageError::class.java) { vectors(broken) }
    }

    @TestFactory
    fun `a golden case fails with`(): List<DynamicTest> = GOLDEN.mapIndexed { number, mutant ->
        DynamicTest.dynamicTest(mutant.name) {
            assertTrue(golden(wrong[number]).isNotEmpty()) { "${mutant.name}: no golden case fails" }
            caughtByGolden++
        }
    }

    @TestFactory
    fun `a vector fails with`(): List<DynamicTest> = (GOLDEN + VECTORS).zip(wrong).filter { (mutant) -> mutant != LABEL_ORDER }
        .map { (mutant, core) ->
            DynamicTest.dynamicTest(mutant.name) {
                assertTrue(vectors(core).isNotEmpty()) { "${mutant.name}: no vector fails" }
                caughtByVectors++
            }
        }

    @AfterAll
    fun report() {
        val vectors = GOLDEN.size + VECTORS.size - 1
        println("mutation check: $caughtByGolden of ${GOLDEN.size} changes fail a golden case, $caughtByVectors of $vectors a vector")
    }

    private fun golden(core: ChangedCore) = listOf("digits", "shapes").flatMap {
        core.differences("GoldenCheckKt", "goldenDifferences", GoldenBundles.named(it))
    }

    private fun vectors(core: ChangedCore) = core.differences("VectorsKt", "vectorDifferences")

    private companion object {
        /** Only bundles show it: vectors have no labels of their own. */
        val LABEL_ORDER = Mutant("labels in another order", "Postprocess.kt", "labels[it]", "labels[labels.size - 1 - it]")

        const val LUMA = "19595 * red + 38470 * green + 7471 * blue"

        /** Changes that the project's golden bundles notice. */
        val GOLDEN = listOf(
            Mutant("a filter that is no wider for a reduction", "Weights.kt", "maxOf(1.0, ratio)", "1.0"),
            Mutant("a filter a tenth wider", "Weights.kt", "maxOf(1.0, ratio)", "maxOf(1.0, 1.1 * ratio)"),
            Mutant("corners aligned instead of centres", "Weights.kt", "(i + 0.5) * ratio", "(i + 0.5) * ratio - 0.5"),
            Mutant("weights that are not normalised", "Weights.kt", "all[k] /= sum", "all[k] /= reach"),
            Mutant("red and blue swapped", "Canvas.kt", LUMA, "7471 * red + 38470 * green + 19595 * blue"),
            Mutant("luma of ITU-R BT.709", "Canvas.kt", LUMA, "13933 * red + 46871 * green + 4732 * blue"),
            Mutant("no inversion", "Canvas.kt", "255 - it else it", "it else it"),
            Mutant("paper that counts as ink", "Canvas.kt", "level <= spec.inkThreshold", "level < 1"),
            Mutant("a square from the corner", "Canvas.kt", "left += (width - side) / 2", "left += 0"),
            Mutant("ink's size cut, not rounded", "Preprocess.kt", "canvas.width.toDouble() * fit / longer + 0.5", "canvas.width.toDouble() * fit / longer"),
            Mutant("ink half a pixel off", "Preprocess.kt", "spec.width / 2.0 - column + 0.5 + PLACE_SLACK", "spec.width / 2.0 - column"),
            Mutant("levels cut, not rounded", "Preprocess.kt", "(values[i] + 0.5).toInt()", "values[i].toInt()"),
            Mutant("the tensor's scale left out", "Preprocess.kt", "value.toDouble() / scale", "value.toDouble()"),
            Mutant("the tensor's zero point left out", "Preprocess.kt", "0.5 * sign(steps)) + zeroPoint", "0.5 * sign(steps))"),
            Mutant("steps cut, not rounded", "Preprocess.kt", "truncate(steps + 0.5 * sign(steps))", "truncate(steps)"),
            Mutant("the answer's zero point left out", "Postprocess.kt", "(quantised - zeroPoint)", "quantised"),
            Mutant("the answer's scale left out", "Postprocess.kt", ".toFloat() * scale.toFloat()", ".toFloat()"),
            Mutant("an answer's bytes read with a sign", "Postprocess.kt", "get(index).toInt() and 0xFF", "get(index).toInt()"),
            Mutant("the worst class first", "Postprocess.kt", "= value > other ||", "= value < other ||"),
            LABEL_ORDER,
            Mutant("another margin", "Drawing.kt", "MARGIN = 2", "MARGIN = 3"),
            Mutant("a pen half a pixel thinner", "Drawing.kt", "reach = pen / 2 + 0.5", "reach = pen / 2"),
            Mutant("a pen that is not part of the ink", "Drawing.kt", "(inner - pen) / longer", "inner / longer"),
            Mutant("strokes that are not centred", "Drawing.kt", "(point.x - (left + right) / 2)", "(point.x - left)"),
        )

        /** Changes to steps that those bundles' datasets do not need. */
        val VECTORS = listOf(
            Mutant("a shorter blur", "Blur.kt", "GAUSSIAN_REACH = 3", "GAUSSIAN_REACH = 2"),
            Mutant("a wider blur", "Blur.kt", "exp(-0.5 * ", "exp(-0.4 * "),
            Mutant("no slack for symmetric ink", "Preprocess.kt", "PLACE_SLACK = 1e-3", "PLACE_SLACK = -1e-3"),
            Mutant("centre of mass by corners", "Preprocess.kt", "ink * (c + 0.5)", "ink * c"),
            Mutant("scale left out", "Preprocess.kt", "it.toFloat() * spec.scale.toFloat()", "it.toFloat()"),
            Mutant("offset left out", "Preprocess.kt", "+ spec.offset.toFloat()", ""),
            Mutant("halves up, not away from zero", "Preprocess.kt", "truncate(steps + 0.5 * sign(steps))", "floor(steps + 0.5)"),
            Mutant("no softmax", "Postprocess.kt", "values[i] /= sum", "values[i] /= 1.0"),
            Mutant("dequantised in float64", "Postprocess.kt", ".toFloat() * scale.toFloat()", ".toDouble().times(scale).toFloat()"),
            Mutant("the picture before under the ink", "Preprocess.kt", "values.fill(0.0)", ""),
            Mutant("the picture before under this one", "Resize.kt", "out.fill(0.0, 0, height * length)", ""),
            Mutant("ink over the upper edge", "Preprocess.kt", "0, spec.height - height)", "-1000, spec.height - height)"),
            Mutant("ink over the lower edge", "Preprocess.kt", "0, spec.height - height)", "0, 1000)"),
            Mutant("ink over the left edge", "Preprocess.kt", "0, spec.width - width)", "-1000, spec.width - width)"),
            Mutant("ink over the right edge", "Preprocess.kt", "0, spec.width - width)", "0, 1000)"),
            Mutant("of ties the last first", "Postprocess.kt", "= value > other ||", "= value >= other ||"),
        )
    }
}
