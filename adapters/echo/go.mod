module github.com/gostateful/session/adapters/echo

go 1.26.0

require (
	github.com/gostateful/session/core v0.1.0
	github.com/labstack/echo/v5 v5.4.4
)
