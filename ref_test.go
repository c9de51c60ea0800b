package regpass

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestParseRef(t *testing.T) {
	for _, c := range []struct{ text, normal, url, host string }{
		{"pyx.dev", "pyx.dev", "https://pyx.dev/", "pyx.dev"},
		{"  pyx.dev\t", "pyx.dev", "https://pyx.dev/", "pyx.dev"},
		{"PYX.dev", "pyx.dev", "https://pyx.dev/", "pyx.dev"},
		{"pyx.dev:443", "pyx.dev", "https://pyx.dev/", "pyx.dev"},
		{"pkgs.internal:8443", "pkgs.internal:8443", "https://pkgs.internal:8443/", "pkgs.internal:8443"},
		{
			"api.pyx.dev/simple/acme/main", "https://api.pyx.dev/simple/acme/main",
			"https://api.pyx.dev/simple/acme/main", "api.pyx.dev",
		},
		{"https://API.pyx.dev:443/Simple/", "https://api.pyx.dev/Simple/", "https://api.pyx.dev/Simple/", "api.pyx.dev"},
		{"HTTPS://pyx.dev", "https://pyx.dev/", "https://pyx.dev/", "pyx.dev"},
		{"https://user@pyx.dev/", "https://pyx.dev/", "https://pyx.dev/", "pyx.dev"},
		{"https://h/tt/a/t/", "https://h/tt/a/t/", "https://h/tt/a/t/", "h"},
		{"s3://bucket/t/prefix", "s3://bucket/t/prefix", "s3://bucket/t/prefix", "s3://bucket/t/prefix"},
		{"https://pyx.dev/a%2Fb", "https://pyx.dev/a%2Fb", "https://pyx.dev/a%2Fb", "pyx.dev"},
		{
			"https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/",
			"https://xn--bcher-kva.example/", "xn--bcher-kva.example",
		},
		{"localhost:8080", "localhost:8080", "http://localhost:8080/", "localhost:8080"},
		{"LOCALHOST:80", "localhost", "http://localhost/", "localhost"},
		{"127.0.0.1:8080/simple", "http://127.0.0.1:8080/simple", "http://127.0.0.1:8080/simple", "127.0.0.1:8080"},
		{"http://[::1]:9/x", "http://[::1]:9/x", "http://[::1]:9/x", "[::1]:9"},
		{"https://[2001:DB8::1]/", "https://[2001:db8::1]/", "https://[2001:db8::1]/", "[2001:db8::1]"},
		{"s3://Bucket/prefix/", "s3://bucket/prefix", "s3://bucket/prefix", "s3://bucket/prefix"},
		{"s3://bucket", "s3://bucket", "s3://bucket", "s3://bucket"},
	} {
		t.Run(c.text, func(t *testing.T) {
			r, err := ParseRef(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if r.String() != c.normal || r.URL.String() != c.url || r.Host != c.host {
				t.Errorf("%s, URL %s, host %s", r, r.URL, r.Host)
			}
			if r.Options == nil || len(r.Options) != 0 {
				t.Errorf("options %v", r.Options)
			}
		})
	}
}

func TestParseRefOptions(t *testing.T) {
	r, err := ParseRef("https://h/simple/ role=arn:aws:iam::1:role/ci?a=b  type=\tempty2=")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"role": "arn:aws:iam::1:role/ci?a=b", "type": "", "empty2": ""}
	if !maps.Equal(r.Options, want) {
		t.Errorf("options %v", r.Options)
	}
}

