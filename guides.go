// Package devserver holds the guides, for `devserver docs`. The program is in cmd/devserver. Programs import the packages
// config, hmr, plugin and server.
package devserver

import "embed"

// Guides holds README.md and docs/*.md.
//
//go:embed README.md docs/*.md
var Guides embed.FS
