using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Xml;

/// <summary>
/// Submits, asks how a message stands, polls and acknowledges. Reads gateway.properties in the current folder.
/// Ends with 0, 1 refused, 2 called wrongly, 3 not available: try again.
/// </summary>
internal static class GatewayClient
{
    private const string Usage = "usage: submit FILE.xml [ID] | status ID | poll FOLDER | acknowledge DELIVERY...";
    private const string CoverNamespace = "https://gateway.example/ns/cover/1.0/";

    /// <summary>The gateway said no, and why.</summary>
    private sealed class Refused : Exception
    {
        public readonly int Status;

        public Refused(int status, string text) : base(text)
        {
            Status = status;
        }
    }

    /// <summary>One request: the element in the Body of the answer.</summary>
    private static XmlElement Call(Connection connection, XmlElement operation, string messageId)
    {
        string soap = connection.Soap11 ? Envelope.Soap11 : Envelope.Soap12;
        string action = Envelope.ActionOf(operation);
        XmlDocument envelope = Envelope.Around(operation, soap, connection.Setting("soap"), messageId ?? NewId());
        if (connection.Signed)
        {
            Signature.Sign(envelope, connection.Certificate());
        }
        int status;
        byte[] answer = connection.Post(Envelope.Write(envelope), action, out status);
        XmlElement body = Envelope.Body(Envelope.Read(new MemoryStream(answer)));
        if (body.LocalName == "Fault")
        {
            throw new Refused(status, Explained(body));
        }
        return body;
    }

    private static string NewId()
    {
        return "urn:uuid:" + Guid.NewGuid();
    }

    /// <summary>Every fault carries a code, a sentence, and what is wrong with the message: line, path and rule.</summary>
    private static string Explained(XmlElement fault)
    {
        XmlNode problem = fault.GetElementsByTagName("Problem", Envelope.Service)[0];
        if (problem == null)
        {
            return "refused " + fault.InnerText;
        }
        string text = "refused " + Envelope.Text(problem, "Code") + " " + Envelope.Text(problem, "Text");
        foreach (XmlNode each in problem.ChildNodes)
        {
            if (each.LocalName == "Finding")
            {
                text += "\nfinding " + Envelope.Text(each, "Line") + " " + Envelope.Text(each, "Code") + " "
                    + Envelope.Text(each, "Path") + " " + Envelope.Text(each, "Text");
            }
        }
        return text + "\ncorrelation id " + Envelope.Text(problem, "CorrelationId");
    }

    private static XmlElement Operation(string name)
    {
        return Envelope.Element(Envelope.NewDocument(), name, null);
    }

    private static void Add(XmlElement operation, string name, string text)
    {
        operation.AppendChild(Envelope.Element(operation.OwnerDocument, name, text));
    }

    private static void Submit(Connection connection, string file, string id)
    {
        XmlElement operation = Operation("Submit");
        XmlElement payload = Envelope.Element(operation.OwnerDocument, "Payload", null);
        using (Stream stream = File.OpenRead(file))
        {
            payload.AppendChild(operation.OwnerDocument.ImportNode(Envelope.Read(stream).DocumentElement, true));
        }
        operation.AppendChild(payload);
        XmlElement answer = Call(connection, operation, id);
        Console.WriteLine("accepted " + Envelope.Text(answer, "Id"));
        foreach (XmlNode each in answer.GetElementsByTagName("Recipient", Envelope.Service))
        {
            string line = "recipient " + Envelope.Text(each, "Agency") + " " + Envelope.Text(each, "Outcome");
            Console.WriteLine((line + " " + Envelope.Text(each, "Code")).TrimEnd());
        }
    }

    private static void Status(Connection connection, string id)
    {
        XmlElement operation = Operation("Status");
        Add(operation, "Id", id);
        XmlElement answer = Call(connection, operation, null);
        Console.WriteLine("message " + Envelope.Text(answer, "Id"));
        foreach (XmlNode each in answer.ChildNodes)
        {
            if (each.LocalName == "Delivery")
            {
                Console.WriteLine("state " + Envelope.Text(each, "Recipient") + " " + Envelope.Text(each, "State"));
            }
        }
    }

