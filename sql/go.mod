module github.com/gostateful/session/sql

go 1.26.0

require (
	github.com/google/uuid v1.6.0
	github.com/gostateful/session/core v0.1.0
)
