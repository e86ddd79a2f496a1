package session

// IsTombstone reports whether a record is what a logout has left.
func IsTombstone(r Record) bool {
	env, err := openEnvelope(r.Data, &envelope{})
	return err == nil && env.ended != 0
}

// Decoded reports whether the session has decoded its data.
func (s *Session[T]) Decoded() bool {
	s.visit.gate.mu.Lock()
	defer s.visit.gate.mu.Unlock()
	return s.known.value != nil
}
