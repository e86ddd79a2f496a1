module github.com/gostateful/session/memory

go 1.26.0

require github.com/gostateful/session/core v0.1.0
