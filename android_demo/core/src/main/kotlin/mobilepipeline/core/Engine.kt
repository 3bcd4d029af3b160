package mobilepipeline.core

import java.nio.ByteBuffer

/**
 * What runs a model: the live part of an app, and the only one that knows a runtime.
 *
 * One thread makes it, uses it and closes it: a GPU delegate belongs to the thread that made it.
 */
public interface Engine : AutoCloseable {
    /** What is in use, for the screen: "XNNPACK, 2 threads". */
    public val delegate: String

    /**
     * Runs the model once.
     *
     * @param input direct, little-endian, position 0, all of the input tensor's bytes.
     * @param output direct, little-endian; filled from 0 to its capacity.
     * @throws EngineError the runtime failed.
     */
    public fun run(input: ByteBuffer, output: ByteBuffer)

    override fun close()
}

/** The runtime could not open or run a model; the message says which delegate, and why. */
public class EngineError(message: String, cause: Throwable? = null) : Exception(message, cause)
