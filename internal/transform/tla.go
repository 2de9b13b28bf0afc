package transform

import (
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// isTopLevelAwait tells whether all that esbuild objects to is an await outside of functions.
func isTopLevelAwait(messages []api.Message) bool {
	for _, m := range messages {
		if !strings.HasPrefix(m.Text, "Top-level await is currently not supported") {
			return false
		}
	}
	return true
}

// printAsync is still to come.
func printAsync(in *Input, options api.TransformOptions) (*printed, []Error) { return nil, []Error{{ID: in.ID, Text: "top-level await is not compiled yet"}} }
