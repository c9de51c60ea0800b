package fake

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// AWS is the part of Amazon's API that registries need: STS for identities, and CodeArtifact. It verifies every
// signature, and reads the claims of identities without verifying theirs.
type AWS struct {
	Now      func() time.Time
	Role     string // ARN of the only role
	Audience string // that the IAM OIDC provider lists
	Subject  string // that the role trusts; empty: any
	Region   string
	Domain   string // of CodeArtifact
	Owner    string // account of the domain
	Lifetime time.Duration
	// Keys are the keys that may sign, by id. STS adds to them.
	Keys map[string]AWSKey

	minted map[string]bool // tokens of CodeArtifact

	script
}

// Minted reports whether a token is one of CodeArtifact's.
func (a *AWS) Minted(token string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.minted[token]
}

// AWSKey is a key that may sign. Session must go with it if it is not empty.
type AWSKey struct{ Secret, Session string }

// NewAWS makes an account with one domain of packages.
func NewAWS(now func() time.Time) *AWS {
	return &AWS{Now: now, Role: "arn:aws:iam::123456789012:role/ci", Audience: "sts.amazonaws.com", Region: "eu-west-1",
		Domain: "acme", Owner: "123456789012", Lifetime: time.Hour, Keys: map[string]AWSKey{},
		minted: map[string]bool{}}
}

// ServeHTTP answers like the service that the request is for, or with the next answer of Instead.
func (a *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.serve(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost && r.URL.Path == "/v1/authorization-token":
			a.authorizationToken(w, r)
		case r.Method == http.MethodPost && r.URL.Path == "/" &&
			r.Header.Get("Content-Type") == "application/x-www-form-urlencoded":
			a.assumeRole(w, r)
		default:
			a.refuseXML(w, r, http.StatusNotFound, "UnknownOperationException", "there is no such operation")
		}
	}))
}

// refuseXML answers as STS does, and remembers the mistake.
func (a *AWS) refuseXML(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	a.wrong = append(a.wrong, fmt.Sprintf("%s %s: %s: %s", r.Method, r.URL.Path, code, message))
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	var text strings.Builder
	_ = xml.EscapeText(&text, []byte(message))
	fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>`+
		`<Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`, code, text.String(), uuid())
}

// refuseJSON answers as the services with JSON do, and remembers the mistake.
func (a *AWS) refuseJSON(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	a.wrong = append(a.wrong, fmt.Sprintf("%s %s: %s: %s", r.Method, r.URL.Path, code, message))
	w.Header().Set("X-Amzn-ErrorType", code+":http://internal.amazon.com/coral/com.amazonaws/")
	answer(w, status, map[string]any{"message": message})
}

// assumeRole is AssumeRoleWithWebIdentity, which takes no signature.
func (a *AWS) assumeRole(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	seconds := form.Get("DurationSeconds")
	switch {
	case err != nil || form.Get("Version") != "2011-06-15" || form.Get("Action") != "AssumeRoleWithWebIdentity":
		a.refuseXML(w, r, http.StatusBadRequest, "InvalidAction", "Could not find operation")
	case r.Header.Get("Authorization") != "" || r.URL.RawQuery != "":
		a.refuseXML(w, r, http.StatusBadRequest, "InvalidParameterCombination", "a second proof")
	case seconds != "" && (len(seconds) < 3 || seconds < "900" && len(seconds) == 3):
		a.refuseXML(w, r, http.StatusBadRequest, "ValidationError", "1 validation error detected: DurationSeconds")
	case len(form.Get("RoleSessionName")) < 2 || len(form.Get("RoleSessionName")) > 64:
		a.refuseXML(w, r, http.StatusBadRequest, "ValidationError", "1 validation error detected: RoleSessionName")
	default:
		a.letIn(w, r, form)
	}
}

func (a *AWS) letIn(w http.ResponseWriter, r *http.Request, form url.Values) {
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(form.Get("WebIdentityToken"), claims); err != nil {
		a.refuseXML(w, r, http.StatusBadRequest, "InvalidIdentityToken", "The ID Token provided is not a valid JWT. "+
			"(You may see this error if you sent an Access Token)")
		return
	}
	audiences, _ := claims.GetAudience()
	subject, _ := claims.GetSubject()
	expires, err := claims.GetExpirationTime()
	switch {
	case err != nil || expires == nil || !expires.After(a.Now()):
		a.refuseXML(w, r, http.StatusBadRequest, "ExpiredTokenException", "Token expired")
		return
	case !slices.Contains(audiences, a.Audience):
		a.refuseXML(w, r, http.StatusBadRequest, "InvalidIdentityToken", "Incorrect token audience")
		return
	case form.Get("RoleArn") != a.Role || a.Subject != "" && subject != a.Subject:
		a.refuseXML(w, r, http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
		return
	}
	id, key := a.newKey()
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">`+
		`<AssumeRoleWithWebIdentityResult><Audience>%s</Audience><Credentials><AccessKeyId>%s</AccessKeyId>`+
		`<SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials>`+
		`</AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>`+
		`</AssumeRoleWithWebIdentityResponse>`, a.Audience, id, key.Secret, key.Session,
		a.Now().Add(15*time.Minute).UTC().Format(time.RFC3339), uuid())
}

