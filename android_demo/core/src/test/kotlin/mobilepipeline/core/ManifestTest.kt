package mobilepipeline.core

import com.google.gson.JsonParser
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** What is read of real manifests. */
internal class ManifestTest {
    private val text = GoldenBundles.manifest(GoldenBundles.named("shapes"))

    @Test
    fun `a bundle's numbers are those of its manifest`() {
        val manifest = Manifest.read(text)
        assertEquals("shapes", manifest.name)
        assertEquals(listOf("circle", "cross", "square", "triangle"), manifest.labels)
        assertEquals(PreprocessSpec(32, 32, Channels.RGB, crop = Crop.CENTER_SQUARE), manifest.preprocess)
        assertEquals(listOf(1, 32, 32, 3), manifest.model.input.shape)
        assertEquals(ElementType.INT8, manifest.model.input.dtype)
        assertEquals(3072, manifest.model.input.bytes)
        assertEquals(1 to "golden/encoded.png", manifest.golden.imageTolerance to manifest.golden.encodedFile)
        assertTrue(manifest.golden.cases.any { it.label == null && it.pixelsShape == listOf(1, 1, 3) })
    }

    @Test
    fun `delegates come with the options of the plan, those of iPhones without`() {
        val root = JsonParser.parseString(text).asJsonObject
        root.getAsJsonObject("model").add("delegates", JsonParser.parseString("""["nnapi", "coreml", "gpu", "xnnpack"]"""))
        val plan = """{"metal": null, "coreml": {"devices": "all"}, "xnnpack": {"threads": 3},
            "gpu": {"precision_loss_allowed": false, "quantized_models_allowed": true, "preference": "fast_single_answer"},
            "nnapi": {"min_api_level": 29, "max_api_level": 33, "allow_fp16": false, "preference": "low_power",
                      "use_nnapi_cpu": true, "max_partitions": 5}}"""
        root.getAsJsonObject("model").add("delegate_plan", JsonParser.parseString(plan))
        val model = Manifest.read(root.toString()).model
        assertEquals(listOf("nnapi", "coreml", "gpu", "xnnpack"), model.delegates)
        assertEquals(GpuOptions(false, true, InferencePreference.FAST_SINGLE_ANSWER), model.delegatePlan.gpu)
        assertEquals(NnapiOptions(29, 33, false, InferencePreference.LOW_POWER, true, 5), model.delegatePlan.nnapi)
        assertEquals(XnnpackOptions(3), model.delegatePlan.xnnpack)
    }
}
