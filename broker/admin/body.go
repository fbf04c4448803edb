package admin

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// maxBody bounds what a compressed body may grow to.
const maxBody = 64 << 20

// plainBody is a message's body as its producer gave it.
func plainBody(body []byte, sysFlag int32) ([]byte, error) {
	if sysFlag&record.SysCompressed == 0 {
		return body, nil
	}
	plain, err := uncompress(body, sysFlag&record.SysCompressionMask, maxBody)
	if err != nil {
		return nil, fmt.Errorf("admin: body compressed as %#x: %w", sysFlag&record.SysCompressionMask, err)
	}
	return plain, nil
}

// uncompress refuses bodies that grow beyond limit bytes.
func uncompress(body []byte, codec int32, limit int64) ([]byte, error) {
	var r io.Reader
	switch codec {
	case record.SysCompressionLZ4:
		r = lz4.NewReader(bytes.NewReader(body))
	case record.SysCompressionZstd:
		z, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(limit)))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	case record.SysCompressionZlib, 0:
		z, err := zlib.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	default:
		return nil, errors.New("unknown codec")
	}
	plain, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(plain)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return plain, err
}
