// Package devserver holds the guides, for `devserver docs` and for the pages at /__devserver/docs/, and the examples that
// `devserver init` copies. The program is in cmd/devserver. Programs import the packages config, hmr, plugin and server.
package devserver

import "embed"

// Guides holds the guides and their pictures: docs/, README.md, and the files of the repository that guides link to.
//
//go:embed README.md SECURITY.md CONTRIBUTING.md ARCHITECTURE.md docs/*.md docs/*.svg docs/pictures
var Guides embed.FS