func TestParseRefRefuses(t *testing.T) {
	for text, why := range map[string]string{
		"":                                "the registry is empty",
		" \n":                             "the registry is empty",
		"https://h/ s3cr3t":               `registry "https://h/ ***": an option is not key=value`,
		"type=pyx https://h/":             "the option type= comes before its registry",
		"token=s3cr3t":                    "the option token= comes before its registry",
		"s3cr3ts3cr3t==":                  "the option ***= comes before its registry",
		"service-account=x":               "the option service-account= comes before its registry",
		"https://h/ Role=x":               "not key=value",
		"https://h/ a=1 a=2":              "an option is given twice",
		"https://":                        `"" is not a host name`,
		"https:///simple":                 `"" is not a host name`,
		"https://h/?token=s3cr3t":         `registry "https://h/***": a registry's URL has no query and no fragment`,
		"https://h/?token= s3cr3t":        `registry "https://h/*** ***": an option is not key=value`,
		"https://h/?token=a@s3cr3t":       `registry "https://***": a registry's URL has no query and no fragment`,
		"https://h/t/a@s3cr3t/main":       `registry "https://***": the URL holds a conda token`,
		"https://h/ x=a@s3cr3t x=2":       `registry "https://***": an option is given twice`,
		"https://u:p/q@s3cr3t/":           `registry "https://***": `,
		"h/a b@s3cr3t":                    `registry "***": an option is not key=value`,
		"https://h/#s3cr3t":               "no query and no fragment",
		"https://h/t/s3cr3t/main":         `registry "https://h/t/***": the URL holds a conda token`,
		"h/a/%74/s3cr3t/main":             `registry "h/a/t/***": the URL holds a conda token`,
		"https://h/%2Ft%2fs3cr3t":         `registry "https://h/%2Ft/***": the URL holds a conda token`,
		"http://h/t/s3cr3t/main":          `registry "http://h/t/***": the URL holds a conda token`,
		"https://h/t//s3cr3t":             "the URL holds a conda token",
		"ghp_s3cr3ts3cr3t":                `registry "***": the host looks like a token`,
		"https://h/ x=s3cr3t x=s3cr3t":    `registry "https://h/ ***": an option is given twice`,
		"https://glpat-s3cr3ts3cr3ts3@h/": `registry "https://***@h/": the user name looks like a token`,
		"https://h/ username=pypi-AgEIs3cr3tAgEIs3cr3t": "the user name looks like a token",
		"https://a@h/ username=b":                       "name two users",
		"https://a%0A@h/":                               "a colon or a control character",
		"s3://s3cr3t@b":                                 "the URL of a bucket has no user name",
		"s3cr3t-s3cr3t-s3cr3t-s3cr3t!":                  `registry "***": "***" is not a host name`,
		"https://h/?":                                   "no query and no fragment",
		"https://h/#x":                                  "no query and no fragment",
		"https://h/a/../b":                              "no . and .. segments",
		"https://h/%2E%2e/b":                            "no . and .. segments",
		"https://h/a/.":                                 "no . and .. segments",
		"s3://b/../c":                                   "no . and .. segments",
		"http://pyx.dev/":                               "http is spoken only to this machine",
		"http://localhost.evil.example/":                "http is spoken only to this machine",
		"ftp://h/":                                      `the scheme "ftp" is not https`,
		"file:///etc/passwd":                            "is not a host name",
		"https://bücher.example/":                       "is not a host name",
		"https://h./":                                   "is not a host name",
		"https://-h/":                                   "is not a host name",
		"https://a..b/":                                 "is not a host name",
		"https://h:x/":                                  "not a URL or a host",
		"https://h/%zz":                                 "not a URL or a host",
		"https://a b":                                   "not key=value",
		"https://u:s3cr3t@h/":                           "the URL holds a password",
		"u:s3cr3t@h":                                    "the URL holds a password",
		"https://u:@h/":                                 "the URL holds a password",
		"https://u:s3cr3t x@h/":                         "not key=value",
		"https://u: s3cr3t=1 s3cr3t=1@h/":               "an option is given twice",
		"u:x://s3cr3t@h":                                "is not a host name",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := ParseRef(text)
			if err == nil || !strings.Contains(err.Error(), why) || !errors.Is(err, ErrUsage) ||
				strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestParseRefHints holds that a REGISTRY that is none is answered with what to write.
func TestParseRefHints(t *testing.T) {
	for text, hint := range map[string]string{
		"": emptyHint, "https://a b": optionHint, "https://h/#x": "leave out all from ? or # on",
		"http://pyx.dev/":   plainHint,
		"sparse+https://h/": schemeHint, "docker://h/app": schemeHint, "./dir": refHint, "file:///x": refHint,
		"https://h/%zz": refHint, "https://bücher.example/": "write a name outside ASCII in its xn-- form",
	} {
		_, err := ParseRef(text)
		if got := Hints(err); len(got) != 1 || got[0] != hint {
			t.Errorf("%q: %v: %q, want %q", text, err, got, hint)
		}
	}
}

func TestParseRefs(t *testing.T) {
	refs, err := ParseRefs("# ours\n\npyx.dev\r\n  https://h/simple type=pyx  \n#x\n", "the input registries")
	if err != nil || len(refs) != 2 {
		t.Fatalf("%v, %v", refs, err)
	}
	for i, want := range []string{"pyx.dev", "https://h/simple"} {
		if r := refs[i]; r.String() != want || r.Origin != "the input registries" || !r.Trusted {
			t.Errorf("%s from %s, trusted %v", r, r.Origin, r.Trusted)
		}
	}
	_, err = ParseRefs("pyx.dev\nhttp://pyx.dev/", "the input registries")
	if err == nil || !errors.Is(err, ErrUsage) ||
		!strings.HasPrefix(err.Error(), `the input registries: registry "http://pyx.dev/": http is spoken`) {
		t.Errorf("the error is %v", err)
	}
}

// A token in the place of a user or a host is refused, and a name that a person or a robot has is not.
func TestLooksLikeToken(t *testing.T) {
	for text, want := range map[string]bool{
		"ghp_0123456789abcdef": true, "glpat-0123456789abcdefghij": true, "pypi-AgEIcHlwaS5vcmc": true,
		"sk-regpass-0123456789": true, "1B7xKq9fPz2mN4tR": true, "0123456789abcdef0123456789abcdef": true,
		"abcdefghijklmnopqrstuvwxyz0123456789/_abcd": true, "AKCp8abcdefghijk": true,
		"": false, "ci": false, "__token__": false, "gitlab-ci-token": false, "gitlab+deploy-token-12345678": false,
		"oauth2accesstoken": false, "_json_key_base64": false, "x-access-token": false, "aws": false,
		"robot$project+name": false, "First.Last2024@example.com": false, "AKIAIOSFODNN7EXAMPLE": false,
		"6f9619ff-8b86-d011-b42d-00cf4fc964ff": false, "pypi-mirror-internal": false, "global-registry-internal": false,
		"a-service-of-the-platform-team-for-builds": false,
	} {
		if looksLikeToken(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func TestRefText(t *testing.T) {
	for _, c := range []struct{ text, again, args string }{
		{"PYX.dev", "pyx.dev", "pyx.dev"},
		{"https://h/simple type=pyx name=a", "https://h/simple name=a type=pyx", "https://h/simple name=a type=pyx"},
		{"https://ci@h/", "https://ci@h/", "https://ci@h/"},
		{"me%40example.com@h", "me%40example.com@h", "me%40example.com@h"},
		{"https://h/ username=", "https://h/ username=", "https://h/ username="},
		{"https://h/a'b;c username=robot$x", "https://h/a'b;c username=robot$x",
			`'https://h/a'\''b;c' 'username=robot$x'`},
		{"https://h/ name=\u202ea\x1b", "https://h/ name=\u202ea\x1b", `https://h/ 'name=\u202ea\x1b'`},
	} {
		r, err := ParseRef(c.text)
		if err != nil || r.Text() != c.again || r.Args() != c.args {
			t.Errorf("%s: %s, %s, %v", c.text, r.Text(), r.Args(), err)
		}
	}
}

func TestRefTexts(t *testing.T) {
	for _, c := range []struct{ args, want []string }{
		{nil, nil},
		{[]string{"a.test", "b.test"}, []string{"a.test", "b.test"}},
		{[]string{"a.test", "type=pyx", "name=x", "b.test c=d", "e="}, []string{"a.test type=pyx name=x", "b.test c=d e="}},
		{[]string{"type=pyx", "a.test"}, []string{"type=pyx", "a.test"}},
		{[]string{"https://a.test/?x=y"}, []string{"https://a.test/?x=y"}},
	} {
		if got := RefTexts(c.args); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q", c.args, got)
		}
	}
}

func FuzzRef(f *testing.F) {
	for _, s := range []string{
		"pyx.dev", "https://API.pyx.dev:443/a%2Fb role=x", "LOCALHOST:443", "s3://b/p/ region=x", "[::1]:80/x", "u@h",
		"http://a.localhost?", "s3://b/%2F", "https:foo", "a://b@c",
	} {
		f.Add(s, "", "")
		f.Add(s, "x/", "?")
	}
	f.Fuzz(func(t *testing.T, text, before, after string) {
		const password = "s3cr3t"
		secret := before + password + after
		for _, given := range []string{"https://user:" + secret + "@" + text, "user:" + secret + "@" + text,
			"https://h.test/x?token=" + secret + text, "h.test/a/t/" + password + after + text,
			"https://h.test/#" + secret + text, "https://h.test/ " + "x=" + secret + " x=" + text} {
			_, err := ParseRef(given)
			shown := err != nil && strings.Contains(fmt.Sprint(err, Hints(err)), password)
			if shown && !strings.Contains(text, password) {
				t.Fatalf("%q is refused with %v", given, err)
			}
		}
		r, err := ParseRef(text)
		if err != nil {
			if !errors.Is(err, ErrUsage) {
				t.Fatalf("%v is not wrong usage", err)
			}
			return
		}
		host, _, _ := strings.Cut(strings.TrimPrefix(r.Host, "s3://"), "/")
		for _, b := range []byte(host) {
			if b <= ' ' || b > '~' || b >= 'A' && b <= 'Z' {
				t.Fatalf("the host is %q", r.Host)
			}
		}
		if r.URL.Scheme == "http" && !Loopback(r.URL.Hostname()) {
			t.Fatalf("http to %s", r.URL)
		}
		if r.URL.User != nil || strings.ContainsAny(r.URL.String(), "?#") {
			t.Fatalf("the URL is %s", r.URL)
		}
		r2, err := ParseRef(r.Text())
		if err != nil {
			t.Fatalf("%q: %v", r.Text(), err)
		}
		if r2.String() != r.String() || r2.URL.String() != r.URL.String() || r2.Host != r.Host || r2.Bare != r.Bare ||
			r2.User != r.User || !maps.Equal(r2.Options, r.Options) {
			t.Fatalf("%q is %+v, and read again %+v", text, r, r2)
		}
	})
}
