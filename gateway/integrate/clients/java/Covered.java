import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.security.PublicKey;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.xml.security.Init;
import org.apache.xml.security.c14n.Canonicalizer;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** A payload with its Cover, as bytes again: cut out of the envelope the way they were signed, and compared. */
final class Covered {
    private static final String COVER = "https://gateway.example/ns/cover/1.0/";

    static {
        Init.init();
    }

    final byte[] payload;
    final byte[] cover;

    /** Throws SecurityException unless the gateway signed the Cover, and for this very payload. */
    Covered(Element coverElement, Element payloadElement, PublicKey gateway) throws Exception {
        cover = canonical(coverElement, "");
        Element said = parse(cover).getDocumentElement();
        checkSignature(said, gateway);
        Element about = (Element) said.getElementsByTagNameNS(COVER, "Payload").item(0);
        payload = canonical(payloadElement, about.getAttribute("prefixes"));
        if (!about.getAttribute("digest").equals("sha-256:" + hex(MessageDigest.getInstance("SHA-256").digest(payload)))) {
            throw new SecurityException("the payload is not the one its Cover was signed for");
        }
    }

    void write(File folder, String delivery) throws IOException {
        Files.createDirectories(folder.toPath());
        Files.write(new File(folder, delivery + ".payload.xml").toPath(), payload);
        Files.write(new File(folder, delivery + ".cover.xml").toPath(), cover);
    }

    /** The signature stands last in the Cover, and its one Reference is to the whole document. */
    private static void checkSignature(Element cover, PublicKey gateway) throws Exception {
        NodeList signatures = cover.getElementsByTagNameNS(XMLSignature.XMLNS, "Signature");
        if (signatures.getLength() != 1 || signatures.item(0) != cover.getLastChild()) {
            throw new SecurityException("a Cover has one signature, as its last child");
        }
        DOMValidateContext context = new DOMValidateContext(gateway, signatures.item(0));
        context.setProperty("org.jcp.xml.dsig.secureValidation", true);
        XMLSignature signature = XMLSignatureFactory.getInstance("DOM").unmarshalXMLSignature(context);
        if (!signature.validate(context) || signature.getSignedInfo().getReferences().size() != 1) {
            throw new SecurityException("the Cover is not signed by the gateway");
        }
    }

    private static byte[] canonical(Element element, String prefixes) throws Exception {
        Canonicalizer canonicalizer = Canonicalizer.getInstance(Canonicalizer.ALGO_ID_C14N_EXCL_OMIT_COMMENTS);
        return prefixes.isEmpty()
                ? canonicalizer.canonicalizeSubtree(element)
                : canonicalizer.canonicalizeSubtree(element, prefixes);
    }

    static Document parse(byte[] bytes) throws Exception {
        return documents().parse(new ByteArrayInputStream(bytes));
    }

    static DocumentBuilder documents() throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        return factory.newDocumentBuilder();
    }

    private static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte each : bytes) {
            text.append(String.format("%02x", each));
        }
        return text.toString();
    }
}
