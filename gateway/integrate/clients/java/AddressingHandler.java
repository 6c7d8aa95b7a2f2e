import java.util.Collections;
import java.util.Set;
import java.util.UUID;
import javax.xml.namespace.QName;
import javax.xml.soap.SOAPElement;
import javax.xml.soap.SOAPEnvelope;
import javax.xml.soap.SOAPException;
import javax.xml.soap.SOAPHeader;
import javax.xml.ws.handler.MessageContext;
import javax.xml.ws.handler.soap.SOAPHandler;
import javax.xml.ws.handler.soap.SOAPMessageContext;

/**
 * WS-Addressing headers: To, Action, MessageID. Not JAX-WS's own AddressingFeature, which makes up a new MessageID at
 * each try: the gateway knows a message that comes twice by its MessageID, so a retry carries that of the first try.
 */
final class AddressingHandler implements SOAPHandler<SOAPMessageContext> {
    /** In the request context: our own id of the message. None: a new one, for what may be asked any number of times. */
    static final String MESSAGE_ID = "gateway.message.id";

    private static final String WSA = "http://www.w3.org/2005/08/addressing";
    private static final String SERVICE = "urn:justice-gateway:soap:1.0";

    private final String to;

    AddressingHandler(String to) {
        this.to = to;
    }

    @Override
    public boolean handleMessage(SOAPMessageContext context) {
        if ((Boolean) context.get(MessageContext.MESSAGE_OUTBOUND_PROPERTY)) {
            try {
                SOAPEnvelope envelope = context.getMessage().getSOAPPart().getEnvelope();
                SOAPHeader header = envelope.getHeader() == null ? envelope.addHeader() : envelope.getHeader();
                Object id = context.get(MESSAGE_ID);
                add(header, "To", to);
                add(header, "Action", SERVICE + ":" + envelope.getBody().getFirstChild().getLocalName());
                add(header, "MessageID", id == null ? "urn:uuid:" + UUID.randomUUID() : (String) id);
            } catch (SOAPException error) {
                throw new IllegalStateException(error);
            }
        }
        return true;
    }

    private static void add(SOAPHeader header, String name, String text) throws SOAPException {
        SOAPElement block = header.addHeaderElement(new QName(WSA, name, "wsa"));
        block.addTextNode(text);
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
