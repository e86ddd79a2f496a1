module github.com/gostateful/session/adapters/chi

go 1.26.0

require (
	github.com/go-chi/chi/v5 v5.5.0
	github.com/gostateful/session/adapters/nethttp v0.1.0
	github.com/gostateful/session/core v0.1.0
)
