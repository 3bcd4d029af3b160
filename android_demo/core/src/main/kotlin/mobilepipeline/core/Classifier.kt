package mobilepipeline.core

/**
 * One class of an answer.
 *
 * @property index of the class.
 * @property label of the class.
 * @property probability 0..1.
 */
public data class Recognition(public val index: Int, public val label: String, public val probability: Double)

/**
 * An answer and what it took.
 *
 * @property recognitions highest probability first.
 * @property preprocessMilliseconds from decoded pixels to the filled input tensor.
 * @property inferenceMilliseconds of the model alone.
 */
public data class Classification(
    public val recognitions: List<Recognition>,
    public val preprocessMilliseconds: Double,
    public val inferenceMilliseconds: Double,
)

/**
 * A picture in, classes out.
 *
 * One thread makes it, uses it and closes it, and never the one that draws the screen.
 */
public interface Classifier : AutoCloseable {
    /** What the model runs on, for the screen: "XNNPACK, 2 threads". */
    public val delegate: String

    /**
     * Recognises what a picture shows.
     *
     * @param pixels decoded and upright (by its EXIF orientation), of any size.
     * @param k how many classes to give, at least 1.
     * @throws EngineError the runtime failed, or its answer is not a number.
     */
    public fun classify(pixels: Pixels, k: Int): Classification

    override fun close()
}
