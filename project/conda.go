package project

import "strings"

// readConda reads the channels of environment.yml and .condarc
// (https://docs.conda.io/projects/conda/en/stable/user-guide/configuration/use-condarc.html). Of YAML it knows what
// these files are made of: keys that begin a line, and lists, in lines of their own or in brackets.
func readConda(text string) (named, error) {
	var channels []string
	key, alias := "", ""
	custom := false // a channel of custom_channels, NAME: URL of the server
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		value := strings.TrimSpace(line)
		switch {
		case value == "" || strings.HasPrefix(value, "#"):
			continue
		case line[0] != ' ' && line[0] != '\t' && line[0] != '-':
			key, value, _ = strings.Cut(line, ":")
			custom = key == "custom_channels"
			if key == "channel_alias" {
				alias = scalar(value)
			}
		case custom:
			name, server, _ := strings.Cut(value, ":")
			channels = append(channels, strings.TrimRight(scalar(server), "/")+"/"+scalar(name))
		}
		if key == "channels" || key == "default_channels" {
			channels = append(channels, items(value)...)
		}
	}
	for i, c := range channels {
		if alias != "" && !strings.Contains(c, "://") {
			channels[i] = strings.TrimRight(alias, "/") + "/" + c
		}
	}
	return named{others: channels}, nil
}

// items are the scalars in one line of a list: "- a", or "[a, b]".
func items(value string) []string {
	value = strings.TrimSpace(value)
	if list, ok := strings.CutPrefix(value, "- "); ok {
		return nonEmpty(scalar(list))
	}
	var all []string
	if list, ok := strings.CutPrefix(value, "["); ok {
		list, _, _ = strings.Cut(list, "]")
		for one := range strings.SplitSeq(list, ",") {
			all = append(all, nonEmpty(scalar(one))...)
		}
	}
	return all
}

// scalar is a value without its comment and its quotes.
func scalar(value string) string {
	value, _, _ = strings.Cut(strings.TrimSpace(value), " #")
	return strings.Trim(strings.TrimSpace(value), `"'`)
}

func nonEmpty(one string) []string {
	if one == "" {
		return nil
	}
	return []string{one}
}
