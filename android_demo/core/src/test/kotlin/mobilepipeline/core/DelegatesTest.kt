package mobilepipeline.core

import java.nio.ByteBuffer
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

internal class DelegatesTest {
    private val gpu = GpuOptions(true, true, InferencePreference.SUSTAINED_SPEED)
    private val nnapi = NnapiOptions(30, 34, true, InferencePreference.LOW_POWER, false, 3)
    private val xnnpack = XnnpackOptions(4)
    private val model = Manifest.read(GoldenBundles.manifest(GoldenBundles.named("digits"))).model.copy(
        delegates = listOf("xnnpack", "nnapi", "coreml", "gpu"), delegatePlan = DelegatePlan(gpu, nnapi, xnnpack),
    )

    @Test
    fun `the manifest's order is kept, XNNPACK comes last, iPhones' are skipped`() {
        val delegates = Delegates.of(model, Device.Android(apiLevel = 33))
        assertEquals(listOf(nnapi, gpu, xnnpack), delegates.tried)
        assertEquals(listOf(Refusal("coreml", "it is of iPhones")), delegates.skipped)
    }

    @Test
    fun `NNAPI is skipped outside its API levels, with the reason`() {
        for (level in listOf(29, 35)) {
            val refusal = Delegates.of(model, Device.Android(level)).skipped.single { it.delegate == "nnapi" }
            assertEquals("it is tried on API levels 30 to 34, this is $level", refusal.reason)
        }
    }

    @Test
    fun `a computer has the CPU only, also where the manifest names none`() {
        assertEquals(listOf(xnnpack), Delegates.of(model, Device.Desktop).tried)
        val none = model.copy(delegates = listOf("gpu"), delegatePlan = DelegatePlan(gpu, null, null))
        assertEquals(listOf(XnnpackOptions(Delegates.THREADS)), Delegates.of(none, Device.Desktop).tried)
    }

    @Test
    fun `the first that opens is used, and each reason is kept`() {
        val engine = Double("XNNPACK, 4 threads")
        val opened = Delegates.of(model, Device.Android(33)).open {
            when (it) {
                is NnapiOptions -> throw IllegalArgumentException("op 3 is not there")
                is GpuOptions -> throw UnsatisfiedLinkError()
                is XnnpackOptions -> engine
            }
        }
        assertSame(engine, opened.engine)
        assertEquals(
            listOf(Refusal("coreml", "it is of iPhones"), Refusal("nnapi", "op 3 is not there"), Refusal("gpu", "UnsatisfiedLinkError")),
            opened.refusals,
        )
    }

    @Test
    fun `a thread that is to stop tries no further`() {
        val tried = mutableListOf<String>()
        assertThrows(InterruptedException::class.java) {
            Delegates.of(model, Device.Android(33)).open {
                tried += it.name
                throw InterruptedException()
            }
        }
        assertTrue(Thread.interrupted(), "it stays interrupted")
        assertEquals(listOf("nnapi"), tried)
    }

    @Test
    fun `where none opens all reasons are told`() {
        val error = assertThrows(EngineError::class.java) {
            Delegates.of(model, Device.Android(33)).open { throw EngineError("no ${it.name} here") }
        }
        assertEquals(
            "no delegate opens the model: coreml: it is of iPhones; nnapi: no nnapi here; gpu: no gpu here; xnnpack: no xnnpack here",
            error.message,
        )
    }

    private class Double(override val delegate: String) : Engine {
        override fun run(input: ByteBuffer, output: ByteBuffer) = Unit

        override fun close() = Unit
    }
}
