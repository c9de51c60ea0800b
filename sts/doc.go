// Package sts is the self-hosted token service and gateway behind `regpass serve`. It speaks the server side of the
// pyx protocol as uv 0.8.15 to 0.12.5 does (uv, crates/uv-auth/src/pyx.rs and
// crates/uv-publish/src/trusted_publishing/pyx.rs): it trades API keys and OpenID Connect ID tokens for short-lived
// JSON Web Tokens, and hands out Python and conda packages to whoever holds one.
//
//	POST /auth/cli/access-token                                       API key -> token
//	POST /auth/cli/refresh                                            refresh token -> token and next refresh token
//	GET  /auth/cli/login/{uuid}, /auth/cli/status/{uuid}              login through a browser
//	GET  /auth/cli/logout                                             revokes the token presented
//	GET  /v1/trusted-publishing/audience                              the audience that ID tokens must name
//	POST /v1/trusted-publishing/{workspace}/{registry}/mint-token     ID token -> token that may upload
//	POST /v1/trusted-access/{workspace}/mint-token                    ID token -> token that may read
//	POST /v1/upload/{workspace}/{registry}, …/validate                upload
//	GET  /simple/{workspace}/{index}/{project}/                       PEP 503 and PEP 691
//	GET  /files/{workspace}/{index}/{filename}                        wheels and sdists
//	GET  /conda/{workspace}/{channel}/{subdir}/…                      conda packages
//
// A read takes its token from Authorization (Bearer, or Basic with the user name __token__) or from conda's path
// prefix /t/<token>. Errors are RFC 9457 problem details. Every decision is one line of audit that never holds a
// token, a key or a path.
//
// What was used up or revoked is kept in memory, bounded, for as long as the token concerned could be used. A restart
// forgets it: tokens revoked before live on to their end, one hour by default, and logins start over.
package sts
