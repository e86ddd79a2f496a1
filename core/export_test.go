package session

// IsTombstone reports whether a record is what a logout has left.
func IsTombstone(r Record) bool {
	env, err := openEnvelope(r.Data, &envelope{})
	return err == nil && env.ended != 0
}
