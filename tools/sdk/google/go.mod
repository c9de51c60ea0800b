module github.com/regpass/regpass/tools/sdk/google

go 1.26.8

require (
	github.com/golang-jwt/jwt/v5 v5.3.1
	github.com/regpass/regpass v0.0.0
	golang.org/x/oauth2 v0.36.0
)

require cloud.google.com/go/compute/metadata v0.3.0 // indirect

replace github.com/regpass/regpass => ../../..
