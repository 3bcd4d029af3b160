import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}

fun setting(name: String): String = providers.gradleProperty("demo.$name").get()

android {
    // Package of the classes and of R, as NAMESPACE in tools/apk/steps.py; the applicationId may be another.
    namespace = "mobilepipeline.demo"
    compileSdk = 35

    defaultConfig {
        applicationId = setting("applicationId")
        minSdk = setting("minSdk").toInt()
        targetSdk = setting("targetSdk").toInt()
        versionCode = setting("versionCode").toInt()
        versionName = setting("versionName")
        testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
        // Phones since 2017, and the emulator; as ABIS in tools/apk.
        ndk { abiFilters += listOf("arm64-v8a", "x86_64") }
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }

    // Bundles for the tests on a device, which need nothing embedded; beside them what `pipeline embed` puts there.
    sourceSets.getByName("androidTest").assets.srcDir(rootDir.resolve("../tests/fixtures/golden_bundles"))

    // A compressed model cannot be mapped: it would be copied to memory instead.
    androidResources { noCompress += "tflite" }

    // Natives stay in the APK, uncompressed, and are mapped from there.
    packaging { jniLibs { useLegacyPackaging = false } }

    lint {
        // Versions are pinned, and the framework's ExifInterface is used because AndroidX is not.
        disable += listOf("GradleDependency", "NewerVersionAvailable", "AndroidGradlePluginVersion", "ExifInterface")
    }
}

kotlin {
    compilerOptions {
        jvmTarget = JvmTarget.JVM_11
        progressiveMode = true
    }
}

dependencies {
    implementation(project(":core"))
    implementation(libs.tensorflow.lite)
    implementation(libs.tensorflow.lite.api)
    implementation(libs.tensorflow.lite.gpu)
    implementation(libs.tensorflow.lite.gpu.api)

    androidTestImplementation(libs.junit4)
    androidTestImplementation(libs.androidx.test.runner)
    androidTestImplementation(libs.androidx.test.ext.junit)
}
