package running

import (
	"runtime/debug"
	"strings"
)

// Version returns the version of this program, or for a build of a source checkout its commit. A program may talk to a
// server of another version.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	const modulePath = "github.com/seed-b8174343/devserver"
	if v := info.Main.Version; v != "" && v != "(devel)" && info.Main.Path == modulePath {
		return strings.TrimPrefix(v, "v")
	}
	version := "0.0.0-dev"
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			version += "+" + s.Value[:12]
		}
	}
	return version
}
