package admin

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"time"
)

// newUniqueID makes a message id in the form of Java's clients, of which their tools read the time:
//
//	address (4 bytes) | process id (2) | class loader (4) | ms since the month began (4) | counter (2)
//
// What stands for address, process and class loader there is random here.
func newUniqueID(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[0:], rand.Uint64())
	binary.BigEndian.PutUint16(b[8:], uint16(rand.Uint32()))
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	binary.BigEndian.PutUint32(b[10:], uint32(now.Sub(month).Milliseconds()))
	binary.BigEndian.PutUint16(b[14:], uint16(rand.Uint32()))
	return strings.ToUpper(hex.EncodeToString(b[:]))
}
