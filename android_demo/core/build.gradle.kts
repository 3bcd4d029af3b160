import org.jetbrains.kotlin.gradle.dsl.JvmTarget

// Plain Kotlin/JVM, no Android. The same sources and tests as in pom.xml, which needs neither Gradle nor an SDK.
plugins {
    alias(libs.plugins.kotlin.jvm)
}

java {
    sourceCompatibility = JavaVersion.VERSION_1_8
    targetCompatibility = JavaVersion.VERSION_1_8
}

kotlin {
    explicitApi()
    compilerOptions {
        jvmTarget = JvmTarget.JVM_1_8
        allWarningsAsErrors = true
    }
}

sourceSets.test {
    kotlin.srcDir("src/testFixtures/kotlin")
}

dependencies {
    implementation(libs.gson)
    testImplementation(libs.junit.jupiter)
    testRuntimeOnly(libs.junit.platform.launcher)
    testImplementation(libs.kotlin.compiler.embeddable)
}

tasks.compileKotlin {
    // Nothing that Java 8, and with it Android 7, does not have.
    compilerOptions.freeCompilerArgs.add("-Xjdk-release=1.8")
}

tasks.test {
    useJUnitPlatform()
    systemProperty("mobilepipeline.checkout", rootDir.parent)
    // What the tests read besides their classes: without it a changed bundle would leave an old result standing.
    inputs.dir(rootDir.resolve("../tests/fixtures/golden_bundles")).withPathSensitivity(PathSensitivity.RELATIVE)
        .withPropertyName("golden bundles")
    inputs.property("PIPELINE_GOLDEN", providers.environmentVariable("PIPELINE_GOLDEN").orElse(""))
}
