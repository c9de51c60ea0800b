// Package aws answers "what does AWS want of a request?": where a service is asked, which keys this machine has, and
// how they sign. Registries of AWS and AWS as an issuer of ID tokens have it in common.
package aws

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// Partition is a part of AWS with accounts and hosts of its own.
type Partition struct {
	Name     string // in an ARN: "aws-cn"
	Regions  string // what the names of its regions begin with
	Suffix   string // of its hosts
	Dual     string // of its hosts that have IPv6 too
	Audience string // what its accounts register for OIDC
}

// partitions ends with the one of all other regions
// (https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html).
var partitions = []Partition{
	{"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "sts.amazonaws.com.cn"},
	{"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws", "sts.amazonaws.com"},
	{"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu", "sts.amazonaws.com"},
	{"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov", "sts.amazonaws.com"},
	{"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud", "sts.amazonaws.com"},
	{"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "sts.amazonaws.com"},
	{"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "sts.amazonaws.com"},
	{"aws", "", "amazonaws.com", "api.aws", "sts.amazonaws.com"},
}

// PartitionOf is the partition that a region is in.
func PartitionOf(region string) Partition {
	i := slices.IndexFunc(partitions, func(p Partition) bool { return strings.HasPrefix(region, p.Regions) })
	return partitions[i] // the last one takes all
}

// IsSTS reports whether an audience is one that STS takes in some partition.
func IsSTS(audience string) bool {
	return slices.ContainsFunc(partitions, func(p Partition) bool { return p.Audience == audience })
}

// Region is the expression of a region's name, for larger ones. It is narrow because a region becomes a part of hosts:
// sts.s3-eu-west-1.amazonaws.com would be somebody's bucket.
const Region = `[a-z]{2,4}(?:-[a-z]{1,12}){1,2}-[0-9]{1,2}`

var wholeRegion = regpass.Pattern(`^` + Region + `$`)

// RegionHere is the region that this machine's variables name
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html); empty: none.
func RegionHere(env *regpass.Env) (string, error) {
	name, region := env.Lookup("AWS_REGION", "AWS_DEFAULT_REGION")
	if region != "" && !wholeRegion().MatchString(region) {
		return "", regpass.Usagef("%s is %s, which is no region of AWS", name, regpass.Quote(region))
	}
	return region, nil
}

// Service is a service of AWS.
type Service struct {
	Name string // in a signature
	Var  string // in the SDKs' variables
	Host string // what its hosts begin with
	Dual string // what its hosts with IPv6 begin with
}

// The services that are asked.
var (
	STS          = Service{"sts", "STS", "sts", "sts"}
	CodeArtifact = Service{"codeartifact", "CODEARTIFACT", "codeartifact", "codeartifact"}
	ECR          = Service{"ecr", "ECR", "api.ecr", "ecr"}
	ECRPublic    = Service{"ecr-public", "ECR_PUBLIC", "api.ecr-public", "ecr-public"}
)

// Variant is a kind of host that a service has beside its usual one.
type Variant struct {
	FIPS bool // its cryptography is validated
	Dual bool // it has IPv6 too
}

// Endpoint is where a service of a region is asked: at the URL of a variable, otherwise at the host of the variant, or
// at what the SDKs' variables ask for (https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html and
// feature-ss-endpoints.html).
func (s Service) Endpoint(env *regpass.Env, region string, v Variant) (*url.URL, error) {
	v.FIPS = v.FIPS || isTrue(env, "AWS_USE_FIPS_ENDPOINT")
	v.Dual = v.Dual || isTrue(env, "AWS_USE_DUALSTACK_ENDPOINT")
	p := PartitionOf(region)
	host, suffix := s.Host, p.Suffix
	if v.Dual {
		host, suffix = s.Dual, p.Dual
	}
	// STS of us-gov is validated at its usual host (https://docs.aws.amazon.com/general/latest/gr/sts.html).
	if v.FIPS && !(s == STS && p.Name == "aws-us-gov" && !v.Dual) {
		host += "-fips"
	}
	usual := "https://" + host + "." + region + "." + suffix
	if isTrue(env, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
		return url.Parse(usual)
	}
	return env.Endpoint(usual, "AWS_ENDPOINT_URL_"+s.Var, "AWS_ENDPOINT_URL")
}

func isTrue(env *regpass.Env, name string) bool { return strings.EqualFold(env.Getenv(name), "true") }

// transient are the answers that another try can mend, although their status is 400
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
var transient = []string{"Throttl", "Rate exceeded", "RequestLimitExceeded", "RequestTimeout", "IDPCommunicationError",
	"Couldn't retrieve verification key"}

// TryAgain marks an answer that another try can mend.
func TryAgain(err error) error {
	if errors.Is(err, regpass.ErrRefused) && slices.ContainsFunc(transient, func(s string) bool {
		return strings.Contains(err.Error(), s)
	}) {
		return regpass.TryAgain(err)
	}
	return err
}
