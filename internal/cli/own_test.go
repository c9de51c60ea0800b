package cli

import (
	"testing"

	"github.com/regpass/regpass"
)

// The user's own file decides what a checkout's registry may have, and by which entry. No option of the checkout
// counts.
func TestVouched(t *testing.T) {
	own, err := regpass.ParseRefs("https://h.test/simple/acme type=pyx name=acme\n"+
		"https://h.test/simple/acme/main name=main\n"+
		"https://ci@user.test kind=basic\ns3://bucket/a username=id\nhttp://localhost:8080 type=pyx", "the test")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ref            string
		named, trusted bool // by the user; afterwards
		text           string
	}{
		{"https://h.test/simple/acme", false, true, "https://h.test/simple/acme name=acme type=pyx"},
		{"https://h.test/simple/acme/", false, true, "https://h.test/simple/acme/ name=acme type=pyx"},
		{"https://h.test/simple/acme/main name=evil", false, true, "https://h.test/simple/acme/main name=main"},
		{"https://h.test/simple/acme/other name=evil", false, true, "https://h.test/simple/acme/other type=pyx"},
		{"https://h.test/simple/acmeevil", false, true, "https://h.test/simple/acmeevil type=pyx"},
		{"https://h.test/else", false, true, "https://h.test/else type=pyx"},
		{"https://h.test/simple/acme type=pyx", false, true, "https://h.test/simple/acme name=acme type=pyx"},
		{"https://h.test/simple/acme type=static", false, false, "https://h.test/simple/acme type=static"},
		{"https://h.test/simple/acme audience=x", false, false, "https://h.test/simple/acme audience=x"},
		{"https://h.test:8443/simple/acme", false, false, "https://h.test:8443/simple/acme"},
		{"https://a.h.test/simple/acme", false, false, "https://a.h.test/simple/acme"},
		{"https://mallory@user.test/x", false, true, "https://mallory@user.test/x kind=basic username=ci"},
		{"http://localhost:8080/simple", false, true, "http://localhost:8080/simple type=pyx"},
		{"https://localhost:8080/simple", false, false, "https://localhost:8080/simple"},
		{"s3://bucket/b", false, true, "s3://bucket/b username=id"},
		{"s3://other/b", false, false, "s3://other/b"},
		{"https://h.test/simple/acme audience=x", true, true, "https://h.test/simple/acme audience=x name=acme type=pyx"},
		{"https://h.test/simple/acme type=static", true, true, "https://h.test/simple/acme type=static"},
		{"https://me@user.test/x", true, true, "https://me@user.test/x kind=basic"},
		{"https://user.test/x username=me", true, true, "https://user.test/x kind=basic username=me"},
	} {
		r, err := regpass.ParseRef(c.ref)
		if err != nil {
			t.Fatal(err)
		}
		r.Trusted = c.named
		before := r.Text()
		got := r
		if entry, exact, ok := entryFor(own, r); ok {
			got = vouched(r, entry, exact)
		}
		if got.Text() != c.text || got.Trusted != c.trusted || got.Vouched != (c.trusted && !c.named) {
			t.Errorf("%s: %s, trusted %v, vouched %v", c.ref, got.Text(), got.Trusted, got.Vouched)
		}
		if r.Text() != before {
			t.Errorf("%s became %s", before, r.Text())
		}
	}
}
