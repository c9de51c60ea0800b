package regpass

import "strings"

// unreachable says what to do where no server answers. The first whose text is in the error counts.
var unreachable = []struct{ says, hint string }{
	{"proxyconnect", "the proxy that https_proxy or http_proxy names does not answer: correct or unset the variable, or " +
		"name the host in no_proxy"},
	{"connection refused", nothingListens},
	{"actively refused it", nothingListens}, // on Windows
	{"no such host", "no name server knows the host: look for a misspelling in the URL; where only a proxy reaches the " +
		"network, set https_proxy"},
	{"certificate signed by unknown authority", "this machine does not know who signed the server's certificate: add " +
		"that authority to the system's, or on Linux name a file of authorities in SSL_CERT_FILE"},
	{"certificate is valid for", "the server's certificate is for another name: write the URL with that name"},
	{"HTTP response to HTTPS client", "the server at that port speaks plain http, which no secret is sent by: use its " +
		"port for https"},
}

const nothingListens = "nothing listens at that host and port: look at the URL, and whether the server runs; in a " +
	"container, 127.0.0.1 and localhost are the container itself"

// noAnswer adds the hint to the error of a request that got no answer.
func noAnswer(err error) error {
	for _, u := range unreachable {
		if strings.Contains(err.Error(), u.says) {
			return Hintf(err, "%s", u.hint)
		}
	}
	return err
}
