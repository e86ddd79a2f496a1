package session

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A maker makes types and values at random.
type maker struct{ *rand.Rand }

func (m maker) oneOf(names ...string) string { return names[m.IntN(len(names))] }

func (m maker) typ(depth int) reflect.Type {
	simple := []reflect.Type{
		reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[bool](), reflect.TypeFor[uint8](),
		reflect.TypeFor[float64](), reflect.TypeFor[float32](), reflect.TypeFor[int64](), reflect.TypeFor[time.Time](),
		reflect.TypeFor[color](), reflect.TypeFor[[]byte](),
	}
	if depth == 0 || m.IntN(3) == 0 {
		return simple[m.IntN(len(simple))]
	}
	switch m.IntN(6) {
	case 0:
		return reflect.PointerTo(m.typ(depth - 1))
	case 1:
		return reflect.SliceOf(m.typ(depth - 1))
	case 2:
		return reflect.ArrayOf(m.IntN(3), m.typ(depth-1))
	case 3:
		keys := []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[int8](), reflect.TypeFor[color]()}
		return reflect.MapOf(keys[m.IntN(len(keys))], m.typ(depth-1))
	}
	var fields []reflect.StructField
	for i := range 1 + m.IntN(4) {
		tag := m.oneOf("", "", "", "", "b", "-", "-,", ",omitempty", ",omitzero", ",string", "F1", "f0", "a b", "ä_1", "x!y", `q\\\"`)
		fields = append(fields, reflect.StructField{
			Name: fmt.Sprint("F", i), Type: m.typ(depth - 1), Tag: reflect.StructTag(`json:"` + tag + `"`),
		})
	}
	return reflect.StructOf(fields)
}

func (m maker) fill(v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(m.Int64N(1e9), 0).UTC()))
		return
	}
	some := m.IntN(4) - 1 // -1: nil
	switch v.Kind() {
	case reflect.Pointer:
		if some >= 0 {
			v.Set(reflect.New(v.Type().Elem()))
			m.fill(v.Elem())
		}
	case reflect.Slice:
		if some >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), some, some+m.IntN(2)))
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			m.fill(v.Index(i))
		}
	case reflect.Map:
		if some < 0 {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for range some {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			m.fill(k)
			m.fill(e)
			v.SetMapIndex(k, e)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			m.fill(v.Field(i))
		}
	case reflect.String:
		v.SetString(m.oneOf("", "bread", "\x00", "a\xffb", "�", `\ufffd`, "<&>\u2028", "\"\\\n"))
	case reflect.Bool:
		v.SetBool(some > 0)
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, math.Copysign(0, -1), 1e-7, 1.0 / 3, 1e21, math.MaxFloat32}[m.IntN(6)])
	case reflect.Uint8:
		v.SetUint(m.Uint64N(256))
	default:
		v.SetInt([]int64{0, -1, 7, math.MinInt8, math.MaxInt8}[m.IntN(5)])
		if v.Kind() == reflect.Int64 {
			v.SetInt(m.Int64())
		}
	}
}

// A color has an encoding of its own.
type color string

func (c color) MarshalText() ([]byte, error) { return []byte("#" + c), nil }

// none is where empty slices are that hold no memory.
var none = reflect.ValueOf(make([]byte, 0)).Pointer()

// memory adds what a value refers to and could be changed through.
func memory(v reflect.Value, seen map[uintptr]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || v.Type().Elem() == reflect.TypeFor[time.Location]() {
			return
		}
		if v.Type().Elem().Size() > 0 {
			seen[v.Pointer()] = true
		}
		memory(v.Elem(), seen)
	case reflect.Slice:
		if !v.IsNil() && v.Type().Elem().Size() > 0 && v.Pointer() != none {
			seen[v.Pointer()] = true // even if it is empty: it holds the memory behind it
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			memory(v.Index(i), seen)
		}
	case reflect.Map:
		if !v.IsNil() {
			seen[v.Pointer()] = true
		}
		for entry := v.MapRange(); entry.Next(); {
			memory(entry.Value(), seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			memory(v.Field(i), seen)
		}
	}
}

