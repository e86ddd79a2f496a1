module github.com/gostateful/session/core

go 1.26.0
