import gateway.soap.Acknowledge;
import gateway.soap.AnyElement;
import gateway.soap.Delivery;
import gateway.soap.Finding;
import gateway.soap.Gateway;
import gateway.soap.GatewayService;
import gateway.soap.Item;
import gateway.soap.Poll;
import gateway.soap.PollResponse;
import gateway.soap.Problem;
import gateway.soap.Problem_Exception;
import gateway.soap.Recipient;
import gateway.soap.Status;
import gateway.soap.StatusResponse;
import gateway.soap.Submit;
import gateway.soap.SubmitResponse;
import java.io.File;
import java.io.FileNotFoundException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.WebServiceException;
import javax.xml.ws.WebServiceFeature;
import javax.xml.ws.handler.Handler;
import javax.xml.ws.handler.MessageContext;
import javax.xml.ws.soap.MTOMFeature;
import org.w3c.dom.Element;
import org.xml.sax.SAXException;

/**
 * Submits, asks how a message stands, polls and acknowledges, over the classes that wsimport made of gateway.wsdl.
 *
 * Reads gateway.properties in the current folder. Ends with 0, 1 refused, 2 called wrongly, 3 not available: try again.
 */
public final class GatewayClient {
    private static final String USAGE =
            "usage: submit FILE.xml [ID] | status ID | poll FOLDER | acknowledge DELIVERY...";

    private final Connection connection;
    private final Gateway port;
    private final Map<String, Object> context;

    private GatewayClient(Connection connection) throws Exception {
        this.connection = connection;
        boolean attachments = connection.isSet("mtom");
        GatewayService service = new GatewayService(connection.file("wsdl").toURI().toURL());
        WebServiceFeature[] features = attachments ? new WebServiceFeature[] {new MTOMFeature()} : new WebServiceFeature[0];
        port = connection.setting("version").equals("1.1")
                ? service.getGateway11(features)
                : service.getGateway12(features);
        context = ((BindingProvider) port).getRequestContext();
        connect();
        handle(attachments);
    }

