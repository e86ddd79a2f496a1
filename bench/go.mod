// Side by side with other session libraries. Never released.
module github.com/gostateful/session/bench

go 1.26.0
