import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Properties;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

/** Where the gateway is, who we are, and whom we trust: what gateway.properties says. Paths are relative to it. */
final class Connection {
    private final Properties properties = new Properties();
    private final File folder;

    Connection(File file) throws IOException {
        folder = file.getAbsoluteFile().getParentFile();
        try (InputStream stream = new FileInputStream(file)) {
            properties.load(stream);
        }
    }

    /** "" where it is not set. */
    String setting(String name) {
        return properties.getProperty(name, "").trim();
    }

    boolean isSet(String name) {
        return setting(name).equals("yes");
    }

    File file(String name) {
        File given = new File(setting(name));
        return given.isAbsolute() ? given : new File(folder, given.getPath());
    }

    /** The bearer token, "" for none. */
    String token() throws IOException {
        if (setting("token").isEmpty()) {
            return "";
        }
        return new String(Files.readAllBytes(file("token").toPath()), StandardCharsets.US_ASCII).trim();
    }

    /** Our key and certificate. Its one entry has whatever name it was given: ask for it, as `alias` does. */
    KeyStore keys() throws GeneralSecurityException, IOException {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream stream = new FileInputStream(file("pkcs12"))) {
            keys.load(stream, password());
        }
        return keys;
    }

    char[] password() {
        return setting("pkcs12_password").toCharArray();
    }

    static String alias(KeyStore keys) throws GeneralSecurityException {
        return keys.aliases().nextElement();
    }

    PrivateKey key(KeyStore keys) throws GeneralSecurityException {
        return (PrivateKey) keys.getKey(alias(keys), password());
    }

    /** The certificate the gateway signs with, handed over beforehand: no other signature counts. */
    X509Certificate signer() throws GeneralSecurityException, IOException {
        return certificate(file("cover"));
    }

    /** TLS with our certificate, if we have one, trusting the gateway's authority and nobody else. */
    SSLSocketFactory tls() throws GeneralSecurityException, IOException {
        KeyManager[] ours = null;
        if (!setting("pkcs12").isEmpty()) {
            KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            factory.init(keys(), password());
            ours = factory.getKeyManagers();
        }
        TrustManagerFactory theirs = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        theirs.init(storeOf(certificate(file("authority"))));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(ours, theirs.getTrustManagers(), null);
        return context.getSocketFactory();
    }

    static KeyStore storeOf(X509Certificate certificate) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setCertificateEntry("gateway", certificate);
        return store;
    }

    private static X509Certificate certificate(File file) throws GeneralSecurityException, IOException {
        try (InputStream stream = new FileInputStream(file)) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(stream);
        }
    }
}
