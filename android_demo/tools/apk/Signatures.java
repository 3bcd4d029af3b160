import java.io.FileInputStream;
import java.io.ObjectInputStream;
import java.io.PrintStream;
import java.util.zip.GZIPInputStream;
import org.codehaus.mojo.animal_sniffer.Clazz;

/** Prints what a signature file of Animal Sniffer holds: of each class its name and parents, then its members. */
class Signatures {
    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        try (ObjectInputStream classes = new ObjectInputStream(new GZIPInputStream(new FileInputStream(arguments[0])))) {
            // A null stands at the end.
            for (Clazz each = (Clazz) classes.readObject(); each != null; each = (Clazz) classes.readObject()) {
                out.print("class\t" + each.getName() + "\t" + (each.getSuperClass() == null ? "" : each.getSuperClass()));
                for (String parent : each.getSuperInterfaces()) out.print("\t" + parent);
                out.println();
                for (String member : each.getSignatures()) out.println(member);
            }
        }
        out.flush();
    }
}
