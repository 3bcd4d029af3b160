package mobilepipeline.core

/** A manifest that this app cannot follow. The message is one short line that names the field and its value. */
public class ManifestError(message: String, cause: Throwable? = null) : Exception(line(message), cause) {
    internal companion object {
        /** Characters: a screen's worth. Names and values in a message are the manifest's own, of any length. */
        const val MAX_MESSAGE = 300
        private const val CUT = "..."

        /** Whatever would break the line, or write it backwards, is shown as a question mark. */
        private fun line(message: String): String {
            val shown = if (message.length > MAX_MESSAGE) message.take(MAX_MESSAGE - CUT.length) + CUT else message
            return String(CharArray(shown.length) { if (isPlain(shown[it])) shown[it] else '?' })
        }

        private fun isPlain(character: Char) = when (Character.getType(character).toByte()) {
            Character.CONTROL, Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> false
            else -> true
        }
    }
}