    private void connect() throws Exception {
        context.put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, connection.setting("soap"));
        context.put("com.sun.xml.ws.transport.https.client.SSLSocketFactory", connection.tls());
        context.put("com.sun.xml.ws.connect.timeout", 10_000); // milliseconds; without these two it waits forever
        context.put("com.sun.xml.ws.request.timeout", 60_000);
        if (!connection.token().isEmpty()) {
            List<String> shown = Collections.singletonList("Bearer " + connection.token());
            context.put(MessageContext.HTTP_REQUEST_HEADERS, Collections.singletonMap("Authorization", shown));
        }
    }

    /** In this order on the way out: the signature is made over the whole message, before pictures leave it. */
    @SuppressWarnings("rawtypes")
    private void handle(boolean attachments) {
        List<Handler> handlers = new ArrayList<>();
        handlers.add(new PayloadHandler());
        handlers.add(new AddressingHandler(connection.setting("soap")));
        if (connection.isSet("signed")) {
            handlers.add(new SignatureHandler(connection));
        }
        if (attachments) {
            handlers.add(new AttachmentHandler());
        }
        ((BindingProvider) port).getBinding().setHandlerChain(handlers);
    }

    private void submit(String file, String id) throws Exception {
        Element payload = Covered.documents().parse(new File(file)).getDocumentElement();
        if (connection.isSet("mtom")) {
            AttachmentHandler.makeCanonical(payload);
        }
        Submit asked = new Submit();
        asked.setPayload(new AnyElement());
        context.put(PayloadHandler.PAYLOAD, payload);
        context.put(AddressingHandler.MESSAGE_ID, id);
        SubmitResponse answer = port.submit(asked);
        System.out.println("accepted " + answer.getId());
        for (Recipient each : answer.getRecipient()) {
            String code = each.getCode() == null ? "" : " " + each.getCode();
            System.out.println("recipient " + each.getAgency() + " " + each.getOutcome() + code);
        }
    }

    private void status(String id) throws Exception {
        Status asked = new Status();
        asked.setId(id);
        StatusResponse answer = port.status(asked);
        System.out.println("message " + answer.getId());
        for (Delivery each : answer.getDelivery()) {
            System.out.println("state " + each.getRecipient() + " " + each.getState());
        }
    }

    private void poll(String folder) throws Exception {
        Poll asked = new Poll();
        asked.setAfter(BigInteger.ZERO);
        asked.setLimit(100);
        for (PollResponse page = port.poll(asked); !page.getItem().isEmpty(); page = port.poll(asked)) {
            for (Item each : page.getItem()) {
                Element cover = each.getCover().getAny();
                Element payload = each.getPayload().getAny();
                new Covered(cover, payload, connection.signer().getPublicKey()).write(new File(folder), each.getDelivery());
                System.out.println("delivery " + each.getDelivery() + " " + each.getExchange() + " " + each.getMou());
            }
            asked.setAfter(page.getNext());
        }
    }

    private void acknowledge(List<String> deliveries) throws Exception {
        Acknowledge asked = new Acknowledge();
        asked.getDelivery().addAll(deliveries);
        for (String each : port.acknowledge(asked).getDelivery()) {
            System.out.println("acknowledged " + each);
        }
    }

    private Object responseCode() {
        Map<String, Object> answered = ((BindingProvider) port).getResponseContext();
        return answered == null ? null : answered.get(MessageContext.HTTP_RESPONSE_CODE);
    }

    private void act(String act, List<String> words) throws Exception {
        switch (act) {
            case "submit":
                submit(words.get(0), words.size() > 1 ? words.get(1) : "urn:uuid:" + UUID.randomUUID());
                break;
            case "status":
                status(words.get(0));
                break;
            case "poll":
                poll(words.get(0));
                break;
            case "acknowledge":
                acknowledge(words);
                break;
            default:
                throw new IllegalArgumentException(USAGE);
        }
    }

    /** Every fault carries a code, a sentence, and what is wrong with the message: line, path and rule. */
    private static void say(Problem problem) {
        System.err.println("refused " + problem.getCode() + " " + problem.getText());
        for (Finding each : problem.getFinding()) {
            System.err.println("finding " + each.getLine() + " " + each.getCode() + " " + each.getPath() + " " + each.getText());
        }
        System.err.println("correlation id " + problem.getCorrelationId());
    }

    public static void main(String[] arguments) throws Exception {
        // Else SAAJ complains at each message that it was found by an old way.
        System.setProperty("javax.xml.soap.SAAJMetaFactory", "com.sun.xml.messaging.saaj.soap.SAAJMetaFactoryImpl");
        // The gateway never redirects; whoever does would be handed the message.
        java.net.HttpURLConnection.setFollowRedirects(false);
        if (arguments.length < 2) {
            System.err.println(USAGE);
            System.exit(2);
        }
        List<String> words = Arrays.asList(arguments);
        GatewayClient client = new GatewayClient(new Connection(new File("gateway.properties")));
        try {
            client.act(words.get(0), words.subList(1, words.size()));
        } catch (Problem_Exception refused) {
            say(refused.getFaultInfo());
            System.exit(1);
        } catch (IllegalArgumentException | SecurityException wrong) {
            System.err.println(wrong.getMessage());
            System.exit(wrong instanceof SecurityException ? 1 : 2);
        } catch (FileNotFoundException | SAXException wrong) { // the message's file, or one that gateway.properties names
            System.err.println(wrong.getMessage());
            System.exit(2);
        } catch (WebServiceException error) {
            if (error.getCause() instanceof SecurityException) { // thrown by a handler
                System.err.println("refused " + error.getCause().getMessage());
                System.exit(1);
            }
            // JAX-WS takes an answer 401 for an error of the transport and does not look at the fault in it.
            boolean unknown = Integer.valueOf(401).equals(client.responseCode());
            System.err.println((unknown ? "refused " : "not available: ") + error.getMessage());
            System.exit(unknown ? 1 : 3);
        }
    }
}
