import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import javax.xml.namespace.QName;
import javax.xml.soap.AttachmentPart;
import javax.xml.soap.SOAPException;
import javax.xml.soap.SOAPMessage;
import javax.xml.ws.handler.MessageContext;
import javax.xml.ws.handler.soap.SOAPHandler;
import javax.xml.ws.handler.soap.SOAPMessageContext;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/**
 * MTOM on the way out: pictures leave the message as base64 text and go beside it as they are, a third smaller. JAX-WS
 * does this by itself for what JAXB knows to be binary; a payload is any XML to it. On the way in JAX-WS puts the parts
 * back before any handler sees the message.
 */
final class AttachmentHandler implements SOAPHandler<SOAPMessageContext> {
    /** Where NIEM holds binary content, in any of its versions. */
    private static final Set<String> BINARY = Set.of("Base64BinaryObject", "BinaryBase64Object");

    private static final String XOP = "http://www.w3.org/2004/08/xop/include";

    @Override
    public boolean handleMessage(SOAPMessageContext context) {
        if ((Boolean) context.get(MessageContext.MESSAGE_OUTBOUND_PROPERTY)) {
            try {
                SOAPMessage message = context.getMessage();
                for (Element each : binaries(message.getSOAPBody())) {
                    moveOut(message, each);
                }
            } catch (SOAPException error) {
                throw new IllegalStateException(error);
            }
        }
        return true;
    }

    /** As MTOM wants it: without line breaks. A signature is made over this form, so it must come before signing. */
    static void makeCanonical(Element root) {
        for (Element each : binaries(root)) {
            byte[] content = Base64.getMimeDecoder().decode(each.getTextContent());
            each.setTextContent(Base64.getEncoder().encodeToString(content));
        }
    }

    private static void moveOut(SOAPMessage message, Element element) throws SOAPException {
        byte[] content = Base64.getDecoder().decode(element.getTextContent());
        String id = UUID.randomUUID() + "@gateway-client";
        AttachmentPart part = message.createAttachmentPart();
        part.setRawContent(new ByteArrayInputStream(content), "application/octet-stream");
        part.setContentId("<" + id + ">");
        message.addAttachmentPart(part);

        Element include = element.getOwnerDocument().createElementNS(XOP, "xop:Include");
        include.setAttribute("href", "cid:" + id);
        element.setTextContent("");
        element.appendChild(include);
    }

    private static List<Element> binaries(Element root) {
        List<Element> found = new ArrayList<>();
        NodeList all = root.getElementsByTagNameNS("*", "*");
        for (int number = 0; number < all.getLength(); number++) {
            Node each = all.item(number);
            if (BINARY.contains(each.getLocalName()) && !each.getTextContent().trim().isEmpty()) {
                found.add((Element) each);
            }
        }
        return found;
    }

    @Override
    public boolean handleFault(SOAPMessageContext context) {
        return true;
    }

    @Override
    public void close(MessageContext context) {}

    @Override
    public Set<QName> getHeaders() {
        return Collections.emptySet();
    }
}
