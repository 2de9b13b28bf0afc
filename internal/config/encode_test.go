package config

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-b8174343/devserver/config"
)

// TestEncodeEveryOption: a program can give each option. A new option that encode forgets, or writes in a form that the
// decoder does not read, fails here.
func TestEncodeEveryOption(t *testing.T) {
	var all, read config.Config
	fill(reflect.ValueOf(&all).Elem(), "")
	d := decoder{file: programName, shown: programName}
	d.decode(encode(all), &read)
	if len(d.errors) > 0 {
		t.Error(d.errors)
	}
	if diff := cmp.Diff(all, read); diff != "" {
		t.Error(diff)
	}
	if text := encode(config.Config{}); text != nil {
		t.Errorf("no option is given, but there is %s", text)
	}
}

// fill sets all options below v to values that are not zero.
func fill(v reflect.Value, enum string) {
	switch o := v.Addr().Interface().(type) {
	case *config.Ignored:
		return
	case *config.Raw:
		*o = config.Raw("1")
		return
	case *config.Dir:
		o.Path = "x"
		return
	case *config.ProxyRule:
		o.Path = "/x"
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Tag.Get("json") != "-" {
				fill(v.Field(i), f.Tag.Get("enum"))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), enum)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), "")
	case reflect.Map:
		item := reflect.New(v.Type().Elem()).Elem()
		fill(item, "")
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("x"), item)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(5000)
	default:
		first, _, _ := strings.Cut(enum, ",")
		if first == "" {
			first = "i" // also flags of a regular expression
		}
		v.SetString(first)
	}
}
