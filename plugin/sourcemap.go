package plugin

import "github.com/seed-b8174343/devserver/internal/sourcemap"

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
