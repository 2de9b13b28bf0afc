package plugin

import (
	"reflect"
	"testing"
)

// TestEveryHookIsRun checks that each of Hooks is paired with the field of Plugin that has the same name.
func TestEveryHookIsRun(t *testing.T) {
	described := reflect.TypeFor[hooks]()
	if described.NumField() != len(hookFields) {
		t.Fatalf("%d hooks are described, %d have a field", described.NumField(), len(hookFields))
	}
	for i, h := range hookFields {
		name := described.Field(i).Name
		var p Plugin
		field := reflect.ValueOf(&p).Elem().FieldByName(name)
		if !field.IsValid() {
			t.Errorf("Plugin has no field %s", name)
			continue
		}
		if h.has(p) {
			t.Errorf("a plugin without %s has it", name)
		}
		field.Set(reflect.MakeFunc(field.Type(), nil))
		if !h.has(p) || reflect.ValueOf(h).FieldByName("title").String() != name {
			t.Errorf("hookFields has another field in the place of %s", name)
		}
	}
}
