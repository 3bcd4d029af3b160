import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import mobilepipeline.core.Manifest;

/** Reads manifests with the code that is about to become classes.dex; prints of each its model and what it is for. */
class Manifests {
    public static void main(String[] arguments) throws Exception {
        for (String file : arguments) {
            Manifest manifest = Manifest.Companion.read(new String(Files.readAllBytes(Paths.get(file)), StandardCharsets.UTF_8));
            String slot = manifest.getDrawing() == null ? "photo" : "drawing";
            System.out.println(slot + "\t" + manifest.getModel().getFile() + "\t" + manifest.getModel().getSha256());
        }
    }
}
