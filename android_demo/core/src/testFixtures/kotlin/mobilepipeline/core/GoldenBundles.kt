package mobilepipeline.core

import java.nio.file.Files
import java.nio.file.Path
import kotlin.streams.toList

/** Where the tests of this checkout find bundles; `PIPELINE_GOLDEN` adds folders, with colons between. */
public object GoldenBundles {
    private val checkout: Path? = System.getProperty("mobilepipeline.checkout")?.let { Path.of(it) }

    /** Every folder with a manifest; there must be one, as tests of no bundle would all pass. */
    public fun all(): List<Path> {
        val homes = listOfNotNull(
            checkout?.resolve("tests/fixtures/golden_bundles"),
            // What `pipeline embed` put there; by its path, as the engine's tests have other resources than the core's.
            checkout?.resolve("android_demo/core/src/test/resources/golden"),
        )
        val named = System.getenv("PIPELINE_GOLDEN").orEmpty().split(':').filter { it.isNotEmpty() }.map { Path.of(it) }
        val found = homes.flatMap(::inside)
        for (folder in named) {
            check(Files.exists(folder.resolve("manifest.json"))) { "PIPELINE_GOLDEN: $folder has no manifest.json" }
        }
        check(found.isNotEmpty() || named.isNotEmpty()) { "no golden bundle in $homes: embed one, or set PIPELINE_GOLDEN" }
        return found + named
    }

    /** The models that the app comes with, without golden cases; there must be one. */
    public fun shipped(): List<Path> {
        val home = checkNotNull(checkout) { "mobilepipeline.checkout is not set" }.resolve("android_demo/app/src/main/assets/models")
        return inside(home).also { check(it.isNotEmpty()) { "$home holds no model: `pipeline embed` puts one there" } }
    }

    private fun inside(home: Path): List<Path> {
        if (!Files.isDirectory(home)) return emptyList()
        return Files.list(home).use { it.sorted().toList() }.filter { Files.exists(it.resolve("manifest.json")) }
    }

    /** The one whose name is [name]. */
    public fun named(name: String): Path =
        all().firstOrNull { it.fileName.toString() == name } ?: error("no golden bundle is called '$name'")

    /** Its manifest as text. */
    public fun manifest(bundle: Path): String = Files.readString(bundle.resolve("manifest.json"))
}
