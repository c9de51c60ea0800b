package cli

import "strings"

// inInputs puts a hint into the words of a workflow, where a step of the action runs no command of ours: an input, or
// an option in the input registries, stands for each flag. Of two rows that match, the first counts.
var inInputs = strings.NewReplacer(
	"pipe a key in with --token-stdin or --username NAME --password-stdin",
	"use the input api-key, with username=NAME behind the URL if the server wants a name",
	"REGPASS_API_KEY, --token-stdin or --password-stdin", "the input api-key",
	"with --conda-token-stdin", "with the input api-key and kind=conda-token behind the URL",
	"with --password-stdin", "with the input api-key and username=NAME behind the URL",
	"with --token-stdin", "with the input api-key",
	"on the command line or in REGPASS_REGISTRIES, or trust its host in your own regpass.toml,", "in the input registries",
	"on the command line or in REGPASS_REGISTRIES", "in the input registries",
	"on the command line", "in the input registries",
	"--token-stdin", "the input api-key", "--password-stdin", "the input api-key",
	"--min-lifetime", "the input min-lifetime", "--provider", "the input provider", "--timeout", "the input timeout",
	"use two runs, one for each", "use the action twice, once for each",
)
