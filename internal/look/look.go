// Package look holds the files that the panel and the guides share: colours, sizes and fonts, the icons, and the choice
// between light and dark. Each of the two serves these files beside its own.
package look

import "embed"

// Policy is the Content-Security-Policy of the panel and the guides: nothing comes from elsewhere, and a click in a foreign
// page must not land on their buttons. Each adds form-action.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// Files holds the shared files, at its top.
//
//go:embed *.css *.js *.svg
var Files embed.FS