// checkPlain checks one type and one value of it.
func checkPlain(t *testing.T, seed uint64) (plain, exact bool) {
	m := maker{rand.New(rand.NewPCG(seed, 1))}
	kind := m.typ(4)
	sh := shapeOf(kind, loses(kind, map[reflect.Type]bool{}))
	if has := strings.Contains(typeText(kind), "session.color"); sh.plain == has {
		t.Fatalf("%v has an encoding of its own: %v, and is plain: %v", kind, has, sh.plain)
	}
	if !sh.plain {
		return false, false
	}
	v := reflect.New(kind).Elem()
	m.fill(v)
	c := reflect.New(kind).Elem()
	c.Set(v)
	if sh.unshare != nil {
		sh.unshare(c, v)
	}
	if !reflect.DeepEqual(c.Interface(), v.Interface()) {
		t.Fatalf("%v: the copy of %#v is %#v", kind, v, c)
	}
	of, in := map[uintptr]bool{}, map[uintptr]bool{}
	memory(v, of)
	memory(c, in)
	for at := range of {
		if in[at] {
			t.Fatalf("%v: the copy of %#v shares memory with it", kind, v)
		}
	}
	encoded, err := json.Marshal(v.Interface())
	if err != nil {
		t.Fatalf("encode %#v: %v", v, err)
	}
	if !sh.exact || (&engine{}).suspect(encoded) {
		return true, false
	}
	if sh.own != nil {
		c.Set(v)
		sh.own(c, v)
	}
	decoded := reflect.New(kind)
	if err := json.Unmarshal(encoded, decoded.Interface()); err != nil {
		t.Fatalf("%v: decode %s: %v", kind, encoded, err)
	}
	if !reflect.DeepEqual(decoded.Elem().Interface(), c.Interface()) {
		t.Fatalf("%v: %s decodes to %#v, and the copy is %#v", kind, encoded, decoded.Elem(), c)
	}
	return true, true
}

// typeText is the text of a type, with that of the types in it.
func typeText(t reflect.Type) string { return t.String() }

// TestPlain: a copy equals its original and shares no memory with it. If the type
// is exact, it also equals what the encoding decodes to.
func TestPlain(t *testing.T) {
	var plains, exacts int
	for seed := range uint64(4000) {
		plain, exact := checkPlain(t, seed)
		if plain {
			plains++
		}
		if exact {
			exacts++
		}
	}
	if plains < 1000 || exacts < 200 {
		t.Errorf("of 4000 types and values %d were plain and %d exact: that shows too little", plains, exacts)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { checkPlain(t, seed) })
}

type (
	tree  struct{ Children []*tree }
	raw   struct{ Raw json.RawMessage }
	inner struct{ secret *int }
	item  struct {
		Name   string
		Amount int
	}
	renamed struct {
		Label string
		Count int
	}
	wide struct {
		Items  []item
		ByName map[string]*item
		seen   int
	}
)

// TestSuspect: a text that is not UTF-8 is suspect, with either version of
// encoding/json.
func TestSuspect(t *testing.T) {
	var e engine
	for text, want := range map[string]bool{`"bread"`: false, `"br\ufffdad"`: true, "\"br\ufffdad\"": true} {
		if got := e.suspect([]byte(text)); got != want {
			t.Errorf("%s is suspect: got %v, want %v", text, got, want)
		}
	}
}

// TestShape: which types are plain, and which are also exact.
func TestShape(t *testing.T) {
	type both struct{ plain, exact bool }
	for _, test := range []struct {
		of   any
		want both
	}{
		{item{}, both{true, true}},
		{[]item{}, both{true, true}},
		{map[string][]item{}, both{true, true}},
		{map[int8]*item{}, both{true, true}},
		{[2]*item{}, both{true, true}},
		{struct{ B []byte }{}, both{true, true}},
		{new(*item), both{true, false}},
		{new([]int), both{true, false}},
		{wide{seen: 0}, both{true, false}},
		{struct{ item }{}, both{true, false}},
		{struct{ At time.Time }{}, both{true, false}},
		{struct{ N json.Number }{}, both{true, false}},
		{struct {
			A []int `json:",omitempty"`
		}{}, both{true, false}},
		{struct {
			A int `json:"-"`
		}{}, both{true, false}},
		{tree{}, both{}},
		{raw{}, both{}},
		{inner{secret: nil}, both{}},
		{struct{ Any any }{}, both{}},
		{map[color]int{}, both{}},
		{map[[2]int]int{}, both{}},
		{struct{ C chan int }{}, both{}},
		{struct{ F func() }{}, both{}},
		{complex(1, 1), both{}},
		{uintptr(1), both{}},
	} {
		kind := reflect.TypeOf(test.of)
		sh := shapeOf(kind, loses(kind, map[reflect.Type]bool{}))
		if got := (both{sh.plain, sh.exact}); got != test.want {
			t.Errorf("%v: got %+v, want %+v", kind, got, test.want)
		}
	}
}

