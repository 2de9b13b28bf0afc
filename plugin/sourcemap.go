package plugin

import "github.com/seed-b8174343/devserver/internal/sourcemap"

// LineMap returns the source map of code whose lines come from lines of one source: a Map for [LoadResult] or
// [TransformResult]. lines has an element for each line of the code: the line of the source, from 1, or 0 for a line
// that the plugin has made up.
func LineMap(source string, lines []int) string {
	var w sourcemap.Writer
	for n, line := range lines {
		s := sourcemap.Segment{Source: -1, Name: -1}
		if line > 0 {
			s.Source, s.OriginalLine = 0, line-1
		}
		w.Add(n, s)
	}
	m := sourcemap.Map{Version: 3, Sources: []string{source}, Names: []string{}, Mappings: w.String()}
	return string(m.Encode())
}

// checkMap returns the answer of a hook without a source map that cannot be read. The terminal shows the error once for
// each plugin and hook: a broken map costs positions, but not the module.
func checkMap[R any](r *Runner, plugin, hook string, answer R) R {
	var err error
	switch a := any(&answer).(type) {
	case **LoadResult:
		err = dropBroken(a, func(r *LoadResult) *string { return &r.Map })
	case **TransformResult:
		err = dropBroken(a, func(r *TransformResult) *string { return &r.Map })
	}
	if err != nil && r.server != nil {
		if _, told := r.brokenMaps.LoadOrStore(plugin+"\x00"+hook, true); !told {
			r.server.Logger().Error(hook + " of plugin " + plugin + " returned a source map that cannot be read: " + err.Error())
		}
	}
	return answer
}

// dropBroken clears a source map that cannot be read, and returns the reason.
func dropBroken[T any](answer **T, field func(*T) *string) error {
	if *answer == nil || *field(*answer) == "" {
		return nil
	}
	err := sourcemap.Check(*field(*answer))
	if err != nil {
		copied := **answer // the plugin may keep its answer
		*field(&copied) = ""
		*answer = &copied
	}
	return err
}
