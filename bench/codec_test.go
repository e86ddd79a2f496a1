package bench

import (
	"encoding/json"
	"testing"
)

// BenchmarkCodec is what the default codec alone takes.
func BenchmarkCodec(b *testing.B) {
	encoded, err := json.Marshal(ten())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("op=decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := json.Unmarshal(encoded, new(cart)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("op=encode", func(b *testing.B) {
		c := ten()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(c); err != nil {
				b.Fatal(err)
			}
		}
	})
}
