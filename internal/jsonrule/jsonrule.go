// Package jsonrule holds the rules by which encoding/json finds its way through Go types: the members of a struct, and
// who reads and writes a value. The types for editors and the errors about payloads follow from them.
package jsonrule

import (
	"cmp"
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Field is a member of the object that a struct is in JSON.
type Field struct {
	// Name is the member's name.
	Name string
	// Type is the type as declared, with its pointer.
	Type reflect.Type
	// Owner is the struct that declares the field, under the name GoName. It may be embedded in the struct.
	Owner  reflect.Type
	GoName string
	// Quoted says that the value is in a string, by the option `string`.
	Quoted bool
	// Omit says that the tag has omitempty or omitzero.
	Omit bool
	// NoZero says that the zero value is left out: nil, "", 0 and false are not written.
	NoZero bool
	// Absent says that the member may be left out: by an option, or because the pointer that embeds Owner is nil.
	Absent bool
	// ByPointer says that a pointer embeds Owner.
	ByPointer bool
	// Unreadable says that the decoder fails at the member: it cannot make the struct of an unexported embedded pointer.
	Unreadable bool

	index  []int
	tagged bool
}

var cache sync.Map // reflect.Type -> []Field

// Fields returns the members of a struct, in the order in which they are written. The caller must not change them.
func Fields(t reflect.Type) []Field {
	if known, ok := cache.Load(t); ok {
		return known.([]Field)
	}
	fields := dominant(candidates(t))
	cache.Store(t, fields)
	return fields
}

// Find returns the field that the decoder sets for a member of that name, nil when there is none. Upper and lower case
// are the same, unless a field has exactly this name.
func Find(fields []Field, name string) *Field {
	i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		i = slices.IndexFunc(fields, func(f Field) bool { return strings.EqualFold(f.Name, name) })
	}
	if i < 0 {
		return nil
	}
	return &fields[i]
}

// candidates returns the fields of a struct and of the structs that it embeds, the nearest first. It looks at the types
// in the order of encoding/json, since a type that is embedded twice counts as it does there.
func candidates(t reflect.Type) []Field {
	type embedded struct {
		Field // what the fields of the struct inherit
		t     reflect.Type
	}
	var found []Field
	visited := map[reflect.Type]bool{}
	var times map[reflect.Type]int // how often the level embeds a type
	for level := []embedded{{t: t}}; len(level) > 0; {
		var next []embedded
		nextTimes := map[reflect.Type]int{}
		for _, e := range level {
			if visited[e.t] {
				continue
			}
			visited[e.t] = true
			for i := range e.t.NumField() {
				sf := e.t.Field(i)
				tag := sf.Tag.Get("json")
				inner := sf.Type // of an embedded struct
				if inner.Name() == "" && inner.Kind() == reflect.Pointer {
					inner = inner.Elem()
				}
				isStruct := sf.Anonymous && inner.Kind() == reflect.Struct
				if tag == "-" || !sf.IsExported() && !isStruct {
					continue
				}
				name, options, _ := strings.Cut(tag, ",")
				if !validName(name) {
					name = ""
				}
				f := e.Field
				f.index = append(slices.Clone(f.index), i)
				if isStruct && sf.Type.Kind() == reflect.Pointer && !sf.IsExported() {
					f.Unreadable = true
				}
				if isStruct && name == "" {
					f.ByPointer = f.ByPointer || sf.Type.Kind() == reflect.Pointer
					if nextTimes[inner]++; nextTimes[inner] == 1 {
						next = append(next, embedded{f, inner})
					}
					continue
				}
				f.Name, f.tagged = cmp.Or(name, sf.Name), name != ""
				f.Type, f.Owner, f.GoName = sf.Type, e.t, sf.Name
				f.setOptions(strings.Split(options, ","), inner)
				found = append(found, f)
				if times[e.t] > 1 {
					found = append(found, f) // so that neither is dominant
				}
			}
		}
		level, times = next, nextTimes
	}
	return found
}

// setOptions sets what the options of the tag do to the type. Inner is the type without its pointer.
func (f *Field) setOptions(options []string, inner reflect.Type) {
	empty, zero := slices.Contains(options, "omitempty"), slices.Contains(options, "omitzero")
	f.Quoted = slices.Contains(options, "string") && isScalar(inner.Kind())
	f.Omit = empty || zero
	empty = empty && canBeEmpty(f.Type)
	f.NoZero = empty || zero && zeroIsZero(f.Type)
	f.Absent = empty || zero || f.ByPointer
}

