import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import javax.xml.crypto.dsig.DigestMethod;
import javax.xml.namespace.QName;
import javax.xml.soap.SOAPMessage;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMResult;
import javax.xml.transform.dom.DOMSource;
import javax.xml.ws.handler.MessageContext;
import javax.xml.ws.handler.soap.SOAPHandler;
import javax.xml.ws.handler.soap.SOAPMessageContext;
import org.apache.ws.security.WSConstants;
import org.apache.ws.security.WSDataRef;
import org.apache.ws.security.WSEncryptionPart;
import org.apache.ws.security.WSSConfig;
import org.apache.ws.security.WSSecurityEngine;
import org.apache.ws.security.WSSecurityEngineResult;
import org.apache.ws.security.WSSecurityException;
import org.apache.ws.security.components.crypto.Merlin;
import org.apache.ws.security.handler.RequestData;
import org.apache.ws.security.message.WSSecHeader;
import org.apache.ws.security.message.WSSecSignature;
import org.apache.ws.security.message.WSSecTimestamp;
import org.apache.ws.security.util.WSSecurityUtil;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * WS-Security by WSS4J 1.6: requests are signed over Body, Timestamp and WS-Addressing headers; answers must be, by the
 * gateway's own certificate. In WSS4J 2 the same classes are in org.apache.wss4j.dom and org.apache.wss4j.common.
 */
final class SignatureHandler implements SOAPHandler<SOAPMessageContext> {
    private static final String WSA = "http://www.w3.org/2005/08/addressing";
    private static final String RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    private static final String ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    private static final List<String> ALGORITHMS = Arrays.asList(RSA_SHA256, ECDSA_SHA256);
    private static final int SECONDS_VALID = 300;

    static {
        WSSConfig.init();
    }

    private final Connection connection;

    SignatureHandler(Connection connection) {
        this.connection = connection;
    }

