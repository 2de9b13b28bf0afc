// Package look holds the files that the panel and the guides share: colours, sizes and fonts, the icons, and the choice
// between light and dark. Each of the two serves these files beside its own.
package look

import "embed"

// Files holds the shared files, at its top.
//
//go:embed *.css *.js *.svg
var Files embed.FS
