package identity

import (
	"testing"

	"google.golang.org/grpc/mem"
)

// FuzzSVID holds that no answer of an agent does more than fail.
func FuzzSVID(f *testing.F) {
	f.Add([]byte{0x0a, 0x05, 0x12, 0x03, 'a', '.', 'b'})
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		var got firstSVID
		err := svidCodec{}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, &got)
		if err != nil && got.token != "" {
			t.Errorf("%q and %v", got.token, err)
		}
	})
}
