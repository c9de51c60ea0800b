package identity

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// The two messages of the one call that is made, as the wire has them. The code that is generated for the whole API
// would be set up at every start of the program.

// forAudience is a JWTSVIDRequest: field 1, the audience.
type forAudience string

// firstSVID is the token in a JWTSVIDResponse: field 2 of the first of field 1.
type firstSVID struct {
	there bool
	token string
}

// svidCodec writes a forAudience and reads a firstSVID (google.golang.org/grpc/encoding, CodecV2).
type svidCodec struct{}

func (svidCodec) Name() string { return "proto" }

func (svidCodec) Marshal(v any) (mem.BufferSlice, error) {
	audience, ok := v.(forAudience)
	if !ok {
		return nil, fmt.Errorf("no message for the agent: %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType),
		string(audience)))}, nil
}

func (svidCodec) Unmarshal(data mem.BufferSlice, v any) error {
	first, ok := v.(*firstSVID)
	if !ok {
		return fmt.Errorf("no message of the agent's: %T", v)
	}
	svid, err := field(data.Materialize(), 1)
	var token []byte
	if err == nil && svid != nil {
		token, err = field(svid, 2)
	}
	*first = firstSVID{there: svid != nil, token: string(token)}
	return err
}

// field returns the first field of a number in a message, a string or a message itself; nil: it has none.
func field(message []byte, number protowire.Number) ([]byte, error) {
	for len(message) > 0 {
		n, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return nil, errors.New("the agent's answer is malformed")
		}
		message = message[size:]
		if n == number && kind == protowire.BytesType {
			value, size := protowire.ConsumeBytes(message)
			if size < 0 {
				return nil, errors.New("the agent's answer is malformed")
			}
			return value[:len(value):len(value)], nil // not nil, though it may be empty
		}
		size = protowire.ConsumeFieldValue(n, kind, message)
		if size < 0 {
			return nil, errors.New("the agent's answer is malformed")
		}
		message = message[size:]
	}
	return nil, nil
}
