package config

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/config"
)

// encode returns the text of a configuration file that gives the options of a program, nil for no option. So these
// options are checked, and laid over a file, like those of another file.
func encode(c config.Config) []byte { return given(reflect.ValueOf(c), false) }

// given returns the JSON of an option, nil when it is not given. always says that its zero value is given, too.
func given(v reflect.Value, always bool) []byte {
	switch o := v.Interface().(type) {
	case config.Raw:
		return o
	case config.Dir:
		if o.Off {
			return off
		}
		return given(reflect.ValueOf(o.Path), false)
	case config.HMR:
		if o.Off {
			return off
		}
	case config.CSSModules:
		if o.Off {
			return off
		}
	case config.HTTPS:
		if o.Off {
			return off
		}
	case config.CORS:
		if o.Origins == nil {
			return nil
		}
		return object(member{"origin", given(reflect.ValueOf(o.Origins), true)})
	case config.Proxy:
		return list(o, func(r config.ProxyRule) member { return member{r.Path, given(reflect.ValueOf(r), true)} })
	case config.Rewrites:
		return list(o, func(r config.Rewrite) member {
			return member{r.Pattern, given(reflect.ValueOf(r.Replacement), true)}
		})
	}
	switch {
	case v.Kind() == reflect.Pointer && v.IsNil() || !always && v.IsZero():
		return nil
	case v.Kind() == reflect.Pointer:
		return given(v.Elem(), true)
	case v.Kind() == reflect.Struct:
		return ofStruct(v)
	case v.Kind() == reflect.Map:
		return ofMap(v)
	case v.Kind() == reflect.Slice:
		var items [][]byte
		for i := range v.Len() {
			items = append(items, given(v.Index(i), true))
		}
		return slices.Concat([]byte("["), bytes.Join(items, []byte(",")), []byte("]"))
	}
	text, _ := json.Marshal(v.Interface()) // texts, numbers and booleans encode
	return text
}

var off = []byte("false")

// member is a member of an object. A nil value is not given.
type member struct {
	name  string
	value []byte
}

func object(members ...member) []byte {
	var parts [][]byte
	for _, m := range members {
		if m.value != nil {
			name, _ := json.Marshal(m.name)
			parts = append(parts, slices.Concat(name, []byte(":"), m.value))
		}
	}
	return slices.Concat([]byte("{"), bytes.Join(parts, []byte(",")), []byte("}"))
}

// list returns an object that is an ordered list in Go, nil when it is nil.
func list[T any](of []T, to func(T) member) []byte {
	if of == nil {
		return nil
	}
	members := make([]member, len(of))
	for i, one := range of {
		members[i] = to(one)
	}
	return object(members...)
}

func ofStruct(v reflect.Value) []byte {
	var members []member
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("json"); name != "" && name != "-" {
			members = append(members, member{name, given(v.Field(i), false)})
		}
	}
	return object(members...)
}

func ofMap(v reflect.Value) []byte {
	var members []member
	for _, key := range v.MapKeys() {
		members = append(members, member{key.String(), given(v.MapIndex(key), true)})
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return object(members...)
}
