package fake

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// AWS is the part of Amazon's API that registries need: STS for identities, CodeArtifact and ECR. It verifies every
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
	Issuer   *Issuer // of the account's own ID tokens; nil: they are switched off
	Forbid   string  // an action that the role's permissions lack
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
		body, _ := io.ReadAll(r.Body)
		switch target := r.Header.Get("X-Amz-Target"); {
		case r.Method == http.MethodPost && r.URL.Path == "/v1/authorization-token":
			a.authorizationToken(w, r, body)
		case r.Method == http.MethodPost && r.URL.Path == "/" && target != "":
			a.password(w, r, body, target)
		case r.Method == http.MethodPost && r.URL.Path == "/" &&
			strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
			a.sts(w, r, body)
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
	answer(w, status, map[string]any{"__type": code, "message": message})
}

// sts answers the two operations of STS.
func (a *AWS) sts(w http.ResponseWriter, r *http.Request, body []byte) {
	form, err := url.ParseQuery(string(body))
	action := form.Get("Action")
	switch {
	case err != nil || form.Get("Version") != "2011-06-15" || r.URL.RawQuery != "":
		a.refuseXML(w, r, http.StatusBadRequest, "InvalidAction", "Could not find operation")
	case action == "AssumeRoleWithWebIdentity":
		a.assumeRole(w, r, form)
	case action == "GetWebIdentityToken":
		a.webIdentity(w, r, body, form)
	default:
		a.refuseXML(w, r, http.StatusBadRequest, "InvalidAction", "Could not find operation "+action)
	}
}

// within reports whether a number is empty or within limits.
func within(text string, least, most int) bool {
	n, err := strconv.Atoi(text)
	return text == "" || err == nil && n >= least && n <= most
}

// assumeRole is AssumeRoleWithWebIdentity, which takes no signature.
func (a *AWS) assumeRole(w http.ResponseWriter, r *http.Request, form url.Values) {
	switch name := form.Get("RoleSessionName"); {
	case r.Header.Get("Authorization") != "":
		a.refuseXML(w, r, http.StatusBadRequest, "InvalidParameterCombination", "a second proof")
	case !within(form.Get("DurationSeconds"), 900, 43200):
		a.refuseXML(w, r, http.StatusBadRequest, "ValidationError", "1 validation error detected: DurationSeconds")
	case len(name) < 2 || len(name) > 64 || strings.Trim(name, sessionName) != "":
		a.refuseXML(w, r, http.StatusBadRequest, "ValidationError", "1 validation error detected: RoleSessionName")
	case len(form) > 6:
		a.refuseXML(w, r, http.StatusBadRequest, "ValidationError", "there are other fields")
	default:
		a.letIn(w, r, form)
	}
}

// sessionName are the characters of a session's name.
const sessionName = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-"

// webIdentity is GetWebIdentityToken: the account as an issuer.
func (a *AWS) webIdentity(w http.ResponseWriter, r *http.Request, body []byte, form url.Values) {
	algorithm := form.Get("SigningAlgorithm")
	switch {
	case !a.signed(r, "sts", a.Region, body):
		a.refuseXML(w, r, http.StatusForbidden, "SignatureDoesNotMatch", wrongSignature)
		return
	case form.Get("Audience.member.1") == "" || algorithm != "RS256" && algorithm != "ES384" ||
		!within(form.Get("DurationSeconds"), 60, 3600):
		a.refuseXML(w, r, http.StatusBadRequest, "ValidationError", "1 validation error detected")
		return
	case a.Forbid == "sts:GetWebIdentityToken":
		a.refuseXML(w, r, http.StatusForbidden, "AccessDenied", a.lacks(a.Forbid, "*"))
		return
	case a.Issuer == nil:
		a.refuseXML(w, r, http.StatusForbidden, "OutboundWebIdentityFederationDisabledException",
			"Outbound web identity federation is not enabled for this account.")
		return
	}
	expires := a.Now().Add(5 * time.Minute)
	token, err := a.Issuer.Sign(map[string]any{"sub": a.Role, "aud": form.Get("Audience.member.1"),
		"iat": a.Now().Unix(), "exp": expires.Unix(), "jti": uuid(),
		"https://sts.amazonaws.com/": map[string]any{"aws_account": a.Owner, "source_region": a.Region}})
	if err != nil {
		a.refuseXML(w, r, http.StatusInternalServerError, "InternalFailure", err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">`+
		`<GetWebIdentityTokenResult><WebIdentityToken>%s</WebIdentityToken><Expiration>%s</Expiration>`+
		`</GetWebIdentityTokenResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>`+
		`</GetWebIdentityTokenResponse>`, token.Reveal(), expires.UTC().Format(time.RFC3339), uuid())
}

// lacks is the text for an action that the role may not do.
func (a *AWS) lacks(action, resource string) string {
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no identity-based policy "+
		"allows the %[2]s action", a.Role, action, resource)
}

