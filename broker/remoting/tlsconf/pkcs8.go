package tlsconf

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// maxIterations bounds what a file can make us do for its password; OpenSSL writes 2,048.
const maxIterations = 1_000_000

var errPassword = errors.New("the password is wrong, or the key is damaged")

// What a private key is encrypted with: RFC 5958 (the envelope) and RFC 8018 (PBES2, PBKDF2).
type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2 struct{ Derivation, Encryption pkix.AlgorithmIdentifier }
	kdf   struct {
		Salt       []byte
		Iterations int
		KeyBytes   int                      `asn1:"optional"`
		Function   pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
)

// decryptPKCS8 decrypts a private key in its DER form.
func decryptPKCS8(der []byte, password string) ([]byte, error) {
	var e encryptedKey
	if err := unmarshal(der, &e); err != nil {
		return nil, err
	}
	if !e.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("it is encrypted by algorithm %v, expected PBES2: openssl pkcs8 -topk8 -v2 aes256 rewrites it", e.Algorithm.Algorithm)
	}
	var scheme pbes2
	if err := unmarshal(e.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, err
	}
	block, err := scheme.block(password)
	if err != nil {
		return nil, err
	}
	var iv []byte
	if err := unmarshal(scheme.Encryption.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(iv) != size || len(e.Data) == 0 || len(e.Data)%size != 0 {
		return nil, fmt.Errorf("%d bytes with an initial vector of %d, expected blocks of %d", len(e.Data), len(iv), size)
	}
	plain := make([]byte, len(e.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, e.Data)
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > size {
		return nil, errPassword
	}
	for _, b := range plain[len(plain)-pad:] {
		if int(b) != pad {
			return nil, errPassword
		}
	}
	return plain[:len(plain)-pad], nil
}

// block is the cipher that a password opens.
func (s pbes2) block(password string) (cipher.Block, error) {
	if !s.Derivation.Algorithm.Equal(oidPBKDF2) {
		return nil, fmt.Errorf("its key is derived by %v, expected PBKDF2", s.Derivation.Algorithm)
	}
	var k kdf
	if err := unmarshal(s.Derivation.Parameters.FullBytes, &k); err != nil {
		return nil, err
	}
	if k.Iterations < 1 || k.Iterations > maxIterations {
		return nil, fmt.Errorf("%d iterations, expected up to %d", k.Iterations, maxIterations)
	}
	newHash, err := k.hash()
	if err != nil {
		return nil, err
	}
	keyBytes, newBlock := 0, aes.NewCipher
	switch s.Encryption.Algorithm.String() {
	case "2.16.840.1.101.3.4.1.2":
		keyBytes = 16
	case "2.16.840.1.101.3.4.1.22":
		keyBytes = 24
	case "2.16.840.1.101.3.4.1.42":
		keyBytes = 32
	case "1.2.840.113549.3.7":
		keyBytes, newBlock = 24, des.NewTripleDESCipher
	default:
		return nil, fmt.Errorf("it is encrypted by %v, expected AES or triple DES with CBC", s.Encryption.Algorithm)
	}
	key, err := pbkdf2.Key(newHash, password, k.Salt, k.Iterations, keyBytes)
	if err != nil {
		return nil, err
	}
	return newBlock(key)
}

func (k kdf) hash() (func() hash.Hash, error) {
	switch k.Function.Algorithm.String() {
	case "", "1.2.840.113549.2.7":
		return sha1.New, nil
	case "1.2.840.113549.2.9":
		return sha256.New, nil
	case "1.2.840.113549.2.11":
		return sha512.New, nil
	}
	return nil, fmt.Errorf("its key is derived with %v, expected HMAC with SHA-1, SHA-256 or SHA-512", k.Function.Algorithm)
}

// unmarshal is asn1.Unmarshal without bytes left.
func unmarshal(der []byte, to any) error {
	rest, err := asn1.Unmarshal(der, to)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d bytes behind the end", len(rest))
	}
	return nil
}
