# Sourced by the scripts of this demo: whether this machine can build the core, and with which Java.

if [ -n "${JAVA_HOME:-}" ]; then
    JAVA="$JAVA_HOME/bin/java"
    JAVAC="$JAVA_HOME/bin/javac"
else
    JAVA=java
    JAVAC=javac
fi

# Prints why the core cannot be built here, in one sentence; nothing where it can.
why_no_jvm() {
    if ! command -v "$JAVAC" >/dev/null 2>&1; then
        echo "no JDK: install JDK 17 or later (Debian: openjdk-17-jdk-headless), or set JAVA_HOME to one"
        return
    fi
    # "javac 17.0.15", of early ones "javac 1.8.0_402".
    jdk=$("$JAVAC" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p' | head -n 1)
    if [ "${jdk:-0}" -lt 17 ]; then
        echo "JDK ${jdk:-of no known version} is too old: install JDK 17 or later, or set JAVA_HOME to one"
    elif ! command -v mvn >/dev/null 2>&1; then
        echo "no Maven: install Maven 3.8 or later (Debian: maven)"
    fi
}
