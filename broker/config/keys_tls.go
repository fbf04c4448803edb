package config

// TLS is how connections are encrypted, by RocketMQ's keys.
type TLS struct {
	Mode           string // of the server: permissive, enforcing or disabled
	NeedClientAuth string // none, optional or require
	Enable         bool   // for connections to other servers
	TestMode       bool   // no file is read
	Server, Client TLSFiles
}

// TLSFiles are what one side proves itself with, and whom it believes.
type TLSFiles struct {
	CertPath, KeyPath, KeyPassword string
	Verify                         bool // the other side's certificate
	TrustCertPath                  string
}

func tlsSections() []section {
	return []section{{"TLS", []Key{
		{"tls.server.mode", "permissive", restart, "What is spoken at the ports: TLS or plain text (permissive), TLS only (enforcing), plain text only (disabled).",
			choice(func(c *Config) *string { return &c.TLS.Mode }, "permissive", "enforcing", "disabled")},
		{"tls.test.mode.enable", "true", restart, "Use a certificate that is made up at the start, and trust everybody.", flag(func(c *Config) *bool { return &c.TLS.TestMode })},
		{"tls.server.certPath", "", restart, "Certificates that the server shows (PEM); a change of the file is noticed.", text(func(c *Config) *string { return &c.TLS.Server.CertPath })},
		{"tls.server.keyPath", "", restart, "Private key for them (PEM).", text(func(c *Config) *string { return &c.TLS.Server.KeyPath })},
		{"tls.server.keyPassword", "", restart, "Password of that key.", text(func(c *Config) *string { return &c.TLS.Server.KeyPassword })},
		{"tls.server.need.client.auth", "none", restart, "Whether clients are asked for a certificate.",
			choice(func(c *Config) *string { return &c.TLS.NeedClientAuth }, "none", "optional", "require")},
		{"tls.server.authClient", "false", restart, "Verify the certificates of clients.", flag(func(c *Config) *bool { return &c.TLS.Server.Verify })},
		{"tls.server.trustCertPath", "", restart, "Certificates that may have signed theirs; those that the system trusts by default.", text(func(c *Config) *string { return &c.TLS.Server.TrustCertPath })},
		{"tls.enable", "false", restart, "Speak TLS with name servers elsewhere.", flag(func(c *Config) *bool { return &c.TLS.Enable })},
		{"tls.client.certPath", "", restart, "Certificates that they are shown (PEM).", text(func(c *Config) *string { return &c.TLS.Client.CertPath })},
		{"tls.client.keyPath", "", restart, "Private key for these (PEM).", text(func(c *Config) *string { return &c.TLS.Client.KeyPath })},
		{"tls.client.keyPassword", "", restart, "Password of that key.", text(func(c *Config) *string { return &c.TLS.Client.KeyPassword })},
		{"tls.client.authServer", "false", restart, "Verify the certificates of name servers.", flag(func(c *Config) *bool { return &c.TLS.Client.Verify })},
		{"tls.client.trustCertPath", "", restart, "Certificates that may have signed theirs; those that the system trusts by default.", text(func(c *Config) *string { return &c.TLS.Client.TrustCertPath })},
	}}}
}
