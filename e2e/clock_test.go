package e2e

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// clockVariable names the file of a script's clock to the program.
const clockVariable = "REGPASS_TEST_CLOCK"

// clock is a file that says how far a script's clock is ahead of the machine's. The service and the program share it,
// so a build can outlive its token without waiting. A missing file is no difference.
type clock string

// now is regpass.Env.Now.
func (c clock) now() time.Time { return time.Now().Add(c.ahead()) }

func (c clock) ahead() time.Duration {
	text, _ := os.ReadFile(string(c))
	d, _ := time.ParseDuration(string(text)) // only moves writes it
	return d
}

// moves is h, with /clock/DURATION to move the clock on, such as from a step of a build.
func (c clock) moves(h http.Handler) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		by, found := strings.CutPrefix(r.URL.Path, "/clock/")
		if !found {
			h.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		d, err := time.ParseDuration(by)
		if err == nil {
			err = os.WriteFile(string(c)+".new", []byte((c.ahead() + d).String()), 0o600)
		}
		if err == nil {
			err = os.Rename(string(c)+".new", string(c))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
}
