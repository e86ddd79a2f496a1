// One small web application on every store and adapter. Never released.
module github.com/gostateful/session/examples

go 1.26.0
