// One small web application on every store and adapter. Never released.
module github.com/gostateful/session/examples

go 1.26.0

require (
	github.com/gostateful/session/adapters/nethttp v0.1.0
	github.com/gostateful/session/core v0.1.0
	github.com/gostateful/session/memory v0.1.0
)
