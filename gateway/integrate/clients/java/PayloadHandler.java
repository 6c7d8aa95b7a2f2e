import java.util.Collections;
import java.util.Set;
import javax.xml.namespace.QName;
import javax.xml.soap.SOAPException;
import javax.xml.ws.handler.MessageContext;
import javax.xml.ws.handler.soap.SOAPHandler;
import javax.xml.ws.handler.soap.SOAPMessageContext;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * Puts the payload into Submit as the tree it was parsed into. JAXB could carry it too (AnyElement.setAny), but once a
 * handler looks at the message JAXB 2.3 writes it into SAAJ, and there a line break in the payload ends in "SAAJ0543:
 * Entity References are not allowed".
 */
final class PayloadHandler implements SOAPHandler<SOAPMessageContext> {
    /** In the request context: the payload's root element. */
    static final String PAYLOAD = "gateway.payload";

    @Override
    public boolean handleMessage(SOAPMessageContext context) {
        Element payload = (Element) context.get(PAYLOAD);
        if (payload != null && (Boolean) context.get(MessageContext.MESSAGE_OUTBOUND_PROPERTY)) {
            try {
                Node submit = context.getMessage().getSOAPBody().getFirstChild();
                Document document = submit.getOwnerDocument();
                submit.getLastChild().appendChild(document.importNode(payload, true));
            } catch (SOAPException error) {
                throw new IllegalStateException(error);
            }
        }
        return true;
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
