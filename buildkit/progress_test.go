package buildkit

import (
	"testing"

	"github.com/moby/buildkit/client"
)

func TestProgressTakesNothingAfterItsEnd(t *testing.T) {
	r := newProgress()
	got := make(chan int)
	go func() {
		n := 0
		for range r.all {
			n++
		}
		got <- n
	}()
	r.add(&client.SolveStatus{})
	r.close()
	r.add(&client.SolveStatus{})
	if n := <-got; n != 1 {
		t.Errorf("%d", n)
	}
}
