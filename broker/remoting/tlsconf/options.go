package tlsconf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Mode says what a server does about TLS.
type Mode uint8

// The modes of a server.
const (
	Permissive Mode = iota // TLS and plain text, as the client likes
	Enforcing              // TLS only
	Disabled               // plain text only
)

// ClientAuth says whether a server wants certificates of its clients.
type ClientAuth uint8

// What a server may want.
const (
	NoClientAuth ClientAuth = iota
	OptionalClientAuth
	RequireClientAuth
)

// Options are the values of the keys. Begin with Default.
type Options struct {
	Mode           Mode
	Enable         bool // clients speak TLS
	TestMode       bool
	NeedClientAuth ClientAuth
	Server, Client Files
}

// Files are what one side proves itself with, and what it believes of the other.
type Files struct {
	CertPath, KeyPath, KeyPassword string
	Verify                         bool   // the other side's certificate
	TrustCertPath                  string // who may have signed it; empty = whom the system trusts
}

// Default has RocketMQ's defaults.
func Default() Options { return Options{TestMode: true} }

// Keys are those that Set knows.
func Keys() []string {
	return []string{
		"tls.server.mode", "tls.enable", "tls.test.mode.enable", "tls.server.need.client.auth",
		"tls.server.certPath", "tls.server.keyPath", "tls.server.keyPassword", "tls.server.authClient", "tls.server.trustCertPath",
		"tls.client.certPath", "tls.client.keyPath", "tls.client.keyPassword", "tls.client.authServer", "tls.client.trustCertPath",
	}
}

// Set sets the value of a key. Other than RocketMQ, which goes on without a word (and without TLS, if it comes to that), it refuses values that
// mean nothing.
func (o *Options) Set(key, value string) error {
	value = strings.TrimSpace(value)
	switch key {
	case "tls.server.mode":
		return choose(&o.Mode, key, value, map[string]Mode{"permissive": Permissive, "enforcing": Enforcing, "disabled": Disabled})
	case "tls.server.need.client.auth":
		return choose(&o.NeedClientAuth, key, value,
			map[string]ClientAuth{"": NoClientAuth, "none": NoClientAuth, "optional": OptionalClientAuth, "require": RequireClientAuth})
	case "tls.enable":
		return setBool(&o.Enable, key, value)
	case "tls.test.mode.enable":
		return setBool(&o.TestMode, key, value)
	case "tls.server.authClient":
		return setBool(&o.Server.Verify, key, value)
	case "tls.client.authServer":
		return setBool(&o.Client.Verify, key, value)
	}
	f, name := &o.Server, strings.TrimPrefix(key, "tls.server.")
	if strings.HasPrefix(key, "tls.client.") {
		f, name = &o.Client, strings.TrimPrefix(key, "tls.client.")
	}
	switch name {
	case "certPath":
		f.CertPath = value
	case "keyPath":
		f.KeyPath = value
	case "keyPassword":
		f.KeyPassword = value
	case "trustCertPath":
		f.TrustCertPath = value
	default:
		return fmt.Errorf("tlsconf: %s: unknown key", key)
	}
	return nil
}

func choose[T any](to *T, key, value string, words map[string]T) error {
	v, ok := words[strings.ToLower(value)]
	if !ok {
		known := make([]string, 0, len(words))
		for w := range words {
			if w != "" {
				known = append(known, w)
			}
		}
		slices.Sort(known)
		return fmt.Errorf("tlsconf: %s is %q, expected one of %s", key, value, strings.Join(known, ", "))
	}
	*to = v
	return nil
}

func setBool(to *bool, key, value string) error {
	v, err := strconv.ParseBool(strings.ToLower(value))
	if err != nil {
		return fmt.Errorf("tlsconf: %s is %q, expected true or false", key, value)
	}
	*to = v
	return nil
}