    @Override
    public boolean handleMessage(SOAPMessageContext context) {
        try {
            if ((Boolean) context.get(MessageContext.MESSAGE_OUTBOUND_PROPERTY)) {
                sign(context.getMessage());
            } else {
                verify(context.getMessage());
            }
        } catch (WSSecurityException error) {
            throw new SecurityException("the answer's signature does not hold: " + error.getMessage(), error);
        } catch (RuntimeException error) {
            throw error;
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
        return true;
    }

    /**
     * The gateway signs faults too, but for those of what it could not read far enough to see a signature in. Such a one
     * changes nothing here: the message counts as not sent, and is sent again.
     */
    @Override
    public boolean handleFault(SOAPMessageContext context) {
        try {
            return securityOf(tree(context.getMessage())) == null || handleMessage(context);
        } catch (RuntimeException error) {
            throw error;
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private void sign(SOAPMessage message) throws Exception {
        Document document = tree(message);
        WSSecHeader security = new WSSecHeader();
        security.insertSecurityHeader(document);

        WSSecTimestamp timestamp = new WSSecTimestamp();
        timestamp.setTimeToLive(SECONDS_VALID);
        timestamp.build(document, security);

        Merlin ours = new Merlin();
        KeyStore keys = connection.keys();
        ours.setKeyStore(keys);
        WSSecSignature signature = new WSSecSignature();
        signature.setUserInfo(Connection.alias(keys), new String(connection.password()));
        signature.setKeyIdentifierType(WSConstants.BST_DIRECT_REFERENCE);
        // Both default to SHA-1 in WSS4J 1.6, which the gateway does not know.
        signature.setSignatureAlgorithm(
                connection.key(keys).getAlgorithm().equals("EC") ? ECDSA_SHA256 : RSA_SHA256);
        signature.setDigestAlgo(DigestMethod.SHA256);
        signature.setSigCanonicalization(WSConstants.C14N_EXCL_OMIT_COMMENTS);
        signature.setParts(parts(document));
        signature.build(document, ours, security);
        message.getSOAPPart().setContent(new DOMSource(document));
    }

    /** The message as an ordinary tree: WSS4J 1.6 cannot put its header into the one of SAAJ 1.4 (WRONG_DOCUMENT_ERR). */
    private static Document tree(SOAPMessage message) throws Exception {
        DOMResult result = new DOMResult();
        TransformerFactory.newInstance().newTransformer().transform(message.getSOAPPart().getContent(), result);
        return (Document) result.getNode();
    }

    private static Element securityOf(Document document) throws WSSecurityException {
        return WSSecurityUtil.getSecurityHeader(document, "");
    }

    private static List<WSEncryptionPart> parts(Document document) {
        String soap = document.getDocumentElement().getNamespaceURI();
        return new ArrayList<>(Arrays.asList(
                new WSEncryptionPart("Body", soap, ""),
                new WSEncryptionPart("Timestamp", WSConstants.WSU_NS, ""),
                new WSEncryptionPart("To", WSA, ""),
                new WSEncryptionPart("Action", WSA, ""),
                new WSEncryptionPart("MessageID", WSA, "")));
    }

    private void verify(SOAPMessage message) throws Exception {
        Document document = tree(message);
        Merlin theirs = new Merlin();
        theirs.setTrustStore(Connection.storeOf(connection.signer()));
        RequestData wanted = new RequestData();
        wanted.setWssConfig(WSSConfig.getNewInstance());
        wanted.setSigCrypto(theirs);
        String name = connection.signer().getSubjectX500Principal().getName();
        wanted.setSubjectCertConstraints(Collections.singleton(Pattern.compile(Pattern.quote(name))));

        Element header = securityOf(document);
        List<WSSecurityEngineResult> results = header == null
                ? Collections.<WSSecurityEngineResult>emptyList()
                : new WSSecurityEngine().processSecurityHeader(header, wanted);
        WSSecurityEngineResult signature = WSSecurityUtil.fetchActionResult(results, WSConstants.SIGN);
        if (signature == null) {
            throw new SecurityException("the answer is not signed");
        }
        X509Certificate signer =
                (X509Certificate) signature.get(WSSecurityEngineResult.TAG_X509_CERTIFICATE);
        if (!connection.signer().equals(signer)) {
            throw new SecurityException("the answer is signed by somebody else than the gateway");
        }
        checkAlgorithms(signature);
        // A signature that verifies says nothing of what it does not cover.
        for (Element each : mustBeSigned(document, header)) {
            if (!covered(signature, each)) {
                throw new SecurityException(each.getLocalName() + " of the answer is not signed");
            }
        }
    }

    /** By hand: WSS4J 1.6 has an AlgorithmSuite for this, which refuses every key that is not RSA or DSA. */
    @SuppressWarnings("unchecked")
    private static void checkAlgorithms(WSSecurityEngineResult signature) {
        boolean known = ALGORITHMS.contains(signature.get(WSSecurityEngineResult.TAG_SIGNATURE_METHOD))
                && WSConstants.C14N_EXCL_OMIT_COMMENTS.equals(
                        signature.get(WSSecurityEngineResult.TAG_CANONICALIZATION_METHOD));
        for (WSDataRef each : (List<WSDataRef>) signature.get(WSSecurityEngineResult.TAG_DATA_REF_URIS)) {
            known &= DigestMethod.SHA256.equals(each.getDigestAlgorithm())
                    && Collections.singletonList(WSConstants.C14N_EXCL_OMIT_COMMENTS).equals(each.getTransformAlgorithms());
        }
        if (!known) {
            throw new SecurityException("the answer is signed with algorithms that are not agreed on");
        }
    }

    private static List<Element> mustBeSigned(Document document, Element security) {
        List<Element> found = new ArrayList<>();
        found.add(WSSecurityUtil.findBodyElement(document));
        found.add(WSSecurityUtil.getDirectChildElement(security, "Timestamp", WSConstants.WSU_NS));
        for (Node each = security.getParentNode().getFirstChild(); each != null; each = each.getNextSibling()) {
            if (WSA.equals(each.getNamespaceURI())) {
                found.add((Element) each);
            }
        }
        return found;
    }

    @SuppressWarnings("unchecked")
    private static boolean covered(WSSecurityEngineResult signature, Element element) {
        for (WSDataRef each : (List<WSDataRef>) signature.get(WSSecurityEngineResult.TAG_DATA_REF_URIS)) {
            if (element != null && element.isSameNode(each.getProtectedElement())) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void close(MessageContext context) {}

    /** A Security header may be marked mustUnderstand: JAX-WS is told that somebody here does. */
    @Override
    public Set<QName> getHeaders() {
        return new HashSet<>(Collections.singleton(new QName(WSConstants.WSSE_NS, "Security")));
    }
}
