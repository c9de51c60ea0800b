// Package sts is the self-hosted token service and gateway behind `regpass serve`. It speaks the server side of the
// pyx protocol as uv 0.8.15 to 0.12.5 does (uv, crates/uv-auth/src/pyx.rs and
// crates/uv-publish/src/trusted_publishing/pyx.rs): it trades API keys and OpenID Connect ID tokens for short-lived
// JSON Web Tokens, and hands out Python and conda packages to whoever holds one.
//
//	POST /auth/cli/access-token                                       API key -> token
//	POST /auth/cli/refresh                                            refresh token -> token and next refresh token
//	GET  /auth/cli/login/{uuid}, /auth/cli/status/{uuid}              login through a browser
//	GET  /auth/cli/logout                                             revokes the token presented
//	GET  /v1/trusted-publishing/audience                              the audience of ID tokens
//	POST /v1/trusted-publishing/{workspace}/{registry}/mint-token     ID token -> token that may upload
//	POST /v1/trusted-access/{workspace}/mint-token                    ID token -> token that may read
//	POST /v1/upload/{workspace}/{registry}, …/validate                upload
//	GET  /simple/{workspace}/{index}/{project}/                       PEP 503 and PEP 691
//	GET  /files/{workspace}/{index}/{filename}                        wheels and sdists
//	GET  /conda/{workspace}/{channel}/{subdir}/…                      conda packages
//
// The token of a read comes in Authorization (Bearer, or Basic with the user name __token__) or in conda's path prefix
// /t/<token>. Errors are RFC 9457 problem details. Every decision is one line of audit that never holds a token, a key
// or a path.
//
// A 404 of an index means that it certainly does not have the project, for a client asks the next index then: an
// upstream's page that is no index is 502, an index without any package 503, and a reserved name 403.
//
// Used and revoked tokens are remembered in memory until they would have expired. Each key and policy has a share of
// the tables: where that of revoked tokens is full, all tokens of the key end; where that of used identities is full,
// the policy mints no more for a while. A restart forgets them: a token revoked before it is valid again until it
// expires (an hour by default), and logins must start over. A token ends with the key or policy that it came by.
package sts
