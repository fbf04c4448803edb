package tlsconf

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// authority signs the certificates of tests.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  string // the file with its certificate
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func write(t testing.TB, path, kind string, der []byte) string {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Unix(0, 0),
		NotAfter: time.Unix(1<<33, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = write(t, filepath.Join(t.TempDir(), "ca.crt"), "CERTIFICATE", der)
	return a
}

// issue writes a certificate of that name and its key.
func (a *authority) issue(t testing.TB, dir, name string) (certPath, keyPath string) {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(dir, "x.crt"), "CERTIFICATE", der), write(t, filepath.Join(dir, "x.key"), "PRIVATE KEY", private)
}

func options(t testing.TB, pairs ...string) Options {
	t.Helper()
	o := Default()
	for i := 0; i < len(pairs); i += 2 {
		if err := o.Set(pairs[i], pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

var quiet = slog.New(slog.DiscardHandler)

// meet has both sides shake hands and exchange a byte; it returns what the client saw.
func meet(t testing.TB, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // not a pipe: both sides may write at once
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan struct{})
	go func() {
		defer close(served)
		far, err := l.Accept()
		if err != nil {
			return
		}
		defer far.Close()
		s := tls.Server(far, server)
		io.CopyN(s, s, 1) // what goes wrong here, the client sees
	}()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Client(near, client)
	if _, err = c.Write([]byte{1}); err == nil {
		_, err = c.Read(make([]byte, 1))
	}
	near.Close()
	<-served
	return c.ConnectionState(), err
}

func TestServersAndClientsMeetOrDoNotAsTheKeysSay(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	cert, key := ours.issue(t, t.TempDir(), "broker")
	alienCert, alienKey := other.issue(t, t.TempDir(), "stranger")
	server := []string{"tls.test.mode.enable", "false", "tls.server.certPath", cert, "tls.server.keyPath", key}
	client := []string{"tls.test.mode.enable", "false", "tls.enable", "true"}
	verifying := append(client[:4:4], "tls.client.authServer", "true", "tls.client.trustCertPath", ours.pem)
	known := append(verifying[:8:8], "tls.client.certPath", cert, "tls.client.keyPath", key)
	stranger := append(client[:4:4], "tls.client.certPath", alienCert, "tls.client.keyPath", alienKey)
	with := func(more ...string) []string { return append(server[:6:6], more...) }
	strict := with("tls.server.need.client.auth", "require", "tls.server.authClient", "true", "tls.server.trustCertPath", ours.pem)
	for name, tc := range map[string]struct {
		server, client []string
		want           string // empty = they meet
	}{
		"test mode":                        {nil, []string{"tls.enable", "true"}, ""},
		"a client that verifies nothing":   {server, client, ""},
		"a client that trusts":             {server, verifying, ""},
		"a client that trusts others":      {server, append(client[:4:4], "tls.client.authServer", "true", "tls.client.trustCertPath", other.pem), "unknown authority"},
		"no certificate where one must be": {with("tls.server.need.client.auth", "require"), client, "certificate required"},
		"any certificate":                  {with("tls.server.need.client.auth", "require"), stranger, ""},
		"a certificate that is trusted":    {strict, known, ""},
		"a certificate that isn't":         {strict, stranger, "unknown certificate authority"},
		"an optional one that is missing": {with("tls.server.need.client.auth", "optional", "tls.server.authClient", "true", "tls.server.trustCertPath", ours.pem), client,
			""},
		"an optional one that isn't trusted": {with("tls.server.need.client.auth", "optional", "tls.server.authClient", "true", "tls.server.trustCertPath", ours.pem),
			stranger, "unknown certificate authority"},
		"an optional one that nobody verifies": {with("tls.server.need.client.auth", "optional"), stranger, ""},
	} {
		s, err := options(t, tc.server...).ServerConfig(quiet)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c, err := options(t, tc.client...).ClientConfig(quiet)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err = meet(t, s, c)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v, expected %q", name, err, tc.want)
		}
	}
}

func TestFilesThatHaveChangedServeNewConnections(t *testing.T) {
	ours := newAuthority(t)
	dir := t.TempDir()
	cert, key := ours.issue(t, dir, "first")
	var logged bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		o := options(t, "tls.test.mode.enable", "false", "tls.enable", "true", "tls.server.certPath", cert, "tls.server.keyPath", key)
		server, err := o.ServerConfig(slog.New(slog.NewTextHandler(&logged, nil)))
		if err != nil {
			t.Fatal(err)
		}
		client, err := o.ClientConfig(quiet)
		if err != nil {
			t.Fatal(err)
		}
		expect := func(name string) {
			t.Helper()
			state, err := meet(t, server, client)
			if err != nil {
				t.Fatal(err)
			}
			if got := state.PeerCertificates[0].Subject.CommonName; got != name {
				t.Errorf("the certificate is that of %s, expected %s", got, name)
			}
		}
		touch := func(year int) { // files may change within one tick of the file system's clock
			for _, path := range []string{cert, key} {
				at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
				if err := os.Chtimes(path, at, at); err != nil {
					t.Fatal(err)
				}
			}
		}
		expect("first")
		old, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		ours.issue(t, dir, "second")
		touch(2030)
		replaced, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(key, old, 0o600); err != nil { // only one of them has been replaced so far
			t.Fatal(err)
		}
		touch(2031)
		time.Sleep(2 * lookEvery)
		expect("first")
		if !strings.Contains(logged.String(), "private key") {
			t.Errorf("the log doesn't say what is wrong: %s", &logged)
		}
		if err := os.Remove(key); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * lookEvery)
		expect("first")
		if err := os.WriteFile(key, replaced, 0o600); err != nil {
			t.Fatal(err)
		}
		expect("first") // they were looked at just now
		time.Sleep(2 * lookEvery)
		expect("second")
	})
}