const wrongSignature = "The request signature we calculated does not match the signature you provided."

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
func (a *AWS) authorizationToken(w http.ResponseWriter, r *http.Request, body []byte) {
	query := r.URL.Query()
	switch {
	case len(body) > 0:
		a.refuseJSON(w, r, http.StatusBadRequest, "ValidationException", "the request has a body")
	case !a.signed(r, "codeartifact", a.Region, body):
		a.refuseJSON(w, r, http.StatusForbidden, "InvalidSignatureException", wrongSignature)
	case query.Get("duration") != "0" && !within(query.Get("duration"), 900, 43200):
		a.refuseJSON(w, r, http.StatusBadRequest, "ValidationException", "duration must be 0 or from 900 to 43200")
	case query.Get("domain") != a.Domain || query.Get("domain-owner") != a.Owner:
		a.refuseJSON(w, r, http.StatusForbidden, "AccessDeniedException", a.lacks("codeartifact:GetAuthorizationToken",
			"arn:aws:codeartifact:"+a.Region+":"+query.Get("domain-owner")+":domain/"+query.Get("domain")))
	default:
		token := "eyJ2ZXIiOjEsImlzdSI6MTY..." + rand.Text() + "." + rand.Text() + "."
		a.minted[token] = true
		answer(w, http.StatusOK, map[string]any{"authorizationToken": token, "expiration": a.end(a.Lifetime)})
	}
}

// end is seconds since 1970, with a fraction.
func (a *AWS) end(after time.Duration) float64 { return float64(a.Now().Add(after).UnixMilli()) / 1000 }

// password is GetAuthorizationToken of ECR, or of ECR Public, which is in one region only.
func (a *AWS) password(w http.ResponseWriter, r *http.Request, body []byte, target string) {
	service, region := "ecr", a.Region
	if target == "SpencerFrontendService.GetAuthorizationToken" {
		service, region = "ecr-public", "us-east-1"
	}
	action := service + ":GetAuthorizationToken"
	data := map[string]any{"expiresAt": a.end(12 * time.Hour),
		"authorizationToken": base64.StdEncoding.EncodeToString([]byte("AWS:eyJwYXlsb2FkIjoi" + rand.Text() + rand.Text()))}
	switch {
	case service == "ecr" && target != "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken":
		a.refuseJSON(w, r, http.StatusBadRequest, "UnknownOperationException", "")
	case r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || string(body) != "{}":
		a.refuseJSON(w, r, http.StatusBadRequest, "SerializationException", "the body is not {}")
	case !a.signed(r, service, region, body):
		a.refuseJSON(w, r, http.StatusBadRequest, "InvalidSignatureException", wrongSignature)
	case a.Forbid == action:
		a.refuseJSON(w, r, http.StatusBadRequest, "AccessDeniedException", a.lacks(action, "*"))
	case service == "ecr-public" && a.Forbid == "sts:GetServiceBearerToken":
		a.refuseJSON(w, r, http.StatusBadRequest, "AccessDeniedException", a.lacks(a.Forbid, "*"))
	case service == "ecr-public":
		answer(w, http.StatusOK, map[string]any{"authorizationData": data})
	default:
		data["proxyEndpoint"] = "https://" + a.Owner + ".dkr.ecr." + a.Region + ".amazonaws.com"
		answer(w, http.StatusOK, map[string]any{"authorizationData": []any{data}})
	}
}

// signed verifies Signature Version 4
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html).
func (a *AWS) signed(r *http.Request, service, region string, body []byte) bool {
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
		scope != moment.Format("20060102")+"/"+region+"/"+service+"/aws4_request" ||
		r.Header.Get("X-Amz-Security-Token") != key.Session ||
		!slices.Contains(names, "host") || !slices.Contains(names, "x-amz-date") ||
		key.Session != "" && !slices.Contains(names, "x-amz-security-token") {
		return false
	}
	var canonical strings.Builder
	path := strings.ReplaceAll(url.QueryEscape(r.URL.EscapedPath()), "%2F", "/") // escaped twice
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, path, canonicalQuery(r.URL.Query()))
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
