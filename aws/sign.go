package aws

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Signer signs a request with Signature Version 4
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html): the host, the media
// type and all headers of AWS.
type Signer struct {
	Keys    Keys
	Region  string
	Service Service
	Now     time.Time
}

// Sign is regpass.Signer.
func (s Signer) Sign(r *http.Request, body []byte) error {
	moment := s.Now.UTC().Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", moment)
	if !s.Keys.Session.Empty() {
		r.Header.Set("X-Amz-Security-Token", s.Keys.Session.Reveal())
	}
	r.Host = signedHost(r)
	r.URL.RawQuery = signedQuery(r.URL.Query()) // the server may read it as it is sent
	signed := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		if name = strings.ToLower(name); name == "content-type" || strings.HasPrefix(name, "x-amz-") {
			signed[name] = strings.Join(strings.Fields(strings.Join(values, ",")), " ")
		}
	}
	names := slices.Sorted(maps.Keys(signed))
	var headers strings.Builder
	for _, name := range names {
		headers.WriteString(name + ":" + signed[name] + "\n")
	}
	canonical := strings.Join([]string{r.Method, signedPath(r.URL), r.URL.RawQuery, headers.String(),
		strings.Join(names, ";"), sum(body)}, "\n")
	scope := strings.Join([]string{moment[:8], s.Region, s.Service.Name, "aws4_request"}, "/")
	text := strings.Join([]string{"AWS4-HMAC-SHA256", moment, scope, sum([]byte(canonical))}, "\n")
	key := []byte("AWS4" + s.Keys.Secret.Reveal())
	for _, part := range append(strings.Split(scope, "/"), text) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x",
		s.Keys.ID, scope, strings.Join(names, ";"), key))
	return nil
}

// signedHost is the request's host, without a port that its scheme implies: proxies drop that one.
func signedHost(r *http.Request) string {
	host := cmp.Or(r.Host, r.URL.Host)
	if port, implied := map[string]string{"https": ":443", "http": ":80"}[r.URL.Scheme]; implied {
		return strings.TrimSuffix(host, port)
	}
	return host
}

// signedQuery sorts a query by names and values, and writes a space as %20.
func signedQuery(query url.Values) string {
	for _, values := range query {
		slices.Sort(values)
	}
	return strings.ReplaceAll(query.Encode(), "+", "%20")
}

// signedPath escapes the escaped path once more, as all services but S3 do.
func signedPath(u *url.URL) string {
	parts := strings.Split(cmp.Or(u.EscapedPath(), "/"), "/")
	for i, part := range parts {
		parts[i] = url.QueryEscape(part) // the path is escaped, so it holds no space to become a plus
	}
	return strings.Join(parts, "/")
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
