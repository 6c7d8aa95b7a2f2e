using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;

/// <summary>Where the gateway is, who we are, and whom we trust: what gateway.properties says. Paths are relative to it.</summary>
internal sealed class Connection
{
    private const int MillisecondsMax = 60000;

    private readonly Dictionary<string, string> settings = new Dictionary<string, string>();
    private readonly string folder;

    public Connection(string file)
    {
        folder = Path.GetDirectoryName(Path.GetFullPath(file));
        foreach (string line in File.ReadAllLines(file))
        {
            int equals = line.IndexOf('=');
            if (!line.StartsWith("#") && equals > 0)
            {
                settings[line.Substring(0, equals).Trim()] = line.Substring(equals + 1).Trim();
            }
        }
    }

    /// <summary>"" where it is not set.</summary>
    public string Setting(string name)
    {
        string value;
        return settings.TryGetValue(name, out value) ? value : "";
    }

    public bool Soap11
    {
        get { return Setting("version") == "1.1"; }
    }

    public bool Signed
    {
        get { return Setting("signed") == "yes"; }
    }

    public string PathOf(string name)
    {
        return Path.Combine(folder, Setting(name));
    }

    /// <summary>Our certificate with its key, null for none.</summary>
    public X509Certificate2 Certificate()
    {
        return Setting("pkcs12") == "" ? null : new X509Certificate2(PathOf("pkcs12"), Setting("pkcs12_password"));
    }

    /// <summary>The certificate the gateway signs with, handed over beforehand: no other signature counts.</summary>
    public X509Certificate2 Signer()
    {
        return new X509Certificate2(PathOf("cover"));
    }

    /// <summary>Sends an envelope, gives the answer and its status. Raises WebException where there is none.</summary>
    public byte[] Post(byte[] envelope, string action, out int status)
    {
        HttpWebRequest request = (HttpWebRequest)WebRequest.Create(Setting("soap"));
        request.Method = "POST";
        request.AllowAutoRedirect = false;
        request.Timeout = MillisecondsMax;
        request.ReadWriteTimeout = MillisecondsMax;
        request.ServerCertificateValidationCallback = IsGateway;
        if (Soap11)
        {
            request.ContentType = "text/xml; charset=utf-8";
            request.Headers.Add("SOAPAction", "\"" + action + "\"");
        }
        else
        {
            request.ContentType = "application/soap+xml; charset=utf-8; action=\"" + action + "\"";
        }
        if (Setting("token") != "")
        {
            request.Headers.Add("Authorization", "Bearer " + File.ReadAllText(PathOf("token"), Encoding.ASCII).Trim());
        }
        X509Certificate2 certificate = Certificate();
        if (certificate != null)
        {
            request.ClientCertificates.Add(certificate);
        }
        using (Stream body = request.GetRequestStream())
        {
            body.Write(envelope, 0, envelope.Length);
        }
        using (HttpWebResponse response = Answer(request))
        using (Stream stream = response.GetResponseStream())
        using (MemoryStream copy = new MemoryStream())
        {
            stream.CopyTo(copy);
            status = (int)response.StatusCode;
            return copy.ToArray();
        }
    }

    /// <summary>A fault comes with status 400 or 500, which .NET calls an exception; it is an answer all the same.</summary>
    private static HttpWebResponse Answer(HttpWebRequest request)
    {
        try
        {
            return (HttpWebResponse)request.GetResponse();
        }
        catch (WebException error)
        {
            if (error.Response == null)
            {
                throw;
            }
            return (HttpWebResponse)error.Response;
        }
    }

    /// <summary>The certificate is for this host and comes from the gateway's authority, not from any that the machine knows.</summary>
    private bool IsGateway(object sender, X509Certificate shown, X509Chain chain, SslPolicyErrors errors)
    {
        X509Certificate2 authority = new X509Certificate2(PathOf("authority"));
        if (Type.GetType("Mono.Runtime") != null)
        {
            // Mono judges by the folder that client.sh names. A chain that ends in an unknown authority must not be
            // judged here: Mono stops at that, and has not looked at the signatures below it.
            return errors == SslPolicyErrors.None && IsRoot(chain, authority);
        }
        if ((errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
        {
            return false;
        }
        using (X509Chain ours = new X509Chain())
        {
            ours.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            ours.ChainPolicy.VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority;
            ours.ChainPolicy.ExtraStore.Add(authority);
            return ours.Build(new X509Certificate2(shown)) && IsRoot(ours, authority);
        }
    }

    private static bool IsRoot(X509Chain chain, X509Certificate2 authority)
    {
        int last = chain.ChainElements.Count - 1;
        return last > 0
            && Convert.ToBase64String(chain.ChainElements[last].Certificate.RawData) == Convert.ToBase64String(authority.RawData);
    }
}
