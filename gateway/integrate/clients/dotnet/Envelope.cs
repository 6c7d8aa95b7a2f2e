using System;
using System.IO;
using System.Security.Cryptography.Xml;
using System.Text;
using System.Xml;

/// <summary>A SOAP envelope to be sent, and what is read out of one that came.</summary>
internal static class Envelope
{
    public const string Service = "urn:justice-gateway:soap:1.0";
    public const string Addressing = "http://www.w3.org/2005/08/addressing";
    public const string Soap11 = "http://schemas.xmlsoap.org/soap/envelope/";
    public const string Soap12 = "http://www.w3.org/2003/05/soap-envelope";

    public static string ActionOf(XmlElement operation)
    {
        return Service + ":" + operation.LocalName;
    }

    /// <summary>White space is content: digests and signatures are made over it.</summary>
    public static XmlDocument NewDocument()
    {
        return new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
    }

    public static XmlDocument Read(Stream stream)
    {
        XmlReaderSettings strict = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null };
        XmlDocument document = NewDocument();
        using (XmlReader reader = XmlReader.Create(stream, strict))
        {
            document.Load(reader);
        }
        return document;
    }

    public static XmlElement Element(XmlDocument document, string name, string text)
    {
        XmlElement made = document.CreateElement("g", name, Service);
        if (text != null)
        {
            made.InnerText = text;
        }
        return made;
    }

    /// <summary>Envelope, Header with WS-Addressing, Body. The operation belongs to the document and is moved into it.</summary>
    public static XmlDocument Around(XmlElement operation, string soap, string to, string messageId)
    {
        XmlDocument document = operation.OwnerDocument;
        XmlElement envelope = document.CreateElement("soap", "Envelope", soap);
        XmlElement header = document.CreateElement("soap", "Header", soap);
        XmlElement body = document.CreateElement("soap", "Body", soap);
        foreach (string[] each in new[] { new[] { "To", to }, new[] { "Action", ActionOf(operation) }, new[] { "MessageID", messageId } })
        {
            XmlElement block = document.CreateElement("wsa", each[0], Addressing);
            block.InnerText = each[1];
            header.AppendChild(block);
        }
        document.AppendChild(envelope);
        envelope.AppendChild(header);
        envelope.AppendChild(body);
        body.AppendChild(operation);
        return document;
    }

    public static byte[] Write(XmlDocument document)
    {
        XmlWriterSettings asItIs = new XmlWriterSettings
        {
            Encoding = new UTF8Encoding(false),
            NewLineHandling = NewLineHandling.Entitize, // else carriage returns in the message would not arrive
        };
        using (MemoryStream stream = new MemoryStream())
        {
            using (XmlWriter writer = XmlWriter.Create(stream, asItIs))
            {
                document.Save(writer);
            }
            return stream.ToArray();
        }
    }

    public static XmlElement Body(XmlDocument envelope)
    {
        foreach (XmlNode each in envelope.DocumentElement.ChildNodes)
        {
            if (each.LocalName == "Body" && each.NamespaceURI == envelope.DocumentElement.NamespaceURI)
            {
                return FirstElement(each);
            }
        }
        throw new XmlException("the answer is no SOAP envelope");
    }

    public static XmlElement FirstElement(XmlNode parent)
    {
        XmlNode child = parent.FirstChild;
        while (child != null && child.NodeType != XmlNodeType.Element)
        {
            child = child.NextSibling;
        }
        return (XmlElement)child;
    }

    /// <summary>Text of the first child of this name in the service's namespace, "" for none.</summary>
    public static string Text(XmlNode parent, string name)
    {
        foreach (XmlNode each in parent.ChildNodes)
        {
            if (each.LocalName == name && each.NamespaceURI == Service)
            {
                return each.InnerText;
            }
        }
        return "";
    }

    /// <summary>Exclusive C14N of an element cut out of its document; prefixes = the PrefixList.</summary>
    public static byte[] Canonical(XmlElement element, string prefixes)
    {
        XmlDocument alone = NewDocument();
        alone.LoadXml(element.OuterXml);
        foreach (string prefix in prefixes.Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries))
        {
            string uri = element.GetNamespaceOfPrefix(prefix);
            if (uri != "" && alone.DocumentElement.GetNamespaceOfPrefix(prefix) == "")
            {
                alone.DocumentElement.SetAttribute("xmlns:" + prefix, uri);
            }
        }
        XmlDsigExcC14NTransform transform = new XmlDsigExcC14NTransform(false, prefixes == "" ? null : prefixes);
        transform.LoadInput(alone);
        using (Stream stream = (Stream)transform.GetOutput(typeof(Stream)))
        using (MemoryStream copy = new MemoryStream())
        {
            stream.CopyTo(copy);
            return copy.ToArray();
        }
    }
}
