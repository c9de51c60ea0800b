package regpass

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
)

// What a server answers with, at most maxBody bytes, costs a bounded amount of memory, whatever its shape.
func TestAnswersCostBoundedMemory(t *testing.T) {
	const limit = 64 << 20
	fill := func(unit string) string { return strings.Repeat(unit, maxBody/len(unit)-20) }
	for name, body := range map[string]string{
		"nested arrays":  `{"error":` + fill("["),
		"nested objects": fill(`{"a":`),
		"closed":         `{"a":` + strings.Repeat("[", 500_000) + strings.Repeat("]", 500_000) + "}",
		"a number":       `{"expires_in":` + fill("9") + "}",
		"an exponent":    `{"expires_in":1e` + fill("9") + "}",
		"empty errors":   `{"errors":[` + fill("{},") + "{}]}",
		"empty keys":     "{" + fill(`"":0,`) + `"":0}`,
		"keys":           "{" + fill(`"error":"a",`) + `"a":0}`,
		"empty arrays":   `{"a":[` + fill("[],") + "[]]}",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_ = serverMessage([]byte(body))
		var answer struct {
			Token   string
			Expires json.Number `json:"expires_in"`
		}
		_ = json.Unmarshal([]byte(body), &answer)
		var open map[string]any
		_ = json.Unmarshal([]byte(body), &open)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > limit {
			t.Errorf("%s: %d bytes took %d", name, len(body), used)
		}
	}
}
