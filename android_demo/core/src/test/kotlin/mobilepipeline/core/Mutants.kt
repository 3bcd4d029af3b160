package mobilepipeline.core

import java.io.ByteArrayOutputStream
import java.io.File
import java.io.PrintStream
import java.lang.reflect.InvocationTargetException
import java.nio.file.Files
import java.nio.file.Path
import org.jetbrains.kotlin.cli.common.ExitCode
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler

/**
 * A wrong core: one change to one of its files.
 *
 * @property name what is wrong in it.
 * @property file of the core.
 * @property from stands there exactly once.
 * @property to stands there instead.
 */
internal class Mutant(val name: String, val file: String, val from: String, val to: String)

/**
 * Compiles changed files of the core against the rest of it. In one go at most one change of each file: a class can
 * be there but once. Each wrong core then takes its one changed file from there, all else as it is.
 *
 * @param sources folder of the core's files.
 * @param work an empty folder.
 */
internal class Mutants(private val sources: Path, private val work: Path) {
    /** The files that [mutants] change, compiled as they are: a control of this class itself. */
    fun unchanged(mutants: List<Mutant>): ChangedCore {
        val files = mutants.map { it.file }.distinct()
        return ChangedCore(compile("unchanged", files.associateWith(::source)), files)
    }

    /** One wrong core of each of [mutants]. */
    fun changed(mutants: List<Mutant>): List<ChangedCore> {
        val rounds = mutants.groupBy { it.file }.values.flatMap { it.withIndex() }.groupBy({ it.index }, { it.value })
        val folders = rounds.flatMap { (round, some) ->
            val classes = compile("round$round", some.associate { it.file to changed(source(it.file), it) })
            some.map { it to classes }
        }.toMap()
        return mutants.map { ChangedCore(folders.getValue(it), listOf(it.file)) }
    }

    private fun source(file: String): String = Files.readString(sources.resolve(file))

    private fun changed(text: String, mutant: Mutant): String {
        val times = text.split(mutant.from).size - 1
        check(times == 1) { "mutant '${mutant.name}': '${mutant.from}' stands $times times in ${mutant.file}, not once" }
        return text.replace(mutant.from, mutant.to)
    }

    private fun compile(name: String, files: Map<String, String>): Path {
        val folder = Files.createDirectories(work.resolve(name).resolve("sources"))
        for ((file, text) in files) Files.writeString(folder.resolve(file), text)
        val classes = work.resolve(name).resolve("classes")
        val core = home(Manifest::class.java)
        val libraries = listOf(core, home(Unit::class.java), home(com.google.gson.Gson::class.java))
        val said = ByteArrayOutputStream()
        val code = K2JVMCompiler().exec(
            PrintStream(said), "-no-stdlib", "-no-reflect", "-nowarn", "-Xfriend-paths=$core",
            "-classpath", libraries.joinToString(File.pathSeparator), "-d", classes.toString(), folder.toString(),
        )
        check(code == ExitCode.OK) { "the changed core does not compile:\n$said" }
        return classes
    }

    private fun home(type: Class<*>) = Path.of(type.protectionDomain.codeSource.location.toURI()).toString()
}

/**
 * The core and the checks, loaded anew with the classes of [files] taken from the folder [classes].
 *
 * Each has classes of its own: nothing of one wrong core is seen by another.
 */
internal class ChangedCore(private val classes: Path, private val files: List<String>) : ClassLoader(Manifest::class.java.classLoader) {
    /** Calls a check that gives a list of sentences; one that throws gives its exception. */
    fun differences(file: String, function: String, vararg arguments: Any): List<String> {
        val method = loadClass("$HOME$file").methods.single { it.name == function }
        val answer = try {
            method.invoke(null, *arguments)
        } catch (error: InvocationTargetException) {
            // A class that is missing or does not fit is a fault of this harness, not what a wrong number does.
            (error.targetException as? LinkageError)?.let { throw it }
            return listOf("threw ${error.targetException}")
        }
        return (answer as List<*>).map { it.toString() }
    }

    override fun loadClass(name: String, resolve: Boolean): Class<*> = synchronized(getClassLoadingLock(name)) {
        when {
            // Where the bundles are is the same for all.
            !name.startsWith(HOME) || name == GoldenBundles::class.java.name -> super.loadClass(name, resolve)
            else -> findLoadedClass(name) ?: bytes(name).let { defineClass(name, it, 0, it.size) }
        }
    }

    private fun bytes(name: String): ByteArray {
        val path = name.replace('.', '/') + ".class"
        if (files.any { isOf(it.removeSuffix(".kt"), name.removePrefix(HOME)) }) {
            val file = classes.resolve(path)
            return if (Files.exists(file)) Files.readAllBytes(file) else throw NoClassDefFoundError("$file is missing")
        }
        return (parent.getResourceAsStream(path) ?: throw ClassNotFoundException(name)).use { it.readBytes() }
    }

    private fun isOf(file: String, type: String) = type == file || type == "${file}Kt" || type.startsWith("$file$")

    private companion object {
        const val HOME = "mobilepipeline.core."
    }
}