// TestFingerprint: it depends on the fields, their names, tags and kinds, and
// not on the names of types.
func TestFingerprint(t *testing.T) {
	known := map[uint64]reflect.Type{}
	for _, of := range []any{
		item{},
		struct {
			Name   string
			Amount int8
		}{},
		struct {
			Amount int
			Name   string
		}{},
		struct {
			Name   string `json:"name"`
			Amount int
		}{},
		struct{ Name string }{},
		struct{ Name json.Number }{},
		struct{ Name, Amount []int }{},
		struct {
			Name   struct{ Amount int }
			Amount int
		}{},
		struct{ item }{},
		struct{ A [1]int }{},
		struct{ A [2]int }{},
		[]item{},
		[]*item{},
		map[string]item{},
		map[int]item{},
		struct{ At time.Time }{},
	} {
		kind := reflect.TypeOf(of)
		sh := shapeOf(kind, false)
		if other, taken := known[sh.hash]; taken || sh.hash == 0 {
			t.Errorf("%v and %v have the same fingerprint", kind, other)
		}
		known[sh.hash] = kind
	}
	type item struct { // of the same name, and another package in a program
		Name   string
		Amount int
	}
	if kind := reflect.TypeFor[item](); known[shapeOf(kind, false).hash] == nil {
		t.Error("a type with the same fields has another fingerprint")
	}
	if kind := reflect.TypeFor[renamed](); known[shapeOf(kind, false).hash] != nil {
		t.Error("a type with other names has the same fingerprint")
	}
}

// BenchmarkClone compares a copy with the decoding that it replaces.
func BenchmarkClone(b *testing.B) {
	type cart struct{ Items []item }
	c := cart{}
	for i := range 10 {
		c.Items = append(c.Items, item{fmt.Sprint("article number ", i), i})
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		b.Fatal(err)
	}
	unshare := shapeOf(reflect.TypeFor[cart](), false).unshare
	b.Run("copy", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			clone(&c, unshare)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := json.Unmarshal(encoded, new(cart)); err != nil {
				b.Fatal(err)
			}
		}
	})
	words := map[string]string{}
	for i := range 10 {
		words[fmt.Sprint("key", i)] = fmt.Sprint("value", i)
	}
	encoded, err = json.Marshal(words)
	if err != nil {
		b.Fatal(err)
	}
	unshare = shapeOf(reflect.TypeFor[map[string]string](), false).unshare
	b.Run("map/copy", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			clone(&words, unshare)
		}
	})
	b.Run("map/decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := json.Unmarshal(encoded, new(map[string]string)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestCache: a value is found by its session and its write, until another takes
// its place, and a large one is not kept.
func TestCache(t *testing.T) {
	c, v := newCache[int](), 1
	first := write{id: NewID(), mark: [8]byte{1}}
	second := write{id: first.id, mark: [8]byte{2}}
	c.put(first, &v, cacheMaxData)
	if c.get(first) != &v || c.get(second) != nil {
		t.Error("a value is not found by its write alone")
	}
	c.put(second, &v, cacheMaxData)
	if c.get(first) != nil || c.get(second) != &v {
		t.Error("a later write has not taken the place of the earlier one")
	}
	c.put(first, &v, cacheMaxData+1)
	c.put(write{}, &v, 1)
	if c.get(first) != nil || c.get(write{}) != nil {
		t.Error("a value was kept that is too large, or that is not stored")
	}
	var none *cache[int]
	none.put(first, &v, 1)
	if none.get(first) != nil {
		t.Error("there is no cache, and it has a value")
	}
}