// newKey makes temporary keys.
func (a *AWS) newKey() (id string, key AWSKey) {
	id, key = "ASIA"+rand.Text()[:16], AWSKey{Secret: rand.Text() + rand.Text(), Session: rand.Text() + rand.Text()}
	a.Keys[id] = key
	return id, key
}

// authorizationToken is CodeArtifact's GetAuthorizationToken, in its documented form: a query and no body.
func (a *AWS) authorizationToken(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	query := r.URL.Query()
	switch {
	case len(body) > 0:
		a.refuseJSON(w, r, http.StatusBadRequest, "ValidationException", "the request has a body")
	case !a.signed(r, "codeartifact", body):
		a.refuseJSON(w, r, http.StatusForbidden, "InvalidSignatureException",
			"The request signature we calculated does not match the signature you provided.")
	case query.Get("domain") != a.Domain || query.Get("domain-owner") != a.Owner:
		a.refuseJSON(w, r, http.StatusForbidden, "AccessDeniedException", fmt.Sprintf("User: %s is not authorized to "+
			"perform: codeartifact:GetAuthorizationToken on resource: arn:aws:codeartifact:%s:%s:domain/%s because no "+
			"identity-based policy allows the codeartifact:GetAuthorizationToken action", a.Role, a.Region,
			query.Get("domain-owner"), query.Get("domain")))
	default:
		token := "eyJ2ZXIiOjEsImlzdSI6MTY..." + rand.Text() + "." + rand.Text() + "."
		a.minted[token] = true
		answer(w, http.StatusOK, map[string]any{"authorizationToken": token,
			"expiration": float64(a.Now().Add(a.Lifetime).UnixMilli()) / 1000})
	}
}

// signed verifies Signature Version 4
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html).
func (a *AWS) signed(r *http.Request, service string, body []byte) bool {
	header := r.Header.Get("Authorization")
	var credential, signedHeaders, signature string
	rest, ok := strings.CutPrefix(header, "AWS4-HMAC-SHA256 ")
	for _, part := range strings.Split(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			credential = value
		case "SignedHeaders":
			signedHeaders = value
		case "Signature":
			signature = value
		}
	}
	id, scope, _ := strings.Cut(credential, "/")
	key, known := a.Keys[id]
	moment, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	names := strings.Split(signedHeaders, ";")
	if !ok || !known || err != nil || a.Now().Sub(moment).Abs() > 5*time.Minute || !slices.IsSorted(names) ||
		scope != moment.Format("20060102")+"/"+a.Region+"/"+service+"/aws4_request" ||
		r.Header.Get("X-Amz-Security-Token") != key.Session ||
		!slices.Contains(names, "host") || !slices.Contains(names, "x-amz-date") ||
		key.Session != "" && !slices.Contains(names, "x-amz-security-token") {
		return false
	}
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, r.URL.EscapedPath(), canonicalQuery(r.URL.Query()))
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		if name == "content-length" {
			value = fmt.Sprint(len(body))
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	fmt.Fprintf(&canonical, "\n%s\n%s", signedHeaders, digest(body))
	mac := []byte("AWS4" + key.Secret)
	for _, part := range strings.Split(scope, "/") {
		mac = macOf(mac, part)
	}
	want := macOf(mac, "AWS4-HMAC-SHA256\n"+moment.Format("20060102T150405Z")+"\n"+scope+"\n"+
		digest([]byte(canonical.String())))
	return hex.EncodeToString(want) == signature
}

// canonicalQuery sorts a query by name and escapes it as RFC 3986 does.
func canonicalQuery(query url.Values) string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	var all []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, v := range slices.Sorted(slices.Values(query[name])) {
			all = append(all, escape(name)+"="+escape(v))
		}
	}
	return strings.Join(all, "&")
}

func macOf(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