    private static void Poll(Connection connection, string folder)
    {
        Directory.CreateDirectory(folder);
        string after = "0";
        while (true)
        {
            XmlElement operation = Operation("Poll");
            Add(operation, "After", after);
            Add(operation, "Limit", "100");
            XmlElement answer = Call(connection, operation, null);
            XmlNodeList items = answer.GetElementsByTagName("Item", Envelope.Service);
            if (items.Count == 0)
            {
                return;
            }
            foreach (XmlNode each in items)
            {
                Keep((XmlElement)each, folder);
            }
            after = Envelope.Text(answer, "Next");
        }
    }

    /// <summary>Cover and payload into files, as the bytes they were signed for.</summary>
    private static void Keep(XmlElement item, string folder)
    {
        string delivery = Envelope.Text(item, "Delivery");
        XmlElement cover = Envelope.FirstElement(item.GetElementsByTagName("Cover", Envelope.Service)[0]);
        XmlElement payload = Envelope.FirstElement(item.GetElementsByTagName("Payload", Envelope.Service)[0]);
        XmlElement about = (XmlElement)cover.GetElementsByTagName("Payload", CoverNamespace)[0];
        byte[] bytes = Envelope.Canonical(payload, about.GetAttribute("prefixes"));
        if (about.GetAttribute("digest") != "sha-256:" + Hex(SHA256.Create().ComputeHash(bytes)))
        {
            throw new CryptographicException("the payload of " + delivery + " is not the one its Cover was signed for");
        }
        File.WriteAllBytes(Path.Combine(folder, delivery + ".payload.xml"), bytes);
        File.WriteAllBytes(Path.Combine(folder, delivery + ".cover.xml"), Envelope.Canonical(cover, ""));
        Console.WriteLine("delivery " + delivery + " " + Envelope.Text(item, "Exchange") + " " + Envelope.Text(item, "Mou"));
    }

    private static string Hex(byte[] bytes)
    {
        return BitConverter.ToString(bytes).Replace("-", "").ToLowerInvariant();
    }

    private static void Acknowledge(Connection connection, IEnumerable<string> deliveries)
    {
        XmlElement operation = Operation("Acknowledge");
        foreach (string each in deliveries)
        {
            Add(operation, "Delivery", each);
        }
        foreach (XmlNode each in Call(connection, operation, null).ChildNodes)
        {
            Console.WriteLine("acknowledged " + each.InnerText);
        }
    }

    private static int Act(Connection connection, string[] words)
    {
        switch (words[0])
        {
            case "submit":
                Submit(connection, words[1], words.Length > 2 ? words[2] : NewId());
                return 0;
            case "status":
                Status(connection, words[1]);
                return 0;
            case "poll":
                Poll(connection, words[1]);
                return 0;
            case "acknowledge":
                Acknowledge(connection, new ArraySegment<string>(words, 1, words.Length - 1));
                return 0;
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
    }

    /// <summary>
    /// Mono sometimes crashes or waits half a minute while it shuts down after HTTPS requests, when all is done and said:
    /// this program leaves past its shutdown. A service, which stays up, has no use for this.
    /// </summary>
    public static int Main(string[] words)
    {
        int status = Run(words);
        if (Type.GetType("Mono.Runtime") != null && Path.DirectorySeparatorChar == '/')
        {
            Console.Out.Flush();
            Console.Error.Flush();
            LeaveAtOnce(status);
        }
        return status;
    }

    [DllImport("libc", EntryPoint = "_exit")]
    private static extern void LeaveAtOnce(int status);

    private static int Run(string[] words)
    {
        if (words.Length < 2)
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }
        try
        {
            return Act(new Connection("gateway.properties"), words);
        }
        catch (Refused refused)
        {
            Console.Error.WriteLine(refused.Message);
            return refused.Status == 503 ? 3 : 1;
        }
        catch (CryptographicException wrong)
        {
            Console.Error.WriteLine(wrong.Message);
            return 1;
        }
        catch (FileNotFoundException wrong)
        {
            Console.Error.WriteLine(wrong.Message);
            return 2;
        }
        catch (WebException unavailable)
        {
            Console.Error.WriteLine("not available: " + unavailable.Message);
            return 3;
        }
    }
}
