package record

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// BatchItem is one message of a batch. Body and Properties alias the batch.
type BatchItem struct {
	Flag       int32 // the application's own
	Body       []byte
	Properties []byte
}

// batchItemSize is an item without body and properties: size, magic, body CRC (both unused), flag, body length, properties length.
const batchItemSize = 5*4 + 2

// BatchItems goes through the messages of a batch. It ends with an error that wraps ErrBatch where the bytes stop making sense:
// a length that is negative, that leads beyond the batch, or a size that isn't the sum of its parts.
func BatchItems(batch []byte) iter.Seq2[BatchItem, error] {
	return func(yield func(BatchItem, error) bool) {
		for at := 0; at < len(batch); {
			item, size, err := batchItem(batch[at:])
			if err != nil {
				yield(BatchItem{}, fmt.Errorf("record: batch of %d bytes, item at %d: %w: %w", len(batch), at, err, ErrBatch))
				return
			}
			if !yield(item, nil) {
				return
			}
			at += size
		}
	}
}

// CountBatch returns the number of messages in a batch that is well formed throughout; other errors are those of BatchItems.
func CountBatch(batch []byte) (int, error) {
	n := 0
	for _, err := range BatchItems(batch) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

func batchItem(b []byte) (item BatchItem, size int, err error) {
	if len(b) < batchItemSize {
		return item, 0, fmt.Errorf("%d bytes left, an item has %d and more", len(b), batchItemSize)
	}
	size = int(getInt32(b, 0))
	if size < batchItemSize || size > len(b) {
		return item, 0, fmt.Errorf("size %d, %d bytes left", size, len(b))
	}
	item.Flag = getInt32(b, 12)
	left := size - batchItemSize
	n := int(getInt32(b, 16))
	if n < 0 || n > left {
		return item, 0, fmt.Errorf("body length %d, %d bytes left", n, left)
	}
	const body = 20
	end := body + n
	item.Body = b[body:end:end]
	if p := int(int16(binary.BigEndian.Uint16(b[end:]))); p != left-n {
		return item, 0, fmt.Errorf("properties length %d, %d bytes left", p, left-n)
	}
	item.Properties = b[end+2 : size : size]
	return item, size, nil
}
