package plan

import (
	"context"
	"encoding/csv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
)

// defaultProvenance is the provenance that buildx asks for by default. It leaves out arguments and steps, and is only
// added if it does not change the image's form.
const defaultProvenance = "mode=min,inline-only=true"

// addAttests reads --attest, --provenance and --sbom. Of two of one type the first counts, as in buildx.
func addAttests(_ context.Context, env *regpass.Env, e builder.Endpoint, o Options, p *Plan) error {
	seen := map[string]bool{} // types
	asked := false
	for _, text := range slices.Concat(o.Attests, attest("provenance", o.Provenance), attest("sbom", o.SBOM)) {
		attrs, err := keyed(text)
		if err != nil {
			return err
		}
		kind := attrs["type"]
		if kind == "" {
			return regpass.Usagef("%s has no type", regpass.Quote(text))
		}
		if seen[kind] {
			continue
		}
		seen[kind] = true
		if off, err := strconv.ParseBool(attrs["disabled"]); err == nil && off {
			continue
		}
		delete(attrs, "disabled")
		p.Opt.FrontendAttrs["attest:"+kind] = joined(attrs)
		asked = true
	}
	if asked && !e.ImageStore() {
		return noImageStore("can't keep attestations")
	}
	off, _ := strconv.ParseBool(env.Getenv("BUILDX_NO_DEFAULT_ATTESTATIONS"))
	if e.ImageStore() && !seen["provenance"] && !off {
		p.Opt.FrontendAttrs["attest:provenance"] = defaultProvenance
	}
	return nil
}

// attest writes the short form of an attestation, true, false or key=value, as the long one.
func attest(kind, value string) []string {
	if value == "" {
		return nil
	}
	if on, err := strconv.ParseBool(value); err == nil {
		return []string{"type=" + kind + ",disabled=" + strconv.FormatBool(!on)}
	}
	return []string{"type=" + kind + "," + value}
}

// joined writes key=value,key=value with the keys in order; type, which names the whole, is left out.
func joined(attrs map[string]string) string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(attrs)) {
		if k != "type" {
			all = append(all, k+"="+attrs[k])
		}
	}
	var s strings.Builder
	w := csv.NewWriter(&s)
	_ = w.Write(all) // a strings.Builder does not fail
	w.Flush()
	return strings.TrimSuffix(s.String(), "\n")
}
