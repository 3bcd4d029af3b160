package mobilepipeline.core

import java.nio.file.Path
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertAll
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.MethodSource

/** The core against the Python reference, value by value. */
internal class GoldenTest {
    @ParameterizedTest
    @MethodSource("bundles")
    fun `every golden case of a bundle comes out as in Python`(bundle: Path) {
        assertEquals(emptyList<String>(), goldenDifferences(bundle))
    }

    @Test
    fun `every option of the contract comes out as in Python`() {
        assertEquals(emptyList<String>(), vectorDifferences())
    }

    @Test
    fun `the project's own bundles show all three kinds of cases and both kinds of doors`() {
        val manifests = listOf("digits", "shapes").map { Manifest.read(GoldenBundles.manifest(GoldenBundles.named(it))) }
        assertAll(
            { assertEquals(GoldenKind.entries.toSet(), manifests.flatMap { it.golden.cases }.map { it.kind }.toSet()) },
            { assertEquals(setOf(ElementType.UINT8, ElementType.INT8), manifests.map { it.model.input.dtype }.toSet()) },
        )
    }

    private companion object {
        @JvmStatic
        fun bundles() = GoldenBundles.all()
    }
}
