package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how long files are believed to be unchanged.
const lookEvery = time.Second

// loaded is what the files of one side say.
type loaded struct {
	certificate *tls.Certificate // nil = none
	trusted     *x509.CertPool   // nil = whom the system trusts
}

// source keeps what the files of one side said last.
type source struct {
	files Files
	log   *slog.Logger

	mu      sync.Mutex // guards what follows
	looked  time.Time
	stamps  [3]stamp // of the files as they were when they were loaded last, or failed to be
	current loaded
}

// stamp tells whether a file is still the same.
type stamp struct {
	modified time.Time
	size     int64
}

// follow loads the files for the first time. A nil log is slog.Default.
func follow(f Files, log *slog.Logger) (*source, error) {
	if log == nil {
		log = slog.Default()
	}
	s := &source{files: f, log: log}
	s.looked, s.stamps = time.Now(), s.stamp()
	var err error
	s.current, err = f.load()
	return s, err
}

// get is what the files say now, or said when they were in order last.
func (s *source) get() loaded {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.looked) < lookEvery {
		return s.current
	}
	s.looked = now
	stamps := s.stamp()
	if stamps == s.stamps {
		return s.current
	}
	s.stamps = stamps
	l, err := s.files.load()
	if err != nil {
		s.log.Warn("tlsconf: files have changed and can't be used: what was read before stays", "error", err)
		return s.current
	}
	s.log.Info("tlsconf: files have changed and are in use", "certificate", s.files.CertPath)
	s.current = l
	return l
}

// stamp looks at the files. One that isn't there has the zero stamp.
func (s *source) stamp() (stamps [3]stamp) {
	for i, path := range []string{s.files.CertPath, s.files.KeyPath, s.files.TrustCertPath} {
		if path == "" {
			continue
		}
		if info, err := os.Stat(path); err == nil {
			stamps[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return stamps
}

// load reads the files.
func (f Files) load() (l loaded, err error) {
	if f.CertPath != "" || f.KeyPath != "" {
		if l.certificate, err = f.certificate(); err != nil {
			return l, err
		}
	}
	if !f.Verify || f.TrustCertPath == "" {
		return l, nil
	}
	b, err := os.ReadFile(f.TrustCertPath)
	if err != nil {
		return l, fmt.Errorf("tlsconf: trusted certificates: %w", err)
	}
	l.trusted = x509.NewCertPool()
	if !l.trusted.AppendCertsFromPEM(b) {
		return l, fmt.Errorf("tlsconf: trusted certificates: %s has no certificate in PEM form", f.TrustCertPath)
	}
	return l, nil
}

func (f Files) certificate() (*tls.Certificate, error) {
	chain, err := os.ReadFile(f.CertPath)
	if err != nil {
		return nil, fmt.Errorf("tlsconf: certificate: %w", err)
	}
	key, err := os.ReadFile(f.KeyPath)
	if err != nil {
		return nil, fmt.Errorf("tlsconf: private key: %w", err)
	}
	if key, err = decryptPEM(key, f.KeyPassword); err != nil {
		return nil, fmt.Errorf("tlsconf: private key %s: %w", f.KeyPath, err)
	}
	c, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("tlsconf: certificate %s with private key %s: %w", f.CertPath, f.KeyPath, err)
	}
	return &c, nil
}

// decryptPEM turns a private key that a password protects into one that it doesn't; others stay as they are.
func decryptPEM(key []byte, password string) ([]byte, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return key, nil // the one who uses it says what is wrong
	}
	if block.Headers["DEK-Info"] != "" {
		return nil, errors.New("it is encrypted in the old form: openssl pkcs8 -topk8 -v2 aes256 rewrites it")
	}
	if block.Type != "ENCRYPTED PRIVATE KEY" {
		return key, nil
	}
	plain, err := decryptPKCS8(block.Bytes, password)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: plain}), nil
}
