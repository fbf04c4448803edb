package tlsconf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"sync"
	"time"
)

// ServerConfig is what a server shakes hands with: nil where TLS is off. Whether it is required, o.Mode says.
func (o Options) ServerConfig(log *slog.Logger) (*tls.Config, error) {
	if o.Mode == Disabled {
		return nil, nil
	}
	if o.TestMode {
		made := sync.OnceValues(selfSigned) // at the first handshake, which most servers never see
		return &tls.Config{DynamicRecordSizingDisabled: true, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return made() }}, nil
	}
	if o.Server.CertPath == "" || o.Server.KeyPath == "" {
		return nil, errors.New("tlsconf: tls.test.mode.enable is false, so tls.server.certPath and tls.server.keyPath must name files (or tls.server.mode=disabled)")
	}
	files, err := follow(o.Server, log)
	if err != nil {
		return nil, err
	}
	wanted := o.clientAuth()
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		l := files.get()
		return &tls.Config{
			Certificates:                []tls.Certificate{*l.certificate},
			ClientAuth:                  wanted,
			ClientCAs:                   l.trusted,
			DynamicRecordSizingDisabled: true, // small records first would help browsers
		}, nil
	}}, nil
}

func (o Options) clientAuth() tls.ClientAuthType {
	switch {
	case o.NeedClientAuth == OptionalClientAuth && o.Server.Verify:
		return tls.VerifyClientCertIfGiven
	case o.NeedClientAuth == OptionalClientAuth:
		return tls.RequestClientCert
	case o.NeedClientAuth == RequireClientAuth && o.Server.Verify:
		return tls.RequireAndVerifyClientCert
	case o.NeedClientAuth == RequireClientAuth:
		return tls.RequireAnyClientCert
	}
	return tls.NoClientCert
}

// ClientConfig is what connections to other servers shake hands with: nil where they speak plain text.
func (o Options) ClientConfig(log *slog.Logger) (*tls.Config, error) {
	if !o.Enable {
		return nil, nil
	}
	// InsecureSkipVerify is about names, too: VerifyConnection does what is to be verified.
	config := &tls.Config{InsecureSkipVerify: true, DynamicRecordSizingDisabled: true}
	if o.TestMode {
		return config, nil
	}
	files, err := follow(o.Client, log)
	if err != nil {
		return nil, err
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if c := files.get().certificate; c != nil {
			return c, nil
		}
		return new(tls.Certificate), nil // none
	}
	if o.Client.Verify {
		config.VerifyConnection = func(s tls.ConnectionState) error { return verify(s.PeerCertificates, files.get().trusted) }
	}
	return config, nil
}

// verify says whether somebody who is trusted has signed a server's certificate.
func verify(chain []*x509.Certificate, trusted *x509.CertPool) error {
	if len(chain) == 0 {
		return errors.New("tlsconf: the server has no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: trusted, Intermediates: between})
	return err
}

// selfSigned makes up a certificate.
func selfSigned() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("tlsconf: private key for tests: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "localhost"},
		NotBefore:    now.AddDate(-1, 0, 0), // clocks differ
		NotAfter:     now.AddDate(10, 0, 0),
		DNSNames:     []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("tlsconf: certificate for tests: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