// validName reports whether encoding/json takes the name of a tag.
func validName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool {
		return !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c) && !unicode.IsLetter(c) && !unicode.IsDigit(c)
	})
}

func isScalar(k reflect.Kind) bool {
	return k == reflect.String || k == reflect.Bool || IsNumber(k)
}

// IsNumber reports whether values of the kind are numbers in JSON.
func IsNumber(k reflect.Kind) bool {
	return IsInteger(k) || k == reflect.Float32 || k == reflect.Float64
}

// IsInteger reports whether values of the kind are integers in JSON.
func IsInteger(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Uintptr }

// canBeEmpty reports whether omitempty has an effect on the type.
func canBeEmpty(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return t.Len() == 0
	case reflect.Map, reflect.Slice, reflect.Interface, reflect.Pointer:
		return true
	}
	return isScalar(t.Kind())
}

// zeroIsZero reports whether omitzero leaves out the type's zero value. A method IsZero may have another opinion.
func zeroIsZero(t reflect.Type) bool {
	isZeroer := reflect.TypeFor[interface{ IsZero() bool }]()
	return t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface || !t.Implements(isZeroer) && !reflect.PointerTo(t).Implements(isZeroer)
}

// dominant returns one field for each name: the least deep, and among those the one with a tag. Where several remain,
// none has the name.
func dominant(fields []Field) []Field {
	slices.SortStableFunc(fields, func(a, b Field) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.rank(), b.rank()))
	})
	var out []Field
	for i := 0; i < len(fields); {
		rest := fields[i:]
		same := 1
		for same < len(rest) && rest[same].Name == rest[0].Name {
			same++
		}
		if same == 1 || rest[0].rank() != rest[1].rank() {
			out = append(out, rest[0])
		}
		i += same
	}
	slices.SortFunc(out, func(a, b Field) int { return slices.Compare(a.index, b.index) })
	return out
}

// rank orders the fields of one name: the one with the lowest rank is dominant.
func (f *Field) rank() int {
	if f.tagged {
		return 2*len(f.index) - 1
	}
	return 2 * len(f.index)
}

// Form is who reads or writes a value.
type Form int

// The forms of values.
const (
	ByKind Form = iota // encoding/json, by the kind of the type
	Bytes              // encoding/json, as text in base64
	ByText             // MarshalText or UnmarshalText: a string
	Itself             // MarshalJSON or UnmarshalJSON
)

var (
	marshaler       = reflect.TypeFor[json.Marshaler]()
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// Written returns the form in which values of a type are written that is no pointer. Methods of the pointer are called
// where the value is addressable: behind a pointer and in a slice, and in structs and arrays there.
func Written(t reflect.Type, addressable bool) Form {
	has := func(method reflect.Type) bool {
		return t.Implements(method) || addressable && reflect.PointerTo(t).Implements(method)
	}
	return form(t, has(marshaler), has(textMarshaler), marshaler, textMarshaler)
}

// Read returns the form in which values of a type are read that is no pointer. A type without a name, such as a struct
// that embeds a time.Time, has its methods called only behind a pointer.
func Read(t reflect.Type, pointed bool) Form {
	has := func(method reflect.Type) bool {
		return (t.Name() != "" || pointed) && reflect.PointerTo(t).Implements(method)
	}
	return form(t, has(unmarshaler), has(textUnmarshaler), unmarshaler, textUnmarshaler)
}

func form(t reflect.Type, itself, byText bool, json, text reflect.Type) Form {
	switch {
	case itself:
		return Itself
	case byText:
		return ByText
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		if p := reflect.PointerTo(t.Elem()); !p.Implements(json) && !p.Implements(text) {
			return Bytes
		}
	}
	return ByKind
}

// Key is what the names of a map's members are.
type Key int

// The keys of maps.
const (
	NoKey   Key = iota // encoding/json refuses the map
	TextKey            // any text, or the text that the type takes
	IntKey
)

// WrittenKey returns what the members of a map with that type of keys are called.
func WrittenKey(t reflect.Type) Key { return key(t, t.Implements(textMarshaler)) }

// ReadKey returns what the members may be called that become a map with that type of keys.
func ReadKey(t reflect.Type) Key { return key(t, reflect.PointerTo(t).Implements(textUnmarshaler)) }

func key(t reflect.Type, byText bool) Key {
	switch {
	case t.Kind() == reflect.String || byText:
		return TextKey
	case IsInteger(t.Kind()):
		return IntKey
	}
	return NoKey
}
