// Judges signatures, enveloped or of WS-Security, with the JDK: each line of the input is "certificate file, tab, document file".
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
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

public class Verify {
    private static final String UTILITY =
        "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

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
            registerIds(parsed.getElementsByTagName("*"), context);
            context.setProperty("org.jcp.xml.dsig.secureValidation", Boolean.TRUE);
            return Boolean.toString(
                XMLSignatureFactory.getInstance("DOM").unmarshalXMLSignature(context).validate(context));
        } catch (Exception error) {
            return error.getClass().getSimpleName();
        }
    }

    // WS-Security's ids, which no DTD or schema has declared here.
    private static void registerIds(NodeList elements, DOMValidateContext context) {
        for (int at = 0; at < elements.getLength(); at++) {
            Element element = (Element) elements.item(at);
            if (element.hasAttributeNS(UTILITY, "Id")) {
                context.setIdAttributeNS(element, UTILITY, "Id");
            }
        }
    }
}
