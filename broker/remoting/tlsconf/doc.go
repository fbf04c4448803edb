// Package tlsconf makes TLS configurations of RocketMQ's tls.* keys; they follow the files that the keys name.
//
//	tls.server.mode               permissive   disabled: no TLS; permissive: TLS and plain text on one port; enforcing: no plain text
//	tls.enable                    false        connections to other servers speak TLS
//	tls.test.mode.enable          true         a certificate made up at the start, and clients that trust everybody: no file is read
//	tls.server.certPath, keyPath, keyPassword  the server's certificates and private key (PEM; PKCS #8 where it has a password)
//	tls.server.need.client.auth   none         optional: ask clients for a certificate; require: insist
//	tls.server.authClient         false        verify the certificates of clients, by those in tls.server.trustCertPath
//	tls.client.certPath, keyPath, keyPassword  the same of connections to other servers
//	tls.client.authServer         false        verify the certificates of servers, by those in tls.client.trustCertPath
//
// As with RocketMQ, a server's certificate is verified by who signed it and not by its name: brokers go by their addresses.
//
// Files are looked at when somebody connects, at most once a second. If they have changed, new connections use what they say now, and those
// that there are stay as they are. While they don't fit together, as in the middle of a replacement, what was read last goes on to be used.
package tlsconf
