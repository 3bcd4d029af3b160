plugins {
    alias(libs.plugins.android.application) apply false
    alias(libs.plugins.kotlin.android) apply false
    alias(libs.plugins.kotlin.jvm) apply false
}

// `gradle wrapper`, run by any Gradle that the Android plug-in takes (8.13 or a newer 8.x), asks for the one that
// gradle-wrapper.properties names, with its sum.
// For another version both change, here and there: tests/android_demo compares them.
tasks.wrapper {
    gradleVersion = "8.14.3"
    distributionType = Wrapper.DistributionType.BIN
    distributionSha256Sum = "bd71102213493060956ec229d946beee57158dbd89d0e62b91bca0fa2c5f3531"
}
