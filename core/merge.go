package session

import (
	"bytes"
	"encoding/json"
	"strings"
)

// mergeJSON is a three-way merge that lets the program's change win and keeps
// what the program cannot have seen: a name in stored that is not in before.
// An omitted zero value looks the same; keeping that is harmless.
func mergeJSON(stored, before, after []byte) ([]byte, error) {
	switch {
	case bytes.Equal(before, after):
		return stored, nil
	case bytes.Equal(stored, before):
		return after, nil
	case kind(stored) != kind(after) || kind(before) != kind(after):
		return after, nil
	case kind(after) == '{':
		return mergeObjects(stored, before, after)
	case kind(after) == '[':
		return mergeArrays(stored, before, after)
	}
	return after, nil
}

// kind is the first character of a JSON text.
func kind(text []byte) byte {
	text = bytes.TrimLeft(text, " \t\r\n")
	if len(text) == 0 {
		return 0
	}
	return text[0]
}

func mergeObjects(stored, before, after []byte) ([]byte, error) {
	var s, b, a map[string]json.RawMessage
	if err := unmarshalAll(stored, &s, before, &b, after, &a); err != nil {
		return nil, err
	}
	merged := make(map[string]json.RawMessage, len(s)+len(a))
	for name, value := range a {
		was, understood := b[name]
		if old, ok := s[name]; ok && understood {
			var err error
			if value, err = mergeJSON(old, was, value); err != nil {
				return nil, err
			}
		}
		merged[name] = value
	}
	for name, value := range s {
		// encoding/json reads names without regard to case, so a name in
		// another case is a known one: kept, it would overwrite the change.
		if !hasFold(b, name) && !hasFold(a, name) {
			merged[name] = value
		}
	}
	return json.Marshal(merged)
}

func hasFold(object map[string]json.RawMessage, name string) bool {
	if _, ok := object[name]; ok {
		return true
	}
	for other := range object {
		if strings.EqualFold(other, name) {
			return true
		}
	}
	return false
}

// mergeArrays takes the stored form of each element that the program left as
// it was, wherever it now stands, and merges a changed one with the element
// that it stands in for, if the array is as long as before.
func mergeArrays(stored, before, after []byte) ([]byte, error) {
	var s, b, a []json.RawMessage
	if err := unmarshalAll(stored, &s, before, &b, after, &a); err != nil {
		return nil, err
	}
	if len(s) != len(b) {
		return after, nil
	}
	places := make(map[string][]int, len(b)) // where before has an element
	for i, element := range b {
		places[string(element)] = append(places[string(element)], i)
	}
	var changed []int
	moved := make([]bool, len(b))
	for i, element := range a {
		if at := places[string(element)]; len(at) > 0 {
			a[i], places[string(element)] = s[at[0]], at[1:]
			moved[at[0]] = true
		} else {
			changed = append(changed, i)
		}
	}
	for _, i := range changed {
		if len(a) != len(b) || moved[i] {
			continue
		}
		var err error
		if a[i], err = mergeJSON(s[i], b[i], a[i]); err != nil {
			return nil, err
		}
	}
	return json.Marshal(a)
}

func unmarshalAll(pairs ...any) error {
	for i := 0; i < len(pairs); i += 2 {
		if err := json.Unmarshal(pairs[i].([]byte), pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}
