package mobilepipeline.demo

import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeNoException
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized

/** The models of the app's screens: skipped with the reason where nothing, or no golden case, was embedded. */
@RunWith(Parameterized::class)
class EmbeddedOnDeviceTest(private val slot: Slot) {
    @Test
    fun theScreensOwnClassifierAnswersAsTheReference() {
        val bundle = try {
            DeviceBundle.embedded(slot)
        } catch (error: NotEmbedded) {
            assumeNoException(error.message, error)
            throw error
        }
        val manifest = bundle.manifest
        TfliteClassifier.open(EmbeddedModel(manifest, bundle.bytes)).use { classifier ->
            for (case in manifest.golden.cases) {
                val all = classifier.classify(bundle.pixels(case), manifest.labels.size).recognitions
                val golden = all.single { it.index == case.top1 }
                // Two classes may be as good as equal: then either may come first.
                val behind = all.first().probability - golden.probability
                assertTrue("${case.id}: ${all.take(3)}", behind <= manifest.golden.outputTolerance)
                assertEquals(manifest.labels[case.top1], golden.label)
            }
        }
    }

    companion object {
        @JvmStatic
        @Parameterized.Parameters(name = "{0}")
        fun slots(): List<Slot> = Slot.entries
    }
}
