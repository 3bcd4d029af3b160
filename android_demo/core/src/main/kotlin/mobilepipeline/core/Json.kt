package mobilepipeline.core

import com.google.gson.Strictness
import com.google.gson.stream.JsonReader
import com.google.gson.stream.JsonToken
import java.io.IOException
import java.io.StringReader

/** Levels of lists and objects in one another; a manifest has about eight. */
private const val MAX_DEPTH = 64

/** Values in all: a hundred thousand labels fit, thousands of golden cases too. Each can take 200 bytes of memory. */
private const val MAX_VALUES = 500_000

/**
 * A value of a JSON document and where it stands, so that every error can say so.
 *
 * @property path such as `model.input.scale`; empty for the whole document.
 * @property value null, Boolean, String, [Number], List or Map of these.
 */
internal class Json private constructor(private val path: String, private val value: Any?) {
    /** A number as it is written: JSON has but one kind. */
    private class Number(val text: String) {
        override fun toString() = text
    }

    val isNull: Boolean get() = value == null

    /** A field that must be there. */
    fun field(name: String): Json {
        val fields = fields()
        if (name !in fields) throw ManifestError("manifest: ${at(name)} is missing")
        return Json(at(name), fields[name])
    }

    /** A field that may be missing; null where it is, or is null. */
    fun fieldOrNull(name: String): Json? = fields()[name]?.let { Json(at(name), it) }

    fun items(): List<Json> = list().mapIndexed { index, item -> Json("$path[$index]", item) }

    val size: Int get() = list().size

    fun string(): String = value as? String ?: wrong("text")

    fun boolean(): Boolean = value as? Boolean ?: wrong("true or false")

    /** A finite number. */
    fun double(): Double {
        val number = (value as? Number ?: wrong("a number")).text.toDouble()
        return if (number.isFinite()) number else wrong("a finite number")
    }

    /** A finite number that is [allowed]; [expected] says which are. */
    fun double(expected: String, allowed: (Double) -> Boolean): Double =
        double().also { if (!allowed(it)) wrong(expected) }

    /** A whole number within [range]; `2.0` is one too. */
    fun int(range: IntRange): Int {
        val number = double()
        if (number != Math.rint(number)) wrong("a whole number")
        if (number < range.first || number > range.last) {
            wrong("at least ${range.first} and at most ${range.last}")
        }
        return number.toInt()
    }

    /** One of [choices], found by its name. */
    fun <T> choice(choices: Map<String, T>): T =
        choices[string()] ?: wrong("one of ${choices.keys.joinToString()}")

    /** Refuses this value: the sentence goes on after "is VALUE, not". */
    fun wrong(expected: String): Nothing =
        throw ManifestError("manifest: ${path.ifEmpty { "it" }} is ${shown()}, not $expected")

    @Suppress("UNCHECKED_CAST")
    private fun fields(): Map<String, Any?> = value as? Map<String, Any?> ?: wrong("an object")

    private fun list(): List<Any?> = value as? List<Any?> ?: wrong("a list")

    private fun at(name: String) = if (path.isEmpty()) name else "$path.$name"

    private fun shown(): String = when (value) {
        is String -> if (value.length > 60) "'${value.take(60)}...'" else "'$value'"
        is List<*> -> "a list of ${value.size}"
        is Map<*, *> -> "an object"
        else -> value.toString().let { if (it.length > 60) it.take(60) + "..." else it }
    }

    companion object {
        /**
         * Reads a document by the letter of RFC 8259: no comments, no NaN, no field twice, nothing after the end.
         *
         * @throws ManifestError it is none, nested deeper than MAX_DEPTH, or of more than MAX_VALUES values.
         */
        fun parse(text: String): Json {
            val reader = JsonReader(StringReader(text))
            reader.strictness = Strictness.STRICT
            try {
                val value = Reading(reader).value(depth = 0)
                if (reader.peek() != JsonToken.END_DOCUMENT) throw ManifestError("manifest: it goes on after its end")
                return Json("", value)
            } catch (error: IOException) {
                throw ManifestError("manifest: not JSON: ${error.message.orEmpty().lineSequence().first()}", error)
            } catch (error: IllegalStateException) {
                throw ManifestError("manifest: not JSON: ${error.message.orEmpty().lineSequence().first()}", error)
            }
        }
    }

    /** One document, value by value. */
    private class Reading(private val reader: JsonReader) {
        private var values = 0

        fun value(depth: Int): Any? {
            if (depth > MAX_DEPTH) throw ManifestError("manifest: nested more than $MAX_DEPTH levels deep")
            if (++values > MAX_VALUES) throw ManifestError("manifest: it has more than $MAX_VALUES values")
            return when (reader.peek()) {
                JsonToken.BEGIN_OBJECT -> fields(depth)
                JsonToken.BEGIN_ARRAY -> buildList {
                    reader.beginArray()
                    while (reader.hasNext()) add(value(depth + 1))
                    reader.endArray()
                }
                JsonToken.STRING -> reader.nextString()
                JsonToken.NUMBER -> Number(reader.nextString())
                JsonToken.BOOLEAN -> reader.nextBoolean()
                JsonToken.NULL -> null.also { reader.nextNull() }
                else -> throw ManifestError("manifest: not JSON: a value is missing at ${reader.path}")
            }
        }

        private fun fields(depth: Int): Map<String, Any?> {
            // Kotlin's own map slows down with the square of names that were made to share a hash; Java's does not.
            val fields = LinkedHashMap<String, Any?>()
            reader.beginObject()
            while (reader.hasNext()) {
                val name = reader.nextName()
                if (name in fields) throw ManifestError("manifest: '${name.take(60)}' stands twice at ${reader.path}")
                fields[name] = value(depth + 1)
            }
            reader.endObject()
            return fields
        }
    }
}
