// Judges enveloped signatures with the JDK: each line of the input is "certificate file, tab, document file".
// Prints one line for each: true, false, or the name of the exception. Secure validation is on.

import java.io.FileInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Node;

public class Verify {
    public static void main(String[] arguments) throws Exception {
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            String[] files = line.split("\t");
            System.out.println(judge(files[0], files[1]));
        }
    }

    private static String judge(String certificate, String document) {
        try (FileInputStream file = new FileInputStream(certificate)) {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setNamespaceAware(true);
            Document parsed = factory.newDocumentBuilder().parse(document);
            Node signature = parsed.getElementsByTagNameNS(XMLSignature.XMLNS, "Signature").item(0);
            DOMValidateContext context = new DOMValidateContext(
                CertificateFactory.getInstance("X.509").generateCertificate(file).getPublicKey(), signature);
            context.setProperty("org.jcp.xml.dsig.secureValidation", Boolean.TRUE);
            return Boolean.toString(
                XMLSignatureFactory.getInstance("DOM").unmarshalXMLSignature(context).validate(context));
        } catch (Exception error) {
            return error.getClass().getSimpleName();
        }
    }
}
