package sample

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// Wheel builds a pure-Python wheel (https://packaging.python.org/en/latest/specifications/binary-distribution-format/)
// with one module, named like the package with _ for -. Its function hello returns "hello from NAME VERSION".
func Wheel(name, version string) (filename string, content []byte, err error) {
	if err := check(name, version); err != nil {
		return "", nil, err
	}
	module := strings.ReplaceAll(name, "-", "_")
	info := module + "-" + version + ".dist-info/"
	files := []file{
		{module + ".py", fmt.Appendf(nil, "def hello():\n    return \"hello from %s %s\"\n", name, version)},
		{info + "METADATA", fmt.Appendf(nil, "Metadata-Version: 2.1\nName: %s\nVersion: %s\n"+
			"Summary: A sample package\nRequires-Python: >=3.8\n", name, version)},
		{info + "WHEEL", []byte("Wheel-Version: 1.0\nGenerator: regpass\nRoot-Is-Purelib: true\nTag: py3-none-any\n")},
	}
	files = append(files, file{info + "RECORD", record(files, info+"RECORD")})
	content, err = zipped(files)
	if err != nil {
		return "", nil, fmt.Errorf("sample: wheel: %w", err)
	}
	return module + "-" + version + "-py3-none-any.whl", content, nil
}

// record lists files as path, hash and size, and itself last with the path only
// (https://packaging.python.org/en/latest/specifications/recording-installed-packages/).
func record(files []file, self string) []byte {
	var out bytes.Buffer
	for _, f := range files {
		sum := sha256.Sum256(f.data)
		fmt.Fprintf(&out, "%s,sha256=%s,%d\n", f.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(f.data))
	}
	fmt.Fprintf(&out, "%s,,\n", self)
	return out.Bytes()
}
