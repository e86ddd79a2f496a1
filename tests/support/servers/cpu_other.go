//go:build !linux

package servers

import "time"

// CPU is zero: it is measured on Linux alone.
func (s *Server) CPU() time.Duration { return 0 }
