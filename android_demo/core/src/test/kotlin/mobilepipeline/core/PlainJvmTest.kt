package mobilepipeline.core

import java.nio.file.Files
import java.nio.file.Path
import kotlin.streams.toList
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** The core stays usable anywhere: no Android, no file or network of its own. */
internal class PlainJvmTest {
    private val sources = Files.walk(Path.of("src/main")).use { all -> all.filter { it.toString().endsWith(".kt") }.toList() }

    @Test
    fun `the core imports nothing but Kotlin, Java's buffers and the JSON reader`() {
        val java = listOf("java.nio.Buffer", "java.nio.Byte", "java.io.IOException", "java.io.StringReader")
        val allowed = java + listOf("kotlin.", "com.google.gson.")
        assertTrue(sources.size > 10) { "only $sources were found" }
        val others = sources.flatMap { file ->
            Files.readAllLines(file).filter { it.startsWith("import ") }.map { it.removePrefix("import ") }
                .filter { name -> allowed.none(name::startsWith) }.map { "${file.fileName}: $it" }
        }
        assertEquals(emptyList<String>(), others)
    }

    @Test
    fun `nothing of Android is named in full either`() {
        val named = Regex("""\b(android|androidx)\.[a-z]+\.""")
        assertEquals(emptyList<Path>(), sources.filter { named.containsMatchIn(Files.readString(it)) })
    }
}
