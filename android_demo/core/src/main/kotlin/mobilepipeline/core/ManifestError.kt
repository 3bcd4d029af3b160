package mobilepipeline.core

/** A manifest that this app cannot follow. The message is one sentence that names the field and its value. */
public class ManifestError(message: String, cause: Throwable? = null) : Exception(message, cause)