func TestKeysThatAPasswordProtectsAreRead(t *testing.T) {
	plain, err := os.ReadFile("testdata/plain.key")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"aes256": "", "aes128": "", "des3": "", "plain": "", "pbes1": "expected PBES2: openssl pkcs8"} {
		b, err := os.ReadFile("testdata/" + name + ".key")
		if err != nil {
			t.Fatal(err)
		}
		got, err := decryptPEM(b, "s3cret")
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, expected %q", name, err, want)
			}
			continue
		}
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %v, %s", name, err, got)
		}
		if got, err := decryptPEM(b, "wrong"); name != "plain" && err == nil && bytes.Equal(got, plain) {
			t.Errorf("%s: opened by any password", name)
		}
	}
}

func FuzzEncryptedKey(f *testing.F) {
	for _, name := range []string{"aes256", "aes128", "des3", "pbes1"} {
		b, err := os.ReadFile("testdata/" + name + ".key")
		if err != nil {
			f.Fatal(err)
		}
		block, _ := pem.Decode(b)
		f.Add(block.Bytes)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if plain, err := decryptPKCS8(der, "s3cret"); err == nil && len(plain) >= len(der) {
			t.Fatalf("%d bytes of %d", len(plain), len(der))
		}
	})
}

func TestValuesThatMeanNothingAreRefused(t *testing.T) {
	for key, value := range map[string]string{
		"tls.server.mode": "enforce", "tls.enable": "yes", "tls.test.mode.enable": "", "tls.server.need.client.auth": "always", "tls.server.x": "1", "listenPort": "1",
	} {
		o := Default()
		if err := o.Set(key, value); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s=%s: %v", key, value, err)
		}
	}
	for _, key := range Keys() {
		o := Default()
		value := "true"
		switch key {
		case "tls.server.mode":
			value = "Enforcing"
		case "tls.server.need.client.auth":
			value = "REQUIRE"
		case "tls.test.mode.enable":
			value = "False"
		}
		if err := o.Set(key, value); err != nil || o == Default() {
			t.Errorf("%s has no effect: %v", key, err)
		}
	}
}

func TestMissingFilesAreAnErrorAtTheStart(t *testing.T) {
	for want, pairs := range map[string][]string{
		"must name files":        {"tls.test.mode.enable", "false"},
		"certificate: open /no/": {"tls.test.mode.enable", "false", "tls.server.certPath", "/no/cert", "tls.server.keyPath", "/no/key"},
	} {
		if _, err := options(t, pairs...).ServerConfig(quiet); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %q", err, want)
		}
	}
	o := options(t, "tls.test.mode.enable", "false", "tls.enable", "true", "tls.client.authServer", "true", "tls.client.trustCertPath", "testdata/plain.key")
	if _, err := o.ClientConfig(quiet); err == nil || !strings.Contains(err.Error(), "plain.key has no certificate") {
		t.Error(err)
	}
	if c, err := Default().ClientConfig(quiet); c != nil || err != nil {
		t.Errorf("clients speak TLS unasked: %v", err)
	}
	if s, err := options(t, "tls.server.mode", "disabled", "tls.test.mode.enable", "false").ServerConfig(quiet); s != nil || err != nil {
		t.Errorf("TLS is off, and yet: %v", err)
	}
}
