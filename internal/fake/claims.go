package fake

import (
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

// idClaims are the claims of an identity that a registry looks at. They are read, not verified.
type idClaims struct {
	issuer, subject string
	audience        []string
}

// readID reads an identity; ok is false if it is not a JSON Web Token.
func readID(token string) (c idClaims, ok bool) {
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		return idClaims{}, false
	}
	c.issuer, _ = claims.GetIssuer()
	c.subject, _ = claims.GetSubject()
	c.audience, _ = claims.GetAudience()
	return c, true
}

// is reports whether the identity is for an audience and of a subject; an empty subject stands for any.
func (c idClaims) is(audience, subject string) bool {
	return slices.Contains(c.audience, audience) && (subject == "" || c.subject == subject)
}

// mintJWT makes a token that nobody verifies.
func mintJWT(claims map[string]any) string {
	token, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims)).SignedString([]byte("fake"))
	return token
}
