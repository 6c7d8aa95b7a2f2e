using System;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Xml;

/// <summary>WS-Security under an RSA key: a signed Timestamp, Body and WS-Addressing headers, with the certificate.</summary>
internal sealed class Signature : SignedXml
{
    private const string Oasis = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-";
    private const string Wsse = Oasis + "wssecurity-secext-1.0.xsd";
    private const string Wsu = Oasis + "wssecurity-utility-1.0.xsd";
    private const string X509Token = Oasis + "x509-token-profile-1.0#X509v3";
    private const string Base64Encoding = Oasis + "soap-message-security-1.0#Base64Binary";
    private const string RsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    private const string Sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";

    private Signature(XmlDocument document) : base(document)
    {
    }

    /// <summary>SignedXml looks for ids named Id; WS-Security's are wsu:Id.</summary>
    public override XmlElement GetIdElement(XmlDocument document, string id)
    {
        return FindById(document.DocumentElement, id) ?? base.GetIdElement(document, id);
    }

    private static XmlElement FindById(XmlElement element, string id)
    {
        if (element.GetAttribute("Id", Wsu) == id)
        {
            return element;
        }
        foreach (XmlNode each in element.ChildNodes)
        {
            XmlElement found = each.NodeType == XmlNodeType.Element ? FindById((XmlElement)each, id) : null;
            if (found != null)
            {
                return found;
            }
        }
        return null;
    }

    /// <summary>Signs an envelope that is complete but for wsse:Security.</summary>
    public static void Sign(XmlDocument document, X509Certificate2 certificate)
    {
        if (!certificate.HasPrivateKey || certificate.PublicKey.Oid.Value != "1.2.840.113549.1.1.1")
        {
            throw new CryptographicException("SignedXml signs under an RSA key only: ask for an RSA certificate");
        }
        XmlElement header = Envelope.FirstElement(document.DocumentElement);
        XmlElement body = (XmlElement)header.NextSibling;
        XmlElement security = document.CreateElement("wsse", "Security", Wsse);
        header.AppendChild(security);

        XmlElement token = Add(security, "wsse", "BinarySecurityToken", Wsse, Convert.ToBase64String(certificate.RawData));
        token.SetAttribute("EncodingType", Base64Encoding);
        token.SetAttribute("ValueType", X509Token);
        SetId(token, "token");
        XmlElement timestamp = Add(security, "wsu", "Timestamp", Wsu, null);
        DateTime now = DateTime.UtcNow;
        Add(timestamp, "wsu", "Created", Wsu, Moment(now));
        Add(timestamp, "wsu", "Expires", Wsu, Moment(now.AddMinutes(5)));

        Signature signature = new Signature(document) { SigningKey = certificate.GetRSAPrivateKey() };
        signature.SignedInfo.CanonicalizationMethod = XmlDsigExcC14NTransformUrl;
        signature.SignedInfo.SignatureMethod = RsaSha256; // the default of old frameworks is SHA-1, which the gateway does not know
        signature.Cover(timestamp, "timestamp");
        signature.Cover(body, "body");
        foreach (XmlNode each in header.ChildNodes)
        {
            if (each.NamespaceURI == Envelope.Addressing)
            {
                signature.Cover((XmlElement)each, "wsa-" + each.LocalName);
            }
        }
        signature.KeyInfo.AddClause(new KeyInfoNode(TokenReference(document)));
        signature.ComputeSignature();
        security.AppendChild(document.ImportNode(signature.GetXml(), true));
    }

    private void Cover(XmlElement element, string id)
    {
        SetId(element, id);
        Reference reference = new Reference("#" + Prefix + id) { DigestMethod = Sha256 };
        reference.AddTransform(new XmlDsigExcC14NTransform());
        AddReference(reference);
    }

    /// <summary>Before ids of ours: the payload brings some of its own, and one that stands twice is refused.</summary>
    private const string Prefix = "wss-client-";

    private static void SetId(XmlElement element, string id)
    {
        XmlAttribute attribute = element.OwnerDocument.CreateAttribute("wsu", "Id", Wsu);
        attribute.Value = Prefix + id;
        element.SetAttributeNode(attribute);
    }

    private static XmlElement TokenReference(XmlDocument document)
    {
        XmlElement outer = document.CreateElement("wsse", "SecurityTokenReference", Wsse);
        XmlElement inner = Add(outer, "wsse", "Reference", Wsse, null);
        inner.SetAttribute("URI", "#" + Prefix + "token");
        inner.SetAttribute("ValueType", X509Token);
        return outer;
    }

    private static XmlElement Add(XmlElement parent, string prefix, string name, string uri, string text)
    {
        XmlElement made = parent.OwnerDocument.CreateElement(prefix, name, uri);
        if (text != null)
        {
            made.InnerText = text;
        }
        parent.AppendChild(made);
        return made;
    }

    private static string Moment(DateTime moment)
    {
        return moment.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
    }
}
