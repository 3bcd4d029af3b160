# Sourced by the scripts of this demo: whether this machine can build the core, and with which Java.

if [ -n "${JAVA_HOME:-}" ]; then
    JAVA="$JAVA_HOME/bin/java"
    JAVAC="$JAVA_HOME/bin/javac"
else
    JAVA=java
    JAVAC=javac
fi

# The release of a Java program, from its own line: "javac 17.0.15", "openjdk version "17.0.15" ...", and of releases
# before 9 "1.8.0_402", which is 8. Nothing where it has none.
java_release() {
    "$1" -version 2>&1 | sed -nE 's/^(javac |.* version ")(1\.)?([0-9]+).*/\3/p' | head -n 1
}

# Prints why the core cannot be built here, in one sentence; nothing where it can.
why_no_jvm() {
    local program name release
    for program in "$JAVAC" "$JAVA"; do
        if ! command -v "$program" >/dev/null 2>&1; then
            echo "no JDK: $program is not there; install JDK 17 or later (Debian: openjdk-17-jdk-headless), or set JAVA_HOME to one"
            return
        fi
        name=${program##*/}
        release=$(java_release "$program")
        # Of both: a system can have the compiler of one release and the Java of another.
        if [ "${release:-0}" -lt 17 ]; then
            echo "$name ${release:-of no known release} is too old: install JDK 17 or later, or set JAVA_HOME to one"
            return
        fi
    done
    if ! command -v mvn >/dev/null 2>&1; then
        echo "no Maven: install Maven 3.8 or later (Debian: maven)"
    fi
}

# lock FILE: waits until no other script holds it; file descriptor 9 has it until the shell ends.
lock() {
    if command -v flock >/dev/null 2>&1; then
        exec 9>"$1"
        flock 9
    fi
}
