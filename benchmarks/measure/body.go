package measure

import "math/rand/v2"

// NewBody returns bytes that don't compress and are the same in every run.
func NewBody(sizeBytes int) []byte {
	body := make([]byte, sizeBytes)
	rand.NewChaCha8([32]byte{}).Read(body)
	return body
}
