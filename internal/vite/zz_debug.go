package vite

import (
	"encoding/json"
	"fmt"
	"os"
)

func dbg(args ...any) {
	for i, a := range args {
		if _, ok := a.(string); !ok {
			b, _ := json.Marshal(a)
			args[i] = string(b)
		}
		if s := args[i].(string); len(s) > 300 {
			args[i] = s[:300]
		}
	}
	fmt.Fprintln(os.Stderr, args...)
}
