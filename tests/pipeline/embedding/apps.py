"""Apps to embed into, as far as they matter."""

from pathlib import Path


def android_demo(folder: Path) -> Path:
    """A copy of the Android demo's frame."""
    root = folder / "android_demo"
    (root / "core/src/main/kotlin/mobilepipeline/core").mkdir(parents=True)
    (root / "app/src/main").mkdir(parents=True)
    for name in ("gradle", "contract", "desktop", "tools/apk"):
        (root / name).mkdir(parents=True)
    catalog = '[versions]\ntflite = "2.16.1"\n[libraries]\n'
    catalog += 'tflite = { module = "org.tensorflow:tensorflow-lite", version.ref = "tflite" }\n'
    (root / "gradle/libs.versions.toml").write_text(catalog, "utf-8")
    return root


def ios_demo(folder: Path) -> Path:
    """A copy of the iOS demo's frame."""
    root = folder / "ios_demo"
    for name in ("Sources/ClassifierCore", "contract", "DeviceTests"):
        (root / name).mkdir(parents=True)
    (root / "project.yml").write_text("name: MobilePipeline\n", "utf-8")
    (root / "Package.swift").write_text("// swift-tools-version: 6.0\n", "utf-8")
    (root / "Podfile").write_text("target 'App' do\n  pod 'TensorFlowLiteSwift', '2.17.0'\nend\n", "utf-8")
    return root


def gradle_app(folder: Path, *modules: str, kotlin: bool = True) -> Path:
    """A Gradle project; each of the modules is an app. Without any, ``app`` is one."""
    root, suffix = folder / "gradle_app", ".kts" if kotlin else ""
    root.mkdir()
    (root / f"settings.gradle{suffix}").write_text('include(":app")\n', "utf-8")
    # As templates of Android Studio have it: the root names the plug-in and applies it not.
    (root / f"build.gradle{suffix}").write_text(
        'plugins {\n    id("com.android.application") version "8.7.0" apply false\n}\n', "utf-8"
    )
    for module in modules or ("app",):
        (root / module).mkdir(parents=True)
        text = "plugins {\n    alias(libs.plugins.android.application)\n}\n"
        (root / module / f"build.gradle{suffix}").write_text(text, "utf-8")
    return root


def apple_app(folder: Path) -> Path:
    """An Xcode project."""
    root = folder / "apple_app"
    (root / "My App.xcodeproj").mkdir(parents=True)
    (root / "My App").mkdir()
    return root


def state(root: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its contents and the time of its last change."""
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
